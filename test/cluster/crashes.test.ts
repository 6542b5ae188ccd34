/** kill -9 on real processes: what was acknowledged is there, exactly once. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await startCluster();
});

afterEach(async () => {
  await cluster.stop();
});

function client(port: number | undefined): Redis {
  const made = new Redis({
    port: port ?? 0,
    host: '127.0.0.1',
    maxRetriesPerRequest: 0,
    enableOfflineQueue: true,
    retryStrategy: () => 100,
  });
  made.on('error', () => undefined);
  return made;
}

async function leaderOf(redis: Redis, tenant: string): Promise<number> {
  const where = (await redis.call('TENANT', 'WHERE', tenant)) as Record<string, unknown> | unknown[];
  return Number(Array.isArray(where) ? where[7] : where['leader']);
}

/** Pushes numbers until told to stop; knows which were acknowledged. */
class Pusher {
  readonly acknowledged: string[] = [];
  /** Acknowledged since the last look. */
  fresh = 0;
  private readonly redis: Redis;
  private readonly key: string;
  private readonly name: string;
  private isStopped = false;
  private readonly workers: Promise<void>[] = [];

  constructor(redis: Redis, key: string, name: string) {
    this.redis = redis;
    this.key = key;
    this.name = name;
    for (let worker = 0; worker < 16; worker += 1) this.workers.push(this.work(worker));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.workers);
  }

  private async work(worker: number): Promise<void> {
    for (let i = 0; !this.isStopped; i += 1) {
      const value = `${this.name}/${String(worker)}/${String(i)}`;
      try {
        await this.redis.rpush(this.key, value);
        this.acknowledged.push(value);
        this.fresh += 1;
      } catch {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}

test('a leader killed under pipelined load from several clients', async () => {
  const clients = cluster.ports.map(client);
  const [first] = clients;
  await first?.rpush('{acme}list', 'start');
  const leader = await leaderOf(first!, 'acme');
  const pushers = clients.map((redis, i) => new Pusher(redis, '{acme}list', String(i)));
  await until(() => pushers.every(({ acknowledged }) => acknowledged.length > 200), 'everybody has written');
  await cluster.kill(leader);
  const survivors = pushers.filter((_, i) => i + 1 !== leader);
  for (const pusher of survivors) pusher.fresh = 0;
  await until(() => survivors.every(({ fresh }) => fresh > 200), 'writes go on through the other nodes');
  await Promise.all(pushers.map(async (pusher) => pusher.stop()));

  const reader = clients.find((_, i) => i + 1 !== leader);
  const list = (await reader?.lrange('{acme}list', 0, -1)) ?? [];
  const times = new Map<string, number>();
  for (const value of list) times.set(value, (times.get(value) ?? 0) + 1);
  for (const { acknowledged } of pushers) for (const value of acknowledged) expect(times.get(value), value).toBe(1);
  expect([...times].filter(([, count]) => count > 1)).toEqual([]);

  cluster.start(leader);
  const back = client(cluster.ports[leader - 1]);
  await until(
    async () => (await back.llen('{acme}list').catch(() => 0)) === list.length,
    'the killed node is back and answers',
  );
  for (const redis of [...clients, back]) redis.disconnect();
});

test('every node killed at once, and started again', async () => {
  const before = client(cluster.ports[0]);
  const tenants = Array.from({ length: 20 }, (_, i) => `t${String(i)}`);
  await Promise.all(
    tenants.flatMap((tenant) => Array.from({ length: 50 }, async (_, i) => before.rpush(`{${tenant}}list`, String(i)))),
  );
  await before.set('{t0}expiring', 'v', 'EX', 1000);
  before.disconnect();
  await cluster.restart();
  const after = client(cluster.ports[2]);
  for (const tenant of tenants) {
    const list = await after.lrange(`{${tenant}}list`, 0, -1);
    expect(list.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  }
  const left = await after.ttl('{t0}expiring');
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(1000);
  after.disconnect();
});

test('a node told to stop hands over its groups, so that writes hardly notice', async () => {
  const writer = client(cluster.ports[1]);
  await writer.rpush('{acme}list', 'start');
  const leader = await leaderOf(writer, 'acme');
  const port = cluster.ports[leader % 3];
  const redis = client(port);
  const pusher = new Pusher(redis, '{acme}list', 'p');
  await until(() => pusher.acknowledged.length > 200, 'it has written');
  process.kill(cluster.pidOf(leader), 'SIGTERM');
  pusher.fresh = 0;
  await until(() => pusher.fresh > 500, 'writes go on');
  await pusher.stop();
  const list = await redis.lrange('{acme}list', 0, -1);
  expect(new Set(list).size).toBe(list.length);
  for (const value of pusher.acknowledged) expect(list).toContain(value);
  for (const used of [writer, redis]) used.disconnect();
});
