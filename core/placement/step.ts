/**
 * One thing to be done, what has to be true when it begins, and why. Steps are done in order of their numbers; those that
 * touch no node in common may be done at the same time.
 */
import type { Epoch, GroupId, Incarnation, LogIndex, NodeId, ReplicaId, TenantName } from '../base/ids.ts';

/** In this order. What comes from `leaders` on serves the balance alone. */
export const phases = ['repair', 'constraints', 'drain', 'isolation', 'leaders', 'tenants', 'replicas'] as const;
export type Phase = (typeof phases)[number];

interface Common {
  /** From 1 on. */
  readonly number: number;
  readonly phase: Phase;
  /** The last step of this plan before it that changes what it builds on, and has to be done first. */
  readonly after: number | null;
  readonly timeoutMs: number;
  /** For people, with figures. */
  readonly why: string;
}

/** Holds only while the group is as it was: with `after`, as that step has left it. */
interface OfGroup extends Common {
  readonly group: GroupId;
  readonly confIndex: LogIndex;
}

export interface TransferLeader extends OfGroup {
  readonly kind: 'transferLeader';
  readonly from: NodeId;
  readonly to: NodeId;
}

/** A learner first, then one joint change. */
export interface ReplaceReplica extends OfGroup {
  readonly kind: 'replaceReplica';
  readonly replica: ReplicaId;
  readonly from: NodeId;
  readonly to: NodeId;
}

export interface AddReplica extends OfGroup {
  readonly kind: 'addReplica';
  readonly to: NodeId;
}

export interface RemoveReplica extends OfGroup {
  readonly kind: 'removeReplica';
  readonly replica: ReplicaId;
  readonly from: NodeId;
}

/** Holds only while the tenant has this epoch. */
export interface MoveTenant extends Common {
  readonly kind: 'moveTenant';
  readonly tenant: TenantName;
  readonly incarnation: Incarnation;
  readonly epoch: Epoch;
  readonly from: GroupId;
  readonly to: GroupId;
  /** Nobody else is to live there. */
  readonly alone: boolean;
}

/** For one tenant. Holds only while there is no such group. Its leader belongs on the first of the nodes. */
export interface CreateGroup extends Common {
  readonly kind: 'createGroup';
  readonly group: GroupId;
  readonly dedicatedTo: TenantName;
  readonly nodes: readonly NodeId[];
}

export type Step = TransferLeader | ReplaceReplica | AddReplica | RemoveReplica | MoveTenant | CreateGroup;
