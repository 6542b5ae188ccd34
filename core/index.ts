/**
 * The core's door: everything a driver needs to build a node, feed it and perform what it asks for.
 */
export * from './base/bytes.ts';
export * from './base/ids.ts';
export { InvariantError } from './base/invariant.ts';
export type { Random, RandomSource } from './base/random.ts';
export { after, elapsedMs, MonoTime, type Now, WallTime } from './base/time.ts';
export { parseTenantName } from './base/tenantName.ts';
export type { Effect, Input } from './node/door.ts';
export { Node } from './node/node.ts';
export type { GroupDescriptor, NodeDescriptor, NodeOptions, Settings, Topology } from './node/options.ts';
export type { AppliedOperation, Origin, Probe, PurgeOperation, ServedRead } from './node/probe.ts';
export { defaultSettings, settingBounds } from './node/defaults.ts';
export { type MetadataMode, metadataModes } from './metadata/homes.ts';
export { placementKinds } from './metadata/groupChoice.ts';
export { apply } from './placement/apply.ts';
export { type ClusterSnapshot, nodeStates } from './placement/clusterSnapshot.ts';
export { type NodeLoad, type Utilisation, utilisationOf } from './placement/nodeLoads.ts';
export { type Plan, plan } from './placement/plan.ts';
export { defaultPolicy, type Policy, rebalancings } from './placement/policy.ts';
export type { Step } from './placement/step.ts';
export { decodePiece, pieceHeadBytes, pieceLength, type TenantPiece } from './wire/tenantFile.ts';
