/**
 * What an oracle may listen to. Each judges one rule and throws a `Violation` when it is broken; none changes
 * anything outside itself. What they hear has happened just now, at `Truth.now`.
 */
import type { ConnId, GroupId, LogIndex, NodeId, ReplicaId, TenantName } from '../../core/base/ids.ts';
import type { Now } from '../../core/base/time.ts';
import type { Node } from '../../core/node/node.ts';
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import type { Entry, HardState, LogBase, RaftMessage } from '../../core/raft/types.ts';
import type { ForwardRequest, OrderedChange } from '../../core/wire/messages.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import type { Arrival, Command, Commands } from '../truth/commands.ts';
import type { CommittedEntry, GroupTruth, Leadership, ReplicaTruth } from '../truth/groupTruth.ts';

export interface Truth {
  /** True time, in microseconds. */
  readonly now: number;
  readonly groups: ReadonlyMap<GroupId, GroupTruth>;
  readonly commands: Commands;
  readonly leaseReads: boolean;
  /** The election timeout that all replicas are given. */
  readonly electionMs: number;
  /** A fault leaves the metadata group without a quorum. */
  readonly hasMetadataNoQuorum: boolean;
  /** That is so for a while: nobody leads it. */
  readonly isMetadataOut: boolean;
  /** Connections whose clients let any replica serve their reads. */
  readonly readonlyConnections: ReadonlySet<ConnId>;
  /** By node number − 1; null while it is down. */
  readonly nodes: readonly (Node | null)[];
  /** What the clocks of the node that is in its turn showed at the turn's start. */
  readonly turn: Now;
}

/** What a client was answered: `command` is null for commands that the ingress runs itself. */
export interface Answer {
  readonly client: number;
  readonly tenant: string;
  readonly text: string;
  readonly command: Command | null;
}

/** What an operator has taken out, one character a byte. */
export interface ExportedTenant {
  readonly tenant: string;
  readonly pieces: readonly string[];
  /** In each group, when it was asked for. */
  readonly committedAtFirst: ReadonlyMap<GroupId, number>;
}

export interface Oracle {
  readonly rule: string;
  /** The replica has just taken the lead: `raft` is not yet a step further. */
  readonly elected?: (group: GroupTruth, leadership: Leadership, replica: ReplicaTruth) => void;
  /** The node asks for a write. The replica's `written` is still as it was before. */
  readonly hardStateWritten?: (replica: ReplicaTruth, hardState: HardState) => void;
  readonly entriesWritten?: (replica: ReplicaTruth, entries: readonly Entry[]) => void;
  /** A snapshot is complete with this write; `digest` is that of its pieces. */
  readonly snapshotWritten?: (replica: ReplicaTruth, base: LogBase, digest: number) => void;
  /** A Raft message leaves a node for the network. */
  readonly raftSent?: (replica: ReplicaTruth, to: ReplicaId, message: RaftMessage) => void;
  /** A Raft message is part of the turn that a node is about to take. */
  readonly raftReceived?: (replica: ReplicaTruth, from: ReplicaId, message: RaftMessage) => void;
  /** Anything of another node is part of the turn that a node is about to take. */
  readonly nodeHeard?: (node: NodeId, from: NodeId) => void;
  /** After a step in which the replica's commit index grew. */
  readonly commitGrew?: (replica: ReplicaTruth, from: number, to: number) => void;
  /** An entry is known to be committed by some replica for the first time. In order of index. */
  readonly committed?: (group: GroupTruth, committed: CommittedEntry, by: ReplicaTruth) => void;
  /** After a step in which anything of the replica's role, term, commit or applied index changed; before they are noted. */
  readonly replicaChanged?: (replica: ReplicaTruth, applied: number) => void;
  readonly proposed?: (replica: ReplicaTruth, term: number, index: number) => void;
  readonly applied?: (replica: ReplicaTruth, event: AppliedOperation) => void;
  readonly readServed?: (replica: ReplicaTruth, event: ServedRead, command: Command, arrival: Arrival) => void;
  readonly commandStarted?: (command: Command) => void;
  readonly commandFinished?: (command: Command, hops: number) => void;
  readonly forwarded?: (node: NodeId, request: number, attempt: number) => void;
  /** A request was refused by whom the maps named; `reason` is the refusal's kind. */
  readonly misrouted?: (reason: string) => void;
  readonly requestSent?: (from: NodeId, request: ForwardRequest) => void;
  /** The answer to a question about a tenant is part of the turn that a node is about to take. */
  readonly placeHeard?: (node: NodeId, tenant: TenantName) => void;
  /** An order of the planner is part of the turn that a node is about to take. */
  readonly orderHeard?: (node: NodeId, group: GroupId, index: LogIndex, change: OrderedChange) => void;
  /** A node has another NodeMap from now on. */
  readonly nodesHeard?: (node: NodeId, map: NodeMapImage) => void;
  /** A node has ended its turn. */
  readonly turnEnded?: (node: Node) => void;
  /** A node begins a life, with no memory but its disk. */
  readonly started?: (node: NodeId) => void;
  readonly answered?: (answer: Answer) => void;
  /** A tenant was exported to its end. */
  readonly exported?: (exported: ExportedTenant) => void;
  /** Now and then. */
  readonly checkpoint?: () => void;
  /** At the end of a run that broke no rule so far. */
  readonly ended?: () => void;
}
