/** What nodes know of where tenants live: told at once, and kept for the next life. */
import { expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import { Nodes } from './harness.ts';

const fewMs = 20;

test('a tenant that is created is known on every node long before any would ask', () => {
  const nodes = new Nodes(5, 3, { gossipMs: 60_000 });
  nodes.connect(1, 1);
  const before = nodes.nodes.map(({ router }) => router.shards.version);
  nodes.send(1, 1, 'TENANT', 'CREATE', 'acme');
  nodes.pass(fewMs);
  expect(nodes.nodes.map(({ router }) => router.shards.version)).toEqual(before.map((version) => version + 1));
  expect(new Set(nodes.nodes.map(({ router }) => router.shards.digest)).size).toBe(1);
});

test('a map that has changed is kept now and then, and one that has not is not', () => {
  const nodes = new Nodes(3, 3);
  nodes.connect(1, 1);
  nodes.ask(1, 1, 'TENANT', 'CREATE', 'acme');
  nodes.pass(2 * limits.mapKeptEveryMs);
  const [first] = nodes.nodes;
  expect(nodes.kept).toContain(`1 v${String(first?.router.shards.version)}`);
  nodes.kept.length = 0;
  nodes.pass(2 * limits.mapKeptEveryMs);
  expect(nodes.kept).toEqual([]);
});

test('a node that begins with a kept map routes by it until the metadata group is further', () => {
  const map = new TenantMap();
  const place = { group: GroupId(2), epoch: Epoch(1), incarnation: Incarnation(1) };
  for (const tenant of ['acme', 'blue', 'cyan']) map.apply({ kind: 'placed', tenant: tenant as TenantName, ...place });
  const nodes = new Nodes(3, 3, {}, map);
  for (const { router } of nodes.nodes) {
    expect(router.shards.version).toBe(3);
    expect(router.route('acme' as TenantName, null)).toMatchObject({ group: 2, incarnation: 1 });
  }
});
