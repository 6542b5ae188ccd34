/** Which of the nodes that may is the best: the one where Φ rises least, and among equals the one that a hash prefers. */
import { hashOf } from '../base/hash.ts';
import type { Constraints } from './constraints.ts';
import type { GroupDraft } from './groupDraft.ts';
import type { Layout } from './layout.ts';
import type { Potential } from './potential.ts';

export interface Cluster {
  readonly layout: Layout;
  readonly constraints: Constraints;
  readonly potential: Potential;
}

/** For a replica of the group, in the place of that on `leaving`, or of none (−1): its heir, if that may. Null: no node may have it. */
export function targetFor(cluster: Cluster, group: GroupDraft, leaving: number): number | null {
  const { layout, constraints, potential } = cluster;
  const heir = leaving < 0 ? null : layout.heirOf(leaving);
  if (heir !== null && constraints.mayHold(group, heir, leaving)) return heir;
  const riseOf = (node: number): number => riseOfReplica(potential, group, node);
  return least(layout, group, layout.everyNode, riseOf, (node) => constraints.mayHold(group, node, leaving));
}

/** To lead the group, of which it has a voter, in the place of who leads it now. */
export function leaderFor({ layout, constraints, potential }: Cluster, group: GroupDraft): number | null {
  const riseOf = (node: number): number => riseOfLeader(potential, group, node);
  return least(layout, group, group.voters, riseOf, (node) => constraints.mayLead(group, node));
}

/** Of those that may, the one for which Φ rises least. */
export function least(
  layout: Layout,
  { group }: GroupDraft,
  nodes: readonly number[],
  riseOf: (node: number) => number,
  may: (node: number) => boolean,
): number | null {
  let best: number | null = null;
  let [lowest, hash] = [0, 0];
  for (const node of nodes) {
    const rise = riseOf(node);
    if (best !== null && rise > lowest) continue;
    const own = hashOf(group, layout.nodeAt(node).node);
    if ((best !== null && rise === lowest && own >= hash) || !may(node)) continue;
    best = node;
    [lowest, hash] = [rise, own];
  }
  return best;
}

/** Of Φ, if the node gets a replica of the group. */
export function riseOfReplica(potential: Potential, { bytes }: GroupDraft, node: number): number {
  return potential.rise('replicas', node, 1) + potential.rise('bytes', node, bytes);
}

/** Of Φ, if the node leads the group. */
export function riseOfLeader(potential: Potential, { operations }: GroupDraft, node: number): number {
  return potential.rise('leaders', node, 1) + potential.rise('operations', node, operations);
}

/** Of Φ, if the node loses its replica of the group; mostly below zero. */
export function riseWithoutReplica(potential: Potential, { bytes }: GroupDraft, node: number): number {
  return potential.rise('replicas', node, -1) + potential.rise('bytes', node, -bytes);
}

/** Of Φ, if the node leads the group no more. */
export function riseWithoutLeader(potential: Potential, { operations }: GroupDraft, node: number): number {
  return potential.rise('leaders', node, -1) + potential.rise('operations', node, -operations);
}
