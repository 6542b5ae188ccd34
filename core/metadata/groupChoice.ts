/**
 * In which group a tenant goes that has to go somewhere. What decides is the tenant's name and replicated state: every
 * replica of the metadata group chooses alike. It knows nothing of nodes; who asks has left out the groups that may not
 * take the tenant.
 */
import { bytesOfBinary } from '../base/bytes.ts';
import { digestOf } from '../base/digest.ts';
import { hashOf } from '../base/hash.ts';
import type { GroupId, TenantName } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';

export const placementKinds = ['round-robin', 'least-loaded', 'rendezvous'] as const;
export type PlacementKind = (typeof placementKinds)[number];

/** What a group has on it. */
export interface GroupLoad {
  readonly group: GroupId;
  readonly tenants: number;
  readonly bytes: number;
  /** A second. */
  readonly operations: number;
}

export interface Placement {
  readonly kind: PlacementKind;
  /** Tenants placed by round robin so far: a counter in the metadata group's state. */
  readonly placed: number;
  /** By how many parts of a thousand a group may have more tenants than the mean before rendezvous passes it over. */
  readonly boundPpt: number;
}

/** `groups` is sorted by id and not empty. */
export function place(tenant: TenantName, groups: readonly GroupLoad[], placement: Placement): GroupId {
  switch (placement.kind) {
    case 'round-robin':
      return roundRobin(groups, placement.placed).group;
    case 'least-loaded':
      return leastLoaded(tenant, groups);
    case 'rendezvous':
      return rendezvous(tenant, groups, placement.boundPpt);
  }
}

/** Whose turn it is when `placed` have had theirs. `groups` is sorted and not empty. */
export function roundRobin<Group>(groups: readonly Group[], placed: number): Group {
  const group = groups[placed % groups.length];
  invariant(group !== undefined, 'there is a group for tenants', { groups: groups.length });
  return group;
}

const partsOfAll = 1_000_000;

/** The group with the least of all there is: tenants, bytes and operations count alike. */
function leastLoaded(tenant: TenantName, groups: readonly GroupLoad[]): GroupId {
  const all = { tenants: 0, bytes: 0, operations: 0 };
  for (const { tenants, bytes, operations } of groups) {
    all.tenants += tenants;
    all.bytes += bytes;
    all.operations += operations;
  }
  const part = (some: number, of: number): number => (of === 0 ? 0 : Math.floor((some * partsOfAll) / of));
  const load = (g: GroupLoad): number =>
    part(g.tenants, all.tenants) + part(g.bytes, all.bytes) + part(g.operations, all.operations);
  return first(tenant, groups, load);
}

/**
 * The group that the hash of both names prefers, unless it has its share already (consistent hashing with bounded loads:
 * Mirrokni, Thorup and Zadimoghaddam, 2016). With one group more or less, few tenants would go elsewhere.
 */
function rendezvous(tenant: TenantName, groups: readonly GroupLoad[], boundPpt: number): GroupId {
  const placed = groups.reduce((sum, { tenants }) => sum + tenants, 1);
  const most = Math.ceil((placed * (1000 + boundPpt)) / (1000 * groups.length));
  return first(tenant, groups, ({ tenants }) => (tenants < most ? 0 : 1));
}

/** The one that the hash of both names prefers, whatever there is on it: the same for as long as the groups are the same. */
export function preferred(tenant: TenantName, groups: readonly { readonly group: GroupId }[]): GroupId {
  return first(tenant, groups, () => 0);
}

/** The lowest rank; among equals the one that the hash prefers. */
function first<Group extends { readonly group: GroupId }>(
  tenant: TenantName,
  groups: readonly Group[],
  rankOf: (group: Group) => number,
): GroupId {
  const name = digestOf(bytesOfBinary(tenant));
  let chosen: GroupId | null = null;
  let [rank, hash] = [0, 0];
  for (const load of groups) {
    const other = { rank: rankOf(load), hash: hashOf(name, load.group) };
    if (chosen !== null && (other.rank > rank || (other.rank === rank && other.hash >= hash))) continue;
    chosen = load.group;
    ({ rank, hash } = other);
  }
  invariant(chosen !== null, 'there is a group for tenants');
  return chosen;
}
