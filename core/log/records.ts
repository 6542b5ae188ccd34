/**
 * What a node writes to its log: one log for all its groups. A write is a list of records that reaches the
 * disk whole or not at all, in the order of its `WriteId`.
 */
import type { GroupId, NodeId, ReplicaId } from '../base/ids.ts';
import type { Entry, HardState, LogBase } from '../raft/types.ts';

export type LogRecord =
  /** The first record of each life of the node: `boot` counts them, from 1 on. */
  | { readonly kind: 'boot'; readonly boot: number }
  /** What the node had before this log is lost. Of a group without records nobody knows what its replica here promised. */
  | { readonly kind: 'lost' }
  /** No segment before this one is needed. With it, each segment repeats the last boot. */
  | { readonly kind: 'floor'; readonly segment: number }
  /** Of the replica that the group's records are of; 0 in logs of formats that do not say. */
  | {
      readonly kind: 'hardState';
      readonly group: GroupId;
      readonly replica: ReplicaId | 0;
      readonly hardState: HardState;
    }
  /** The node's replica has left its group: everything before this is void. Another may begin behind it. */
  | { readonly kind: 'removed'; readonly group: GroupId; readonly replica: ReplicaId }
  /** Contiguous and not empty; replaces the group's log from `entries[0].index` on. */
  | { readonly kind: 'entries'; readonly group: GroupId; readonly entries: readonly Entry[] }
  /** A piece of the group's state as of an index. Number 0 begins a snapshot anew. */
  | { readonly kind: 'snapshotChunk'; readonly group: GroupId; readonly number: number; readonly bytes: Uint8Array }
  /** So many pieces are the state as of `base`: entries up to it are not needed any more. Those behind it stay if they follow it. */
  | { readonly kind: 'snapshot'; readonly group: GroupId; readonly base: LogBase; readonly chunks: number };

/** Whose log this is. A node refuses to start on another's. */
export interface LogIdentity {
  readonly clusterId: string;
  readonly node: NodeId;
}

export interface RestoredGroup {
  /** 0 if the log does not say: the first that the group had on this node. */
  readonly replica: ReplicaId | 0;
  /** It has left its group. */
  readonly isRemoved: boolean;
  readonly hardState: HardState;
  readonly base: LogBase;
  /** The state as of `base`, in pieces; none if that is the beginning. */
  readonly chunks: readonly Uint8Array[];
  /** Contiguous, right behind `base`. */
  readonly entries: readonly Entry[];
}

/** What recovery found. */
export interface RestoredLog {
  /** The number of boots recorded; 0 for an empty disk. */
  readonly boots: number;
  /** There was more, and it is lost: a group that is not in here is not at its beginning. */
  readonly isLost: boolean;
  readonly groups: ReadonlyMap<GroupId, RestoredGroup>;
}
