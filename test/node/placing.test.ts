/** Where tenants live: by an operator's word, and by the balance. */
import { expect, test } from 'vitest';
import { binaryString, ByteWriter } from '../../core/base/bytes.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { GroupId, metadataGroup, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { WallTime } from '../../core/base/time.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import type { Node } from '../../core/index.ts';
import { preferred } from '../../core/metadata/groupChoice.ts';
import { defaultPolicy } from '../../core/placement/policy.ts';
import { beginPiece, endPiece, writeHead } from '../../core/wire/tenantFile.ts';
import { checkSnapshot } from '../../runtime/plan/snapshotFile.ts';
import { Nodes } from './harness.ts';

const groups = 4;

/** The node that leads the metadata group. */
function planner(nodes: Nodes): number {
  return 1 + nodes.nodes.findIndex((node: Node) => node.groups.get(metadataGroup)?.isLeader === true);
}

function order(nodes: Nodes, words: string): string {
  nodes.connect(planner(nodes), 1);
  return nodes.ask(planner(nodes), 1, ...words.split(' '));
}

/** Of each tenant the group, as the leader of the metadata group knows it. */
function homes(nodes: Nodes, tenants: readonly string[]): readonly (number | undefined)[] {
  const { router } = nodes.nodes[planner(nodes) - 1] ?? {};
  return tenants.map((tenant) => router?.shards.base.find(tenant as TenantName)?.group ?? undefined);
}

function settled(nodes: Nodes, words: string): void {
  expect(order(nodes, words)).toBe('+OK\r\n');
  nodes.pass(8000);
}

test('a tenant that is pinned moves there, and nobody moves it elsewhere', () => {
  const nodes = new Nodes(3, groups, { rebalance: 'off' });
  settled(nodes, 'TENANT CREATE acme IN 1');
  expect(order(nodes, 'TENANT PIN acme')).toBe('$-1\r\n');
  settled(nodes, 'TENANT PIN acme TO 3');
  expect(homes(nodes, ['acme'])).toEqual([3]);
  expect(order(nodes, 'TENANT PIN acme')).toBe(':3\r\n');
  expect(order(nodes, 'TENANT MOVE acme TO 2')).toMatch(/^-ERR tenant 'acme' is pinned to group 3/);
  expect(order(nodes, 'TENANT UNPIN acme')).toBe('+OK\r\n');
  settled(nodes, 'TENANT MOVE acme TO 2');
  expect(homes(nodes, ['acme'])).toEqual([2]);
});

/** A tenant comes from a file of which nobody sends more than the beginning. */
function beginImport(nodes: Nodes, tenant: string): void {
  const writer = new ByteWriter();
  beginPiece(writer, 'head', 0);
  writeHead(writer, { tenant: 'acme', cluster: 'other', instant: WallTime(0) });
  const head = binaryString(endPiece(writer, 0, crc32).bytes);
  nodes.connect(planner(nodes), 1);
  expect(nodes.ask(planner(nodes), 1, 'TENANT', 'IMPORT', tenant, head)).toMatch(/^\*2/);
}

test('imports that nobody goes on with do not keep tenants from going where they have to be', () => {
  const nodes = new Nodes(3, groups, { rebalance: 'off' });
  settled(nodes, 'TENANT CREATE acme IN 1');
  for (const tenant of ['one', 'two', 'three']) beginImport(nodes, tenant);
  settled(nodes, 'TENANT PIN acme TO 3');
  expect(homes(nodes, ['acme'])).toEqual([3]);
});

test('what cannot be pinned is refused, and a pin goes with its tenant', () => {
  const nodes = new Nodes(3, groups, { rebalance: 'off' });
  expect(order(nodes, 'TENANT PIN ghost TO 1')).toMatch(/^-ERR unknown tenant 'ghost'/);
  settled(nodes, 'TENANT CREATE acme IN 1');
  expect(order(nodes, 'TENANT PIN acme TO 0')).toMatch(/^-ERR no such group for tenants/);
  expect(order(nodes, 'TENANT PIN acme TO 99')).toMatch(/^-ERR no such group for tenants/);
  expect(order(nodes, 'TENANT PIN acme IN 1')).toMatch(/^-ERR syntax error/);
  settled(nodes, 'TENANT PIN acme TO 1');
  settled(nodes, 'TENANT DROP acme');
  settled(nodes, 'TENANT CREATE acme IN 2');
  expect(order(nodes, 'TENANT PIN acme')).toBe('$-1\r\n');
  expect(homes(nodes, ['acme'])).toEqual([2]);
});

test('a tenant that is to be alone gets a group in which nobody lives, and nobody comes after it', () => {
  const nodes = new Nodes(3, groups, { rebalance: 'off', defaultTenant: false });
  for (const [tenant, group] of Object.entries({ acme: 1, blue: 1, cyan: 2, dark: 3 }))
    settled(nodes, `TENANT CREATE ${tenant} IN ${String(group)}`);
  settled(nodes, 'TENANT PIN acme ALONE');
  expect(order(nodes, 'TENANT PIN acme')).toBe('$5\r\nalone\r\n');
  expect(homes(nodes, ['acme', 'blue', 'cyan', 'dark'])).toEqual([4, 1, 2, 3]);
  expect(order(nodes, 'TENANT MOVE blue TO 4')).toMatch(/^-ERR group 4 is for tenant 'acme' alone/);
  expect(order(nodes, 'TENANT PIN blue TO 4')).toMatch(/^-ERR group 4 is for tenant 'acme' alone/);
  const others = Array.from({ length: 9 }, (_, i) => `other-${String(i)}`);
  for (const other of others) expect(order(nodes, `TENANT CREATE ${other}`)).toBe('+OK\r\n');
  expect(homes(nodes, others)).not.toContain(4);
  // There is no other for a second one, and it says so.
  settled(nodes, 'TENANT PIN cyan ALONE');
  expect(homes(nodes, ['cyan'])).toEqual([2]);
  expect(order(nodes, 'PLACEMENT PLAN')).toMatch(
    /note: tenant cyan is pinned to a group of its own.*no group is empty/,
  );
  // Whoever goes leaves the group to others.
  expect(order(nodes, 'TENANT UNPIN acme')).toBe('+OK\r\n');
  settled(nodes, 'TENANT MOVE acme TO 1');
  nodes.pass(8000);
  expect(homes(nodes, ['acme', 'cyan'])).toEqual([1, 4]);
});

test('a group that somebody came to, or has to come to, is not taken for empty', () => {
  const nodes = new Nodes(3, 2, { rebalance: 'off', defaultTenant: false });
  settled(nodes, 'TENANT CREATE acme IN 1');
  settled(nodes, 'TENANT CREATE blue IN 1');
  // The planner has not heard of it when it plans next; the log has.
  nodes.connect(planner(nodes), 1);
  nodes.send(planner(nodes), 1, 'TENANT', 'PIN', 'acme', 'ALONE');
  nodes.send(planner(nodes), 1, 'TENANT', 'CREATE', 'cyan', 'IN', '2');
  nodes.pass(20_000);
  expect(homes(nodes, ['acme', 'blue', 'cyan'])).toEqual([1, 1, 2]);

  const others = new Nodes(3, 4, { rebalance: 'off', defaultTenant: false });
  for (const [tenant, group] of Object.entries({ acme: 1, blue: 1, cyan: 2, dark: 3 }))
    expect(order(others, `TENANT CREATE ${tenant} IN ${String(group)}`)).toBe('+OK\r\n');
  others.connect(planner(others), 1);
  others.send(planner(others), 1, 'TENANT', 'PIN', 'blue', 'TO', '4');
  others.send(planner(others), 1, 'TENANT', 'PIN', 'acme', 'ALONE');
  others.pass(20_000);
  expect(homes(others, ['acme', 'blue'])).toEqual([1, 4]);
});

/** Each tenant's clients write so many values of that size. */
function write(nodes: Nodes, tenant: string, keys: number, bytes: number): void {
  nodes.connect(1, 9);
  for (let key = 0; key < keys; key += 1)
    expect(nodes.ask(1, 9, 'SET', `{${tenant}}${String(key)}`, 'x'.repeat(bytes))).toBe('+OK\r\n');
}

test('tenants that hold much are spread, two at a time, and then rest', () => {
  const settings = { rebalance: 'on', defaultTenant: false, nodeBytes: 4 * 1024 * 1024 } as const;
  const nodes = new Nodes(6, 2, settings);
  const tenants = ['acme', 'blue', 'cyan', 'dark'];
  for (const tenant of tenants) expect(order(nodes, `TENANT CREATE ${tenant} IN 1`)).toBe('+OK\r\n');
  for (const tenant of tenants) write(nodes, tenant, 3, 60_000);
  nodes.pass(60_000);
  const there = homes(nodes, tenants);
  expect(there.filter((group) => group === 1)).toHaveLength(2);
  nodes.pass(60_000);
  expect(homes(nodes, tenants)).toEqual(there);
});

test('nor do they keep the balance from moving others', () => {
  const settings = { rebalance: 'on', defaultTenant: false, nodeBytes: 4 * 1024 * 1024 } as const;
  const nodes = new Nodes(6, 2, settings);
  const tenants = ['acme', 'blue', 'cyan', 'dark'];
  for (const tenant of tenants) expect(order(nodes, `TENANT CREATE ${tenant} IN 1`)).toBe('+OK\r\n');
  for (const tenant of ['one', 'two', 'three']) beginImport(nodes, tenant);
  for (const tenant of tenants) write(nodes, tenant, 3, 60_000);
  nodes.pass(60_000);
  expect(homes(nodes, tenants).filter((group) => group === 1)).toHaveLength(2);
});

test('who only asks for a plan is told of the moves, and none is made', () => {
  const settings = { rebalance: 'dry-run', defaultTenant: false, nodeBytes: 4 * 1024 * 1024 } as const;
  const nodes = new Nodes(6, 2, settings);
  const tenants = ['acme', 'blue'];
  for (const tenant of tenants) expect(order(nodes, `TENANT CREATE ${tenant} IN 1`)).toBe('+OK\r\n');
  for (const tenant of tenants) write(nodes, tenant, 3, 60_000);
  nodes.pass(10_000);
  expect(order(nodes, 'PLACEMENT PLAN')).toMatch(/proposed: \d+\. tenants: tenant (acme|blue) moves from group 1 to 2/);
  expect(homes(nodes, tenants)).toEqual([1, 1]);
});

test('who has just begun to plan moves nothing before every node that is up has told what it has', () => {
  const settings = { rebalance: 'dry-run', defaultTenant: false, nodeBytes: 4 * 1024 * 1024 } as const;
  const nodes = new Nodes(6, 2, settings);
  const tenants = ['acme', 'blue'];
  for (const tenant of tenants) expect(order(nodes, `TENANT CREATE ${tenant} IN 1`)).toBe('+OK\r\n');
  for (const tenant of tenants) write(nodes, tenant, 3, 60_000);
  // It has a replica of nothing.
  nodes.paused.add(6);
  const before = planner(nodes);
  expect(order(nodes, `GROUP TRANSFER 0 ${before === 2 ? '3' : '2'}`)).toBe('+OK\r\n');
  nodes.pass(10_000);
  expect(planner(nodes)).not.toBe(before);
  expect(order(nodes, 'PLACEMENT PLAN')).toMatch(/^\*1\r\n.*note: nothing is moved for the balance before node 6/s);
  nodes.paused.clear();
  nodes.pass(10_000);
  expect(order(nodes, 'PLACEMENT PLAN')).toMatch(/proposed: \d+\. tenants: tenant (acme|blue) moves from group 1 to 2/);
});

test('a tenant that is most of its group moves out, where there is a group that nobody uses', () => {
  const settings = { rebalance: 'on', defaultTenant: false, nodeBytes: 4 * 1024 * 1024 } as const;
  const nodes = new Nodes(3, 2, settings);
  for (const tenant of ['acme', 'blue']) expect(order(nodes, `TENANT CREATE ${tenant} IN 1`)).toBe('+OK\r\n');
  write(nodes, 'acme', 5, 60_000);
  write(nodes, 'blue', 1, 1000);
  nodes.pass(20_000);
  expect(homes(nodes, ['acme', 'blue'])).toEqual([2, 1]);
  expect(order(nodes, 'TENANT MOVE blue TO 2')).toMatch(/^-ERR group 2 is for tenant 'acme' alone/);
});

test('where no group is empty, one is made for a tenant that is to be alone', () => {
  const nodes = new Nodes(3, 2, { rebalance: 'on', defaultTenant: false });
  for (const [tenant, group] of Object.entries({ acme: 1, blue: 1, cyan: 2 }))
    expect(order(nodes, `TENANT CREATE ${tenant} IN ${String(group)}`)).toBe('+OK\r\n');
  nodes.pass(10_000);
  expect(order(nodes, 'TENANT PIN acme ALONE')).toBe('+OK\r\n');
  nodes.pass(20_000);
  expect(homes(nodes, ['acme', 'blue', 'cyan'])).toEqual([3, 1, 2]);
  const others = Array.from({ length: 4 }, (_, i) => `other-${String(i)}`);
  for (const other of others) expect(order(nodes, `TENANT CREATE ${other}`)).toBe('+OK\r\n');
  expect(homes(nodes, others)).not.toContain(3);
  // One is enough, and others may have it afterwards.
  nodes.pass(20_000);
  expect(order(nodes, 'GROUP LIST')).toMatch(/^\*4\r\n/);
  expect(order(nodes, 'TENANT UNPIN acme')).toBe('+OK\r\n');
  settled(nodes, 'TENANT MOVE acme TO 1');
  settled(nodes, 'TENANT MOVE blue TO 3');
  expect(homes(nodes, ['acme', 'blue'])).toEqual([1, 3]);
});

test.each(['off', 'dry-run'] as const)('no group is made while the balance is %s', (rebalance) => {
  const nodes = new Nodes(3, 2, { rebalance, defaultTenant: false });
  for (const [tenant, group] of Object.entries({ acme: 1, blue: 1, cyan: 2 }))
    expect(order(nodes, `TENANT CREATE ${tenant} IN ${String(group)}`)).toBe('+OK\r\n');
  expect(order(nodes, 'TENANT PIN acme ALONE')).toBe('+OK\r\n');
  nodes.pass(20_000);
  expect(order(nodes, 'GROUP LIST')).toMatch(/^\*3\r\n/);
  expect(order(nodes, 'PLACEMENT PLAN')).toMatch(
    /note: tenant acme is pinned to a group of its own.*no group is empty/,
  );
});

test('new tenants go where there is least, if that is the policy, and the log says where', () => {
  const nodes = new Nodes(3, groups, { placement: 'least-loaded' });
  for (const tenant of ['a', 'b', 'c', 'd']) settled(nodes, `TENANT CREATE ${tenant} IN 1`);
  const fresh = Array.from({ length: 9 }, (_, i) => `t${String(i)}`);
  nodes.connect(planner(nodes), 2);
  // So fast that leaders have hardly told anything meanwhile; and some through another node.
  for (const tenant of fresh.slice(0, 6)) nodes.send(planner(nodes), 2, 'TENANT', 'CREATE', tenant);
  nodes.pass(300);
  const other = (planner(nodes) % 3) + 1;
  for (const tenant of fresh.slice(6)) expect(nodes.askAnew(other, 'TENANT', 'CREATE', tenant)).toBe('+OK\r\n');
  const count = (group: number): number => homes(nodes, fresh.slice(0, 6)).filter((one) => one === group).length;
  expect(count(1)).toBe(0);
  for (const group of [2, 3, 4]) expect([1, 2, 3]).toContain(count(group));
  for (const { groups: its } of nodes.nodes)
    for (const tenant of fresh) {
      const machine = its.get(metadataGroup)?.machine;
      const place = machine instanceof DirectoryMachine ? machine.directory.find(tenant as TenantName) : null;
      expect(place?.group).toBe(homes(nodes, [tenant])[0]);
    }
  beginImport(nodes, 'coming');
  expect(order(nodes, 'TENANT IMPORTS')).toMatch(/coming/);
});

test('new tenants go where their names are preferred, if that is the policy', () => {
  const nodes = new Nodes(3, groups, { placement: 'rendezvous' });
  const fresh = Array.from({ length: 8 }, (_, i) => `t${String(i)}`);
  const open = [1, 2, 3, 4].map((group) => ({ group: GroupId(group) }));
  for (const tenant of fresh) settled(nodes, `TENANT CREATE ${tenant}`);
  const wanted = fresh.map((tenant) => Number(preferred(tenant as TenantName, open)));
  // Those that would have come to a group that has its share go elsewhere.
  const asPreferred = homes(nodes, fresh).filter((group, i) => group === wanted[i]);
  expect(asPreferred.length).toBeGreaterThanOrEqual(5);
  expect(homes(nodes, fresh)).not.toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
});

test('what a cluster is planned by is in its snapshot', () => {
  const nodes = new Nodes(3, groups, { placement: 'rendezvous', rebalance: 'dry-run', isolationPercent: 30 });
  const [, text = ''] = order(nodes, 'PLACEMENT SNAPSHOT').split('\r\n');
  const { policy } = checkSnapshot(JSON.parse(text));
  expect(policy).toEqual({
    ...defaultPolicy,
    placement: 'rendezvous',
    rebalance: 'dry-run',
    isolationPpt: 300,
    coolDownMs: limits.balanceCoolDownMs,
  });
});
