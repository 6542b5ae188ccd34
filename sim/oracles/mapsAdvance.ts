/**
 * X4: the version of a node's map never goes back within a life, and the same version is the same map on every
 * node. Hints neither: what a node believes of one tenant, and of one group's leader, only gets newer.
 */
import type { NodeId, TenantName } from '../../core/base/ids.ts';
import type { Node } from '../../core/node/node.ts';
import type { MapChange } from '../../core/wire/messages.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** What one life of a node believed when it was last looked at. */
interface Beliefs {
  version: number;
  /** Of tenants it was told about in this turn. */
  heard: TenantName[];
  readonly incarnations: Map<TenantName, number>;
  /** In the order of the groups. */
  readonly terms: number[];
}

export function mapsAdvance(truth: Truth): Oracle {
  const groups = [...truth.groups.keys()];
  /** Version v is the map after the first v of these, as the first node to reach it had them. */
  const canonical: MapChange[] = [];
  const beliefs: (Beliefs | undefined)[] = [];
  const believed = (node: NodeId): Beliefs =>
    (beliefs[node] ??= { version: 0, heard: [], incarnations: new Map(), terms: groups.map(() => 0) });
  const lookAt = ({ id: node, router }: Node, { incarnations }: Beliefs, tenant: TenantName): void => {
    const incarnation = router.shards.find(tenant)?.incarnation;
    if (incarnation === undefined) return;
    const before = incarnations.get(tenant) ?? 0;
    rule(incarnation >= before, 'X4', 'what a node believes of a tenant gets newer', () => ({
      node,
      tenant,
      incarnation,
      before,
    }));
    incarnations.set(tenant, incarnation);
  };
  return {
    rule: 'X4',
    started(node: NodeId): void {
      beliefs[node] = undefined;
    },
    mapAdvanced(node: NodeId, changes: readonly MapChange[]): void {
      const known = believed(node);
      rule(changes.length >= known.version, 'X4', 'a map never goes back', {
        node,
        version: changes.length,
        before: known.version,
      });
      for (let version = known.version; version < changes.length; version += 1) {
        const change = changes[version];
        if (change === undefined) continue;
        const first = canonical[version];
        if (first === undefined) canonical.push(change);
        else
          rule(isSame(first, change), 'X4', 'the same version is the same map', {
            node,
            version: version + 1,
            tenant: change.tenant,
          });
        known.heard.push(change.tenant);
      }
      known.version = changes.length;
    },
    placeHeard(node: NodeId, tenant: TenantName): void {
      believed(node).heard.push(tenant);
    },
    turnEnded(node: Node): void {
      const known = believed(node.id);
      const { terms, heard } = known;
      const { leaders } = node.router;
      for (let i = 0; i < groups.length; i += 1) {
        const group = groups[i];
        if (group === undefined) continue;
        const term = leaders.termOf(group);
        const before = terms[i] ?? 0;
        if (term === before) continue;
        rule(term > before, 'X4', 'what a node believes of a leader gets newer', {
          node: node.id,
          group,
          term,
          before,
        });
        terms[i] = term;
      }
      if (heard.length === 0) return;
      for (const tenant of heard) lookAt(node, known, tenant);
      known.heard = [];
    },
  };
}

function isSame(a: MapChange, b: MapChange): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.tenant !== b.tenant || a.incarnation !== b.incarnation) return false;
  return a.kind === 'dropped' || b.kind === 'dropped' || (a.group === b.group && a.epoch === b.epoch);
}
