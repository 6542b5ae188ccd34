/** Who leads goes where less is led: the cheapest step, for nothing is copied. */
import { descend, type Gain } from './descend.ts';
import type { Draft } from './draft.ts';
import type { GroupDraft } from './groupDraft.ts';
import { leaderFor, riseOfLeader, riseWithoutLeader } from './targets.ts';

interface LeaderMove extends Gain {
  readonly to: number;
}

/** Returns how many steps it took. */
export function balanceLeaders(draft: Draft, isDone: () => boolean): number {
  draft.phase = 'leaders';
  const { groups } = draft.layout;
  return descend<GroupDraft, LeaderMove>(groups, {
    isDone,
    best: (group) => bestMove(draft, group),
    take: (group, move) => take(draft, group, move),
  });
}

function bestMove(draft: Draft, group: GroupDraft): LeaderMove | null {
  const { layout, constraints, potential, policy } = draft;
  const { leader, operations } = group;
  if (group.leaderRests || leader < 0 || !layout.stays(leader) || !constraints.decides(group)) return null;
  const to = leaderFor(draft, group);
  if (to === null) return null;
  const fall = -riseWithoutLeader(potential, group, leader) - riseOfLeader(potential, group, to);
  const ppt = policy.tollPpt.leader;
  const toll = potential.toll('leaders', leader, 1, ppt) + potential.toll('operations', leader, operations, ppt);
  const cost = potential.effort + toll;
  return fall > cost ? { gain: fall - cost, fall, to } : null;
}

function take(draft: Draft, group: GroupDraft, { to, fall }: LeaderMove): void {
  const stand = `${draft.standing(group.leader, 'leaders')}, ${draft.standing(to, 'leaders')}`;
  draft.transferLeader(group, to, `${stand}; ${draft.progress(fall)}`);
}
