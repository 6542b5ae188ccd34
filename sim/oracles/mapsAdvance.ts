/**
 * X4: the version of a node's map never goes back within a life, and the same version is the same map on every
 * node. Hints neither: what a node believes of one tenant, and of one group's leader, only gets newer.
 */
import type { GroupId, NodeId } from '../../core/base/ids.ts';
import type { MapChange } from '../../core/wire/messages.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** What one life of a node believed when it was last looked at. */
interface Beliefs {
  version: number;
  readonly incarnations: Map<string, number>;
  readonly terms: Map<GroupId, number>;
}

export function mapsAdvance(truth: Truth): Oracle {
  /** Version v is the map after the first v of these, as the first node to reach it had them. */
  const canonical: MapChange[] = [];
  const beliefs = new Map<NodeId, Beliefs>();
  const believed = (node: NodeId): Beliefs => {
    let known = beliefs.get(node);
    if (known === undefined) beliefs.set(node, (known = { version: 0, incarnations: new Map(), terms: new Map() }));
    return known;
  };
  return {
    rule: 'X4',
    started(node: NodeId): void {
      beliefs.delete(node);
    },
    mapAdvanced(node: NodeId, changes: readonly MapChange[]): void {
      const known = believed(node);
      rule(changes.length >= known.version, 'X4', 'a map never goes back', { node, version: changes.length, before: known.version });
      for (let version = known.version; version < changes.length; version += 1) {
        const change = changes[version];
        if (change === undefined) continue;
        const first = canonical[version];
        if (first === undefined) canonical.push(change);
        else rule(isSame(first, change), 'X4', 'the same version is the same map', { node, version: version + 1, tenant: change.tenant });
      }
      known.version = changes.length;
    },
    checkpoint(): void {
      truth.nodes.forEach((node) => {
        if (node === null) return;
        const known = believed(node.id);
        for (const { tenant, incarnation } of node.router.shards.list()) {
          const before = known.incarnations.get(tenant) ?? 0;
          rule(incarnation >= before, 'X4', 'what a node believes of a tenant gets newer', { node: node.id, tenant, incarnation, before });
          known.incarnations.set(tenant, incarnation);
        }
        for (const group of truth.groups.keys()) {
          const term = node.router.leaders.termOf(group);
          const before = known.terms.get(group) ?? 0;
          rule(term >= before, 'X4', 'what a node believes of a leader gets newer', { node: node.id, group, term, before });
          known.terms.set(group, term);
        }
      });
    },
  };
}

function isSame(a: MapChange, b: MapChange): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.tenant !== b.tenant || a.incarnation !== b.incarnation) return false;
  return a.kind === 'dropped' || b.kind === 'dropped' || (a.group === b.group && a.epoch === b.epoch);
}
