/**
 * Tenants go to groups whose nodes have less to hold and to do. There are far too many tenants and groups to try each with
 * each: of a group, some of its tenants are tried, from the largest on; of the groups, those whose nodes have least.
 * A tenant keeps the number of its copies, and so does the cluster its sum of bytes.
 */
import { metadataGroup } from '../base/ids.ts';
import { descend, type Gain } from './descend.ts';
import type { Draft } from './draft.ts';
import { type GroupDraft, isMember } from './groupDraft.ts';
import { movedLoad } from './layout.ts';
import type { TenantIndex } from './tenantIndex.ts';

/** Enough to find a good step; the next look has others. */
const groupsTried = 24;

interface TenantMove extends Gain {
  readonly tenant: number;
  readonly to: GroupDraft;
}

/** Returns how many steps it took. */
export function balanceTenants(draft: Draft, isDone: () => boolean): number {
  draft.phase = 'tenants';
  const { tenantIndex: index } = draft;
  const coolest = coolestGroups(draft);
  return descend<GroupDraft, TenantMove>(draft.layout.groups, {
    isDone,
    best: (group) => bestMove(draft, group, coolest.get(copiesOf(group)) ?? [], index),
    take: (_, move) => take(draft, move),
  });
}

/** Of those that are open to anybody, by their number of copies. */
function coolestGroups(draft: Draft): ReadonlyMap<number, readonly GroupDraft[]> {
  const byCopies = new Map<number, { readonly group: GroupDraft; readonly heat: number }[]>();
  for (const group of draft.layout.groups) {
    if (group.group === metadataGroup || group.dedicatedTo !== null || group.leader < 0) continue;
    const alike = byCopies.get(copiesOf(group)) ?? [];
    alike.push({ group, heat: heatOf(draft, group) });
    byCopies.set(copiesOf(group), alike);
  }
  return new Map(
    [...byCopies].map(([copies, groups]) => {
      groups.sort((a, b) => a.heat - b.heat || a.group.index - b.group.index);
      return [copies, groups.slice(0, groupsTried).map(({ group }) => group)];
    }),
  );
}

function copiesOf({ voters, learners }: GroupDraft): number {
  return voters.length + learners.length;
}

/** How far above their shares its nodes are, where a tenant would count. */
function heatOf({ potential, policy }: Draft, { voters, learners, leader }: GroupDraft): number {
  const { bytes, operations } = policy.weights;
  let heat = operations * (potential.deviationPpt('operations', leader) ?? 0);
  for (const node of voters) heat += bytes * (potential.deviationPpt('bytes', node) ?? 0);
  for (const node of learners) heat += bytes * (potential.deviationPpt('bytes', node) ?? 0);
  return heat;
}

function bestMove(
  draft: Draft,
  home: GroupDraft,
  targets: readonly GroupDraft[],
  index: TenantIndex,
): TenantMove | null {
  if (home.leader < 0 || home.dedicatedTo !== null || home.tenants === 0) return null;
  const heat = heatOf(draft, home);
  const cooler = targets.filter((group) => heatOf(draft, group) < heat);
  if (cooler.length === 0) return null;
  let best: TenantMove | null = null;
  for (const tenant of index.some(home)) {
    for (const to of cooler) {
      const move = moveOf(draft, tenant, home, to);
      if (move.gain > (best?.gain ?? 0) && draft.constraints.mayLive(tenant, to)) best = move;
    }
  }
  return best;
}

/** A node that is in both groups has as much as before. */
function moveOf({ layout, potential, policy }: Draft, tenant: number, from: GroupDraft, to: GroupDraft): TenantMove {
  const { bytes, operations } = movedLoad(layout.tenantAt(tenant), from);
  const ppt = policy.tollPpt.tenant;
  let [rise, cost] = [0, potential.effort];
  for (const node of from.voters) if (!isMember(to, node)) rise += potential.rise('bytes', node, -bytes);
  for (const node of from.learners) if (!isMember(to, node)) rise += potential.rise('bytes', node, -bytes);
  for (const node of [...to.voters, ...to.learners]) {
    if (isMember(from, node)) continue;
    rise += potential.rise('bytes', node, bytes);
    cost += potential.toll('bytes', node, bytes, ppt);
  }
  if (from.leader !== to.leader) {
    rise += potential.rise('operations', from.leader, -operations);
    rise += potential.rise('operations', to.leader, operations);
    cost += potential.toll('operations', to.leader, operations, ppt);
  }
  return { gain: -rise - cost, fall: -rise, tenant, to };
}

function take(draft: Draft, { tenant, to, fall }: TenantMove): void {
  const from = draft.layout.homeOf(tenant);
  const { tenant: name } = draft.layout.tenantAt(tenant);
  const stand = `${draft.standing(from.leader, 'operations')}, ${draft.standing(to.leader, 'operations')}`;
  draft.moveTenant(tenant, to, `tenant ${name}: ${stand}; ${draft.progress(fall)}`);
}
