/** On which nodes groups begin that are to be made: as a planner spreads replicas, with nothing on them yet. */
import type { NodeId } from '../base/ids.ts';
import type { ClusterSnapshot } from './clusterSnapshot.ts';
import { Draft } from './draft.ts';
import { type GroupDraft, newGroup } from './groupDraft.ts';
import type { Policy } from './policy.ts';
import { type Cluster, riseOfLeader, targetFor } from './targets.ts';

/** Of each of so many groups the nodes, the one that is to lead first. Null: not so many nodes may have a replica. */
export function nodesForNew(
  snapshot: ClusterSnapshot,
  policy: Policy,
  count: number,
  replicas: number,
): readonly (readonly NodeId[])[] | null {
  const draft = new Draft(snapshot, policy);
  const { layout } = draft;
  const chosen: (readonly NodeId[])[] = [];
  while (chosen.length < count) {
    const group = newGroup(layout.nextGroup, layout.groups.length, replicas, null);
    const voters = votersFor(draft, group);
    if (voters === null) return null;
    group.voters.splice(0, replicas, ...voters);
    layout.createGroup(group);
    chosen.push(voters.map((node) => draft.idOf(node)));
  }
  return chosen;
}

/** As many nodes as the group is to have voters, the best to lead first; null if there are not so many that may. The group has them then. */
export function votersFor(cluster: Cluster, group: GroupDraft): readonly number[] | null {
  const { constraints, potential } = cluster;
  while (group.voters.length < group.wanted) {
    const node = targetFor(cluster, group, -1);
    if (node === null) return null;
    group.voters.push(node);
  }
  const able = group.voters.filter((node) => constraints.mayLead(group, node));
  const [leader] = able.sort((a, b) => riseOfLeader(potential, group, a) - riseOfLeader(potential, group, b));
  return leader === undefined ? null : [leader, ...group.voters.filter((node) => node !== leader)];
}
