/** A cluster of three nodes grows to four by itself and shrinks again, while clients write. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localToken } from '../../runtime/dev/topology.ts';
import { freePort } from '../runtime/freePort.ts';
import { compare, Worker } from '../soak/worker.ts';
import { askPort, fieldsOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const groups = 6;
const withinMs = 90_000;

let cluster: Cluster;
let data: string;
let fourth: ChildProcess | null = null;

beforeAll(async () => {
  cluster = await startCluster({ groups, rebalance: 'on' });
  data = mkdtempSync(join(tmpdir(), 'joined-'));
});

afterAll(async () => {
  fourth?.kill('SIGKILL');
  await cluster.stop();
  rmSync(data, { recursive: true, force: true });
});

function run(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', 'runtime/cli.ts', 'node', ...args], {
    cwd: root,
    stdio: 'ignore',
  });
}

interface Share {
  readonly leads: number;
  readonly replicas: number;
}

/** What a node has of the groups, as the node at the port sees it. */
async function shareOf(port: number, node: number): Promise<Share> {
  const listed = (await askPort(port, 'GROUP', 'LIST')) as unknown[];
  const all = listed.map((group) => fieldsOf(group));
  return {
    leads: all.filter((group) => group.get('leader') === node).length,
    replicas: all.filter((group) => (group.get('replicas') as number[]).includes(node)).length,
  };
}

test('a token that is not that of the cluster lets nobody in', async () => {
  const [first = 0] = cluster.ports;
  const joinWith = async (token: string): Promise<unknown> =>
    askPort(
      first,
      'NODE',
      'JOIN',
      '127.0.0.1:1',
      '127.0.0.1:2',
      'ZONE',
      '',
      'TOKEN',
      token,
      'STORE',
      '00000000000000ff',
    );
  expect(String(await joinWith('a-guess'))).toMatch(/WRONGPASS/);
  expect(String(await askPort(first, 'NODE', 'REMOVE', '1'))).toMatch(/has replicas of/);
  expect(String(await askPort(first, 'NODE', 'DRAIN', '77'))).toMatch(/no such node/);
});

test('a fourth node takes its share by itself, gives it back, and leaves; clients notice nothing', async () => {
  const [first = 0] = cluster.ports;
  const names = Array.from({ length: groups }, (_, i) => `tenant-${String(i)}`);
  const worker = new Worker(0, cluster.ports, names, seedrandom('elastic'), { isNumbering: true });
  const working = worker.work();
  const [client, peer] = [await freePort(), await freePort()];
  const address = (port: number): string => `127.0.0.1:${String(port)}`;
  const directory = join(data, 'node-4');
  const joining = ['--join', address(first), '--token', localToken, '--data', directory];
  fourth = run([...joining, '--client', address(client), '--peer', address(peer)]);
  await until(async () => (await shareOf(first, 4)).replicas >= 4, 'it has its share of replicas', withinMs);
  await until(async () => (await shareOf(first, 4)).leads >= 1, 'and of leaders', withinMs);
  const redis = new Redis({ port: client, host: '127.0.0.1' });
  redis.on('error', () => undefined);
  expect(await redis.ping()).toBe('PONG');

  // It is a node like any other: killed, it comes back with what it had.
  fourth.kill('SIGKILL');
  fourth = run(['--config', join(directory, 'config.json')]);
  await until(async () => (await redis.ping().catch(() => '')) === 'PONG', 'it is back', withinMs);
  redis.disconnect();

  await askPort(first, 'NODE', 'DRAIN', '4');
  await until(async () => (await shareOf(first, 4)).replicas === 0, 'it has nothing any more', withinMs);
  // The change that takes the last of it away has two entries, and its votes count up to the second.
  const remove = async (): Promise<unknown> => askPort(first, 'NODE', 'REMOVE', '4');
  await until(async () => (await remove()) === 'OK', 'it may leave', withinMs);
  const stateOf = async (): Promise<unknown> => fieldsOf(await askPort(first, 'NODE', 'INFO', '4')).get('state');
  await until(async () => (await stateOf()) === 'removed', 'everybody knows', withinMs);
  worker.stop();
  await working;
  expect(worker.unknown).toBe(0);
  const judge = new Redis({ port: first, host: '127.0.0.1' });
  for (const tenant of names) expect(await compare(judge, tenant, [worker])).toEqual([]);
  judge.disconnect();
}, 300_000);
