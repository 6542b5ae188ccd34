/** A cluster of three nodes grows to four by itself and shrinks again, while clients write. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exitCodes } from '../../runtime/exitCodes.ts';
import { compare, Worker } from '../soak/worker.ts';
import { askPort, fieldsOf, shareOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

const groups = 6;
const withinMs = 90_000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ groups, rebalance: 'on' });
});

afterAll(async () => {
  await cluster.stop();
});

test('a token that is not that of the cluster lets nobody in', async () => {
  const [first = 0] = cluster.ports;
  const joinWith = async (token: string): Promise<unknown> =>
    askPort(first, ...`NODE JOIN 127.0.0.1:1 127.0.0.1:2 ZONE a TOKEN ${token} STORE 00000000000000ff`.split(' '));
  expect(String(await joinWith('a-guess'))).toMatch(/WRONGPASS/);
  expect(String(await askPort(first, 'NODE', 'REMOVE', '1'))).toMatch(/has replicas of/);
  expect(String(await askPort(first, 'NODE', 'DRAIN', '77'))).toMatch(/no such node/);
});

test('a fourth node takes its share by itself, gives it back, and leaves; clients notice nothing', async () => {
  const [first = 0] = cluster.ports;
  const names = Array.from({ length: groups }, (_, i) => `tenant-${String(i)}`);
  const worker = new Worker(0, [...cluster.ports], names, seedrandom('elastic'), { isNumbering: true });
  const working = worker.work();
  expect(await cluster.join()).toBe(4);
  await until(async () => (await shareOf(first, 4)).replicas >= 4, 'it has its share of replicas', withinMs);
  await until(async () => (await shareOf(first, 4)).leads >= 1, 'and of leaders', withinMs);
  const redis = new Redis({ port: cluster.ports[3] ?? 0, host: '127.0.0.1' });
  redis.on('error', () => undefined);
  expect(await redis.ping()).toBe('PONG');

  // It is a node like any other: killed, it comes back with what it had.
  await cluster.kill(4);
  cluster.start(4);
  await until(async () => (await redis.ping().catch(() => '')) === 'PONG', 'it is back', withinMs);
  redis.disconnect();

  await askPort(first, 'NODE', 'DRAIN', '4');
  await until(async () => (await shareOf(first, 4)).replicas === 0, 'it has nothing any more', withinMs);
  // The change that takes the last of it away has two entries, and its votes count up to the second.
  const remove = async (): Promise<unknown> => askPort(first, 'NODE', 'REMOVE', '4');
  await until(async () => (await remove()) === 'OK', 'it may leave', withinMs);
  const stateOf = async (): Promise<unknown> => fieldsOf(await askPort(first, 'NODE', 'INFO', '4')).get('state');
  await until(async () => (await stateOf()) === 'removed', 'everybody knows', withinMs);
  // It is told, and ends; what it has on disk says so from then on.
  await until(() => cluster.hasEnded(4), 'the process of the node that left has ended', withinMs);
  const again = cluster.start(4);
  await once(again, 'exit');
  expect(again.exitCode).toBe(exitCodes.configuration);
  worker.stop();
  await working;
  expect(worker.unknown).toBe(0);
  const judge = new Redis({ port: first, host: '127.0.0.1' });
  for (const tenant of names) expect(await compare(judge, tenant, [worker])).toEqual([]);
  judge.disconnect();
}, 300_000);
