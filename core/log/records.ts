/**
 * What a node writes to its log: one log for all its groups. A write is a list of records that reaches the
 * disk whole or not at all, in the order of its `WriteId`.
 */
import type { GroupId, NodeId } from '../base/ids.ts';
import type { Entry, HardState } from '../raft/types.ts';

export type LogRecord =
  /** The first record of each life of the node: `boot` counts them, from 1 on. */
  | { readonly kind: 'boot'; readonly boot: number }
  | { readonly kind: 'hardState'; readonly group: GroupId; readonly hardState: HardState }
  /** Contiguous and not empty; replaces the group's log from `entries[0].index` on. */
  | { readonly kind: 'entries'; readonly group: GroupId; readonly entries: readonly Entry[] };

/** Whose log this is. A node refuses to start on another's. */
export interface LogIdentity {
  readonly clusterId: string;
  readonly node: NodeId;
}

export interface RestoredGroup {
  readonly hardState: HardState;
  /** Contiguous from index 1. */
  readonly entries: readonly Entry[];
}

/** What recovery found. */
export interface RestoredLog {
  /** The number of boots recorded; 0 for an empty disk. */
  readonly boots: number;
  readonly groups: ReadonlyMap<GroupId, RestoredGroup>;
}
