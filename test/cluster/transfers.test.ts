/** Tenants of a real cluster go out as files and come in again, by command line and by an ordinary client. */
import { spawn } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, RESP_TYPES } from 'redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askPort, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let cluster: Cluster;
let files: string;

beforeAll(async () => {
  cluster = await startCluster();
  files = mkdtempSync(join(tmpdir(), 'tenants-'));
});

afterAll(async () => {
  await cluster.stop();
  rmSync(files, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly said: string;
}

/** `leasehold tenant …`, with a file at its stdin or stdout. */
async function leasehold(args: readonly string[], file: string, isInput: boolean): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'runtime/cli.ts', 'tenant', ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  // It may stop reading before the file ends.
  child.stdin.on('error', () => undefined);
  if (isInput) createReadStream(file).pipe(child.stdin);
  else child.stdin.end();
  const written = isInput ? child.stdout.resume() : child.stdout.pipe(createWriteStream(file));
  const closed = new Promise((resolve) => written.once(isInput ? 'end' : 'finish', resolve));
  const code = await new Promise<number>((resolve) => {
    child.once('exit', (status) => {
      resolve(status ?? -1);
    });
  });
  await closed;
  return { code, said };
}

/** A text that says so. */
const saying = (what: RegExp): string => expect.stringMatching(what) as string;
const at = (node: number): string => `127.0.0.1:${String(cluster.ports[node - 1])}`;
const everywhere = (): string => cluster.ports.map((port) => `127.0.0.1:${String(port)}`).join(',');
const exportTo = async (name: string, node: number, file: string): Promise<Ended> =>
  leasehold(['export', name, '--from', at(node)], file, false);
const importFrom = async (name: string, to: string, file: string, ...more: string[]): Promise<Ended> =>
  leasehold(['import', name, '--to', to, ...more], file, true);
const path = (name: string): string => join(files, `${name}.lease`);
/** Without the first piece, which says when and where. */
function dataOf(name: string): Buffer {
  const bytes = readFileSync(path(name));
  return bytes.subarray(12 + bytes.readUInt32BE(0));
}

test('a tenant that is copied is the same, through other nodes and under another name', async () => {
  const redis = createClient({ url: `redis://${at(1)}` });
  await redis.connect();
  await redis.set('{acme}text', 'a\r\nb');
  await redis.rPush(
    '{acme}list',
    Array.from({ length: 3000 }, (_, i) => String(i)),
  );
  await redis.set('{acme}large', 'x'.repeat(3_000_000));
  await redis.set('{acme}lasting', 'y', { expiration: { type: 'EX', value: 5000 } });
  for (let i = 0; i < 5000; i += 1) void redis.set(`{acme}k${String(i)}`, `value ${String(i)}`);
  await redis.set('{acme}last', 'z');
  expect(await exportTo('acme', 2, path('acme'))).toMatchObject({ code: 0, said: saying(/5005 keys/) });
  expect(await importFrom('clone', at(3), path('acme'), '--in', '4')).toMatchObject({ code: 0 });
  expect((await placeOf(cluster.ports[0] ?? 0, 'clone')).group).toBe(4);
  await exportTo('clone', 1, path('clone'));
  expect(dataOf('clone').equals(dataOf('acme'))).toBe(true);
  await redis.sendCommand(['TENANT', 'USE', 'clone']);
  expect(await redis.get('{acme}text')).toBe('a\r\nb');
  expect(await redis.lRange('{acme}list', -2, -1)).toEqual(['2998', '2999']);
  expect(await redis.ttl('{acme}lasting')).toBeGreaterThan(4000);
  expect(await redis.dbSize()).toBe(5005);
  expect(await importFrom('clone', at(1), path('acme'))).toEqual({
    code: 69,
    said: saying(/ERR not executed: tenant 'clone' exists/),
  });
  redis.destroy();
});

test('any client can do it: the pieces one behind the other are the file', async () => {
  const redis = createClient({ url: `redis://${at(2)}` }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await redis.connect();
  const ask = async (...args: (string | Buffer)[]): Promise<readonly unknown[]> =>
    (await redis.sendCommand(['TENANT', ...args])) as unknown as readonly unknown[];
  const pieces: Buffer[] = [];
  for (let which: string[] = []; ; ) {
    const [id, next, bytes] = (await ask('EXPORT', 'acme', ...which)) as [Buffer, number, Buffer];
    pieces.push(bytes);
    if (next === 0) break;
    which = [id.toString(), String(next)];
  }
  await exportTo('acme', 1, path('again'));
  const headLength = 12 + (pieces[0]?.readUInt32BE(0) ?? 0);
  expect(Buffer.concat(pieces).subarray(headLength).equals(dataOf('again'))).toBe(true);
  const wholePieces = pieces.filter(({ length }) => length > 0);
  let [move, next] = (await ask('IMPORT', 'by-hand', wholePieces[0] ?? '')) as [number, number];
  while (next > 0)
    [move, next] = (await ask('IMPORT', 'by-hand', String(move), wholePieces[next] ?? '')) as [number, number];
  await exportTo('by-hand', 3, path('by-hand'));
  expect(dataOf('by-hand').equals(dataOf('acme'))).toBe(true);
  redis.destroy();
});

test('a file that is cut off or damaged makes no tenant; the whole one goes on from there', async () => {
  const half = path('half');
  await exportTo('acme', 1, half);
  truncateSync(half, Math.floor(statSync(half).size / 2));
  const cut = await importFrom('half', at(1), half);
  expect(cut).toMatchObject({ code: 65, said: saying(/cut off.*\n.*Nobody sees tenant 'half'/) });
  const [port = 0] = cluster.ports;
  expect(String(await askPort(port, 'GET', '{half}x'))).toMatch(
    /LOADING not executed: tenant 'half' is being imported/,
  );
  const whole = await importFrom('half', at(2), path('acme'));
  expect(whole).toMatchObject({ code: 0, said: saying(/goes on with piece \d+\n/) });
  await exportTo('half', 3, path('half'));
  expect(dataOf('half').equals(dataOf('acme'))).toBe(true);
  truncateSync(half, statSync(half).size - 1);
  expect(await importFrom('other', at(1), half)).toEqual({
    code: 65,
    said: saying(/cut off there\n/),
  });
  expect(await askPort(port, 'TENANT', 'DROP', 'other')).toBe('OK');
  expect(await askPort(port, 'TENANT', 'DROP', 'half')).toBe('OK');
  expect(await importFrom('another', at(1), fileURLToPath(import.meta.url))).toMatchObject({
    code: 65,
    said: saying(/no whole file of a tenant/),
  });
});

test('leaders are killed while tenants are imported: each comes whole', async () => {
  const [port = 0] = cluster.ports;
  const { leader } = await placeOf(port, 'acme');
  const importing = ['one', 'two', 'three'].map(async (name, i) =>
    importFrom(name, everywhere(), path('acme'), '--in', String(i + 1)),
  );
  await until(
    async () => String(await askPort(port, 'TENANT', 'QUOTA', 'one')).includes('LOADING'),
    'an import has begun',
  );
  const victim = leader === 1 ? 2 : leader;
  await cluster.kill(victim);
  cluster.start(victim);
  for (const ended of await Promise.all(importing)) expect(ended).toMatchObject({ code: 0 });
  for (const name of ['one', 'two', 'three']) {
    expect(await exportTo(name, 1, path(name))).toMatchObject({ code: 0 });
    expect(dataOf(name).equals(dataOf('acme'))).toBe(true);
  }
});
