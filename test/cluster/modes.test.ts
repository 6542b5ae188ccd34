/** Real nodes without a metadata group: tenants come, move and go, and are there after all nodes were killed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askPort, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ metadata: 'gossip' });
});

afterAll(async () => {
  await cluster.stop();
});

const ask = async (port: number, ...words: string[]): Promise<string> => String(await askPort(port, ...words));

test('what was acknowledged is there after a restart, wherever it lives by then', async () => {
  const [first = 0, second = 0, third = 0] = cluster.ports;
  const names = Array.from({ length: 12 }, (_, i) => `tenant-${String(i)}`);
  for (const name of names) expect(await ask(first, 'SET', `{${name}}k`, name)).toBe('OK');
  expect(await ask(second, 'GROUP', 'INFO', '0')).toMatch(/no such group/);
  const { group } = await placeOf(first, 'tenant-0');
  const to = (group % 4) + 1;
  expect(await ask(second, 'TENANT', 'MOVE', 'tenant-0', 'TO', String(to))).toBe('OK');
  await until(async () => (await placeOf(third, 'tenant-0')).group === to, 'the tenant has moved');
  expect(await ask(third, 'TENANT', 'DROP', 'tenant-1')).toBe('OK');
  await cluster.restart();
  for (const port of cluster.ports) {
    for (const name of names) expect(await ask(port, 'GET', `{${name}}k`)).toBe(name === 'tenant-1' ? 'null' : name);
    expect((await placeOf(port, 'tenant-0')).group).toBe(to);
  }
});
