/**
 * Replicas of nodes that are lost are made again elsewhere, and groups that lack some get them: those first that are
 * nearest to losing their majority.
 */
import type { Draft } from './draft.ts';
import { type GroupDraft, spare } from './groupDraft.ts';
import { targetFor } from './targets.ts';

export function repair(draft: Draft): void {
  draft.phase = 'repair';
  let open = draft.layout.groups.filter((group) => isBroken(draft, group));
  while (open.length > 0) {
    const nearest = open.reduce((least, group) => Math.min(least, spareOf(draft, group)), Infinity);
    const again: GroupDraft[] = [];
    for (const group of open) {
      const isLater = spareOf(draft, group) > nearest;
      if (isLater || (mend(draft, group) && isBroken(draft, group))) again.push(group);
    }
    open = again;
  }
}

function spareOf({ layout }: Draft, group: GroupDraft): number {
  return spare(group, (node) => layout.answers(node));
}

function isLost({ layout }: Draft, node: number): boolean {
  return layout.nodeAt(node).state === 'lost';
}

/** A replica there is to be replaced, or taken away. */
function isToGo(draft: Draft, { learners, givenUp }: GroupDraft, node: number): boolean {
  return isLost(draft, node) || (learners.includes(node) && givenUp.includes(node));
}

function isBroken(draft: Draft, group: GroupDraft): boolean {
  const { voters, learners, wanted } = group;
  return voters.length < wanted || [...voters, ...learners].some((node) => isToGo(draft, group, node));
}

/** Takes one step for the group. Returns whether there was one. */
function mend(draft: Draft, group: GroupDraft): boolean {
  const { voters, learners, wanted } = group;
  const name = `group ${String(group.group)}`;
  if (!draft.constraints.decides(group)) {
    draft.note(`${name} has lost its majority: only an operator can bring it back`);
    return false;
  }
  if (group.isChanging) {
    draft.note(`${name} is changing its members: its repair waits`);
    return false;
  }
  const lost = [...voters, ...learners].find((node) => isToGo(draft, group, node)) ?? null;
  const left = `${name} has ${String(voters.length)} of ${String(wanted)} voters and can lose ${String(spareOf(draft, group))}`;
  if (lost !== null && (learners.includes(lost) || voters.length > wanted)) {
    if (!draft.hasRoom) return false;
    const state = isLost(draft, lost) ? 'lost' : 'silent, and its copy should be there long since';
    draft.removeReplica(group, lost, `node ${String(draft.idOf(lost))} is ${state}; ${left}`);
    return true;
  }
  const target = targetFor(draft, group, lost ?? -1);
  if (target === null) {
    draft.note(`${left}: no node may take another replica of it`);
    return false;
  }
  if (!draft.hasRoom) return false;
  const where = draft.standing(target, 'bytes');
  if (lost === null) draft.addReplica(group, target, `${left}; ${where}`);
  else draft.replaceReplica(group, lost, target, `node ${String(draft.idOf(lost))} is lost; ${left}; ${where}`);
  return true;
}
