/**
 * Which group keeps the entry of a tenant in the directory: which incarnation it has, in which group it is, whether it
 * is on its way. With a metadata group that is group 0 for all of them. Without one every tenant has a home, one of the
 * groups for tenants, that follows from its name: so the directory is kept by all of them together, each its part.
 */
import { ByteWriter } from '../base/bytes.ts';
import { digestOf } from '../base/digest.ts';
import { type GroupId, metadataGroup, type TenantName } from '../base/ids.ts';
import { preferred } from './groupChoice.ts';

/**
 * `raft`: a metadata group keeps the directory. `gossip`: homes do, and nodes tell one another. `static`: the same, for
 * tenants that the configuration names and nobody creates, moves or drops.
 */
export const metadataModes = ['raft', 'static', 'gossip'] as const;
export type MetadataMode = (typeof metadataModes)[number];

export type Homes = (tenant: TenantName) => GroupId;

export const inMetadataGroup: Homes = () => metadataGroup;

/** `groups`: all there are, the same on every node for as long as the cluster lives. */
export function homesIn(mode: MetadataMode, groups: readonly { readonly group: GroupId }[]): Homes {
  return mode === 'raft' ? inMetadataGroup : (tenant) => preferred(tenant, groups);
}

/** What nodes must have in common, in words: with other homes than its peers' a node would create what exists. */
export function agreementOn(mode: MetadataMode, groups: readonly { readonly group: GroupId }[]): string {
  if (mode === 'raft') return mode;
  const ids = new ByteWriter();
  for (const { group } of groups) ids.varint(group);
  return `${mode}, ${String(groups.length)} groups, #${digestOf(ids.take()).toString(16)}`;
}
