/**
 * Rebalancing. It begins when some node is far from its share and ends when none is further than a little, or when no step
 * lowers Φ by more than it costs. Every step lowers Φ, so it ends; none breaks a constraint.
 */
import type { Draft } from './draft.ts';
import { balanceLeaders } from './leaderMoves.ts';
import { balanceReplicas } from './replicaMoves.ts';
import { balanceTenants } from './tenantMoves.ts';

export function balance(draft: Draft): void {
  draft.weigh();
  const { startPpt, stopPpt } = draft.policy;
  const { potential } = draft;
  if (!draft.isBalancing && potential.worstPpt <= startPpt) return;
  draft.isBalancing = true;
  // Asked far more often than there are steps.
  let [seen, isEven] = [-1, false];
  const isDone = (): boolean => {
    const { length } = draft.steps;
    if (length !== seen) [seen, isEven] = [length, potential.worstPpt <= stopPpt];
    return isEven || !draft.hasRoom;
  };
  const kinds = [balanceLeaders, balanceTenants, balanceReplicas];
  while (kinds.reduce((taken, move) => taken + move(draft, isDone), 0) > 0);
}
