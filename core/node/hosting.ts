/**
 * The groups that have a replica on this node: those that the disk and the static maps say, those that were made on its
 * data directory, and those that a leader adds and removes while the node runs.
 */
import { type GroupId, metadataGroup, LogIndex, type NodeId, type ReplicaId, Term } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { limits } from '../base/limits.ts';
import { type MonoTime, WallTime } from '../base/time.ts';
import type { Directory } from '../metadata/directory.ts';
import { DirectoryMachine } from '../group/directoryMachine.ts';
import { Group, type GroupLimits, type RestoredState } from '../group/group.ts';
import type { StateMachine } from '../group/machine.ts';
import { TenantExports } from '../group/exports.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import { ReplyWriter } from '../resp/replyWriter.ts';
import type { LogRecord, RestoredGroup, RestoredLog } from '../log/records.ts';
import { firstConfiguration, unknownConfiguration } from '../raft/configuration.ts';
import { firstReplicaOf } from '../raft/generation.ts';
import { firstReplicas, type MadeGroup } from '../wire/groups.ts';
import type { ClusterNode } from '../wire/nodes.ts';
import type { Configuration } from '../raft/types.ts';
import { Raft } from '../raft/raft.ts';
import { Duties } from './duties.ts';
import type { GroupDescriptor, NodeContext, NodeDescriptor, Settings, Topology } from './options.ts';
import type { Pulses } from './pulses.ts';

const pristine: RestoredGroup = {
  replica: 0,
  isRemoved: false,
  hardState: { term: Term(0), votedFor: null },
  base: { index: LogIndex(0), term: Term(0) },
  chunks: [],
  entries: [],
};

/** More than a replica ever asks for reads in one life. */
const ticketsPerLife = 1_073_741_824;
const replyChunkBytes = 16 * 1024;
const piecesOfLog = 8;

export class Hosting {
  /** In order of id, those that were added while the node runs behind. */
  readonly groups = new Map<GroupId, Group>();
  readonly duties: Duties;
  /** Of tenants of all groups. */
  readonly exports: TenantExports;
  /** Of commands of all groups, one after the other. */
  private readonly reply = new ReplyWriter(replyChunkBytes);
  /** The latest replica of a group that has left it. */
  private readonly removed = new Map<GroupId, ReplicaId>();
  private readonly context: NodeContext;
  private readonly pulses: Pulses;
  private readonly isDiskShort: () => boolean;
  private readonly replicasOn: (node: NodeId) => number;
  private readonly groupLimits: GroupLimits;
  /** What groups begin with, as far as that is known. */
  private readonly descriptors: Map<GroupId, GroupDescriptor>;
  /** On which data directories those began that were made. */
  private readonly made = new Map<GroupId, MadeGroup>();

  /**
   * What this node had is lost. Of which replicas it was nobody knows: those that its leaders name are not to be
   * trusted, but for those that they give to it since, and say so.
   */
  private readonly isLost: boolean;
  private readonly renewed = new Map<GroupId, ReplicaId>();

  /** `replicasOn`: of how many groups a node has a replica, as far as this one has heard. `made`: groups that were made, as the last life had. */
  constructor(
    context: NodeContext,
    pulses: Pulses,
    isDiskShort: () => boolean,
    replicasOn: (node: NodeId) => number,
    restored: RestoredLog,
    made: readonly MadeGroup[],
  ) {
    this.context = context;
    this.pulses = pulses;
    this.isDiskShort = isDiskShort;
    this.replicasOn = replicasOn;
    this.duties = new Duties(context.node);
    const { node, boot, topology } = context;
    const exportPieceBytes = pieceBytes(limits.exportPieceBytes, context.settings);
    this.exports = new TenantExports(`${String(node)}.${String(boot)}`, topology.clusterId, exportPieceBytes);
    this.groupLimits = limitsOf(context, isDiskShort);
    this.descriptors = new Map(context.topology.groups.map((descriptor) => [descriptor.group, descriptor]));
    this.isLost = restored.isLost;
    for (const one of made) this.describe(one);
    for (const group of [...new Set([...this.descriptors.keys(), ...restored.groups.keys()])].sort((a, b) => a - b)) {
      const found = restored.groups.get(group) ?? (this.mayBegin(group) ? pristine : null);
      if (found === null) continue;
      const replica = found.replica === 0 ? this.firstReplica(group) : found.replica;
      if (replica === null) continue;
      if (found.isRemoved) this.removed.set(group, replica);
      else this.groups.set(group, this.make(group, replica, found));
    }
  }

  /** What the group keeps of the directory: all, or its part; null if nothing. */
  directoryOf({ machine }: Group): Directory | null {
    if (machine instanceof DirectoryMachine) return machine.directory;
    return machine instanceof TenantMachine ? (machine.home?.directory ?? null) : null;
  }

  /** The machine of the metadata group, if that has a replica here. */
  get directory(): DirectoryMachine | null {
    const machine = this.groups.get(metadataGroup)?.machine;
    return machine instanceof DirectoryMachine ? machine : null;
  }

  /**
   * A group was made. If this node is one of the first that have it, its replica here begins, unless it did before: what
   * this data directory has of the group says so. Null: it does not begin.
   */
  adopt(made: MadeGroup): Group | null {
    const { group } = made;
    this.describe(made);
    const replica = this.firstReplica(group);
    if (replica === null || this.groups.has(group) || this.removed.has(group) || !this.mayBegin(group)) return null;
    const begun = this.make(group, replica, pristine);
    this.groups.set(group, begun);
    return begun;
  }

  /**
   * A message is for a replica: the group, if it is here. A leader may have added one that nobody here knows of yet:
   * it begins empty, in the place of any that was here before. Null: the message is for nobody.
   */
  receiver(group: GroupId, replica: ReplicaId, isFromLeader: boolean): Group | 'unknown' | null {
    const hosted = this.groups.get(group);
    if (hosted?.raft.id === replica) return hosted;
    const latest = hosted?.raft.id ?? this.removed.get(group) ?? this.latestBefore(group);
    return isFromLeader && replica > latest && this.knows(group) ? 'unknown' : null;
  }

  /** That there is such a group, a map or the disk says. */
  private knows(group: GroupId): boolean {
    return this.descriptors.has(group) || this.groups.has(group) || this.removed.has(group);
  }

  /** A replica of the group was here that is lost, and nothing has taken its place yet. */
  hasLost(group: GroupId): boolean {
    return this.isLost && !this.groups.has(group) && !this.removed.has(group);
  }

  /** What groups began with that have a first replica on this node. */
  get firstHere(): readonly GroupId[] {
    return [...this.descriptors.keys()].filter((group) => this.firstReplica(group) !== null);
  }

  /** Those of which a replica is lost. */
  lostAmong(groups: Iterable<GroupId>): readonly GroupId[] {
    return this.isLost ? [...groups].filter((group) => this.hasLost(group)) : [];
  }

  /** Its leader has given that id to this node since what was here is lost. */
  renew(group: GroupId, replica: ReplicaId): void {
    if (this.hasLost(group)) this.renewed.set(group, replica);
  }

  private latestBefore(group: GroupId): number {
    if (!this.isLost) return this.firstReplica(group) ?? 0;
    const renewed = this.renewed.get(group);
    return renewed === undefined ? Number.POSITIVE_INFINITY : renewed - 1;
  }

  begin(group: GroupId, replica: ReplicaId): Group {
    const begun = this.make(group, replica, pristine);
    begun.raft.rewriteAfter(LogIndex(0));
    this.groups.set(group, begun);
    return begun;
  }

  /** The group goes on from what its replica here has, in another generation. That is so when it is on disk. */
  recover(former: Group, generation: number, now: MonoTime): Group {
    const { random, node, probe } = this.context;
    const { id, machine, applied: index, lastStamp: stamp } = former;
    const { log, term: lastTerm } = former.raft.state;
    const replica = firstReplicaOf(generation);
    const term = log.termAt(index);
    invariant(term !== null, 'what is applied is in the log or its base', { index });
    const left = {
      hardState: { term: lastTerm, votedFor: null },
      base: { index, term },
      configuration: log.configurationAt(index),
      entries: former.raft.entriesBetween(index, log.lastIndex),
    };
    former.snapshots.abandon();
    const raft = new Raft(this.raftConfig(id, replica), left, random(electionStream(id, replica)), now);
    raft.beginGeneration(generation, node);
    const group = new Group(id, raft, machine, { bytes: 0, stamp }, this.groupLimits, probe ?? null);
    // What is on disk names members that are none any more.
    group.snapshots.isWanted = true;
    this.duties.forget(former);
    this.groups.set(id, group);
    return group;
  }

  /** What is left of it is that it is gone. */
  end(group: Group): LogRecord {
    this.groups.delete(group.id);
    this.duties.forget(group);
    this.removed.set(group.id, group.raft.id);
    return { kind: 'removed', group: group.id, replica: group.raft.id };
  }

  /** Says again that a replica is gone, so that nothing written before is needed; null if none is. */
  tombstone(group: GroupId): LogRecord | null {
    const replica = this.removed.get(group);
    return replica === undefined || this.groups.has(group) ? null : { kind: 'removed', group, replica };
  }

  private describe(made: MadeGroup): void {
    if (this.descriptors.has(made.group)) return;
    this.made.set(made.group, made);
    this.descriptors.set(made.group, { group: made.group, replicas: firstReplicas(made) });
  }

  /**
   * Of a group of which the disk knows nothing: whether a first replica here has never said anything. A data directory
   * knows what it has begun as long as its log is not lost, and it has another name then: so a group that was made begins on
   * the one that it was made for. That of the configuration begins where nothing was ever lost.
   */
  private mayBegin(group: GroupId): boolean {
    const { node: self, store: own } = this.context;
    const made = this.made.get(group);
    if (made === undefined) return !this.isLost;
    return made.members.some(({ node, store }) => node === self && store === own);
  }

  /** The one that the group began with on this node; null if it began with none here. */
  private firstReplica(group: GroupId): ReplicaId | null {
    const { node } = this.context;
    return this.descriptors.get(group)?.replicas.find((replica) => replica.node === node)?.replica ?? null;
  }

  private make(group: GroupId, replica: ReplicaId, found: RestoredGroup): Group {
    const { random, now, probe } = this.context;
    const machine = this.machineOf(group);
    const state = restoreState(machine, found);
    const configuration = state.configuration ?? this.configurationAtFirst(group, replica);
    const raft = new Raft(
      this.raftConfig(group, replica),
      { ...found, configuration },
      random(electionStream(group, replica)),
      now.mono,
    );
    return new Group(group, raft, machine, state, this.groupLimits, probe ?? null);
  }

  private raftConfig(group: GroupId, id: ReplicaId): ConstructorParameters<typeof Raft>[0] {
    const { settings } = this.context;
    const nodeHeardAt = (replica: ReplicaId): MonoTime | null => {
      const node = this.groups.get(group)?.nodeOf(replica) ?? null;
      return node === null ? null : this.pulses.heardAt(node);
    };
    return {
      id,
      electionMs: settings.electionMs,
      heartbeatMs: settings.heartbeatMs,
      maxAppendBytes: limits.appendBytes,
      maxInflightAppends: limits.appendsInFlight,
      maxInflightBytes: limits.appendBytesInFlight,
      maxUncommittedBytes: limits.uncommittedBytes,
      leases: settings.leaseReads,
      firstTicket: this.context.boot * ticketsPerLife,
      nodeHeardAt,
      isDiskShort: this.isDiskShort,
    };
  }

  private machineOf(group: GroupId): StateMachine {
    const { topology, random, settings } = this.context;
    const tenantGroups = topology.groups.map((other) => other.group).filter((other) => other !== metadataGroup);
    const directory = (nodes: readonly ClusterNode[], home: GroupId | null): DirectoryMachine =>
      new DirectoryMachine(tenantGroups, nodes, home, this.replicasOn, settings.maxTenantNames);
    if (group === metadataGroup) return directory(membersAtFirst(topology), null);
    const home = settings.metadata === 'raft' ? null : directory([], group);
    return new TenantMachine(random(`reads/${String(group)}`), this.reply, this.exports, home);
  }

  /** Those whom the static map names begin with what it says; those added later hear it from their leader. */
  private configurationAtFirst(group: GroupId, replica: ReplicaId): Configuration {
    const replicas = this.descriptors.get(group)?.replicas ?? [];
    return replica === this.firstReplica(group) ? firstConfiguration(replicas) : unknownConfiguration;
  }
}

function electionStream(group: GroupId, replica: ReplicaId): string {
  return `election/${String(group)}/${String(replica)}`;
}

/** What the NodeMap began with, on every node the same: also for one that came later. */
function membersAtFirst({ nodes }: Topology): readonly ClusterNode[] {
  return asMembers(nodes.filter(({ hasJoined }) => !hasJoined));
}

/** The nodes of a configuration, as long as nothing newer is known of them. */
export function asMembers(nodes: readonly NodeDescriptor[]): readonly ClusterNode[] {
  return nodes.map(({ node, clientAddress, peerAddress, zone }) => {
    return { node, clientAddress, peerAddress, zone, store: '', state: 'member', heir: null };
  });
}

/** Where logs are kept short, what is sent piece by piece goes in small pieces. */
export function pieceBytes(most: number, { snapshotLogBytes }: Settings): number {
  return Math.min(most, Math.ceil(snapshotLogBytes / piecesOfLog));
}

/** One object for all groups of a node. */
function limitsOf({ settings }: NodeContext, isDiskShort: () => boolean): GroupLimits {
  const { maxValueBytes, snapshotLogBytes } = settings;
  const snapshotChunkBytes = pieceBytes(limits.snapshotChunkBytes, settings);
  return { ...limits, maxValueBytes, snapshotLogBytes, snapshotChunkBytes, isDiskShort };
}

interface Restored extends RestoredState {
  readonly configuration: Configuration | null;
}

/** Gives the machine the state of the latest snapshot on disk. */
function restoreState(machine: StateMachine, { chunks, base }: RestoredGroup): Restored {
  let bytes = 0;
  if (chunks.length === 0) return { bytes, stamp: WallTime(0), configuration: null };
  const loader = machine.loader();
  for (const chunk of chunks) {
    invariant(loader.add(chunk), 'a snapshot on disk can be read', { index: base.index });
    bytes += chunk.length;
  }
  invariant(loader.finish(), 'a snapshot on disk is whole', { index: base.index });
  return { bytes, stamp: loader.stamp, configuration: loader.configuration };
}
