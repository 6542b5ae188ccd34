/** Commands whose replies come at the end of a procedure, and those that the mode of metadata has no place for. */
import { metadataGroup } from '../../base/ids.ts';
import type { Procedure } from '../../forward/procedure.ts';
import type { NodeView } from '../view.ts';
import type { NodeCall } from './spec.ts';

export function begin({ reply, connection, node }: NodeCall, procedure: Procedure): void {
  if (!node.start(connection, procedure))
    reply.error('BUSY not executed: too many questions about tenants are under way');
}

/** Writes an error if tenants neither come nor go nor move here. Returns whether it did. */
export function isOfFixedTenants({ reply, node }: NodeCall): boolean {
  if (node.settings.metadata !== 'static') return false;
  reply.error('ERR not executed: tenants are where the configuration says: the metadata mode is static');
  return true;
}

/** Writes an error if there is no metadata group, which nodes and plans belong to. Returns whether it did. */
export function isWithoutMetadataGroup({ reply, node }: NodeCall): boolean {
  const { metadata } = node.settings;
  if (metadata === 'raft') return false;
  reply.error(`ERR not executed: that is for the metadata group to do, and the metadata mode is ${metadata}`);
  return true;
}

/** Who knows what is planned, where another node does. */
export function notPlannedHere(node: NodeView): string {
  const leader = node.group(metadataGroup)?.leader ?? null;
  const found = node.nodes.find((other) => other.node === leader);
  return found === undefined
    ? 'ERR nobody leads the metadata group now'
    : `ERR this node does not plan: ask node ${String(found.node)} at ${found.clientAddress}`;
}
