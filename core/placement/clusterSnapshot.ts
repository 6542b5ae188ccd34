/**
 * The cluster at one instant, as the planner sees it: plain data, whole numbers, in any order. Whoever plans takes it from
 * the metadata group's state and from what nodes report; a file has it as JSON.
 */
import type { Epoch, GroupId, Incarnation, LogIndex, NodeId, TenantName } from '../base/ids.ts';
import type { WallTime } from '../base/time.ts';
import type { Configuration } from '../raft/types.ts';

export interface ClusterSnapshot {
  /** When it was taken: spans of rest end against this clock. */
  readonly takenAt: WallTime;
  /** Tenants placed by round robin so far. */
  readonly placed: number;
  /** Whether a rebalancing is under way: one that has begun goes on to where it stops, not to where it starts. */
  readonly isBalancing: boolean;
  readonly nodes: readonly NodeStatus[];
  readonly groups: readonly GroupStatus[];
  readonly tenants: readonly TenantStatus[];
}

/**
 * `suspect`: silent for seconds. `down`: longer, and may come back with all it had. `lost`: what it had is to be made
 * again elsewhere. `draining`: it serves, and is to be left.
 */
export const nodeStates = ['up', 'suspect', 'down', 'lost', 'draining'] as const;
export type NodeState = (typeof nodeStates)[number];

export interface NodeStatus {
  readonly node: NodeId;
  /** What fails together has the same one. */
  readonly zone: string;
  readonly state: NodeState;
  readonly capacityBytes: number;
  /** A second. */
  readonly capacityOperations: number;
  readonly maxReplicas: number;
  /** Who is to have what it has, if it leaves; null: whoever is best. */
  readonly heir: NodeId | null;
}

export interface GroupStatus {
  readonly group: GroupId;
  /** Of the configuration's entry in the group's log. */
  readonly confIndex: LogIndex;
  readonly configuration: Configuration;
  /** Null: nobody knows. */
  readonly leader: NodeId | null;
  /** On each of its replicas. */
  readonly bytes: number;
  /** A second; they run on the leader's node. */
  readonly operations: number;
  /** How many voters it is to have. */
  readonly replicas: number;
  /** Tenants that live there and are not told of one by one: none of them matters by itself. */
  readonly others: number;
  /** Nobody else is to live there. */
  readonly dedicatedTo: TenantName | null;
  /** When its members last changed, and when its leader was last moved on purpose. */
  readonly movedAt: WallTime;
  readonly leaderMovedAt: WallTime;
}

export interface TenantStatus {
  readonly tenant: TenantName;
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly incarnation: Incarnation;
  readonly bytes: number;
  /** A second. */
  readonly operations: number;
  /** Where it has to live: in that group, in one of its own, or anywhere. */
  readonly pin: GroupId | 'own' | null;
  /** Nodes that must not hold its data: none, but in a what-if. */
  readonly exclusions: readonly NodeId[];
  readonly movedAt: WallTime;
  /** A move is under way: nothing else is to be planned for it. */
  readonly isMoving: boolean;
}
