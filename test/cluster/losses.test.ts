/** A node whose log is damaged, or gone, comes back with nothing and is given everything by the others. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

let cluster: Cluster;
const clients: Redis[] = [];

beforeEach(async () => {
  cluster = await startCluster({ groups: 2 });
});

afterEach(async () => {
  for (const each of clients.splice(0)) each.disconnect();
  await cluster.stop();
});

function client(node: number): Redis {
  const made = new Redis({ port: cluster.ports[node - 1] ?? 0, host: '127.0.0.1', retryStrategy: () => 100 });
  made.on('error', () => undefined);
  clients.push(made);
  return made;
}

function leasehold(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['--import', 'tsx', 'runtime/cli.ts', ...args], { encoding: 'utf8' });
}

/** A new disk where the old one was: somebody has put the configuration on it again. */
function wipe(directory: string): void {
  const config = readFileSync(join(directory, 'config.json'));
  rmSync(directory, { recursive: true });
  mkdirSync(directory);
  writeFileSync(join(directory, 'config.json'), config);
}

function damage(directory: string): void {
  const path = join(directory, '00000001.wal');
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

const losses: Readonly<Record<string, (log: string) => void>> = {
  damaged: damage,
  'on a disk that is gone': (log) => {
    const directory = dirname(log);
    const config = ['--config', join(directory, 'config.json')];
    wipe(directory);
    expect(leasehold('node', ...config)).toMatchObject({
      status: 78,
      stderr: expect.stringMatching(/init --lost/) as string,
    });
    expect(leasehold('init', ...config, '--lost').status).toBe(0);
    expect(leasehold('init', ...config).stderr).toMatch(/is that of a node already/);
  },
  gone: (log) => {
    rmSync(log, { recursive: true });
  },
};

test.each(Object.keys(losses))(
  'a log that is %s',
  async (loss) => {
    const one = client(1);
    const values = Array.from({ length: 200 }, (_, i) => `value ${String(i)}`);
    for (const value of values) await one.rpush('{acme}list', value);
    await cluster.kill(3);
    losses[loss]?.(join(cluster.data, 'node-3', 'log'));
    cluster.start(3);

    const three = client(3);
    const replicaOn = async (node: number): Promise<number> => {
      const leader = ((await one.call('GROUP', 'INFO', '1')) as unknown[])[3] as number;
      const flat = (await client(leader).call('GROUP', 'INFO', '1')) as unknown[];
      const progress = flat[flat.indexOf('progress') + 1] as unknown[][];
      const found = progress.find((fields) => fields[fields.indexOf('node') + 1] === node);
      return found === undefined ? 0 : Number(found[found.indexOf('replica') + 1]);
    };
    await until(async () => (await replicaOn(3)) > 3, 'another replica is in its place');
    for (const group of ['0', '1', '2'])
      await until(async () => {
        const flat = (await three.call('GROUP', 'INFO', group).catch(() => [])) as unknown[];
        return JSON.stringify(flat[flat.indexOf('learners') + 1]) === '[]' && flat.includes('role');
      }, 'it has its vote');
    const kept = readdirSync(join(cluster.data, 'node-3')).filter((name) => name.startsWith('log.damaged'));
    expect(kept).toHaveLength(loss === 'damaged' ? 1 : 0);

    // With it and one other there is a majority again, and nothing is lost.
    await cluster.kill(2);
    await until(async () => (await three.rpush('{acme}list', 'last').catch(() => 0)) > 0, 'a write');
    const list = await three.lrange('{acme}list', 0, -1);
    expect(list.slice(0, values.length)).toEqual(values);
    expect(list.filter((value) => value === 'last').length).toBe(list.length - values.length);
  },
  60_000,
);

test('a node with an empty disk that is told that it is new is not let in under its old name', async () => {
  await client(1).set('{acme}key', 'value');
  await cluster.kill(3);
  const directory = join(cluster.data, 'node-3');
  wipe(directory);
  expect(leasehold('init', '--config', join(directory, 'config.json')).status).toBe(0);
  cluster.start(3);
  const said = (): string => readFileSync(join(cluster.data, 'node-1', 'node.log'), 'utf8');
  await until(() => said().includes('node 3 comes with another data directory than before'), 'it is refused');
  // Two of it would be a majority, if it had a voice.
  await cluster.kill(2);
  const alone = new Redis({ port: cluster.ports[2] ?? 0, host: '127.0.0.1', commandTimeout: 20_000 });
  clients.push(alone);
  alone.on('error', () => undefined);
  await expect(alone.get('{acme}key')).rejects.toThrow(/CLUSTERDOWN|not executed/);
}, 60_000);
