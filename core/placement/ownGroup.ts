/** A group for one tenant alone: the one it has, one in which nobody lives, or one that is to be made. */
import type { Draft } from './draft.ts';
import { type GroupDraft, newGroup } from './groupDraft.ts';
import { movedLoad } from './layout.ts';
import { votersFor } from './newGroups.ts';

/** As many voters as its group has now. Null: there is no room for one. */
export function ownGroup(draft: Draft, tenant: number, why: string): GroupDraft | null {
  const { layout, constraints } = draft;
  const { tenant: name } = layout.tenantAt(tenant);
  const own = layout.groups.find(({ dedicatedTo }) => dedicatedTo === name);
  if (own !== undefined) return constraints.mayLive(tenant, own) ? own : null;
  const empty = emptyGroup(draft, tenant);
  if (empty !== null || !draft.makesGroups) return empty;
  const nodes = nodesFor(draft, tenant);
  return nodes === null ? null : draft.createGroup(name, nodes, why);
}

/** Why there is none. */
export function noOwnGroup({ makesGroups }: Draft): string {
  return makesGroups
    ? 'there is no room for a group of its own'
    : 'no group is empty, and none is made unless the balance is on';
}

/** The one of which the leader has least to do, and that nobody else has to live in. */
function emptyGroup({ layout, constraints, potential }: Draft, tenant: number): GroupDraft | null {
  const { operations } = movedLoad(layout.tenantAt(tenant), layout.homeOf(tenant));
  const wanted = new Set(layout.bound.map((other) => (other === tenant ? null : layout.tenantAt(other).pin)));
  let best: GroupDraft | null = null;
  let lowest = 0;
  for (const group of layout.groups) {
    if (group.tenants > 0 || group.dedicatedTo !== null || wanted.has(group.group)) continue;
    if (!constraints.mayLive(tenant, group)) continue;
    const rise = potential.rise('operations', group.leader, operations);
    if (best !== null && rise >= lowest) continue;
    [best, lowest] = [group, rise];
  }
  if (best !== null) best.dedicatedTo = layout.tenantAt(tenant).tenant;
  return best;
}

/** Who is to have it, the node that is to lead first: chosen as if it had the tenant already. */
function nodesFor(draft: Draft, tenant: number): readonly number[] | null {
  const { layout } = draft;
  const home = layout.homeOf(tenant);
  const { tenant: name, exclusions } = layout.tenantAt(tenant);
  const probe = newGroup(layout.nextGroup, layout.groups.length, home.wanted, name);
  const { bytes, operations } = movedLoad(layout.tenantAt(tenant), home);
  probe.bytes = bytes;
  probe.operations = operations;
  for (const id of exclusions) probe.excluded.set(layout.indexOf(id), 1);
  return votersFor(draft, probe);
}
