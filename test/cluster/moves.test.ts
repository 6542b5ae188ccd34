/** Tenants move between the groups of a real cluster while clients write, and nodes die meanwhile. */
import { Redis } from 'ioredis';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compare, Worker } from '../soak/worker.ts';
import { askPort, fieldsOf, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';
import { moveTenant } from '../support/moving.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

const ports = (): readonly number[] => cluster.ports;

test('a tenant is asked for by its name alone, before, while and after it moves', async () => {
  const [first = 0, second = 0, third = 0] = cluster.ports;
  await askPort(first, 'TENANT', 'CREATE', 'acme', 'IN', '1');
  const redis = new Redis({ port: second, host: '127.0.0.1' });
  const large = 'x'.repeat(1_000_000);
  await redis.mset('{acme}text', 'a', '{acme}large', large);
  await redis.rpush('{acme}list', ...Array.from({ length: 1000 }, (_, i) => String(i)));
  await redis.set('{acme}short', 'b', 'EX', 1000);
  await redis.watch('{acme}text');
  expect(await moveTenant(ports, 'acme', 3)).toBe(true);
  expect(await redis.multi().get('{acme}text').lrange('{acme}list', 998, -1).exec()).toEqual([
    [null, 'a'],
    [null, ['998', '999']],
  ]);
  expect(await redis.get('{acme}large')).toBe(large);
  expect(await redis.ttl('{acme}short')).toBeGreaterThan(900);
  expect(fieldsOf(await askPort(third, 'TENANT', 'INFO', 'acme')).get('epoch')).toBe(2);
  redis.disconnect();
});

test('what cannot be moved is refused, and says why', async () => {
  const [first = 0] = cluster.ports;
  const refusals: readonly (readonly [string[], RegExp])[] = [
    [['acme', 'TO', '0'], /no such group for tenants/],
    [['acme', 'TO', '99'], /no such group for tenants/],
    [['nobody', 'TO', '1'], /unknown tenant 'nobody'/],
    [['acme', 'TO', '3'], /lives in group 3/],
    [['acme', 'CANCEL'], /no move of tenant 'acme'/],
    [['acme', 'AWAY'], /syntax error/],
  ];
  for (const [words, why] of refusals) expect(String(await askPort(first, 'TENANT', 'MOVE', ...words))).toMatch(why);
});

test('ten moves under load, and a leader killed in the middle of one: nothing lost, nothing doubled', async () => {
  const names = ['one', 'two'];
  const workers = [0, 1].map(
    (number) => new Worker(number, cluster.ports, names, seedrandom(String(number)), { isNumbering: number === 1 }),
  );
  const working = workers.map(async (worker) => worker.work());
  const written = (): number => workers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  await until(() => written() > 50, 'the tenants are written to');
  const [first = 0] = cluster.ports;
  for (let n = 0; n < 10; n += 1) {
    const tenant = names[n % 2] ?? '';
    const { group, leader } = await placeOf(first, tenant);
    const moving = moveTenant(ports, tenant, 1 + (group % 4));
    if (n === 5 && leader > 1) {
      await cluster.kill(leader);
      cluster.start(leader);
    }
    await moving;
  }
  for (const worker of workers) worker.stop();
  await Promise.all(working);
  const redis = new Redis({ port: first, host: '127.0.0.1' });
  for (const tenant of names) expect(await compare(redis, tenant, workers)).toEqual([]);
  redis.disconnect();
});
