/**
 * The planner: what is to be done about a cluster, in which order, and why. A pure function of what it is told: whoever
 * has the same snapshot and policy has the same plan, in whatever order the snapshot lists things. It starts nothing.
 */
import { balance } from './balance.ts';
import { brakeOf } from './brake.ts';
import type { ClusterSnapshot } from './clusterSnapshot.ts';
import { Draft } from './draft.ts';
import { drain } from './drain.ts';
import { isolate } from './isolation.ts';
import type { Policy } from './policy.ts';
import { repair } from './repair.ts';
import type { Step } from './step.ts';
import { settleTenants } from './tenancy.ts';
import { settleGroups } from './violations.ts';

export interface Plan {
  /** To be done, in this order. */
  readonly steps: readonly Step[];
  /** What would follow if rebalancing were on, for a dry run. */
  readonly proposed: readonly Step[];
  /** What is wanted and cannot be done now, and why. */
  readonly notes: readonly string[];
  /** Why nothing is to be done until somebody has looked; null: the brake is not on. */
  readonly brake: string | null;
  /** There may be more to do than a plan may have steps. */
  readonly isCut: boolean;
  /** What the next snapshot is to say, once the steps are done. */
  readonly isBalancing: boolean;
  readonly placed: number;
}

export function plan(snapshot: ClusterSnapshot, policy: Policy): Plan {
  const draft = new Draft(snapshot, policy);
  const brake = brakeOf(draft.layout);
  const { rebalance } = policy;
  draft.makesGroups = policy.makesGroups && rebalance === 'on';
  if (brake === null) untilSettled(draft, rebalance === 'on' ? [...required, ...optional] : required);
  const { isCut, placed, notes } = draft;
  const steps = [...draft.steps];
  const isBalancing = isCut && draft.isBalancing;
  draft.makesGroups = policy.makesGroups;
  if (brake === null && rebalance === 'dry-run' && !isCut) untilSettled(draft, optional);
  return { steps, proposed: draft.steps.slice(steps.length), notes, brake, isCut, isBalancing, placed };
}

type Work = (draft: Draft) => void;

const required: readonly Work[] = [repair, settleGroups, settleTenants, drain];
const optional: readonly Work[] = [isolate, balance];

/**
 * What comes later may make room for what could not be done before. It ends: required steps lower the number of things
 * that are wrong, the others bring none and lower Φ, and what is isolated or packed rests.
 */
function untilSettled(draft: Draft, works: readonly Work[]): void {
  for (;;) {
    const before = draft.steps.length;
    draft.weigh();
    for (const work of works) work(draft);
    if (draft.steps.length === before || draft.isCut) return;
  }
}
