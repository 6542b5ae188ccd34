/** Two of three nodes are lost with their disks, or seem to be: their groups go on from what the third has. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localToken } from '../../runtime/dev/topology.ts';
import { freePort } from '../support/freePort.ts';
import { askPort, fieldsOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const groups = ['0', '1', '2'];
const withinMs = 60_000;

let cluster: Cluster;
let joined: string;
const processes: ChildProcess[] = [];
const clients: Redis[] = [];

beforeEach(async () => {
  cluster = await startCluster({ groups: 2, rebalance: 'off' });
  joined = mkdtempSync(join(tmpdir(), 'joined-'));
});

afterEach(async () => {
  for (const each of clients.splice(0)) each.disconnect();
  for (const each of processes.splice(0)) each.kill('SIGKILL');
  await cluster.stop();
  rmSync(joined, { recursive: true, force: true });
});

function client(port: number): Redis {
  const made = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 100 });
  made.on('error', () => undefined);
  clients.push(made);
  return made;
}

function portOf(node: number): number {
  return cluster.ports[node - 1] ?? 0;
}

/** All that is left of a node is what tells that its process is gone. */
function loseDisk(node: number): void {
  const directory = join(cluster.data, `node-${String(node)}`);
  for (const name of readdirSync(directory)) if (name !== 'pid') rmSync(join(directory, name), { recursive: true });
}

async function infoOf(port: number, group: string): Promise<ReadonlyMap<string, unknown>> {
  return fieldsOf(await askPort(port, 'GROUP', 'INFO', group));
}

/** It knows of the group, and has no replica. */
function isWithout(info: ReadonlyMap<string, unknown>): boolean {
  return info.has('id') && !info.has('role');
}

/** As an operator does it: asks, and then says the word that was told. */
async function recoverAll(port: number): Promise<void> {
  for (const group of groups) {
    const recovery = async (): Promise<ReadonlyMap<string, unknown>> =>
      fieldsOf(await askPort(port, 'GROUP', 'RECOVER', group));
    await until(async () => (await recovery()).get('refused') === null, 'its leader counts as lost', withinMs);
    const word = String((await recovery()).get('to-do-it')).split(' ');
    expect(String(await askPort(port, ...word))).toContain('goes on from index');
  }
  for (const group of groups)
    await until(async () => (await infoOf(port, group)).get('role') === 'leader', 'it leads', withinMs);
}

async function join4and5(): Promise<readonly number[]> {
  const ports: number[] = [];
  for (const node of [4, 5]) {
    const [own, peer] = [await freePort(), await freePort()];
    const at = (port: number): string => `127.0.0.1:${String(port)}`;
    const args = ['--join', at(portOf(3)), '--token', localToken, '--data', join(joined, String(node))];
    processes.push(
      spawn(
        process.execPath,
        ['--import', 'tsx', 'runtime/cli.ts', 'node', ...args, '--client', at(own), '--peer', at(peer)],
        { cwd: root, stdio: 'ignore' },
      ),
    );
    await until(async () => (await askPort(own, 'PING').catch(() => '')) === 'PONG', 'it has joined', withinMs);
    ports.push(own);
  }
  return ports;
}

/** Unless the planner was quicker. */
async function addReplicas(port: number, group: string, nodes: readonly number[]): Promise<void> {
  for (const node of nodes) {
    // Until the change is whole the voters of before are asked as well.
    const isIn = async (): Promise<boolean> => {
      const info = await infoOf(port, group);
      return (info.get('replicas') as number[]).includes(node) && info.get('changing') === 0;
    };
    const add = async (): Promise<unknown> => askPort(port, 'GROUP', 'ADD-REPLICA', group, String(node));
    await until(async () => (await isIn()) || (await add()) === 'OK', 'it is begun', withinMs);
    await until(isIn, 'it has its vote', withinMs);
  }
}

test('two disks are lost for good', async () => {
  const three = client(portOf(3));
  const values = Array.from({ length: 200 }, (_, i) => `value ${String(i)}`);
  for (const value of values) await three.rpush('{acme}list', value);
  await Promise.all([cluster.kill(1), cluster.kill(2)]);
  for (const node of [1, 2]) loseDisk(node);
  await recoverAll(portOf(3));

  const kept = await three.lrange('{acme}list', 0, -1);
  expect(kept).toEqual(values.slice(0, kept.length));
  expect(kept.length).toBeGreaterThan(0);
  await three.set('{blue}key', 'written with one replica');

  const ports = await join4and5();
  await addReplicas(portOf(3), '0', [4, 5]);
  for (const node of ['1', '2'])
    for (const word of ['DRAIN', 'REMOVE']) expect(await askPort(portOf(3), 'NODE', word, node)).toBe('OK');
  // The planner does the rest.
  for (const group of groups) {
    const isWhole = async (): Promise<boolean> => {
      const info = await infoOf(portOf(3), group);
      return (info.get('replicas') as number[]).length === 3 && info.get('changing') === 0;
    };
    await until(isWhole, `group ${group} has three replicas`, withinMs);
  }
  await cluster.kill(3);
  for (const port of ports) {
    const other = client(port);
    await until(async () => (await other.get('{blue}key').catch(() => null)) !== null, 'they elect', withinMs);
    expect(await other.lrange('{acme}list', 0, -1)).toEqual(kept);
    expect(await other.get('{blue}key')).toBe('written with one replica');
  }
}, 240_000);

test('two nodes that were given up come back: what they have is given up', async () => {
  const three = client(portOf(3));
  await three.set('{acme}key', 'before');
  await Promise.all([cluster.kill(1), cluster.kill(2)]);
  await recoverAll(portOf(3));
  await three.set('{acme}key', 'after');
  cluster.start(1);
  cluster.start(2);
  for (const node of [1, 2]) {
    for (const group of groups)
      await until(async () => isWithout(await infoOf(portOf(node), group)), 'it has no replica', withinMs);
    expect(await client(portOf(node)).get('{acme}key')).toBe('after');
  }
  for (const group of groups) await addReplicas(portOf(3), group, [1]);
  expect(await client(portOf(1)).get('{acme}key')).toBe('after');
}, 240_000);
