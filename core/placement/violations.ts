/**
 * What the snapshot breaks is put right, each by steps that break nothing: leaders on silent nodes, voters too many or
 * crowded in a zone, nodes with more than they may have. Tenants that live where they must not are for `tenancy.ts`.
 */
import type { Draft } from './draft.ts';
import type { GroupDraft } from './groupDraft.ts';
import { leaderFor, least, riseWithoutReplica, targetFor } from './targets.ts';

export function settleGroups(draft: Draft): void {
  draft.phase = 'constraints';
  const { layout, constraints } = draft;
  for (const group of layout.groups) {
    if (group.leader >= 0 && layout.nodeAt(group.leader).state === 'suspect') leaveSuspect(draft, group);
    while (group.voters.length > group.wanted && dropSurplus(draft, group));
    for (const node of [...group.voters]) if (constraints.isCrowded(group, node)) leaveZone(draft, group, node);
  }
  for (const node of layout.nodes.keys()) {
    if (layout.stays(node)) relieve(draft, node);
  }
}

function leaveSuspect(draft: Draft, group: GroupDraft): void {
  const to = leaderFor(draft, group);
  if (to === null || !draft.hasRoom) return;
  const why = `node ${String(draft.idOf(group.leader))} is silent; ${draft.standing(to, 'leaders')}`;
  draft.transferLeader(group, to, why);
}

/** Those first that should not be where they are, and followers before who leads. Returns whether one went. */
function dropSurplus(draft: Draft, group: GroupDraft): boolean {
  const { layout, constraints } = draft;
  if (!constraints.isOpen(group)) return false;
  const isMisplaced = (node: number): boolean =>
    layout.nodeAt(node).state !== 'up' || constraints.isCrowded(group, node) || constraints.isExcluded(group, node);
  const able = group.voters.filter((node) => constraints.decidesWithout(group, node));
  const followers = able.filter((node) => node !== group.leader);
  const choices = [followers.filter(isMisplaced), able.filter(isMisplaced), followers, able];
  const candidates = choices.find(({ length }) => length > 0) ?? [];
  const riseOf = (one: number): number => riseWithoutReplica(draft.potential, group, one);
  const node = least(layout, group, candidates, riseOf, () => true);
  if (node === null || !draft.hasRoom) return false;
  const why = `group ${String(group.group)} has ${String(group.voters.length)} voters and is to have ${String(group.wanted)}`;
  if (!draft.yieldLead(group, node, why) || !draft.hasRoom) return false;
  draft.removeReplica(group, node, `${why}; ${draft.standing(node, 'replicas')}`);
  return true;
}

function leaveZone(draft: Draft, group: GroupDraft, node: number): void {
  const { zone } = draft.layout.nodeAt(node);
  const why = `group ${String(group.group)} has more voters in zone ${zone} than it has to`;
  relocate(draft, group, node, why);
}

/** Returns whether the replica went. */
export function relocate(draft: Draft, group: GroupDraft, node: number, why: string): boolean {
  if (!draft.constraints.isOpen(group)) return false;
  const target = targetFor(draft, group, node);
  if (target === null || !draft.hasRoom || !draft.yieldLead(group, node, why) || !draft.hasRoom) return false;
  draft.replaceReplica(group, node, target, `${why}; ${draft.standing(target, 'bytes')}`);
  return true;
}

/** Takes from the node what is above its marks, as long as there is somebody who may have it. */
function relieve(draft: Draft, node: number): void {
  const { layout, constraints } = draft;
  const isOver = (): boolean =>
    !constraints.fits(node, 'bytes', 0) || layout.of('replicas', node) > layout.nodeAt(node).maxReplicas;
  const held = isOver() ? layout.groups.filter(({ voters }) => voters.includes(node)) : [];
  held.sort((a, b) => b.bytes - a.bytes || a.index - b.index);
  for (const group of held) if (isOver()) relocate(draft, group, node, overfull(draft, node));
  if (constraints.fits(node, 'operations', 0)) return;
  const led = layout.groups.filter(({ leader }) => leader === node);
  led.sort((a, b) => b.operations - a.operations || a.index - b.index);
  for (const group of led) {
    const to = constraints.fits(node, 'operations', 0) ? null : leaderFor(draft, group);
    if (to !== null && draft.hasRoom) draft.transferLeader(group, to, overworked(draft, node));
  }
}

function overfull(draft: Draft, node: number): string {
  const { layout, constraints } = draft;
  const { maxReplicas } = layout.nodeAt(node);
  const name = `node ${String(draft.idOf(node))} has`;
  const replicas = layout.of('replicas', node);
  if (replicas > maxReplicas) return `${name} ${String(replicas)} replicas and may have ${String(maxReplicas)}`;
  return `${name} ${String(layout.of('bytes', node))} bytes and may have ${String(constraints.highWater(node, 'bytes'))}`;
}

function overworked(draft: Draft, node: number): string {
  const [has, may] = [draft.layout.of('operations', node), draft.constraints.highWater(node, 'operations')];
  return `node ${String(draft.idOf(node))} has ${String(has)} operations a second and may have ${String(may)}`;
}
