/** Snapshots on real disks and links: a node that was away gets the state, and a restart begins with it. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

const valueBytes = 64 * 1024;
const keys = 50;
/** More than is kept of a log for followers that lag. */
const writes = 700;

let cluster: Cluster;
let clients: Redis[];

beforeEach(async () => {
  cluster = await startCluster({ groups: 1 });
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.disconnect();
  await cluster.stop();
});

function client(node: number): Redis {
  const made = new Redis({ port: cluster.ports[node - 1] ?? 0, host: '127.0.0.1', retryStrategy: () => 100 });
  made.on('error', () => undefined);
  clients.push(made);
  return made;
}

async function infoOf(node: Redis): Promise<Readonly<Record<string, unknown>>> {
  const flat = (await node.call('GROUP', 'INFO', '1')) as unknown[];
  const pairs = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]] as const);
  return Object.fromEntries(pairs) as Readonly<Record<string, unknown>>;
}

function valueOf(write: number): string {
  return String(write).padEnd(valueBytes, '.');
}

/** The value of each key after all writes. */
async function expectAll(node: Redis): Promise<void> {
  for (let key = 0; key < keys; key += 1) {
    const last = writes - keys + key;
    expect((await node.get(`{acme}k${String(last % keys)}`)) === valueOf(last)).toBe(true);
  }
}

test('a node that was away for long gets the state instead of the log', async () => {
  const [first, second] = [client(1), client(2)];
  await first.set('{acme}k0', 'v');
  await cluster.kill(3);
  for (let write = 0; write < writes; write += keys) {
    const batch = Array.from({ length: keys }, (_, i) => write + i);
    await Promise.all(batch.map(async (each) => first.set(`{acme}k${String(each % keys)}`, valueOf(each))));
  }
  await until(async () => Number((await infoOf(first))['snapshot-index']) > 1, 'the leader has a snapshot');
  const committed = Number((await infoOf(first))['commit-index']);
  cluster.start(3);
  const third = client(3);
  await until(async () => {
    const info = await infoOf(third);
    return Number(info['snapshot-index']) > 1 && Number(info['applied-index']) >= committed;
  }, 'the third has caught up');
  await cluster.kill(1);
  await until(async () => (await second.set('{acme}still', 'here').catch(() => null)) === 'OK', 'two of them serve');
  await expectAll(third);

  await cluster.restart();
  await until(async () => (await third.get('{acme}still').catch(() => null)) === 'here', 'all serve again');
  await expectAll(third);
});
