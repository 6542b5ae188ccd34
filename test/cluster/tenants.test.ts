/** Quotas of real nodes: set through one, held to by all, and still there when the leader has been killed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askPort, fieldsOf, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

const ask = async (port: number, ...words: string[]): Promise<string> => String(await askPort(port, ...words));

test('a quota outlives the leader that logged it', async () => {
  const [first = 0] = cluster.ports;
  await askPort(first, 'TENANT', 'CREATE', 'acme');
  expect(await ask(first, 'TENANT', 'QUOTA', 'acme', 'SET', 'KEYS', '2', 'OPS', '1000')).toBe('OK');
  for (const [i, port] of cluster.ports.entries()) {
    const answer = await ask(port, 'SET', `{acme}k${String(i)}`, 'v');
    expect(answer).toMatch(i < 2 ? /^OK$/ : /OOM not executed: tenant 'acme' has reached its quota of 2 keys/);
  }
  const figures = fieldsOf(await askPort(first, 'TENANT', 'STATS', 'acme'));
  expect([figures.get('keys'), figures.get('writes'), figures.get('refused-full')]).toEqual([2, 3, 1]);
  const { leader } = await placeOf(first, 'acme');
  await cluster.kill(leader);
  const port = cluster.ports[leader % cluster.ports.length] ?? 0;
  await until(async () => (await ask(port, 'GET', '{acme}k0')) === 'v', 'another leads');
  expect(await ask(port, 'SET', '{acme}k2', 'v')).toMatch(/OOM/);
  expect(fieldsOf(await askPort(port, 'TENANT', 'QUOTA', 'acme')).get('ops')).toBe(1000);
  cluster.start(leader);
});
