/**
 * The identifiers of the system, branded so that one cannot be passed for another.
 * Each is made by the function of the same name: `GroupId(1)`, `LogIndex(index + 1)`.
 */

type Brand<Base, Name extends string> = Base & { readonly __brand: Name };

/** A node: one process with one log, 1…65,535. Stable across restarts. */
export type NodeId = Brand<number, 'NodeId'>;
/** A Raft group. Group 0 is the metadata group; tenants live in groups from 1 on. */
export type GroupId = Brand<number, 'GroupId'>;
/** A member of one Raft group. Grows within its group and is never reused. */
export type ReplicaId = Brand<number, 'ReplicaId'>;
/** A Raft term, from 0 (nobody was ever elected) on. */
export type Term = Brand<number, 'Term'>;
/** A position in a group's log. The first entry has index 1; 0 is "before the log". */
export type LogIndex = Brand<number, 'LogIndex'>;
/** How often a tenant has changed its group. Grows by one with each change of owner. */
export type Epoch = Brand<number, 'Epoch'>;
/** Distinguishes a tenant that was dropped and created again under the same name. From 1 on. */
export type Incarnation = Brand<number, 'Incarnation'>;
/** The dense version of the ShardMap: 0 is the empty map, each change adds one. */
export type MapVersion = Brand<number, 'MapVersion'>;
/** A tenant's move from one group to another. Grows within the cluster and is never reused; from 1 on. */
export type MoveId = Brand<number, 'MoveId'>;
/** A client connection of one node during one boot. Never reused within a boot. */
export type ConnId = Brand<number, 'ConnId'>;
/** A write of this node to its log during one boot; they reach the disk in this order. From 1 on. */
export type WriteId = Brand<number, 'WriteId'>;
/** A request of one ingress during one boot. From 1 on, never reused. */
export type RequestId = Brand<number, 'RequestId'>;
/** A client connection's dealings with one tenant, at one ingress during one boot. From 1 on; 0 keeps no order. */
export type LaneId = Brand<number, 'LaneId'>;
/** A tenant's name, 1…128 bytes of `[A-Za-z0-9._:@-]`. Made by `parseTenantName`. */
export type TenantName = Brand<string, 'TenantName'>;

export const NodeId = (value: number): NodeId => value as NodeId;
export const GroupId = (value: number): GroupId => value as GroupId;
export const ReplicaId = (value: number): ReplicaId => value as ReplicaId;
export const Term = (value: number): Term => value as Term;
export const LogIndex = (value: number): LogIndex => value as LogIndex;
export const Epoch = (value: number): Epoch => value as Epoch;
export const Incarnation = (value: number): Incarnation => value as Incarnation;
export const MapVersion = (value: number): MapVersion => value as MapVersion;
export const MoveId = (value: number): MoveId => value as MoveId;
export const ConnId = (value: number): ConnId => value as ConnId;
export const WriteId = (value: number): WriteId => value as WriteId;
/** The lane of what keeps no order and has no session. */
export const unordered = 0 as LaneId;
export const LaneId = (value: number): LaneId => value as LaneId;
export const RequestId = (value: number): RequestId => value as RequestId;

/** The group that holds the ShardMap and places new tenants. */
export const metadataGroup: GroupId = GroupId(0);
