/** Transactions of ordinary clients, through every node, while a leader is killed: each once, and none half. */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

test('ioredis and node-redis through each node', async () => {
  for (const port of cluster.ports) {
    const ioredis = new Redis({ port, host: '127.0.0.1' });
    const key = `{multi}${String(port)}`;
    expect(await ioredis.multi().set(key, '1').incr(key).get(key).exec()).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ]);
    const redis = createClient({ url: `redis://127.0.0.1:${String(port)}`, RESP: 3 });
    await redis.connect();
    await redis.watch(key);
    await ioredis.incr(key);
    await expect(redis.multi().set(key, 'lost').exec()).rejects.toThrow();
    expect(await redis.multi().get(key).rPush(`${key}/list`, ['a', 'b']).exec()).toEqual(['3', 2]);
    await redis.close();
    ioredis.disconnect();
  }
});

interface Tally {
  committed: number;
  unknown: number;
}

/** Adds one to a counter as WATCH has it done, over and over; every success also pushes to a list. */
async function count(port: number, tenant: string, rounds: number, tally: Tally): Promise<void> {
  const redis = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: 0, retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  for (let done = 0; done < rounds; ) {
    let isSent = false;
    try {
      await redis.watch(`{${tenant}}n`);
      const next = Number((await redis.get(`{${tenant}}n`)) ?? 0) + 1;
      isSent = true;
      const replies = await redis.multi().set(`{${tenant}}n`, next).rpush(`{${tenant}}list`, next).exec();
      if (replies === null) continue;
      tally.committed += 1;
      done += 1;
    } catch (error) {
      const { message } = error as Error;
      if (!isSent || message.includes('not executed')) continue;
      tally.unknown += 1;
      done += 1;
    }
  }
  redis.disconnect();
}

test.each(['SIGSTOP', 'SIGKILL'] as const)(
  'counters of clients that race are right, though a leader gets %s',
  async (signal) => {
    const tenant = `bank-${signal}`;
    const first = new Redis({ port: cluster.ports[0] ?? 0, host: '127.0.0.1' });
    first.on('error', () => undefined);
    await first.set(`{${tenant}}n`, '0');
    const where = (await first.call('TENANT', 'WHERE', tenant)) as unknown[];
    const leader = Number(where[7]);
    const survivors = cluster.ports.filter((_, i) => i + 1 !== leader);
    const tally: Tally = { committed: 0, unknown: 0 };
    const counters = [...survivors, ...survivors].map(async (port) => count(port, tenant, 100, tally));
    await until(() => tally.committed > 20, 'they are at work');
    process.kill(cluster.pidOf(leader), signal);
    await Promise.all(counters);
    const redis = new Redis({ port: survivors[0] ?? 0, host: '127.0.0.1' });
    const n = Number(await redis.get(`{${tenant}}n`));
    const list = (await redis.lrange(`{${tenant}}list`, 0, -1)).map(Number);
    expect(list).toEqual(Array.from({ length: n }, (_, i) => i + 1));
    expect(n).toBeGreaterThanOrEqual(tally.committed);
    expect(n).toBeLessThanOrEqual(tally.committed + tally.unknown);
    // Clients of nodes that live are told what became of each.
    expect(tally).toEqual({ committed: 400, unknown: 0 });
    redis.disconnect();
    first.disconnect();
    if (signal === 'SIGSTOP') process.kill(cluster.pidOf(leader), 'SIGCONT');
  },
);
