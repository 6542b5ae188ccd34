/** The node as its own commands see it: reads everything, changes nothing but what `Handles` offers. */
import { type GroupId, LogIndex, type MapVersion, type NodeId, Term, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { parseTenantName } from '../base/tenantName.ts';
import { elapsedMs, type MonoTime, type Now } from '../base/time.ts';
import type { CommandSpec } from '../engine/command.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import type { CommandCall } from '../forward/call.ts';
import type { Queued } from './transactions.ts';
import type { Procedure } from '../forward/procedure.ts';
import type { Group } from '../group/group.ts';
import { reportOf } from '../group/quotas.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import type { ClusterNode } from '../wire/nodes.ts';
import type { Configuration } from '../raft/types.ts';
import type { MembershipChange } from '../raft/raft.ts';
import type { Router } from '../routing/router.ts';
import type { TenantReport } from '../wire/accounts.ts';
import type { Alarm, Alarms } from './alarms.ts';
import { commandSpecs } from './commandTable.ts';
import type { Connection } from './connection.ts';
import type { ClusterSnapshot } from '../placement/clusterSnapshot.ts';
import type { Plan } from '../placement/plan.ts';
import type { Policy } from '../placement/policy.ts';
import type { WantedGroups } from './groupMaker.ts';
import type { GroupDescriptor, NodeContext, Settings } from './options.ts';
import type { Held } from '../group/tenants.ts';
import type { GroupCounts, GroupView, LocalReplicaView, NodeStatistics, NodeView, TenantView } from './view.ts';
import type { PlannedMove } from '../wire/moves.ts';

/** What only the node's client side can do. */
export interface Handles {
  readonly connections: () => Iterable<Connection>;
  readonly connectionCount: () => number;
  readonly start: (connection: Connection, procedure: Procedure) => boolean;
  readonly close: (connection: Connection) => void;
  readonly watch: NodeView['watch'];
  readonly exec: NodeView['exec'];
  readonly save: (id: GroupId) => boolean;
  readonly transfer: (id: GroupId, to: NodeId | null) => boolean;
  readonly changeMembers: NodeView['changeMembers'];
  readonly recovery: NodeView['recovery'];
  readonly recover: NodeView['recover'];
  readonly nodes: () => readonly ClusterNode[];
  readonly plan: NodeView['plan'];
  readonly planGroups: NodeView['planGroups'];
  readonly policy: NodeView['policy'];
  readonly clusterSnapshot: NodeView['clusterSnapshot'];
  readonly imports: NodeView['imports'];
  readonly alarms: Alarms;
  readonly now: () => Now;
}

export class LocalView implements NodeView {
  readonly self: NodeId;
  readonly clusterId: string;
  readonly groupsAtFirst: readonly GroupDescriptor[];
  readonly boot: number;
  readonly settings: Settings;
  readonly statistics: Readonly<NodeStatistics>;
  readonly commands: ReadonlyMap<string, CommandSpec> = commandSpecs;
  readonly defaultTenant: TenantName | null;
  private readonly hosted: ReadonlyMap<GroupId, Group>;
  private readonly router: Router;
  private readonly forwarder: Forwarder;
  private readonly handles: Handles;
  private readonly startedAt: Now;

  constructor(
    options: NodeContext,
    hosted: ReadonlyMap<GroupId, Group>,
    router: Router,
    forwarder: Forwarder,
    statistics: Readonly<NodeStatistics>,
    handles: Handles,
  ) {
    const { node, boot, topology, settings, now } = options;
    this.self = node;
    this.clusterId = topology.clusterId;
    this.boot = boot;
    this.settings = settings;
    this.groupsAtFirst = topology.groups;
    this.statistics = statistics;
    this.defaultTenant = settings.defaultTenant ? parseTenantName('default') : null;
    this.hosted = hosted;
    this.router = router;
    this.forwarder = forwarder;
    this.handles = handles;
    this.startedAt = now;
  }

  get mapVersion(): MapVersion {
    return this.router.shards.version;
  }

  get tenantNames(): number {
    return this.router.shards.base.size;
  }

  get alarms(): readonly Alarm[] {
    return this.handles.alarms.all;
  }

  acknowledgeAlarms(): void {
    this.handles.alarms.acknowledge();
  }

  get uptimeMs(): number {
    return elapsedMs(this.startedAt.mono, this.handles.now().mono);
  }

  get inFlight(): number {
    return this.forwarder.inFlight;
  }

  connections(): Iterable<Connection> {
    return this.handles.connections();
  }

  connectionCount(): number {
    return this.handles.connectionCount();
  }

  isReachable(node: NodeId): boolean {
    return this.router.isReachable(node);
  }

  groupCounts(): GroupCounts {
    const counts = { known: 0, hosted: this.hosted.size, led: 0, leaderless: 0, awayFromHome: 0, resting: 0 };
    for (const id of this.router.groups.groups) {
      const hosted = this.hosted.get(id);
      const leader = hosted === undefined ? this.router.leaders.leaderOf(id) : hosted.leaderNode;
      const [home] = this.router.groups.votersOf(id);
      counts.known += 1;
      if (leader === this.self) counts.led += 1;
      if (leader === null) counts.leaderless += 1;
      else if (leader !== home) counts.awayFromHome += 1;
      if (hosted?.raft.state.isResting === true) counts.resting += 1;
    }
    return counts;
  }

  held(): Held {
    const held = { tenants: 0, keys: 0, bytes: 0 };
    for (const { machine } of this.hosted.values()) {
      if (!(machine instanceof TenantMachine)) continue;
      const { tenants, keys, bytes } = machine.held;
      held.tenants += tenants;
      held.keys += keys;
      held.bytes += bytes;
    }
    return held;
  }

  groups(): readonly GroupView[] {
    return [...this.router.groups.groups].flatMap((id) => this.group(id) ?? []);
  }

  group(id: GroupId): GroupView | null {
    const configuration = this.configurationOf(id);
    return configuration.voters.length === 0 ? null : this.viewOf(id, configuration);
  }

  votersFor(name: TenantName | null): number {
    const [first] = this.router.groups.groups;
    const group = (name === null ? null : this.router.shards.find(name))?.group ?? first;
    return group === undefined ? 0 : this.configurationOf(group).voters.length;
  }

  get nodes(): readonly ClusterNode[] {
    return this.handles.nodes();
  }

  tenants(): readonly TenantView[] | null {
    const { shards } = this.router;
    return shards.base.placed > limits.tenantsListed ? null : shards.list();
  }

  tenant(name: TenantName): TenantView | null {
    const shard = this.router.shards.find(name);
    return shard === null ? null : { tenant: name, ...shard };
  }

  tenantsFrom(cursor: number, count: number): ReturnType<NodeView['tenantsFrom']> {
    return this.router.shards.base.page(cursor, count);
  }

  tenantReport(name: TenantName): TenantReport | null {
    const shard = this.router.shards.find(name);
    const group = shard === null ? undefined : this.hosted.get(shard.group);
    if (group?.isLeader !== true || !(group.machine instanceof TenantMachine)) return null;
    const owned = group.machine.tenants.get(name);
    return owned === undefined ? null : reportOf(owned);
  }

  start(connection: Connection, procedure: Procedure): boolean {
    return this.handles.start(connection, procedure);
  }

  watch(connection: Connection, args: readonly Uint8Array[]): void {
    this.handles.watch(connection, args);
  }

  exec(connection: Connection, queued: Queued, watches: readonly CommandCall[]): void {
    this.handles.exec(connection, queued, watches);
  }

  saveGroup(id: GroupId): boolean {
    return this.handles.save(id);
  }

  transferGroup(id: GroupId, to: NodeId | null): boolean {
    return this.handles.transfer(id, to);
  }

  changeMembers(id: GroupId, change: MembershipChange): 'begun' | 'notLeader' | 'busy' | 'unsafe' {
    return this.handles.changeMembers(id, change);
  }

  recovery(id: GroupId): ReturnType<NodeView['recovery']> {
    return this.handles.recovery(id);
  }

  recover(id: GroupId): ReturnType<NodeView['recover']> {
    return this.handles.recover(id);
  }

  plan(): Plan | null {
    return this.handles.plan();
  }

  policy(): Policy {
    return this.handles.policy();
  }

  planGroups(wanted: WantedGroups): ReturnType<NodeView['planGroups']> {
    return this.handles.planGroups(wanted);
  }

  clusterSnapshot(): ClusterSnapshot | null {
    return this.handles.clusterSnapshot();
  }

  imports(): readonly PlannedMove[] | null {
    return this.handles.imports();
  }

  close(connection: Connection): void {
    this.handles.close(connection);
  }

  private configurationOf(id: GroupId): Configuration {
    const told = this.router.groups.membershipOf(id);
    const era = this.hosted.get(id)?.raft.state.log.era;
    // A replica that has just begun, or lags behind, knows less than was told to its node.
    const isOwnNewer = era !== undefined && era.since >= told.index && era.configuration.voters.length > 0;
    return isOwnNewer ? era.configuration : told.configuration;
  }

  private viewOf(group: GroupId, configuration: Configuration): GroupView {
    const hosted = this.hosted.get(group);
    const { leaders } = this.router;
    if (hosted === undefined) {
      const term = Term(leaders.termOf(group));
      return { group, configuration, leader: leaders.leaderOf(group), term, local: null };
    }
    return {
      group,
      configuration,
      leader: hosted.leaderNode,
      term: hosted.raft.state.term,
      local: localReplica(hosted, this.handles.now().mono),
    };
  }
}

function localReplica(group: Group, now: MonoTime): LocalReplicaView {
  const { state } = group.raft;
  return {
    role: state.role,
    isResting: state.isResting,
    lastIndex: LogIndex(state.log.lastIndex),
    durableIndex: state.durableIndex,
    commitIndex: state.commitIndex,
    applied: group.applied,
    snapshotIndex: group.snapshots.savedIndex,
    snapshotActivity: group.snapshots.activity,
    get held() {
      return group.machine instanceof TenantMachine ? group.machine.held : null;
    },
    get progress() {
      return group.isLeader ? group.raft.progress(now) : [];
    },
  };
}
