/**
 * A scenario says everything about a run: the cluster, its knobs, the faults, the workload and the noise. It is
 * plain JSON; `simulate` knows nothing else. Zero is the benign value of every knob that can be zero, and a
 * schedule is total: node numbers wrap around, and a fault that cannot happen leaves a mark and does nothing.
 */
import type { MetadataMode } from '../../core/metadata/homes.ts';

export interface Scenario {
  readonly format: typeof scenarioFormat;
  /** Where it came from, for people. */
  readonly name: string;
  readonly profile: Profile;
  /** The seed of every stream of the run. */
  readonly noise: number;
  /** The first phase: clients work, faults happen. */
  readonly faultyMs: number;
  /** The second phase may last this long: everything must finish in it. */
  readonly settleMs: number;
  readonly nodes: number;
  /** Who keeps the directory of tenants. */
  readonly metadata: MetadataMode;
  /** The first is the metadata group, which there is only where that keeps the directory. Each lists the nodes (1 … `nodes`) with a replica. */
  readonly groups: readonly (readonly number[])[];
  readonly tenants: readonly TenantPlan[];
  readonly timing: Timing;
  readonly network: NetworkKnobs;
  readonly disk: DiskKnobs;
  /** One per node; a node without one has a perfect clock. */
  readonly clocks: readonly ClockPlan[];
  readonly turns: TurnKnobs;
  readonly workload: Workload;
  readonly faults: readonly Fault[];
  /** Whether everything loses power between the phases. */
  readonly powerLoss: boolean;
  /** Nodes that are down, for good, in the second phase. */
  readonly lost: readonly number[];
  /** Nodes that run and are cut off from all others, for good, in the second phase. */
  readonly isolated: readonly number[];
}

export const scenarioFormat = 1;

export const profiles = [
  'mixed',
  'partitions',
  'crashes',
  'stale-map',
  'moves',
  'transfers',
  'reconfigure',
  'metadata-down',
  'scale-out',
  'membership',
  'leases',
  'bad-clocks',
  'idle',
  'disks',
  'gossip',
  'static',
  'calm',
] as const;
export type Profile = (typeof profiles)[number];

/** `group` 0: created by whoever names it first. */
export interface TenantPlan {
  readonly name: string;
  readonly group: number;
}

export interface Timing {
  readonly electionMs: number;
  readonly heartbeatMs: number;
  readonly commandTimeoutMs: number;
  readonly gossipMs: number;
  readonly leaseReads: boolean;
  /** Whether the cluster keeps its balance by itself, and after how long it takes a silent node for lost. */
  readonly rebalance: boolean;
  readonly lostAfterMs: number;
}

export interface NetworkKnobs {
  /** One way: never less than `baseUs`, on average `jitterUs` more, and once in a while `tailUs` more. */
  readonly baseUs: number;
  readonly jitterUs: number;
  readonly tailUs: number;
  readonly tailPermille: number;
  readonly clientUs: number;
  /** Raft's messages travel alone and may be lost, doubled or overtaken; the rest keeps its stream. */
  readonly datagrams: boolean;
  readonly lossPermille: number;
  readonly duplicatePermille: number;
  readonly reorderPermille: number;
  /** Frames cross the network as bytes. */
  readonly encoded: boolean;
  readonly reconnectMs: number;
  /** A connection whose link is cut for longer than this is reset. */
  readonly breakAfterMs: number;
  /** How much later than its peer one end of a connection may notice that it broke, at most. */
  readonly halfOpenMs: number;
}

export interface DiskKnobs {
  readonly syncUs: number;
  readonly tailUs: number;
  readonly tailPermille: number;
  /** What a crash leaves of the bytes that were written and not yet synced. */
  readonly crashKeeps: CrashKeeps;
  /** The length of a segment of the log: short ones are filled often. */
  readonly segmentBytes: number;
  /** How long a group's log grows before its state is saved: little lets followers lag behind what is kept. */
  readonly snapshotLogBytes: number;
  /** How fast states are read out: slowly, much happens meanwhile. */
  readonly snapshotBytesPerSecond: number;
  /** Zeros behind the end of the last segment, as the runtime writes them. */
  readonly zerosAhead: number;
}

/** `sectors`: any of them, in any order. */
export const crashKeeps = ['none', 'prefix', 'torn', 'sectors', 'all'] as const;
export type CrashKeeps = (typeof crashKeeps)[number];

export interface ClockPlan {
  readonly ratePpm: number;
  readonly wallOffsetMs: number;
}

export interface TurnKnobs {
  /** What arrives within this time of a turn's first input may join it, as a random share of it. */
  readonly gatherUs: number;
  /** How long a turn keeps the node busy. */
  readonly turnUs: number;
  readonly inputUs: number;
  /** Whether what happens at the same instant happens in the order of its cause, or in a random one. */
  readonly randomTies: boolean;
}

export interface Workload {
  readonly clients: number;
  /** Commands at a time. */
  readonly pipeline: number;
  /** Pause between a client's bursts, on average. */
  readonly thinkUs: number;
  readonly keys: number;
  /** Whether keys are given a time to live. */
  readonly expires: boolean;
  readonly readPermille: number;
  /** Clients that send on without waiting for replies. */
  readonly eagerPermille: number;
  /** Clients that speak RESP3, and clients that chose their tenant with `TENANT USE`. */
  readonly resp3Permille: number;
  readonly boundPermille: number;
  /** Clients that let any replica serve their reads. */
  readonly readonlyPermille: number;
  /** Clients that number their writes, and ask again through another node for what was not answered. */
  readonly numberedPermille: number;
  /** Per burst. */
  readonly disconnectPermille: number;
  readonly slowPermille: number;
  /** Per command; a transaction is one, with keys that are watched or not. */
  readonly transactPermille: number;
  readonly dropPermille: number;
  readonly createPermille: number;
}

export interface Fault {
  readonly at: Anchor;
  readonly do: FaultKind;
  readonly on: Target;
  /** The other end, for faults of a link; 0 is every other node. */
  readonly peer: number;
  /** How long it lasts; 0 for faults of an instant. */
  readonly forMs: number;
  /** What it means depends on the kind: `faultKinds`. */
  readonly amount: number;
}

/**
 * A fault with an anchor other than time strikes when that happens for the `n`-th time (from 1 on): the node where it
 * happens, or whoever leads the group that it names then.
 */
export type Anchor =
  | { readonly atMs: number }
  | { readonly node: number; readonly event: AnchorEvent; readonly n: number; readonly plusMs: number };

/**
 * `sync`: the disk began one, so a write is pending. `lead`: the node became a leader. `learner`, `joint`: it was the first to
 * know that a group has a member that is to get its vote, or is between two configurations. The others: it applied that
 * step of a move, or what the metadata group logs of one.
 */
export const anchorEvents = [
  'sync',
  'lead',
  'learner',
  'joint',
  'start',
  'prepare',
  'stage',
  'freeze',
  'seal',
  'depart',
  'activate',
  'erase',
  'cancel',
  'thaw',
  'abandon',
  'begin',
  'stay',
  'end',
] as const;
export type AnchorEvent = (typeof anchorEvents)[number];

/** A node by number, or whoever leads that group when the fault strikes. */
export type Target = { readonly node: number } | { readonly leaderOf: number };

/** What each fault does, and what its `amount` is. */
export const faultKinds = {
  crash: 'the process dies and starts again after forMs',
  wipe: 'the process dies, its log is lost, and it starts again after forMs: only while every group can spare the node',
  flip: 'the same, because a byte of what was durable is another now',
  misdirected: 'the same, because a write that was durable is at another place of the log, over what was there',
  stale: 'the same, because sectors are as they were before something durable was written, or a write never came there',
  drain: 'the operator wants the process to stop: it hands over, ends after forMs and starts again',
  pause: 'the process stops for forMs, its inputs wait',
  cut: 'no message between the node and the peer',
  cutTo: 'no message from the node to the peer',
  cutFrom: 'no message from the peer to the node',
  hold: 'messages between the node and the peer wait',
  slow: 'messages of the node take `amount` ms longer',
  lossy: 'of messages of the node, `amount` permille are lost (datagrams), or their connection is reset (streams)',
  reset: 'the connections between the node and the peer break',
  clockRate: 'the monotonic clock runs `amount` ppm fast',
  clockJump: 'the wall clock jumps by `amount` ms',
  diskSlow: 'a sync takes `amount` ms longer',
  diskHang: 'no sync ends before forMs have passed',
  diskError:
    'the disk refuses the next write, of which a part may be on it; the process dies and starts again after forMs',
  diskShort: 'the disk is nearly full',
  pinMap: 'the node hears no news of the map',
  staleMap: 'the node holds a map that is `amount` versions old and hears no news of it',
  staleHint: 'the node believes in earlier leaders',
  transfer: 'the operator tells the node to hand group `amount` over to the peer, 0: to whom it likes',
  addReplica: 'the operator tells the node to add a replica of group `amount` on the peer',
  addLearner: 'the same, for one that never gets a vote',
  removeReplica: 'the operator tells the node to remove the replica of group `amount` on the peer',
  replace:
    'the operator tells the node to replace the replica of group `amount` on the peer by one on the next node without, or, if there is none, by another on the same',
  drainNode: 'the operator tells the node that the peer is to have nothing any more',
  undrainNode: 'the same, that it is to have its share again',
  move: 'the operator tells the node to move tenant number `amount` to group `peer`',
  cancelMove: 'the operator tells the node to let tenant number `amount` stay where it is',
  restore: 'an operator takes tenant number `amount` out as a file, drops it, and puts it back, in group `peer`',
  save: 'the operator tells the node to save the state of group `amount`',
  join: 'a machine that is in no cluster asks the nodes for a place in this one, with the address of the peer if that was removed',
  retire:
    'the operator has the peer drained, or its place taken by node `amount` if that is not 0, removes it when it has nothing any more, and stops it forMs later',
  makeGroups: 'the operator has so many groups made as `amount` says, 1 or 2, on nodes that the cluster chooses',
  die: 'the node is gone for good: only while every group can spare it, and others can take what it had',
  quorumDown:
    'of the nodes with a vote in group `amount` a majority dies, from the one numbered `peer` among them on, or, if that is 0, all do; they start again after forMs',
  quorumCut: 'the same nodes are cut off from all others',
  quorumDeaf: 'the same nodes hear nothing of what the members of the group say to each other, and everything else',
} as const;
export type FaultKind = keyof typeof faultKinds;
