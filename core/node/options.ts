/**
 * What a node is told when it is made. Everything in here is fixed for this life of the node.
 */
import type { GroupId, NodeId, ReplicaId, TenantName } from '../base/ids.ts';
import type { RandomSource } from '../base/random.ts';
import type { RestoredLog } from '../log/records.ts';
import type { NodeMapImage } from '../wire/nodes.ts';
import type { TenantMap } from '../metadata/tenantMap.ts';
import type { Now } from '../base/time.ts';
import type { MetadataMode } from '../metadata/homes.ts';
import type { PlacementKind } from '../metadata/groupChoice.ts';
import type { Rebalancing } from '../placement/policy.ts';
import type { Probe } from './probe.ts';

/** What a node knows of itself for as long as it lives. */
export interface NodeContext {
  readonly node: NodeId;
  /** The number of this life, one more than the boots recorded in the log. On disk before the node is made. */
  readonly boot: number;
  /** The data directory that its log is in. It has another name once that log was lost. */
  readonly store: string;
  readonly topology: Topology;
  readonly settings: Settings;
  readonly random: RandomSource;
  /** When this life begins. */
  readonly now: Now;
  readonly probe?: Probe;
}

export interface NodeOptions extends NodeContext {
  /** What recovery found. It is large, and of no use once the groups are made of it. */
  readonly restored: RestoredLog;
  /** The ShardMap that an earlier life was told to keep, if there is one: any, since it is only a hint. It is the node's from now on. */
  readonly map?: TenantMap;
  /** The NodeMap that an earlier life was told to keep, if there is one. */
  readonly nodes?: NodeMapImage;
}

/** The static maps, to which groups are added while the cluster runs: the same on every node of a cluster. */
export interface Topology {
  readonly clusterId: string;
  /** In order of id: those with which the NodeMap began, and those that had joined when this was written down. */
  readonly nodes: readonly NodeDescriptor[];
  /** The GroupMap, in order of id; the first is the metadata group (id 0), if the directory is kept by one. */
  readonly groups: readonly GroupDescriptor[];
  /** Tenants that exist from the start, with their group. Order is irrelevant. */
  readonly tenants: readonly { readonly tenant: TenantName; readonly group: GroupId }[];
}

export interface NodeDescriptor {
  readonly node: NodeId;
  /** `host:port` where clients connect; for display and for hints. */
  readonly clientAddress: string;
  readonly peerAddress: string;
  /** What fails together; empty if none is named. */
  readonly zone: string;
  /** It was not there from the beginning. */
  readonly hasJoined: boolean;
}

export interface GroupDescriptor {
  readonly group: GroupId;
  /** The first is where the leader belongs while that node is up. */
  readonly replicas: readonly { readonly replica: ReplicaId; readonly node: NodeId }[];
}

/** All durations in milliseconds, all sizes in bytes. Defaults and bounds are in `defaults.ts`. */
export interface Settings {
  /** A follower that hears nothing for a time drawn from [electionMs, 2·electionMs) campaigns. */
  readonly electionMs: number;
  readonly heartbeatMs: number;
  /** Reads are served under the leader's lease instead of a quorum round each. */
  readonly leaseReads: boolean;
  /** A client's command is answered by then, with an error if need be. */
  readonly commandTimeoutMs: number;
  /** How often a node compares its ShardMap version with one random peer. */
  readonly gossipMs: number;
  /**
   * Whether the cluster keeps its balance by itself: `on`, only in words (`dry-run`), or not at all (`off`). Lost nodes are
   * replaced and drained ones left all the same, unless all of that is left to the operator (`manual`).
   */
  readonly rebalance: Rebalancing | 'manual';
  /** In which group a tenant begins, and goes on where it has to leave its own: what the node that plans has counts. */
  readonly placement: PlacementKind;
  /** With a larger share of its group's bytes or operations a tenant is given a group of its own. */
  readonly isolationPercent: number;
  /** What a node can hold, and run in a second: who plans gives none more than 85 % of that. */
  readonly nodeBytes: number;
  readonly nodeOperations: number;
  /** A node that was silent for so long is taken for lost: what it had is made again elsewhere. */
  readonly lostAfterMs: number;
  /** Who keeps the directory of tenants; the same on every node. */
  readonly metadata: MetadataMode;
  /** What a node must know to join the cluster; empty: none may. */
  readonly joinToken: string;
  /** An unknown tenant is created by the placement policy when a command names it. */
  readonly autoCreateTenants: boolean;
  /** Names of tenants that who leads the metadata group (or a tenant's home) takes, those that were dropped included. */
  readonly maxTenantNames: number;
  /** Commands that name no tenant go to the tenant `default`; otherwise they are refused. */
  readonly defaultTenant: boolean;
  /** The largest value, key or argument. */
  readonly maxValueBytes: number;
  /** A group saves its state when the log since the last time has so many bytes, or as many as that took. */
  readonly snapshotLogBytes: number;
  /** What a node reads out for snapshots in a second, saved and sent together. */
  readonly snapshotBytesPerSecond: number;
}
