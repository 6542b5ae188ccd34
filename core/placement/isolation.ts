/**
 * A tenant that is most of its group is a bad neighbour, and a small one needs no group of its own: the first moves out,
 * the second back among others.
 */
import { compareText } from '../base/bytes.ts';
import { percent, type Draft } from './draft.ts';
import type { GroupDraft } from './groupDraft.ts';
import { noOwnGroup, ownGroup } from './ownGroup.ts';
import { leave } from './tenancy.ts';

type Resource = 'bytes' | 'operations';
const resources = ['bytes', 'operations'] as const;

export function isolate(draft: Draft): void {
  draft.phase = 'isolation';
  const floor = floorOf(draft);
  const { layout } = draft;
  const heavy = new Map<GroupDraft, number[]>();
  const light: number[] = [];
  for (const [tenant, status] of layout.tenants.entries()) {
    if (layout.rests[tenant] === 1 || status.pin !== null) continue;
    const isHeavy = status.bytes >= floor.bytes || status.operations >= floor.operations;
    const isLight = status.bytes * 2 < floor.bytes && status.operations * 2 < floor.operations;
    if (!isHeavy && !isLight) continue;
    const home = layout.homeOf(tenant);
    if (isLight && home.dedicatedTo === status.tenant) light.push(tenant);
    if (isHeavy && home.dedicatedTo === null) heavy.set(home, [...(heavy.get(home) ?? []), tenant]);
  }
  const byName = (a: number, b: number): number => compareText(layout.tenantAt(a).tenant, layout.tenantAt(b).tenant);
  for (const [group, tenants] of [...heavy].sort(([a], [b]) => a.index - b.index))
    while (moveOut(draft, group, tenants.sort(byName), floor));
  for (const tenant of light.sort(byName)) moveBack(draft, tenant);
}

/** From so much on a tenant is worth a group. */
function floorOf({ layout, policy }: Draft): Readonly<Record<Resource, number>> {
  const mean = (capacity: (node: number) => number): number => {
    const nodes = [...layout.nodes.keys()].filter((node) => layout.stays(node));
    const all = nodes.reduce((sum, node) => sum + capacity(node), 0);
    return Math.max(1, Math.floor((all * policy.isolationFloorPpt) / (1000 * Math.max(nodes.length, 1))));
  };
  return {
    bytes: mean((node) => layout.nodeAt(node).capacityBytes),
    operations: mean((node) => layout.nodeAt(node).capacityOperations),
  };
}

/** The tenant with the largest share, if that is above the policy's. Returns whether it went. */
function moveOut(
  draft: Draft,
  group: GroupDraft,
  tenants: readonly number[],
  floor: ReturnType<typeof floorOf>,
): boolean {
  const { layout, policy } = draft;
  if (group.tenants < 2) return false;
  let [worst, worstPpt, of]: [number, number, Resource] = [-1, policy.isolationPpt, 'operations'];
  for (const tenant of tenants) {
    if (layout.homeOf(tenant) !== group) continue;
    const status = layout.tenantAt(tenant);
    for (const resource of resources) {
      const has = status[resource];
      const ppt = has < floor[resource] || group[resource] === 0 ? 0 : Math.floor((has * 1000) / group[resource]);
      if (ppt > worstPpt) [worst, worstPpt, of] = [tenant, ppt, resource];
    }
  }
  if (worst < 0 || !draft.hasRoom) return false;
  const why = `tenant ${layout.tenantAt(worst).tenant} is ${percent(worstPpt)} of group ${String(group.group)} by ${of}`;
  const own = ownGroup(draft, worst, why);
  if (own === null) draft.note(`${why}: ${noOwnGroup(draft)}`);
  if (own === null || !draft.hasRoom) return false;
  draft.moveTenant(worst, own, why);
  return true;
}

function moveBack(draft: Draft, tenant: number): void {
  const { tenant: name, bytes, operations } = draft.layout.tenantAt(tenant);
  const group = String(draft.layout.homeOf(tenant).group);
  leave(
    draft,
    tenant,
    `tenant ${name} has ${String(bytes)} bytes and ${String(operations)} operations a second: too little for group ${group} of its own`,
  );
}
