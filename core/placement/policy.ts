/**
 * What an operator wants of the placement. Shares are parts of a thousand (`Ppt`), so that a plan is the same to the last
 * bit wherever it is made.
 */
import type { PlacementKind } from '../metadata/groupChoice.ts';

export const rebalancings = ['off', 'dry-run', 'on'] as const;
export type Rebalancing = (typeof rebalancings)[number];

/** What nodes have of, and share evenly. */
export const dimensions = ['leaders', 'replicas', 'bytes', 'operations'] as const;
export type Dimension = (typeof dimensions)[number];

export interface Policy {
  /** Where a tenant goes that has to go somewhere. */
  readonly placement: PlacementKind;
  /** By how much a group may have more tenants than the mean before `rendezvous` passes it over. */
  readonly boundPpt: number;
  readonly rebalance: Rebalancing;
  /** Rebalancing begins when a node is so far from its share, and ends when none is further than that from it. */
  readonly startPpt: number;
  readonly stopPpt: number;
  /** How much each dimension counts, 0…16. */
  readonly weights: Readonly<Record<Dimension, number>>;
  /** What a step costs: as much as Φ has of a node that is so far from its share … */
  readonly effortPpt: number;
  /** … and what it gains across such a gap between two nodes' shares, so that it has to close a wider one. */
  readonly tollPpt: Readonly<Record<'leader' | 'tenant' | 'replica', number>>;
  /** Of bytes and operations nobody minds how they are spread while the cluster uses less of what it has. */
  readonly idlePpt: number;
  /** So much of its capacity is a node given at most. */
  readonly highWaterPpt: number;
  /** Above such a share of its group's bytes or operations a tenant gets a group of its own … */
  readonly isolationPpt: number;
  /** … if it is also so much of a node's capacity; a tenant below half of that is packed with others again. */
  readonly isolationFloorPpt: number;
  /** A group of its own is made when it is needed and nobody lives in none, if `rebalance` is on; otherwise one has to be empty. */
  readonly makesGroups: boolean;
  /** How long a tenant, a group's members and a group's leader rest between two moves that serve the balance. */
  readonly coolDownMs: number;
  /** More of them are left to the next plan. */
  readonly maxSteps: number;
  /** What a copy is expected to make, from which steps have their timeouts. */
  readonly copyBytesPerSecond: number;
}

/** What begins a copy. */
const beginsWithinMs = 60_000;

/** By when a copy should be there: twice as long as it is expected to take. */
export function copyTimeoutMs({ copyBytesPerSecond }: Policy, bytes: number): number {
  return beginsWithinMs + Math.ceil((2 * 1000 * bytes) / copyBytesPerSecond);
}

const mib = 1024 * 1024;

export const defaultPolicy: Policy = {
  placement: 'round-robin',
  boundPpt: 250,
  rebalance: 'on',
  startPpt: 150,
  stopPpt: 50,
  weights: { leaders: 1, replicas: 1, bytes: 2, operations: 2 },
  effortPpt: 10,
  tollPpt: { leader: 10, tenant: 50, replica: 50 },
  idlePpt: 10,
  highWaterPpt: 850,
  isolationPpt: 500,
  isolationFloorPpt: 50,
  makesGroups: true,
  coolDownMs: 600_000,
  maxSteps: 1_000,
  copyBytesPerSecond: 16 * mib,
};
