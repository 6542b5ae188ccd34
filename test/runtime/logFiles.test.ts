/**
 * The log on a real disk, beyond what any disk must do (test/conformance): what it tells of torn ends, losses and
 * strangers, and how it uses its files.
 */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GroupId, LogIndex, NodeId, Term, WriteId } from '../../core/index.ts';
import { emptyLog, LogAppender } from '../../core/log/appender.ts';
import type { LogRecord } from '../../core/log/records.ts';
import { type LogDisk, LogFiles } from '../../runtime/disk/logFiles.ts';
import { openSegment } from '../../runtime/disk/segmentFiles.ts';
import { openLog } from '../../runtime/disk/openLog.ts';
import { ConfigError } from '../../runtime/exitCodes.ts';
import { until } from './until.ts';

const identity = { clusterId: 'test', node: NodeId(1) };
const group = GroupId(1);
const firstSegment = '00000001.wal';
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'log-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function entry(index: number, data: Uint8Array = Buffer.of(index)): LogRecord {
  return { kind: 'entries', group, entries: [{ index: LogIndex(index), term: Term(1), kind: 'data', data }] };
}

/** Where the frames of the first segment begin. */
function frames(): readonly number[] {
  const bytes = readFileSync(join(directory, firstSegment));
  const found: number[] = [];
  for (let at = bytes.indexOf('LHLF'); at >= 0; at = bytes.indexOf('LHLF', at + 1)) found.push(at);
  return found;
}

function damage(frame: number): void {
  const descriptor = openSync(join(directory, firstSegment), 'r+');
  writeSync(descriptor, 'damage', (frames()[frame] ?? 0) + 20);
  closeSync(descriptor);
}

interface Heard {
  readonly persisted: number[];
  readonly failed: string[];
}

function listen(files: LogFiles): Heard {
  const heard: Heard = { persisted: [], failed: [] };
  files.listen(
    (upTo) => heard.persisted.push(upTo),
    (error) => heard.failed.push(error.message),
  );
  return heard;
}

/** Opens, writes these entries one write each, and closes. Returns which life it was and what was there before. */
async function live(indexes: readonly number[]): Promise<{ boot: number; found: readonly number[]; isTorn: boolean }> {
  const { files, boot, restored, isTorn } = openLog(directory, identity);
  const { persisted } = listen(files);
  for (const index of indexes) files.persist(WriteId(index), [entry(index)]);
  await until(() => persisted.at(-1) === indexes.at(-1), 'everything on disk');
  await files.close();
  return { boot, found: (restored.groups.get(group)?.entries ?? []).map(({ index }) => index), isTorn };
}

describe('what is on disk', () => {
  test('is cut where it was torn, and goes on from there', async () => {
    await live([1, 2]);
    const path = join(directory, firstSegment);
    const bytes = readFileSync(path);
    const end = bytes.findLastIndex((byte) => byte !== 0);
    truncateSync(path, end - 2);
    expect(await live([2])).toEqual({ boot: 2, found: [1], isTorn: true });
    expect(await live([])).toEqual({ boot: 3, found: [1, 2], isTorn: false });
  });

  test('is cut where one of several writes in one sync was torn, and nothing of the others stays', async () => {
    await live([1]);
    await live([2, 3, 4]);
    damage(4);
    const { restored, isTorn, files } = openLog(directory, identity);
    await files.close();
    expect({ entries: restored.groups.get(group)?.entries.length, isTorn }).toEqual({ entries: 2, isTorn: true });
    expect(frames().length).toBe('boot 1 boot 2 boot'.split(' ').length);
  });

  test('is put aside when a write that was followed by another is damaged, and a new log remembers that', async () => {
    const { files } = openLog(directory, identity);
    const { persisted } = listen(files);
    for (const index of [1, 2]) {
      files.persist(WriteId(index), [entry(index)]);
      await until(() => persisted.at(-1) === index, 'the write on disk');
    }
    await files.close();
    damage(1);
    const damaged = readFileSync(join(directory, firstSegment));
    const { boot, restored, loss, files: anew } = openLog(directory, identity, true);
    expect(loss).toMatch(/^the log is damaged: .*00000001\.wal at byte [0-9]+: .*; it is in .*\.damaged-1$/);
    expect(restored).toMatchObject({ isLost: true, groups: new Map() });
    expect(boot).toBeGreaterThan(65_536);
    expect(readFileSync(join(`${directory}.damaged-1`, firstSegment)).equals(damaged)).toBe(true);
    await anew.close();
    const later = openLog(directory, identity, true);
    expect(later).toMatchObject({ boot: boot + 1, loss: null, restored: { isLost: true } });
    await later.files.close();
  });

  test('is refused when it is of another node or cluster, and left as it is', async () => {
    await live([1]);
    const before = readFileSync(join(directory, firstSegment));
    expect(() => openLog(directory, { ...identity, node: NodeId(2) })).toThrow(ConfigError);
    expect(() => openLog(directory, { ...identity, clusterId: 'other' })).toThrow(
      /^data: the log in .* cannot be used: it belongs to cluster 'test', this is 'other'$/,
    );
    expect(readFileSync(join(directory, firstSegment)).equals(before)).toBe(true);
  });

  test('is put aside when a segment is missing', async () => {
    await live([1]);
    writeFileSync(join(directory, '00000003.wal'), '');
    const { loss, files } = openLog(directory, identity);
    await files.close();
    expect(loss).toMatch(/^the log is damaged: .*00000002\.wal at byte 0: /);
  });

  test('is lost when there is nothing and there was something, and new when there never was', async () => {
    const first = openLog(directory, identity);
    await first.files.close();
    expect(first).toMatchObject({ boot: 1, loss: null, restored: { isLost: false } });
    rmSync(directory, { recursive: true });
    const second = openLog(directory, identity, true);
    await second.files.close();
    expect(second).toMatchObject({ restored: { isLost: true } });
    expect(second.loss).toMatch(/^there is no log in /);
  });
});

interface Request {
  readonly what: 'open' | 'write' | 'zeros' | 'remove';
  readonly descriptor: number;
  readonly position: number;
  readonly lengths: readonly number[];
  readonly done: (error: NodeJS.ErrnoException | null, written?: number) => void;
}

/** A disk that does nothing until it is told to. */
function slowDisk(): LogDisk & { readonly requests: Request[] } {
  const requests: Request[] = [];
  return {
    requests,
    open: (path, segment, done) => {
      const open = (error: Error | null): void => {
        done(error ?? openSegment(path, segment));
      };
      requests.push({ what: 'open', descriptor: 0, position: 0, lengths: [], done: open });
    },
    writev: (descriptor, chunks, position, done) => {
      const lengths = chunks.map(({ length }) => length);
      const all = lengths.reduce((sum, length) => sum + length, 0);
      requests.push({
        what: 'write',
        descriptor,
        position,
        lengths,
        done: (error, written = all) => {
          done(error, written);
        },
      });
    },
    remove: (_path, done) => {
      requests.push({ what: 'remove', descriptor: 0, position: 0, lengths: [], done });
    },
    extend: (descriptor, bytes, position, done) => {
      const { length } = bytes;
      requests.push({
        what: 'zeros',
        descriptor,
        position,
        lengths: [length],
        done: (error, written = length) => {
          done(error, written);
        },
      });
    },
  };
}

function take(requests: Request[], what: Request['what']): Request {
  const at = requests.findIndex((request) => request.what === what);
  const [request] = at < 0 ? [] : requests.splice(at, 1);
  if (request === undefined) throw new Error(`nobody asked for: ${what}`);
  return request;
}

describe('while a write is under way', () => {
  const kib = 1024;
  const mib = 1024 * kib;
  let disk = slowDisk();
  let files: LogFiles;
  let heard: Heard;

  function begin(largest?: number): void {
    const appender = new LogAppender(identity, emptyLog, crc32, largest);
    files = new LogFiles(directory, appender, openSegment(directory, 1), disk);
    heard = listen(files);
  }

  beforeEach(() => {
    disk = slowDisk();
    begin();
  });

  afterEach(async () => {
    for (let request = disk.requests.pop(); request !== undefined; request = disk.requests.pop()) request.done(null);
    await files.close();
  });

  test('what gathers is written at once and reported with its last', () => {
    for (const write of [1, 2, 3]) files.persist(WriteId(write), [entry(write)]);
    const first = take(disk.requests, 'write');
    take(disk.requests, 'zeros').done(null);
    expect(first).toMatchObject({ position: 0, lengths: [expect.any(Number)] });
    expect(disk.requests).toEqual([]);
    first.done(null);
    expect(heard.persisted).toEqual([1]);
    const second = take(disk.requests, 'write');
    expect(second).toMatchObject({ position: first.lengths[0], lengths: [expect.any(Number), expect.any(Number)] });
    second.done(null);
    expect(heard).toEqual({ persisted: [1, 3], failed: [] });
  });

  test('a write that is cut short goes on where it stopped', () => {
    for (const write of [1, 2, 3]) files.persist(WriteId(write), [entry(write)]);
    take(disk.requests, 'write').done(null);
    take(disk.requests, 'zeros').done(null);
    const both = take(disk.requests, 'write');
    const [second = 0, third = 0] = both.lengths;
    both.done(null, second + 3);
    expect(heard.persisted).toEqual([1]);
    const rest = take(disk.requests, 'write');
    expect(rest).toMatchObject({ position: both.position + second + 3, lengths: [third - 3] });
    rest.done(null);
    expect(heard.persisted).toEqual([1, 3]);
  });

  test('zeros are written behind the end, and nothing goes where they are being written', () => {
    files.persist(WriteId(1), [entry(1)]);
    const first = take(disk.requests, 'write');
    const zeros = take(disk.requests, 'zeros');
    const end = first.lengths[0] ?? 0;
    expect(zeros).toMatchObject({ position: end, lengths: [mib] });
    expect(zeros.descriptor).not.toBe(first.descriptor);
    files.persist(WriteId(2), [entry(2)]);
    first.done(null);
    expect(disk.requests).toEqual([]); // It would be overwritten.
    zeros.done(null);
    take(disk.requests, 'write').done(null);
    files.persist(WriteId(3), [entry(3, Buffer.alloc(600 * kib))]);
    take(disk.requests, 'write').done(null);
    const more = take(disk.requests, 'zeros');
    expect(more.position).toBe(end + mib);
    files.persist(WriteId(4), [entry(4, Buffer.alloc(100 * kib))]);
    take(disk.requests, 'write').done(null);
    files.persist(WriteId(5), [entry(5, Buffer.alloc(600 * kib))]);
    expect(disk.requests).toEqual([]);
    more.done(null);
    take(disk.requests, 'write').done(null);
    expect(heard).toEqual({ persisted: [1, 2, 3, 4, 5], failed: [] });
  });

  test.each(['write', 'zeros'] as const)(
    'a failure of %s is reported once, and nothing is written after it',
    async (what) => {
      files.persist(WriteId(1), [entry(1)]);
      files.persist(WriteId(2), [entry(2)]);
      const other = take(disk.requests, what === 'write' ? 'zeros' : 'write');
      take(disk.requests, what).done(new Error('EIO'));
      other.done(what === 'write' ? new Error('EIO') : null);
      files.persist(WriteId(3), [entry(3)]);
      expect(disk.requests).toEqual([]);
      expect(heard).toEqual({ persisted: what === 'write' ? [] : [1], failed: ['EIO'] });
      await files.close();
    },
  );

  test.each([null, new Error('ENOSPC')])('the next segment is opened in the background: %s', async (error) => {
    await files.close();
    begin(4 * kib);
    for (const write of [1, 2, 3, 4]) files.persist(WriteId(write), [entry(write, Buffer.alloc(3 * kib))]);
    take(disk.requests, 'write').done(null);
    expect(disk.requests.map(({ what }) => what)).toEqual(['zeros']); // They would go on to a closed file.
    take(disk.requests, 'zeros').done(null);
    const opening = take(disk.requests, 'open');
    expect(disk.requests).toEqual([]);
    opening.done(error);
    if (error === null) {
      const second = take(disk.requests, 'write');
      expect(second).toMatchObject({ position: 0, lengths: [expect.any(Number)] });
      second.done(null);
      expect(heard).toEqual({ persisted: [1, 2], failed: [] });
    } else {
      files.persist(WriteId(5), [entry(5)]);
      expect(disk.requests).toEqual([]);
      expect(heard).toEqual({ persisted: [1], failed: ['ENOSPC'] });
    }
  });

  test('closing waits for it', async () => {
    files.persist(WriteId(1), [entry(1)]);
    let isClosed = false;
    const closing = files.close().then(() => {
      isClosed = true;
    });
    take(disk.requests, 'zeros').done(null);
    await Promise.resolve();
    expect(isClosed).toBe(false);
    take(disk.requests, 'write').done(null);
    await closing;
    expect(heard.persisted).toEqual([1]);
  });
});
