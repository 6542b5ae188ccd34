/**
 * Sees everything: each step of each node, each message, write and sync. It keeps the truth about every group
 * and tells the oracles what happened, in the order in which it happened.
 */
import { binaryString } from '../../core/base/bytes.ts';
import {
  type ConnId,
  type GroupId,
  LogIndex,
  metadataGroup,
  type NodeId,
  Term,
  type WriteId,
} from '../../core/base/ids.ts';
import { invariant } from '../../core/base/invariant.ts';
import { MonoTime, type Now, WallTime } from '../../core/base/time.ts';
import type { LogRecord, RestoredLog } from '../../core/log/records.ts';
import type { Input } from '../../core/node/door.ts';
import type { Node } from '../../core/node/node.ts';
import type { Topology } from '../../core/node/options.ts';
import type { Probe } from '../../core/node/probe.ts';
import type { Raft } from '../../core/raft/raft.ts';
import type { LogBase } from '../../core/raft/types.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import { firstReplicas, type MadeGroup } from '../../core/wire/groups.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import { decodeEntryBatch } from '../../core/wire/operation.ts';
import { hashInput, inputCode } from '../base/codes.ts';
import type { RollingHash } from '../base/hash.ts';
import { makeOracles } from '../oracles/all.ts';
import type { Oracle, Truth } from '../oracles/oracle.ts';
import type { Timing } from '../scenario/scenario.ts';
import type { Schedule } from '../world/schedule.ts';
import { type Command, Commands, takeArrival } from './commands.ts';
import { type CommittedEntry, GroupTruth, isAsOnDisk, type Leadership, type ReplicaTruth } from './groupTruth.ts';
import { Crossings } from './crossings.ts';
import { type MoveEvent, moveEventOf } from './moveEvents.ts';
import { Reserve } from './reserve.ts';
import { Hooks } from './hooks.ts';
import { Histories } from './histories.ts';
import { Marks } from './marks.ts';
import { watchForMarks } from './markWatcher.ts';
import { rule } from './violation.ts';
import type { Trace } from '../trace/trace.ts';

/** Facts of a run, for people and for the vacuity check. */
export interface Tally {
  elections: number;
  committed: number;
  /** Completed, and of these those that came from another replica. */
  snapshots: number;
  installed: number;
  replicasAdded: number;
  acknowledgedWrites: number;
  servedReads: number;
  commandsExecuted: number;
  commandsNotExecuted: number;
  commandsUnknown: number;
  forwards: number;
  staleForwards: number;
  inputs: number;
  turns: number;
}

/** A record, and whose it is; null if it is the node's own. */
interface WrittenRecord {
  readonly record: LogRecord;
  readonly replica: ReplicaTruth | null;
}

/** So many election timeouts after it has lost its quorum nobody leads a group. */
const outageElections = 3;

interface PendingWrite {
  readonly write: WriteId;
  readonly records: readonly WrittenRecord[];
}

export class Witness implements Truth {
  readonly groups: Map<GroupId, GroupTruth>;
  /** Those that were made since the cluster began. */
  readonly made = new Set<GroupId>();
  readonly commands = new Commands();
  readonly histories: Histories;
  readonly leaseReads: boolean;
  readonly electionMs: number;
  readonly readonlyConnections = new Set<ConnId>();
  readonly nodes: (Node | null)[];
  readonly tally: Tally = {
    elections: 0,
    committed: 0,
    snapshots: 0,
    installed: 0,
    replicasAdded: 0,
    acknowledgedWrites: 0,
    servedReads: 0,
    commandsExecuted: 0,
    commandsNotExecuted: 0,
    commandsUnknown: 0,
    forwards: 0,
    staleForwards: 0,
    inputs: 0,
    turns: 0,
  };
  readonly reserve: Reserve;
  readonly marks = new Marks();
  readonly crossings = new Crossings();
  turn: Now = { mono: MonoTime(0), wall: WallTime(0) };
  /** Faults that leave the metadata group without a quorum, and when the first of those in force began. */
  private outages = 0;
  private outSince = 0;
  /** Called when a replica takes the lead. */
  onElected: (node: NodeId, group: GroupId) => void = () => undefined;
  /** Called when a node is the first to know that a group's members are changing. */
  onChanging: (node: NodeId, step: 'learner' | 'joint') => void = () => undefined;
  /** Called when a replica has applied a step of a move, or what the metadata group logs of one. */
  onMoved: (node: NodeId, step: MoveEvent) => void = () => undefined;
  /** Called when a node begins to work on a client's command. */
  onCommandStarted: (command: Command) => void = () => undefined;
  /** What a connection speaks. */
  protocolOf: (conn: ConnId) => 2 | 3 = () => 2;
  private readonly schedule: Schedule;
  private readonly hash: RollingHash;
  private readonly trace: Trace | null;
  private readonly hooks: Hooks;
  /** By node number − 1: its replicas, those that its disk knows of, removed ones too, and writes that are not on disk yet. */
  private readonly hosted: Map<GroupId, ReplicaTruth>[];
  private readonly onDisk: Map<GroupId, ReplicaTruth>[];
  private readonly pending: PendingWrite[][];
  private readonly boots: number[] = [];
  /** Those with higher numbers have joined. */
  private readonly firstNodes: number;
  /** Nodes that have lost a log. */
  private readonly losers = new Set<NodeId>();

  /** `ids`: also of nodes that are to come. */
  constructor(
    ids: readonly NodeId[],
    topology: Topology,
    { leaseReads, electionMs }: Pick<Timing, 'leaseReads' | 'electionMs'>,
    schedule: Schedule,
    hash: RollingHash,
    trace: Trace | null,
    extra: readonly Oracle[],
  ) {
    this.schedule = schedule;
    this.hash = hash;
    this.trace = trace;
    this.leaseReads = leaseReads;
    this.electionMs = electionMs;
    this.groups = new Map(
      topology.groups.map(({ group, replicas }): [GroupId, GroupTruth] => [group, new GroupTruth(group, replicas)]),
    );
    for (const group of this.groups.values()) {
      group.beginEverywhere();
      this.crossings.configured(group.id, group.configuration);
    }
    this.reserve = new Reserve(this.groups, (replica) => this.isThere(replica));
    this.histories = new Histories(this.groups.keys());
    this.firstNodes = topology.nodes.length;
    this.nodes = ids.map(() => null);
    this.pending = ids.map(() => []);
    const firstOn = (on: NodeId): Map<GroupId, ReplicaTruth> => {
      const found = new Map<GroupId, ReplicaTruth>();
      for (const group of this.groups.values())
        for (const replica of group.replicas.values()) if (replica.node === on) found.set(group.id, replica);
      return found;
    };
    this.hosted = ids.map(firstOn);
    this.onDisk = ids.map(firstOn);
    this.hooks = new Hooks([
      ...makeOracles(this, this.histories),
      watchForMarks(this, this.histories, this.marks),
      ...extra,
    ]);
  }

  get now(): number {
    return this.schedule.now;
  }

  /** The metadata group has had no quorum for so long that nobody leads it any more. */
  get isMetadataOut(): boolean {
    return this.outages > 0 && this.now - this.outSince >= outageElections * this.electionMs * 1000;
  }

  get hasMetadataNoQuorum(): boolean {
    return this.outages > 0;
  }

  metadataOut(): void {
    if (this.outages === 0) this.outSince = this.now;
    this.outages += 1;
  }

  metadataBack(): void {
    this.outages -= 1;
  }

  /** Its node has it still, if it runs. */
  isThere(replica: ReplicaTruth): boolean {
    return this.hosted[replica.node - 1]?.get(replica.group.id) === replica;
  }

  // The life of a node.

  /** Its disk has lost everything, while it was down. */
  lost(node: NodeId): void {
    for (const replica of this.onDisk[node - 1]?.values() ?? []) replica.lose();
    this.losers.add(node);
    this.onDisk[node - 1]?.clear();
    this.hosted[node - 1]?.clear();
    this.pending[node - 1] = [];
    this.trace?.world(this.now, node, 'has lost its log');
  }

  /** Recovery must find what was synced, and of the rest a first part. */
  recovered(node: NodeId, restored: RestoredLog): void {
    const pending = this.pending[node - 1] ?? [];
    const onDisk = this.onDisk[node - 1] ?? new Map<GroupId, ReplicaTruth>();
    const before = pending.length;
    for (;;) {
      const areExpected = [...restored.groups.keys()].every((group) => onDisk.has(group));
      if (areExpected && [...onDisk.values()].every((replica) => isAsOnDisk(replica, restored))) break;
      const next = pending.shift();
      rule(next !== undefined, 'disk', 'recovery finds what was synced and a first part of the rest', { node });
      this.syncRecords(node, next.records);
    }
    if (pending.length > 0) this.marks.hit('unsyncedLost');
    if (pending.length < before) this.marks.hit('unsyncedKept');
    pending.length = 0;
    this.hosted[node - 1] = new Map([...onDisk].filter(([, { isRemoved }]) => !isRemoved));
  }

  started(node: NodeId, boot: number, made: Node): void {
    this.nodes[node - 1] = made;
    this.boots[node - 1] = boot;
    for (const replica of this.replicasOn(node)) {
      const group = made.groups.get(replica.group.id);
      invariant(group !== undefined, 'a member hosts its group', { node, group: replica.group.id });
      replica.restart(group.raft, boot);
    }
    if (made.router.shards.version > 0) this.marks.hit('mapRemembered');
    for (const hear of this.hooks.started) hear(node);
    this.trace?.world(this.now, node, `starts life ${String(boot)}`);
  }

  stopped(node: NodeId): void {
    this.nodes[node - 1] = null;
    for (const replica of this.replicasOn(node)) replica.stop();
    this.trace?.world(this.now, node, 'crashes');
  }

  /** A fault has set back what a node believes of the maps. */
  rewound(node: NodeId): void {
    for (const hear of this.hooks.started) hear(node);
  }

  /** For the trace alone. */
  note(node: NodeId, text: string): void {
    this.trace?.world(this.now, node, text);
  }

  // A turn.

  beginTurn(_node: NodeId, now: Now): void {
    this.turn = now;
    this.tally.turns += 1;
  }

  received(node: NodeId, inputs: readonly Input[]): void {
    const { hash, now } = this;
    this.tally.inputs += inputs.length;
    for (const input of inputs) {
      hash.event(inputCode[input.kind], node, now);
      hashInput(hash, input);
      this.trace?.input(now, node, input);
      if (input.kind !== 'peerMessages') continue;
      for (const hear of this.hooks.nodeHeard) hear(node, input.from);
      for (const message of input.messages) {
        if (message.kind === 'raft') {
          const replica = this.groups.get(message.group)?.replicas.get(message.to);
          if (replica !== undefined)
            for (const hear of this.hooks.raftReceived) hear(replica, message.from, message.message);
        } else if (message.kind === 'order') {
          const { group, index, change } = message;
          for (const hear of this.hooks.orderHeard) hear(node, group, index, change);
        } else if (message.kind === 'nodes') {
          this.groupsMade(message.map.groups);
        } else if (message.kind === 'mapPiece') {
          if (message.isLast) this.marks.hit('mapFetched');
        } else if (message.kind === 'reply' && message.outcome.kind === 'resolved' && message.outcome.tenant !== null) {
          for (const hear of this.hooks.placeHeard) hear(node, message.outcome.tenant.tenant);
        }
      }
    }
  }

  /** After `Node.step`, before its effects are performed. */
  stepped(node: NodeId): void {
    this.followHosting(node);
    for (const replica of this.replicasOn(node)) this.observe(replica);
  }

  written(node: NodeId, write: WriteId, records: readonly LogRecord[]): void {
    const owned = records.map((record): WrittenRecord => ({ record, replica: this.ownerOf(node, record) }));
    this.pending[node - 1]?.push({ write, records: owned });
    this.trace?.written(this.now, node, write, records);
    for (const { record, replica } of owned) {
      if (replica === null) continue;
      if (record.kind === 'hardState') for (const hear of this.hooks.hardStateWritten) hear(replica, record.hardState);
      else if (record.kind === 'entries') for (const hear of this.hooks.entriesWritten) hear(replica, record.entries);
      else if (record.kind === 'snapshot') this.noteSnapshot(replica, record.base);
      replica.write(record);
    }
  }

  nodesKept(node: NodeId, map: NodeMapImage): void {
    this.crossings.nodesChanged(map, this.firstNodes);
    for (const hear of this.hooks.nodesHeard) hear(node, map);
  }

  private noteSnapshot(replica: ReplicaTruth, base: LogBase): void {
    for (const hear of this.hooks.snapshotWritten) hear(replica, base, replica.snapshotDigest);
    this.tally.snapshots += 1;
    if (base.index > 0 && replica.written[base.index - 1]?.term !== base.term) this.tally.installed += 1;
  }

  sent(node: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      this.trace?.sent(this.now, node, to, message);
      if (message.kind === 'raft') {
        const replica = this.groupOf(message.group).replica(message.from);
        for (const hear of this.hooks.raftSent) hear(replica, message.to, message.message);
      } else if (message.kind === 'request') {
        for (const hear of this.hooks.requestSent) hear(node, message);
      }
    }
  }

  endTurn(node: NodeId): void {
    for (const replica of this.replicasOn(node)) replica.note();
    const made = this.nodes[node - 1] ?? null;
    if (made !== null) for (const hear of this.hooks.turnEnded) hear(made);
  }

  synced(node: NodeId, upTo: WriteId): void {
    const pending = this.pending[node - 1] ?? [];
    while (pending[0] !== undefined && pending[0].write <= upTo) {
      const write = pending.shift();
      if (write !== undefined) this.syncRecords(node, write.records);
    }
  }

  checkpoint(): void {
    for (const hear of this.hooks.checkpoint) hear();
  }

  ended(): void {
    for (const hear of this.hooks.checkpoint) hear();
    for (const hear of this.hooks.ended) hear();
  }

  /** What is known to be committed, by group. */
  committedLengths(): ReadonlyMap<GroupId, number> {
    return new Map([...this.groups].map(([id, { committed }]) => [id, committed.length]));
  }

  exported(tenant: string, pieces: readonly string[], committedAtFirst: ReadonlyMap<GroupId, number>): void {
    this.marks.hit('tenantExported');
    for (const hear of this.hooks.exported) hear({ tenant, pieces, committedAtFirst });
  }

  answered(client: number, tenant: string, text: string, command: Command | null): void {
    this.trace?.answered(this.now, client, text);
    for (const hear of this.hooks.answered) hear({ client, tenant, text, command });
  }

  // What the core tells, in the middle of a step.

  probeOf(node: NodeId, boot: number): Probe {
    return {
      proposed: ({ group, term, index }) => {
        const replica = this.replicaOf(group, node);
        this.observe(replica);
        for (const hear of this.hooks.proposed) hear(replica, term, index);
      },
      applied: (event) => {
        const replica = this.replicaOf(event.group, node);
        this.observe(replica);
        for (const hear of this.hooks.applied) hear(replica, event);
        const step = moveEventOf(event.operation);
        if (step !== null) this.onMoved(node, step);
      },
      readRegistered: ({ group, origin }) => {
        const command = this.commands.of(origin);
        const committed = this.groups.get(group)?.committed.length ?? 0;
        command?.arrivals.push({ at: this.now, group, node, committed });
      },
      readServed: (event) => {
        const replica = this.replicaOf(event.group, node);
        this.observe(replica);
        this.tally.servedReads += 1;
        const command = this.commands.of(event.origin);
        rule(command !== undefined, 'D2', 'only what a client asked for is executed', { group: event.group, node });
        const arrival = takeArrival(command, node, event.group);
        rule(arrival !== null, 'X1', 'a read is served where it arrived', { group: event.group, node });
        for (const hear of this.hooks.readServed) hear(replica, event, command, arrival);
        command.executions.push(binaryString(event.reply));
      },
      commandStarted: ({ conn, request, tenant, access, args }) => {
        this.start(node, boot, conn, { request, tenant, access, args });
      },
      commandFinished: ({ request, outcome, reply, hops }) => {
        const command = this.commands.find(node, boot, request);
        rule(command?.outcome === null, 'X6', 'a command is answered once', { node, boot, request });
        command.outcome = outcome;
        command.finishedAt = this.now;
        command.reply = binaryString(reply);
        this.count(command);
        for (const hear of this.hooks.commandFinished) hear(command, hops);
      },
      forwarded: ({ request, attempt }) => {
        this.tally.forwards += 1;
        for (const hear of this.hooks.forwarded) hear(node, request, attempt);
      },
      misrouted: ({ reason }) => {
        this.tally.staleForwards += 1;
        for (const hear of this.hooks.misrouted) hear(reason);
      },
    };
  }

  private start(
    node: NodeId,
    boot: number,
    conn: ConnId,
    about: Pick<Command, 'request' | 'tenant' | 'access' | 'args'>,
  ): void {
    const { request, tenant, access, args } = about;
    const command: Command = {
      node,
      boot,
      request,
      conn,
      tenant,
      access,
      protocol: this.protocolOf(conn),
      args,
      startedAt: this.now,
      finishedAt: null,
      outcome: null,
      reply: null,
      ranAt: null,
      executions: [],
      arrivals: [],
    };
    this.commands.start(command);
    for (const hear of this.hooks.commandStarted) hear(command);
    this.onCommandStarted(command);
  }

  private count({ outcome, access }: Command): void {
    const { tally } = this;
    if (outcome === 'executed') tally.commandsExecuted += 1;
    if (outcome === 'executed' && access === 'write') tally.acknowledgedWrites += 1;
    if (outcome === 'notExecuted') tally.commandsNotExecuted += 1;
    if (outcome === 'unknown') tally.commandsUnknown += 1;
  }

  // What changed in a replica since it was last looked at.

  private observe(replica: ReplicaTruth): void {
    const { raft } = replica;
    if (raft === null) return;
    const { role, term, commitIndex } = raft.state;
    const applied = this.appliedOf(replica);
    if (
      role === replica.role &&
      term === replica.term &&
      commitIndex === replica.commitIndex &&
      applied === replica.applied
    )
      return;
    for (const hear of this.hooks.replicaChanged) hear(replica, applied);
    if (role === 'leader' && !(replica.role === 'leader' && replica.term === term)) this.elect(replica);
    if (commitIndex > replica.commitIndex) this.commit(replica);
    replica.role = role;
    replica.term = term;
    replica.commitIndex = commitIndex;
    replica.applied = applied;
  }

  private elect(replica: ReplicaTruth): void {
    const { group, node, boot, raft } = replica;
    if (raft === null) return;
    const { term } = raft.state;
    const leadership: Leadership = { term, node, boot, electedAt: this.now, roundSentAt: [], roundAnswered: [] };
    for (const hear of this.hooks.elected) hear(group, leadership, replica);
    group.leaders.set(term, leadership);
    if (group.latestLeader === null || term > group.latestLeader.term) group.latestLeader = leadership;
    this.tally.elections += 1;
    this.trace?.world(this.now, node, `leads g${String(group.id)} in term ${String(term)}`);
    if (node > this.firstNodes) this.marks.hit('newcomerLeads');
    this.onElected(node, group.id);
  }

  /** Only who leads, or led when its turn began, can be the first to know that something is committed. */
  private commit(replica: ReplicaTruth): void {
    const { group, raft } = replica;
    if (raft === null) return;
    const { role, term, commitIndex } = raft.state;
    const leadTerm = role === 'leader' ? term : replica.ledIn;
    if (leadTerm !== null) while (group.committed.length < commitIndex) this.commitNext(replica, raft, Term(leadTerm));
    for (const hear of this.hooks.commitGrew) hear(replica, replica.commitIndex, commitIndex);
  }

  private commitNext(replica: ReplicaTruth, raft: Raft, commitTerm: Term): void {
    const { group } = replica;
    const index = LogIndex(group.committed.length + 1);
    const entry = raft.entriesBetween(LogIndex(index - 1), index)[0];
    invariant(entry !== undefined, 'a replica has what it commits', { group: group.id, node: replica.node, index });
    const batch = entry.kind === 'data' ? decodeEntryBatch(entry.data) : null;
    rule(batch !== 'malformed', 'R5', 'a committed entry can be read', { group: group.id, index });
    const stamp = Math.max(group.committed.at(-1)?.stamp ?? 0, batch?.stamp ?? 0);
    const committed: CommittedEntry = { entry, commitTerm, stamp, items: batch?.items ?? [] };
    group.commit(committed);
    this.tally.committed += 1;
    this.histories.run(group.id, committed);
    for (const { operation } of committed.items) this.crossings.committed(operation);
    const step = entry.kind === 'configuration' ? this.crossings.configured(group.id, group.configuration) : null;
    if (step !== null) this.onChanging(replica.node, step);
    for (const hear of this.hooks.committed) hear(group, committed, replica);
    this.execute(group, committed);
  }

  /** Notes which client commands have run. */
  private execute(group: GroupTruth, { items, entry }: CommittedEntry): void {
    const verdicts = this.histories.of(group.id).verdicts[entry.index];
    for (let position = 0; position < items.length; position += 1) {
      const item = items[position];
      const verdict = verdicts?.[position];
      if (item?.operation.kind !== 'execute' || verdict?.executed !== true) continue;
      const command = this.commands.of(item.origin);
      if (command === undefined) continue;
      if (command.access === 'write') command.ranAt = { group: group.id, index: entry.index };
      if (verdict.reply !== null) command.executions.push(verdict.reply);
      if (this.made.has(group.id)) this.marks.hit('madeGroupServes');
    }
  }

  private syncRecords(node: NodeId, records: readonly WrittenRecord[]): void {
    for (const { record, replica } of records) {
      replica?.sync(record);
      if (replica !== null) this.onDisk[node - 1]?.set(replica.group.id, replica);
    }
  }

  /** Replicas begin and end within a step. */
  private followHosting(node: NodeId): void {
    const made = this.nodes[node - 1];
    const hosted = this.hosted[node - 1];
    if (made === null || made === undefined || hosted === undefined) return;
    for (const [id, replica] of hosted) {
      if (made.groups.get(id)?.raft === replica.raft) continue;
      this.observe(replica);
      replica.stop();
      hosted.delete(id);
      this.trace?.world(this.now, node, `ends r${String(replica.replica)} of g${String(id)}`);
    }
    const directory = made.groups.get(metadataGroup)?.machine;
    if (directory instanceof DirectoryMachine) this.groupsMade(directory.directory.nodes.groups);
    for (const [id, { raft }] of made.groups) {
      if (hosted.has(id)) continue;
      const group = this.groupOf(id);
      // One that began and of which nothing reached the disk has promised nothing: it may begin again.
      const isFirst = group.replicas.get(raft.id)?.wasOnDisk !== true;
      rule(isFirst, 'R12', 'a replica begins once', { group: id, node, replica: raft.id });
      const begun = group.add(node, raft.id);
      begun.restart(raft, this.boots[node - 1] ?? 0);
      hosted.set(id, begun);
      this.tally.replicasAdded += 1;
      const isLater = raft.id > (group.configurations[0]?.configuration.highest ?? 0);
      if (this.losers.has(node) && isLater) this.marks.hit('lossReplaced');
      if (node > this.firstNodes) this.marks.hit('newcomerMember');
      this.trace?.world(this.now, node, `begins r${String(raft.id)} of g${String(id)}`);
    }
  }

  /** Somebody was told of them. */
  private groupsMade(made: readonly MadeGroup[]): void {
    if (made.length <= this.made.size) return;
    for (const one of made) {
      if (this.groups.has(one.group)) continue;
      const group = new GroupTruth(one.group, firstReplicas(one));
      this.groups.set(group.id, group);
      this.made.add(group.id);
      this.histories.add(group.id);
      this.crossings.configured(group.id, group.configuration);
      this.marks.hit('groupMade');
      for (const { node } of one.members) this.note(node, `is a first member of g${String(one.group)}`);
    }
  }

  private appliedOf(replica: ReplicaTruth): number {
    const hosted = this.nodes[replica.node - 1]?.groups.get(replica.group.id);
    return hosted?.raft === replica.raft ? hosted.applied : replica.applied;
  }

  private replicasOn(node: NodeId): Iterable<ReplicaTruth> {
    return this.hosted[node - 1]?.values() ?? [];
  }

  private replicaOf(group: GroupId, node: NodeId): ReplicaTruth {
    const made = this.nodes[node - 1];
    let found = this.hosted[node - 1]?.get(group);
    if (made?.groups.get(group)?.raft !== found?.raft) {
      this.followHosting(node);
      found = this.hosted[node - 1]?.get(group);
    }
    invariant(found !== undefined, 'only members speak for a group', { group, node });
    return found;
  }

  private ownerOf(node: NodeId, record: LogRecord): ReplicaTruth | null {
    if (record.kind === 'boot' || record.kind === 'floor' || record.kind === 'lost') return null;
    if (record.kind === 'removed') {
      this.marks.hit('replicaLeft');
      // One that began and ended within a step was never seen.
      const group = this.groupOf(record.group);
      return group.replicas.get(record.replica) ?? group.add(node, record.replica);
    }
    return this.replicaOf(record.group, node);
  }

  private groupOf(id: GroupId): GroupTruth {
    const truth = this.groups.get(id);
    invariant(truth !== undefined, 'every group is known', { group: id });
    return truth;
  }
}
