/**
 * X4: the version of a node's map never goes back within a life, and the same version is the same map on every
 * node, where a metadata group makes versions. Hints neither: what a node believes of one tenant, and of one group's
 * leader, only gets newer.
 */
import { type GroupId, metadataGroup, type NodeId, type TenantName } from '../../core/base/ids.ts';
import { emptyMapDigest } from '../../core/metadata/mapDigest.ts';
import type { Node } from '../../core/node/node.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** What one life of a node believed when it was last looked at. */
interface Beliefs {
  version: number;
  digest: number;
  /** Of tenants it was told about in this turn. */
  heard: TenantName[];
  readonly places: Map<TenantName, { readonly incarnation: number; readonly epoch: number }>;
  readonly terms: Map<GroupId, number>;
}

export function mapsAdvance(truth: Truth): Oracle {
  const { groups } = truth;
  const isVersioned = groups.has(metadataGroup);
  /** Of each version's map, as the first node that had it when its turn ended. */
  const canonical = new Map<number, number>([[0, emptyMapDigest]]);
  const beliefs: (Beliefs | undefined)[] = [];
  const believed = (node: NodeId): Beliefs =>
    (beliefs[node] ??= {
      version: 0,
      digest: emptyMapDigest,
      heard: [],
      places: new Map(),
      terms: new Map(),
    });
  const lookAt = ({ id: node, router }: Node, { places }: Beliefs, tenant: TenantName): void => {
    const place = router.shards.find(tenant);
    if (place === null) return;
    const { incarnation, epoch } = place;
    const before = places.get(tenant) ?? { incarnation: 0, epoch: 0 };
    const isAsNew = incarnation === before.incarnation ? epoch >= before.epoch : incarnation > before.incarnation;
    rule(isAsNew, 'X4', 'what a node believes of a tenant gets newer', () => ({
      node,
      tenant,
      incarnation,
      epoch,
      before: `${String(before.incarnation)}/${String(before.epoch)}`,
    }));
    places.set(tenant, { incarnation, epoch });
  };
  const lookAtMap = ({ id: node, router }: Node, known: Beliefs): void => {
    const { version, digest } = router.shards;
    if (version === known.version && digest === known.digest) return;
    rule(version >= known.version, 'X4', 'a map never goes back', { node, version, before: known.version });
    const first = isVersioned ? canonical.get(version) : digest;
    if (first === undefined) canonical.set(version, digest);
    else rule(first === digest, 'X4', 'the same version is the same map', { node, version, digest, first });
    known.version = version;
    known.digest = digest;
    for (const { tenant } of router.shards.list()) known.heard.push(tenant);
  };
  return {
    rule: 'X4',
    started(node: NodeId): void {
      beliefs[node] = undefined;
    },
    placeHeard(node: NodeId, tenant: TenantName): void {
      believed(node).heard.push(tenant);
    },
    turnEnded(node: Node): void {
      const known = believed(node.id);
      const { terms } = known;
      lookAtMap(node, known);
      const { leaders } = node.router;
      for (const group of groups.keys()) {
        const term = leaders.termOf(group);
        const before = terms.get(group) ?? 0;
        if (term === before) continue;
        rule(term > before, 'X4', 'what a node believes of a leader gets newer', {
          node: node.id,
          group,
          term,
          before,
        });
        terms.set(group, term);
      }
      if (known.heard.length === 0) return;
      for (const tenant of known.heard) lookAt(node, known, tenant);
      known.heard = [];
    },
  };
}
