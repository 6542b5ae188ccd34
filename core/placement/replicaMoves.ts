/**
 * Replicas go where there is more room. Only followers do: leaders are for steps that copy nothing, and a replica that is
 * alone takes its lead along. A group of which a voter is missing has none to spare for that.
 */
import { descend, type Gain } from './descend.ts';
import type { Draft } from './draft.ts';
import type { GroupDraft } from './groupDraft.ts';
import { least, riseWithoutLeader, riseWithoutReplica } from './targets.ts';

interface ReplicaMove extends Gain {
  readonly from: number;
  readonly to: number;
}

/** Returns how many steps it took. */
export function balanceReplicas(draft: Draft, isDone: () => boolean): number {
  draft.phase = 'replicas';
  const rises = new Float64Array(draft.layout.nodes.length);
  const { groups } = draft.layout;
  return descend<GroupDraft, ReplicaMove>(groups, {
    isDone,
    best: (group) => bestMove(draft, group, rises),
    take: (group, move) => take(draft, group, move),
  });
}

/** `rises` is memory to work in. */
function bestMove(draft: Draft, group: GroupDraft, rises: Float64Array): ReplicaMove | null {
  const { layout, constraints, potential } = draft;
  const { voters, leader } = group;
  if (group.membersRest || !constraints.isOpen(group)) return null;
  if (voters.some((node) => layout.nodeAt(node).state !== 'up')) return null;
  const isAlone = voters.length === 1 && voters[0] === leader;
  rises.fill(0);
  potential.addRises('replicas', 1, rises);
  potential.addRises('bytes', group.bytes, rises);
  if (isAlone) {
    potential.addRises('leaders', 1, rises);
    potential.addRises('operations', group.operations, rises);
  }
  const riseOf = (node: number): number => rises[node] ?? 0;
  let best: ReplicaMove | null = null;
  for (const from of voters) {
    if (from === leader && !isAlone) continue;
    const to = least(layout, group, layout.everyNode, riseOf, (node) => constraints.mayHold(group, node, from));
    if (to === null) continue;
    const lead = isAlone ? riseWithoutLeader(potential, group, from) : 0;
    const fall = -riseWithoutReplica(potential, group, from) - lead - riseOf(to);
    const gain = fall - costOf(draft, group, from, isAlone);
    if (gain > (best?.gain ?? 0)) best = { gain, fall, from, to };
  }
  return best;
}

function costOf(
  { potential, policy }: Draft,
  { bytes, operations }: GroupDraft,
  from: number,
  isAlone: boolean,
): number {
  const ppt = policy.tollPpt.replica;
  const copy = potential.effort + potential.toll('replicas', from, 1, ppt) + potential.toll('bytes', from, bytes, ppt);
  if (!isAlone) return copy;
  return copy + potential.toll('leaders', from, 1, ppt) + potential.toll('operations', from, operations, ppt);
}

function take(draft: Draft, group: GroupDraft, { from, to, fall }: ReplicaMove): void {
  const [less, more] = [draft.heaviest(from, ['replicas', 'bytes']), draft.standing(to, 'replicas')];
  draft.replaceReplica(group, from, to, `${less}, ${more}; ${draft.progress(fall)}`);
}
