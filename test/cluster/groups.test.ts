/** A group is made in a cluster that runs; a tenant moves there; processes are killed, and a log is lost. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askPort, fieldsOf, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

const withinMs = 60_000;
const values = Array.from({ length: 100 }, (_, i) => `value ${String(i)}`);

let cluster: Cluster;
const clients: Redis[] = [];

beforeAll(async () => {
  cluster = await startCluster({ groups: 2 });
});

afterAll(async () => {
  for (const each of clients) each.disconnect();
  await cluster.stop();
});

function portOf(node: number): number {
  return cluster.ports[node - 1] ?? 0;
}

function client(node: number): Redis {
  const made = new Redis({ port: portOf(node), host: '127.0.0.1', retryStrategy: () => 100 });
  made.on('error', () => undefined);
  clients.push(made);
  return made;
}

async function leaderOf(group: number, asked = 1): Promise<number> {
  const leads = async (): Promise<unknown> =>
    fieldsOf(await askPort(portOf(asked), 'GROUP', 'INFO', String(group))).get('leader');
  await until(async () => typeof (await leads()) === 'number', `group ${String(group)} has a leader`, withinMs);
  return (await leads()) as number;
}

test('a group that is made is there to stay', async () => {
  const create = async (): Promise<unknown> => askPort(portOf(await leaderOf(0)), 'GROUP', 'CREATE', 'COUNT', '2');
  expect(await create()).toEqual([3, 4]);
  const one = client(1);
  for (const value of values) await one.rpush('{acme}list', value);
  const { group, leader } = await placeOf(portOf(1), 'acme');
  expect(group).toBeLessThan(3);
  await leaderOf(3);
  expect(await askPort(portOf(leader), 'TENANT', 'MOVE', 'acme', 'TO', '3')).toBe('OK');
  await until(async () => (await placeOf(portOf(1), 'acme')).group === 3, 'the tenant has moved', withinMs);
  await one.rpush('{acme}list', 'moved');

  const first = await leaderOf(3);
  const other = 1 + (first % 3);
  const reader = client(other);
  await cluster.kill(first);
  const write = async (): Promise<number> => reader.rpush('{acme}list', 'killed').catch(() => 0);
  await until(async () => (await write()) > 0, 'another node leads it', withinMs);
  cluster.start(first);
  await until(async () => (await askPort(portOf(first), 'PING')) === 'PONG', 'the node is back', withinMs);
  const isBack = async (): Promise<boolean> =>
    fieldsOf(await askPort(portOf(first), 'GROUP', 'INFO', '3')).get('role') !== undefined;
  await until(isBack, 'with its replica', withinMs);

  await cluster.restart();
  await until(async () => (await reader.llen('{acme}list').catch(() => 0)) > 0, 'all of it is back', withinMs);
  const list = await reader.lrange('{acme}list', 0, -1);
  expect(list.slice(0, values.length + 1)).toEqual([...values, 'moved']);
  expect(fieldsOf(await askPort(portOf(2), 'GROUP', 'INFO', '4')).get('replicas')).toHaveLength(3);
}, 240_000);

test('a node whose log is damaged begins nothing again that it began before, and has another directory', async () => {
  const [lost, asked] = [3, 1];
  const directory = join(cluster.data, `node-${String(lost)}`);
  const store = (): string =>
    (JSON.parse(readFileSync(join(directory, 'store.json'), 'utf8')) as { store: string }).store;
  const before = store();
  await cluster.kill(lost);
  const path = join(directory, 'log', '00000001.wal');
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  cluster.start(lost);
  const replicaOf = async (group: number): Promise<number> => {
    const leader = await leaderOf(group, asked);
    const progress = fieldsOf(await askPort(portOf(leader), 'GROUP', 'INFO', String(group))).get('progress');
    const found = (Array.isArray(progress) ? progress : []).map(fieldsOf).find((of) => of.get('node') === lost);
    return Number(found?.get('replica') ?? 0);
  };
  await until(async () => (await replicaOf(3)) > 3, 'another replica is in its place', withinMs);
  expect(store()).not.toBe(before);
  // It may be among the first of others.
  const nodes = `${String(lost)},1,2`;
  const create = async (): Promise<unknown> => askPort(portOf(await leaderOf(0)), 'GROUP', 'CREATE', 'NODES', nodes);
  expect(await create()).toEqual([5]);
  await until(async () => (await leaderOf(5)) === lost, 'it leads what was made for it', withinMs);
}, 240_000);
