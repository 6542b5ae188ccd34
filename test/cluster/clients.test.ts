/** Ordinary Redis clients through every node of a real cluster. */
import { execFileSync, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

const tenants = Array.from({ length: 50 }, (_, i) => `tenant-${String(i)}`);

async function raw(
  port: number,
  bytes: string | Buffer,
  isDone: (answer: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (isDone(answer)) socket.destroy();
    });
    socket.on('close', () => {
      resolve(answer);
    });
    socket.on('error', (error) => {
      if (answer === '') reject(error);
    });
    socket.write(bytes);
  });
}

describe('ioredis', () => {
  test('fifty tenants are spread over all groups, and every node answers for each of them', async () => {
    const clients = cluster.ports.map((port) => new Redis({ port, host: '127.0.0.1' }));
    const [first] = clients;
    await Promise.all(tenants.map(async (tenant) => first?.set(`{${tenant}}name`, tenant)));
    for (const client of clients) {
      const names = await Promise.all(tenants.map(async (tenant) => client.get(`{${tenant}}name`)));
      expect(names).toEqual(tenants);
    }
    const groups = new Map<number, number>();
    for (const tenant of tenants) {
      const info = (await first?.call('TENANT', 'INFO', tenant)) as Record<string, unknown> | unknown[];
      const group = Array.isArray(info) ? Number(info[3]) : Number(info['group']);
      groups.set(group, (groups.get(group) ?? 0) + 1);
    }
    expect([...groups.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    for (const count of groups.values()) expect(count).toBeGreaterThanOrEqual(12);
    for (const client of clients) client.disconnect();
  });

  test('a tenant sees its own keyspace and nothing else', async () => {
    const client = new Redis({ port: cluster.ports[1] ?? 0, host: '127.0.0.1' });
    await client.call('TENANT', 'USE', 'island');
    await client.mset('a', '1', 'b', '2');
    expect(await client.dbsize()).toBe(2);
    expect(new Set(await client.keys('*'))).toEqual(new Set(['a', 'b']));
    await client.call('TENANT', 'USE', 'other-island');
    expect(await client.keys('*')).toEqual([]);
    expect(await client.get('a')).toBeNull();
    await client.flushdb();
    await client.call('TENANT', 'USE', 'island');
    expect(await client.dbsize()).toBe(2);
    await expect(client.call('TENANT', 'USE', 'not a name')).rejects.toThrow('invalid tenant name');
    client.disconnect();
  });

  test('a command whose keys name two tenants is refused', async () => {
    const client = new Redis({ port: cluster.ports[0] ?? 0, host: '127.0.0.1' });
    await expect(client.mget('{a}k', '{b}k')).rejects.toThrow(/^CROSSSLOT not executed/);
    client.disconnect();
  });

  test('pipelined commands of one connection take effect and are answered in order, through a node that does not lead', async () => {
    for (const port of cluster.ports) {
      const client = new Redis({ port, host: '127.0.0.1' });
      const pipeline = client.pipeline();
      const key = `{order}list-${String(port)}`;
      for (let i = 0; i < 500; i += 1) pipeline.rpush(key, String(i)).llen(key);
      const replies = (await pipeline.exec()) ?? [];
      expect(replies.map(([, reply]) => reply)).toEqual(Array.from({ length: 1000 }, (_, i) => Math.floor(i / 2) + 1));
      expect(await client.lrange(key, 0, -1)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
      client.disconnect();
    }
  });

  test('values are binary safe, large ones too', async () => {
    const client = new Redis({ port: cluster.ports[2] ?? 0, host: '127.0.0.1' });
    const value = Buffer.alloc(
      3_000_000,
      Uint8Array.from({ length: 256 }, (_, i) => i),
    );
    await client.set('{big}value', value);
    const back = await client.getBuffer('{big}value');
    expect(back?.equals(value)).toBe(true);
    client.disconnect();
  });
});

test('node-redis, with RESP3', async () => {
  for (const port of cluster.ports) {
    const client = createClient({ RESP: 3, socket: { port, host: '127.0.0.1' } });
    await client.connect();
    expect(await client.set('{resp3}k', String(port))).toBe('OK');
    expect(await client.get('{resp3}k')).toBe(String(port));
    expect(await client.incrByFloat('{resp3}f', 0.1)).toBeDefined();
    expect(await client.get('{resp3}missing')).toBeNull();
    const where = (await client.sendCommand(['TENANT', 'WHERE', 'resp3'])) as unknown as Record<string, unknown>;
    expect(where).toMatchObject({ tenant: 'resp3', epoch: 1, 'asked-node': cluster.ports.indexOf(port) + 1 });
    client.destroy();
  }
});

const isRedisCliInstalled = spawnSync('redis-cli', ['--version']).status === 0;

test.runIf(isRedisCliInstalled)('redis-cli, through a forward that TENANT WHERE explains', () => {
  const cli = (port: number | undefined, ...args: string[]): string =>
    execFileSync('redis-cli', ['-p', String(port), ...args], { encoding: 'utf8' }).trim();
  const [first, , third] = cluster.ports;
  expect(cli(first, 'set', '{acme}k', 'v')).toBe('OK');
  expect(cli(third, 'get', '{acme}k')).toBe('v');
  expect(cli(third, 'tenant', 'where', 'acme').split('\n')).toContain('hops');
  expect(cli(first, 'command', 'count')).toMatch(/^[0-9]+$/);
});

describe('hostile bytes', () => {
  const cases: Readonly<Record<string, string | Buffer>> = {
    'an array of 33 million': '*33554432\r\n',
    'an array of 2^32': '*4294967296\r\n',
    'nested arrays': '*1\r\n'.repeat(10_000),
    'a bulk of 100 GB': '*1\r\n$99999999999\r\n',
    'a negative bulk': '*1\r\n$-5\r\n',
    'letters for a length': '*1\r\n$a\r\n',
    'no CRLF behind a bulk': '*1\r\n$4\r\nPINGxx',
    'an endless line': Buffer.alloc(200_000, 0x61),
    'unbalanced quotes': 'SET "a\r\n',
  };

  test.each(Object.entries(cases))('%s: an error, then the end', async (_, bytes) => {
    expect(await raw(cluster.ports[0] ?? 0, bytes)).toMatch(/^-ERR Protocol error: [^\r]+\r\n$/);
  });

  test('a web request: the end, without a word', async () => {
    expect(await raw(cluster.ports[0] ?? 0, 'POST / HTTP/1.1\r\nHost: example\r\n\r\n')).toBe('');
  });

  test('on the peer port: the link is closed, the node goes on', async () => {
    const port = (cluster.ports[0] ?? 0) + 10_000;
    for (const bytes of [Buffer.alloc(5000, 0xff), Buffer.from('*1\r\n$4\r\nPING\r\n'), Buffer.alloc(64)])
      await raw(port, bytes);
    expect(await raw(cluster.ports[0] ?? 0, 'PING\r\n', (answer) => answer.endsWith('\n'))).toBe('+PONG\r\n');
  });
});
