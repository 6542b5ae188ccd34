/** Tenants that live where they must not, or not where they must, move: pins, exclusions, and groups meant for one alone. */
import { type GroupId, metadataGroup } from '../base/ids.ts';
import { type GroupLoad, place } from '../metadata/groupChoice.ts';
import type { Draft } from './draft.ts';
import type { GroupDraft } from './groupDraft.ts';
import { noOwnGroup, ownGroup } from './ownGroup.ts';
import { relocate } from './violations.ts';

export function settleTenants(draft: Draft): void {
  draft.phase = 'constraints';
  for (const tenant of draft.layout.bound) {
    const { pin, isMoving } = draft.layout.tenantAt(tenant);
    if (isMoving) continue;
    if (pin === 'own') toOwn(draft, tenant);
    else if (pin !== null) toPin(draft, tenant, pin);
    else leaveStrangers(draft, tenant);
    avoid(draft, tenant);
  }
}

function nameOf({ layout }: Draft, tenant: number): string {
  return `tenant ${layout.tenantAt(tenant).tenant}`;
}

function toOwn(draft: Draft, tenant: number): void {
  const home = draft.layout.homeOf(tenant);
  if (home.dedicatedTo === draft.layout.tenantAt(tenant).tenant || !draft.hasRoom) return;
  const why = `${nameOf(draft, tenant)} is pinned to a group of its own, and lives with ${String(home.tenants - 1)} others`;
  const own = ownGroup(draft, tenant, why);
  if (own === null) draft.note(`${why}: ${noOwnGroup(draft)}`);
  else if (draft.hasRoom) draft.moveTenant(tenant, own, why);
}

function toPin(draft: Draft, tenant: number, pin: GroupId): void {
  const { layout, constraints } = draft;
  const home = layout.homeOf(tenant);
  if (home.group === pin) return;
  const why = `${nameOf(draft, tenant)} is pinned to group ${String(pin)}, and lives in ${String(home.group)}`;
  if (!layout.has(pin)) draft.note(`${why}: there is no such group`);
  else if (!constraints.mayLive(tenant, layout.groupOfId(pin))) draft.note(`${why}: that may not take it now`);
  else if (draft.hasRoom) draft.moveTenant(tenant, layout.groupOfId(pin), why);
}

function leaveStrangers(draft: Draft, tenant: number): void {
  const { group, dedicatedTo } = draft.layout.homeOf(tenant);
  if (dedicatedTo === null || dedicatedTo === draft.layout.tenantAt(tenant).tenant) return;
  const why = `${nameOf(draft, tenant)} lives in group ${String(group)}, which is for ${dedicatedTo} alone`;
  if (!leave(draft, tenant, why)) draft.note(`${why}: no other may take it`);
}

/** Whichever is less to copy: the tenant, or the group's replica on a node that the tenant excludes. */
function avoid(draft: Draft, tenant: number): void {
  const { layout } = draft;
  const { exclusions, pin, bytes } = layout.tenantAt(tenant);
  for (const id of exclusions) {
    const home = layout.homeOf(tenant);
    const node = layout.indexOf(id);
    if (!home.voters.includes(node) && !home.learners.includes(node)) continue;
    const why = `${nameOf(draft, tenant)} must not be on node ${String(id)}, and group ${String(home.group)} is`;
    const isSmall = pin === null && bytes * home.voters.length <= home.bytes;
    const isDone =
      (isSmall && leave(draft, tenant, why)) ||
      goes(draft, home, node, why) ||
      (pin === null && !isSmall && leave(draft, tenant, why));
    if (!isDone) draft.note(`${why}: neither may go elsewhere`);
  }
}

function goes(draft: Draft, home: GroupDraft, node: number, why: string): boolean {
  if (home.voters.includes(node)) return relocate(draft, home, node, why);
  if (!draft.constraints.isOpen(home) || !draft.hasRoom) return false;
  draft.removeReplica(home, node, `${why}; this learner counts for nothing`);
  return true;
}

/** To the group that the policy would give it, were it new. Returns whether there is one. */
export function leave(draft: Draft, tenant: number, why: string): boolean {
  const { layout, constraints, policy } = draft;
  const home = layout.homeOf(tenant);
  const isOpen = (group: GroupDraft): boolean =>
    group !== home && group.dedicatedTo === null && constraints.mayLive(tenant, group);
  const open: GroupLoad[] = layout.groups.filter((group) => group.group !== metadataGroup && isOpen(group));
  if (open.length === 0 || !draft.hasRoom) return false;
  const { placement: kind, boundPpt } = policy;
  const chosen = place(layout.tenantAt(tenant).tenant, open, { kind, boundPpt, placed: draft.placed });
  if (kind === 'round-robin') draft.placed += 1;
  draft.moveTenant(tenant, layout.groupOfId(chosen), why);
  return true;
}
