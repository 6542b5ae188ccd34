/** What is on nodes that are to be left goes elsewhere: who leads there hands over, then replicas follow. */
import type { Draft } from './draft.ts';
import type { GroupDraft } from './groupDraft.ts';
import { leaderFor, targetFor } from './targets.ts';

export function drain(draft: Draft): void {
  const { layout } = draft;
  draft.phase = 'drain';
  const isLeft = (node: number): boolean => layout.nodeAt(node).state === 'draining';
  if (!layout.nodes.some(({ state }) => state === 'draining')) return;
  for (const group of layout.groups) if (group.leader >= 0 && isLeft(group.leader)) handOver(draft, group);
  for (const group of layout.groups) {
    for (const node of group.learners.filter(isLeft)) dropLearner(draft, group, node);
    for (const node of group.voters.filter(isLeft)) follow(draft, group, node);
  }
}

function handOver(draft: Draft, group: GroupDraft): void {
  const to = leaderFor(draft, group);
  if (to === null || !draft.hasRoom) return;
  const why = `node ${String(draft.idOf(group.leader))} drains; ${draft.standing(to, 'leaders')}`;
  draft.transferLeader(group, to, why);
}

/** It has no vote: whoever wants it back adds it where it may stay. */
function dropLearner(draft: Draft, group: GroupDraft, node: number): void {
  if (!draft.constraints.isOpen(group) || !draft.hasRoom) return;
  draft.removeReplica(group, node, `node ${String(draft.idOf(node))} drains, and this learner counts for nothing`);
}

function follow(draft: Draft, group: GroupDraft, node: number): void {
  const name = `group ${String(group.group)} stays on node ${String(draft.idOf(node))}, which drains`;
  if (!draft.constraints.isOpen(group)) {
    draft.note(`${name}: its members cannot be changed now`);
    return;
  }
  const target = targetFor(draft, group, node);
  if (target === null || (group.leader === node && group.voters.length > 1)) {
    draft.note(target === null ? `${name}: no other node may have it` : `${name}: nobody else may lead it`);
    return;
  }
  if (!draft.hasRoom) return;
  const why = `node ${String(draft.idOf(node))} drains; ${draft.standing(target, 'bytes')}`;
  draft.replaceReplica(group, node, target, why);
}
