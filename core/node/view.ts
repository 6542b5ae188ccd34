/**
 * What the node's own commands see of it: facts to print, and the few things they may start.
 */
import type { Held } from '../group/tenants.ts';
import type { Epoch, GroupId, Incarnation, LogIndex, MapVersion, NodeId, TenantName, Term } from '../base/ids.ts';
import type { CommandSpec } from '../engine/command.ts';
import type { CommandCall } from '../forward/call.ts';
import type { Alarm } from './alarms.ts';
import type { Procedure } from '../forward/procedure.ts';
import type { GroupPlan } from '../wire/groups.ts';
import type { ClusterNode } from '../wire/nodes.ts';
import type { Configuration } from '../raft/types.ts';
import type { MembershipChange, ReplicaProgress } from '../raft/raft.ts';
import type { TenantReport } from '../wire/accounts.ts';
import type { Connection } from './connection.ts';
import type { ClusterSnapshot } from '../placement/clusterSnapshot.ts';
import type { Plan } from '../placement/plan.ts';
import type { Policy } from '../placement/policy.ts';
import type { WantedGroups } from './groupMaker.ts';
import type { GroupDescriptor, Settings } from './options.ts';
import type { RecoveryView } from './recovery.ts';
import type { Queued } from './transactions.ts';
import type { PlannedMove } from '../wire/moves.ts';

export interface GroupView {
  readonly group: GroupId;
  /** Who belongs to it, as far as this node knows. */
  readonly configuration: Configuration;
  /** As far as this node knows. */
  readonly leader: NodeId | null;
  readonly term: Term;
  /** Null if no replica of the group is on this node. */
  readonly local: LocalReplicaView | null;
}

/** What takes time to find out is found out when it is read. */
export interface LocalReplicaView {
  readonly role: string;
  readonly lastIndex: LogIndex;
  readonly durableIndex: LogIndex;
  readonly commitIndex: LogIndex;
  readonly applied: LogIndex;
  /** Up to here a snapshot stands for the log, and what is done with snapshots just now. */
  readonly snapshotIndex: LogIndex;
  readonly snapshotActivity: string;
  /** Whether its group rests: nothing was asked of it for a while. */
  readonly isResting: boolean;
  /** Null for the metadata group. */
  readonly held: Held | null;
  /** Where each replica stands; empty unless this one leads. */
  readonly progress: readonly ReplicaProgress[];
}

export interface TenantView {
  readonly tenant: TenantName;
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly incarnation: Incarnation;
}

export interface NodeStatistics {
  commands: number;
  connections: number;
  forwarded: number;
  forwardedHere: number;
  misrouted: number;
  unknownOutcomes: number;
}

export interface GroupCounts {
  /** That this node knows of, has a replica of, and leads. */
  readonly known: number;
  readonly hosted: number;
  readonly led: number;
  /** As far as this node knows; away from home: not led by the first of its voters. */
  readonly leaderless: number;
  readonly awayFromHome: number;
  /** Of those hosted here. */
  readonly resting: number;
}

export interface NodeView {
  readonly self: NodeId;
  readonly clusterId: string;
  readonly boot: number;
  readonly settings: Settings;
  /** Those that have left too. */
  readonly nodes: readonly ClusterNode[];
  /** What groups began with. */
  readonly groupsAtFirst: readonly GroupDescriptor[];
  readonly mapVersion: MapVersion;
  /** Names of tenants that were heard of, those that were dropped included. */
  readonly tenantNames: number;
  readonly statistics: Readonly<NodeStatistics>;
  readonly uptimeMs: number;
  readonly inFlight: number;
  /** All commands, by lower-case name. */
  readonly commands: ReadonlyMap<string, CommandSpec>;
  connections(): Iterable<Connection>;
  connectionCount(): number;
  isReachable(node: NodeId): boolean;
  groupCounts(): GroupCounts;
  held(): Held;
  readonly alarms: readonly Alarm[];
  /** Ends the alarms of what happened and is over. */
  acknowledgeAlarms(): void;
  groups(): readonly GroupView[];
  group(id: GroupId): GroupView | null;
  /** How many voters the tenant's group has; the first group for none and for one that is not known here. */
  votersFor(name: TenantName | null): number;
  /** Null if they are too many to be listed in one go. */
  tenants(): readonly TenantView[] | null;
  /** Of so many names of the map behind the first `cursor` those that are tenants; `next` is 0 at the end. */
  tenantsFrom(cursor: number, count: number): { readonly next: number; readonly tenants: readonly TenantName[] };
  tenant(name: TenantName): TenantView | null;
  /** What the tenant may use and uses; null if its group is not led here. */
  tenantReport(name: TenantName): TenantReport | null;
  /** The tenant of a connection that chose none; null if such commands are refused. */
  readonly defaultTenant: TenantName | null;
  /** Starts a procedure whose end is this command's reply. False if too many are under way. */
  start(connection: Connection, procedure: Procedure): boolean;
  /** Reads the versions of the keys behind the command's name; the reply is OK. */
  watch(connection: Connection, args: readonly Uint8Array[]): void;
  /** Runs a transaction; its reply is this command's. */
  exec(connection: Connection, queued: Queued, watches: readonly CommandCall[]): void;
  /** Lets the replica here save its state soon. False if there is none. */
  saveGroup(id: GroupId): boolean;
  /** Hands the group, which is led here, to a node, null: to the member that is furthest. False if that cannot be now. */
  transferGroup(id: GroupId, to: NodeId | null): boolean;
  /** Begins a change of who belongs to the group, which is led here. */
  changeMembers(id: GroupId, change: MembershipChange): 'begun' | 'notLeader' | 'busy' | 'unsafe';
  /** What an operator has to know before the group goes on from the replica here alone; why not, if there is none. */
  recovery(id: GroupId): RecoveryView | 'lost' | 'none';
  /** Lets it go on, unless the obstacle that is returned is in the way. */
  recover(id: GroupId): RecoveryView | 'lost' | 'none';
  /** What would be done now about the cluster; null if this node does not plan. */
  plan(): Plan | null;
  /** By which it plans. */
  policy(): Policy;
  /** What is to be asked of the metadata group, which is led here, so that it makes groups; or why it cannot be now. */
  planGroups(wanted: WantedGroups): GroupPlan | string;
  /** What that is planned from. */
  clusterSnapshot(): ClusterSnapshot | null;
  /** Imports under way, as far as this node keeps tenants' entries; null if another one does. */
  imports(): readonly PlannedMove[] | null;
  /** Ends the connection after the replies it is owed. */
  close(connection: Connection): void;
}
