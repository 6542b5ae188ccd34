/**
 * Real nodes without a metadata group: tenants come, move and go, and are there after all nodes were killed, and when the
 * configuration names them from then on.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

test('from then on the configuration names the tenants; one that lives elsewhere than it says stays there', async () => {
  const { ports, data } = cluster;
  const [first = 0, second = 0] = ports;
  const { group } = await placeOf(first, 'tenant-0');
  for (const node of ports.keys()) await cluster.kill(node + 1);
  for (const node of ports.keys()) {
    const file = join(data, `node-${String(node + 1)}`, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    const tenants = { 'tenant-0': (group % 4) + 1, 'tenant-2': 1, fresh: 3 };
    writeFileSync(file, JSON.stringify({ ...config, metadata: 'static', tenants }));
    cluster.start(node + 1);
  }
  for (const port of ports) {
    await until(async () => (await ask(port, 'GET', '{tenant-0}k')) === 'tenant-0', 'what moved is found');
    await until(async () => (await ask(port, 'GET', '{tenant-2}k')) === 'tenant-2', 'what stayed is found');
    expect(await ask(port, 'GET', '{tenant-3}k')).toMatch(/unknown tenant/);
  }
  await until(async () => (await ask(second, 'SET', '{fresh}k', 'v')) === 'OK', 'what is new is adopted');
  expect((await placeOf(first, 'tenant-0')).group).toBe(group);
  expect(await ask(first, 'TENANT', 'DROP', 'tenant-0')).toMatch(/the metadata mode is static/);
});
