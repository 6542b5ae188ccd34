/**
 * What a snapshot has that it must not have, by name, and by how much: slowly, from the snapshot alone, and knowing nothing
 * of the planner.
 */
import type { ClusterSnapshot } from '../../core/placement/clusterSnapshot.ts';
import type { Policy } from '../../core/placement/policy.ts';
import { membersOf } from '../../core/raft/configuration.ts';

export function broken(snapshot: ClusterSnapshot, policy: Policy): ReadonlyMap<string, number> {
  const { nodes, groups, tenants } = snapshot;
  const found = new Map<string, number>();
  const say = (what: string, by: number): void => {
    if (by > 0) found.set(what, by);
  };
  const zoneOf = new Map(nodes.map(({ node, zone }) => [node, zone]));
  const staying = nodes.filter(({ state }) => state === 'up' || state === 'suspect' || state === 'down');
  const zones = new Set(staying.map(({ zone }) => zone)).size;
  for (const { group, configuration, replicas } of groups) {
    const members = membersOf(configuration);
    say(`group ${String(group)} on a node twice`, members.length - new Set(members.map(({ node }) => node)).size);
    const most = Math.ceil(replicas / Math.max(zones, 1));
    for (const zone of new Set(zoneOf.values())) {
      const there = configuration.voters.filter(({ node }) => zoneOf.get(node) === zone).length;
      say(`group ${String(group)} in zone ${zone}`, there - most);
    }
  }
  for (const { node, capacityBytes, capacityOperations, maxReplicas } of nodes) {
    const held = groups.filter(({ configuration }) => membersOf(configuration).some((member) => member.node === node));
    const led = groups.filter(({ leader }) => leader === node);
    const bytes = held.reduce((sum, one) => sum + one.bytes, 0);
    const operations = led.reduce((sum, one) => sum + one.operations, 0);
    say(`bytes of node ${String(node)}`, bytes - (capacityBytes * policy.highWaterPpt) / 1000);
    say(`operations of node ${String(node)}`, operations - (capacityOperations * policy.highWaterPpt) / 1000);
    say(`replicas of node ${String(node)}`, held.length - maxReplicas);
  }
  for (const { tenant, group, pin, exclusions } of tenants) {
    const home = groups.find((one) => one.group === group)!;
    const members = membersOf(home.configuration);
    say(`pin of ${tenant}`, pin !== null && pin !== 'own' && pin !== group ? 1 : 0);
    say(`own group of ${tenant}`, pin === 'own' && home.dedicatedTo !== tenant ? 1 : 0);
    say(`${tenant} in the group of another`, home.dedicatedTo !== null && home.dedicatedTo !== tenant ? 1 : 0);
    for (const node of exclusions)
      say(`${tenant} on node ${String(node)}`, members.some((member) => member.node === node) ? 1 : 0);
  }
  return found;
}
