/** What keeps a local cluster from starting, and what starting one may delete. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepare } from '../../runtime/dev/preparation.ts';
import { lockData } from '../../runtime/disk/dataLock.ts';
import { freePort } from '../support/freePort.ts';

let data = '';
let shape = { rebalance: 'on', metadata: 'raft' as const, nodes: 1, groups: 2, port: 0 };

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'cluster-'));
  const port = await freePort();
  shape = { rebalance: 'on', metadata: 'raft' as const, nodes: 1, groups: 2, port };
});

afterEach(() => {
  rmSync(data, { recursive: true });
});

test('a cluster keeps its shape, but not its ports', async () => {
  await prepare(data, shape, false);
  await prepare(data, { ...shape, port: shape.port - 1 }, false);
  await expect(prepare(data, { ...shape, groups: 3 }, false)).rejects.toThrow(
    /^--data: .* holds a cluster of another shape, \{"nodes":1,"groups":2\}: /,
  );
  await prepare(data, { ...shape, groups: 3 }, true);
});

test('a fresh start deletes what a cluster left and nothing else', async () => {
  await prepare(data, shape, false);
  for (const name of ['node-1', 'node-12', 'node-x', 'photos']) mkdirSync(join(data, name), { recursive: true });
  writeFileSync(join(data, 'node-1', 'lock.1'), '');
  await prepare(data, shape, true);
  expect(readdirSync(data).sort()).toEqual(['cluster.json', 'node-1', 'node-x', 'photos']);
  expect(readdirSync(join(data, 'node-1'))).toEqual(['store.json']);
});

test('data that is in use is left alone', async () => {
  const unlock = lockData(join(data, 'node-1'));
  await expect(prepare(data, shape, true)).rejects.toThrow(
    `--data: ${join(data, 'node-1')} is in use by process ${String(process.pid)}`,
  );
  expect(readdirSync(data)).toEqual(['node-1']);
  unlock();
  await prepare(data, shape, true);
});

test.each([0, 10_000])('a port that is taken is named: %d above the first', async (offset) => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(shape.port + offset, '127.0.0.1', resolve);
  });
  const address = `127.0.0.1:${String(shape.port + offset)}`;
  await expect(prepare(data, shape, false)).rejects.toThrow(`--port: ${address} is taken by another process`);
  await new Promise((resolve) => server.close(resolve));
});
