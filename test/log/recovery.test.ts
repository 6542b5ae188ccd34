import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../core/base/bytes.ts';
import { GroupId, LogIndex, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { InvariantError } from '../../core/base/invariant.ts';
import { emptyLog, LogAppender, type LogChunk, type LogEnd } from '../../core/log/appender.ts';
import type { LogRecord } from '../../core/log/records.ts';
import { LogRecovery } from '../../core/log/recovery.ts';
import {
  endOf,
  headerBytesOf,
  type History,
  identity,
  type Image,
  imageOf,
  imageOfHistory,
  type Intent,
  lengthAt,
  logAfter,
  marker,
  noLog,
  nothingPlanned,
  onDisk,
  plan,
  record,
  recover,
  survivors,
  write,
  writes,
} from './history.ts';

const largest = fc.constantFrom(64, 128, 400, 100_000);
/** Where the records of a frame begin. */
const framePrefixBytes = 32;
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));
const put = (...values: readonly string[]): readonly Intent[] => [
  { kind: 'entries', group: 1, back: 0, data: values.map(text) },
];
/** Seven writes over several segments, each on disk before the next. */
const seven: readonly (readonly Intent[])[] = [
  [{ kind: 'boot' }],
  put('a', 'bb'),
  [{ kind: 'hardState', group: 1, term: 5, vote: 2 }],
  put('cccc'),
  [...put('d'), { kind: 'entries', group: 2, back: 0, data: [text('other'), new Uint8Array(0)] }],
  [{ kind: 'boot' }],
  put('e'),
];

/** What must come of a damaged image, by the rule of `survivors`. */
function expectRecovery(history: History, image: Image): void {
  const count = survivors(history, image);
  const found = recover(image);
  if (count === null) {
    expect(found.kind).toBe('damaged');
    return;
  }
  expect(found).toMatchObject({ kind: 'recovered', log: logAfter(history, count), end: { sequence: count } });
}

function changed(image: Image, segment: number, change: (bytes: Uint8Array) => Uint8Array | undefined): Image {
  const copy = new Map(image);
  const bytes = new Uint8Array(image.get(segment) ?? []);
  copy.set(segment, change(bytes) ?? bytes);
  return copy;
}

describe('what was written is found again', () => {
  test('whatever it is, wherever segments end, with zeros behind them or not', () => {
    fc.assert(
      fc.property(writes, largest, fc.constantFrom(0, 8, 100), (all, size, slack) => {
        const history = record(all, { largest: size });
        expect(recover(imageOfHistory(history, slack))).toMatchObject({
          kind: 'recovered',
          log: logAfter(history, all.length),
          end: endOf(history, all.length),
          isTorn: false,
        });
      }),
    );
  });

  test('an empty disk is an empty log', () => {
    expect(recover(new Map())).toMatchObject({
      kind: 'recovered',
      log: noLog,
      end: { segment: 0, offset: 0, sequence: 0 },
      isTorn: false,
    });
  });

  test('a segment that was only made, or only extended with zeros, holds nothing', () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(4096)]) {
      const history = record(seven);
      expect(recover(imageOfHistory(history).set(2, bytes))).toMatchObject({
        kind: 'recovered',
        log: logAfter(history, seven.length),
        end: endOf(history, seven.length),
        isTorn: false,
      });
    }
  });

  test('segments stay within their size, unless a single write is larger', () => {
    const history = record([...seven, put('x'.repeat(500)), put('y')], { largest: 200 });
    const image = imageOfHistory(history);
    const sizes = [...image].map(([segment, bytes]) => ({
      bytes: bytes.length,
      writes: history.written.filter(({ chunk }) => chunk.segment === segment).length,
    }));
    expect(sizes.filter(({ bytes }) => bytes > 200).map((each) => each.writes)).toEqual([1]);
    expect(sizes.length).toBeGreaterThan(3);
    expectRecovery(history, image);
  });

  test('the data of entries are views of the segment', () => {
    const image = imageOfHistory(record([put('value')]));
    const found = recover(image);
    const entry = found.kind === 'recovered' ? found.log.groups.get(GroupId(1))?.entries[0] : undefined;
    expect(entry?.data.buffer).toBe(image.get(1)?.buffer);
  });
});

describe('a log that is cut short', () => {
  test('at any byte keeps exactly the writes before it, with nothing or zeros in place of the rest', () => {
    const history = record(seven, { largest: 150 });
    const image = imageOfHistory(history);
    const last = Math.max(...image.keys());
    expect(last).toBeGreaterThan(1);
    for (const [segment, bytes] of image) {
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const kept = new Map([...image].filter(([each]) => each < segment));
        kept.set(segment, bytes.slice(0, cut));
        expectRecovery(history, kept);
        const zeroed = new Map(kept).set(segment, bytes.slice().fill(0, cut));
        expectRecovery(history, zeroed);
        expect(survivors(history, zeroed)).not.toBeNull();
      }
    }
  });

  test('says so if more than zeros goes', () => {
    const history = record([put('first'), put('second')]);
    const { offset } = history.written[1]!.chunk;
    for (const [length, isTorn] of [
      [offset, false],
      [offset + 1, true],
      [offset + 20, true],
    ] as const) {
      const image = changed(imageOfHistory(history), 1, (bytes) => bytes.fill(0, length));
      expect(recover(image)).toMatchObject({
        kind: 'recovered',
        log: logAfter(history, 1),
        end: endOf(history, 1),
        isTorn,
      });
    }
  });
});

describe('damage', () => {
  test('of any single bit is reported, or cut if it may never have been on disk, and never passed over', () => {
    const history = record(seven, { largest: 150 });
    const image = imageOfHistory(history, 8);
    const verdicts = new Set<number | null>();
    for (const [segment, bytes] of image) {
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = changed(image, segment, (copy) => {
          copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          return copy;
        });
        expectRecovery(history, flipped);
        verdicts.add(survivors(history, flipped));
      }
    }
    // All but the last write, of which nothing says that it had been on disk; and bits that mean nothing.
    expect(verdicts).toEqual(new Set([null, seven.length - 1, seven.length]));
  });

  test('names where it is', () => {
    const history = record(seven, { largest: 150 });
    const { segment, offset } = history.written[3]!.chunk;
    const damaged = changed(imageOfHistory(history), segment, (bytes) => bytes.fill(0, offset, offset + 8));
    expect(recover(damaged)).toMatchObject({
      kind: 'damaged',
      segment,
      offset,
      reason: 'what was durable cannot be read, and later writes follow it',
    });
  });

  test('any at all, to any part, leaves a true prefix or a report', () => {
    const wound = fc.record({
      segment: fc.nat(),
      start: fc.nat(),
      length: fc.integer({ min: 1, max: 40 }),
      byte: fc.nat(255),
    });
    fc.assert(
      fc.property(
        writes,
        largest,
        fc.array(wound, { minLength: 1, maxLength: 3 }),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        (all, size, wounds, syncs) => {
          const history = record(all, { largest: size, syncs: (i) => syncs[i] ?? true });
          let image: Image = imageOfHistory(history, 8);
          for (const { segment, start, length, byte } of image.size === 0 ? [] : wounds) {
            const number = (segment % image.size) + 1;
            image = changed(image, number, (bytes) => {
              const from = start % bytes.length;
              return bytes.fill(byte, from, from + length);
            });
          }
          expectRecovery(history, image);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is a segment that is missing, or in another place', () => {
    const image = imageOfHistory(record(seven, { largest: 150 }));
    expect(image.size).toBeGreaterThan(2);
    const missing = { kind: 'damaged', segment: 1, offset: 0, reason: 'the segment is missing' };
    expect(recover(new Map([...image].filter(([segment]) => segment !== 1)))).toMatchObject(missing);
    expect(recover(new Map([...image].filter(([segment]) => segment !== 2)))).toMatchObject({ ...missing, segment: 2 });
    const swapped = new Map(image).set(1, image.get(2)!).set(2, image.get(1)!);
    expect(recover(swapped).kind).toBe('damaged');
  });

  test.each([
    ['of a kind this version does not know', [99, 1]],
    ['ends in the middle of a record', [1, 0x80]],
  ])('is a write that is whole but %s', (_, body) => {
    const history = record([put('a'), [{ kind: 'boot' }]]);
    const { offset } = history.written[1]!.chunk;
    const newer = changed(imageOfHistory(history), 1, (bytes) => {
      bytes.set(body, offset + framePrefixBytes);
      return resealed(bytes, offset);
    });
    expect(recover(newer)).toEqual({
      kind: 'foreign',
      reason: 'it is of a newer version: the write at byte 72 of segment 1 cannot be read',
    });
  });

  test('is that nothing is left of the first segment, where those before it were deleted', () => {
    const snapshot: readonly Intent[] = [
      { kind: 'begin', group: 1, back: 0, pieces: [text('state')] },
      { kind: 'complete', group: 1 },
    ];
    const vote: Intent = { kind: 'hardState', group: 1, term: 7, vote: 2 };
    const history = record([put('a'), snapshot, [vote]], { largest: 64 });
    const image = imageOfHistory(history);
    expect([...image.keys()]).toEqual([1, 2, 3]);
    image.delete(1);
    expect(recover(image)).toMatchObject({ kind: 'recovered', log: logAfter(history, 3), isTorn: false });
    const zeros = changed(image, 2, (bytes) => bytes.fill(0));
    expect(recover(zeros)).toMatchObject({ kind: 'damaged', segment: 2, offset: 0 });
  });

  test('is not that nothing came to the first segment, where the next says that it is not needed', () => {
    const boot: readonly Intent[] = [{ kind: 'boot' }];
    const history = record([boot, boot, boot], { largest: 64 });
    const image = imageOfHistory(history);
    expect([...image.keys()]).toEqual([1, 2, 3]);
    image.delete(1);
    const bare = changed(image, 2, (bytes) => bytes.slice(0, headerBytesOf(history.written[1]!.chunk)));
    expect(recover(bare)).toMatchObject({
      kind: 'recovered',
      log: logAfter(history, 3),
      end: { first: 2, sequence: 3 },
    });
  });

  test('of the last write before a boot is known for what it is', () => {
    const { chunk } = record([put('a')]).written[0]!;
    const found = recover(imageOf([chunk]));
    const end = found.kind === 'recovered' ? found.end : emptyLog;
    const boot = new LogAppender(identity, end, crc32).append([{ kind: 'boot', boot: 1 }]);
    const offset = headerBytesOf(chunk);
    const damaged = changed(imageOf([chunk, boot]), 1, (bytes) => bytes.fill(0, offset, offset + 8));
    expect(recover(damaged)).toMatchObject({ kind: 'damaged', segment: 1, offset });
  });

  test('of the zeros behind a full segment is nothing', () => {
    const history = record(seven, { largest: 150 });
    const image = changed(imageOfHistory(history, 8), 1, (bytes) => bytes.fill(1, bytes.length - 8));
    expect(recover(image)).toMatchObject({
      kind: 'recovered',
      log: logAfter(history, seven.length),
      end: endOf(history, seven.length),
      isTorn: false,
    });
  });

  test('is a gap in the entries of a group', () => {
    const appender = new LogAppender(identity, emptyLog, crc32);
    const entry = { index: LogIndex(2), term: Term(1), kind: 'noop' as const, data: new Uint8Array(0) };
    const chunk = appender.append([{ kind: 'entries', group: GroupId(1), entries: [entry] }]);
    expect(recover(imageOf([chunk]))).toMatchObject({
      kind: 'damaged',
      reason: "a group's entries do not follow one another",
    });
  });
});

describe("another's log is refused", () => {
  const image = imageOfHistory(record(seven));

  test('of another cluster or node', () => {
    expect(recover(image, { ...identity, clusterId: 'other' })).toEqual({
      kind: 'foreign',
      reason: "it belongs to cluster 'test-cluster', this is 'other'",
    });
    expect(recover(image, { ...identity, node: NodeId(4) })).toEqual({
      kind: 'foreign',
      reason: 'it belongs to node 3, this is 4',
    });
  });

  test('of a later format', () => {
    const later = changed(image, 1, (bytes) => {
      bytes[12] = 4;
      return resealed(bytes, 0);
    });
    expect(recover(later)).toEqual({ kind: 'foreign', reason: 'it has format 4, this is 3' });
  });
});

describe('a crash', () => {
  /** What a disk writes at once: small, so that it tears short writes too. */
  const sectorBytes = 16;
  type Fate = { readonly kind: 'kept' | 'lost' } | { readonly kind: 'sectors'; readonly kept: readonly boolean[] };
  const fate: fc.Arbitrary<Fate> = fc.oneof(
    fc.constant({ kind: 'kept' as const }),
    fc.constant({ kind: 'lost' as const }),
    fc.record({ kind: fc.constant('sectors' as const), kept: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }) }),
  );
  const life = fc.record({
    writes: fc.array(fc.record({ write, isSynced: fc.boolean(), fate, deletes: fc.nat(9) }), { maxLength: 6 }),
    slack: fc.constantFrom(0, 24),
  });

  test('loses nothing that was on disk and invents nothing, life after life', () => {
    let shortened = 0;
    fc.assert(
      fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), largest, (lives, size) => {
        let disk: LogChunk[] = [];
        const deleted = new Set<number>();
        let planned = nothingPlanned;
        let end: LogEnd = emptyLog;
        for (const { writes: all, slack } of lives) {
          const appender = new LogAppender(identity, end, crc32, size);
          const deletable: number[] = [];
          const states = [planned];
          const pending: { readonly chunk: LogChunk; readonly fate: Fate }[] = [];
          let durable = 0;
          for (const each of all) {
            const { records, after } = plan(states.at(-1)!, each.write);
            pending.push({ chunk: onDisk(appender.append(records)), fate: each.fate });
            states.push(after);
            if (!each.isSynced) continue;
            appender.onSynced(appender.lastSequence);
            durable = states.length - 1;
            // A crash may come between two of them.
            deletable.push(...appender.takeDeletable());
            for (const segment of deletable.splice(0, each.deletes)) deleted.add(segment);
          }
          const kept = pending.flatMap(({ chunk, fate }, i) => (i < durable ? [chunk] : left(chunk, fate)));
          const image = imageOf(
            [...disk, ...kept].filter(({ segment }) => !deleted.has(segment)),
            slack,
          );
          const found = recover(image);
          if (found.kind !== 'recovered') throw new Error(`recovered was expected, not ${found.kind}`);
          const count = found.end.sequence - end.sequence;
          expect(count).toBeGreaterThanOrEqual(durable);
          expect(found.log).toEqual(states[count]?.log);
          planned = states[count] ?? planned;
          ({ end } = found);
          if (deleted.size > 0) shortened += 1;
          disk = cutBehind(image, end);
        }
      }),
      { numRuns: 300 },
    );
    expect(shortened).toBeGreaterThan(5);
  });

  function left(chunk: LogChunk, fate: Fate): readonly LogChunk[] {
    if (fate.kind !== 'sectors') {
      return [fate.kind === 'kept' ? chunk : { ...chunk, offset: 0, bytes: new Uint8Array(0) }];
    }
    const bytes = chunk.bytes.slice();
    for (let at = 0; at < bytes.length; at += 1) {
      const sector = Math.floor((chunk.offset + at) / sectorBytes);
      if (!(fate.kept[sector % fate.kept.length] ?? true)) bytes[at] = 0;
    }
    return [{ ...chunk, bytes }];
  }

  /** What the driver does before it writes again. */
  function cutBehind(image: Image, end: { readonly segment: number; readonly offset: number }): LogChunk[] {
    return [...image]
      .filter(([segment]) => segment <= end.segment)
      .map(([segment, bytes]) => ({
        segment,
        offset: 0,
        bytes: segment < end.segment ? bytes : bytes.slice(0, end.offset),
      }));
  }
});

describe('a value that looks like a frame', () => {
  /** A frame of a log that is far ahead of ours, at each place where one could begin. */
  const forged = record(Array.from({ length: 9 }, (_, i) => put(`forged ${String(i)}`))).written.at(-1)!.chunk.bytes;
  const hostile = new Uint8Array(
    Buffer.concat(Array.from({ length: 8 }, (_, shift) => Buffer.concat([Buffer.alloc(shift), forged]))),
  );

  test('is found again as it was', () => {
    const history = record([[{ kind: 'entries', group: 1, back: 0, data: [hostile] }], put('next')]);
    expectRecovery(history, imageOfHistory(history));
  });

  test('is not taken for one behind a torn write', () => {
    const history = record([put('first'), [{ kind: 'entries', group: 1, back: 0, data: [hostile] }]]);
    const { offset } = history.written[1]!.chunk;
    const torn = changed(imageOfHistory(history), 1, (bytes) => bytes.fill(0, offset, offset + 16));
    expect(recover(torn)).toMatchObject({
      kind: 'recovered',
      log: logAfter(history, 1),
      end: endOf(history, 1),
      isTorn: true,
    });
  });

  test('is masked again if the mask brings another forth', () => {
    const weak = () => 0;
    const firstMask = Uint8Array.of(0x5f, 0xf3, 0x6e, 0x3c);
    const unmarked = marker.map((byte, i) => byte ^ (firstMask[i] ?? 0));
    // Thirteen bytes each, so that each of the eight places where a frame could begin comes up.
    const block = Buffer.concat([marker, Buffer.alloc(4), unmarked, Buffer.alloc(1)]);
    const data = new Uint8Array(Buffer.concat(Array.from({ length: 8 }, () => block)));
    const appender = new LogAppender(identity, emptyLog, weak);
    const entries = [{ index: LogIndex(1), term: Term(1), kind: 'data' as const, data }];
    const chunk = appender.append([{ kind: 'entries', group: GroupId(1), entries }]);
    expect(markersIn(chunk.bytes)).toEqual([headerBytesOf(chunk)]);
    const recovery = new LogRecovery(identity, weak);
    recovery.add(1, chunk.bytes);
    const found = recovery.finish();
    expect(found.kind === 'recovered' && found.log.groups.get(GroupId(1))?.entries).toEqual(entries);
  });

  test('leaves no marker where none belongs', () => {
    fc.assert(
      fc.property(writes, (all) => {
        const history = record(all);
        const bytes = imageOfHistory(history).get(1) ?? new Uint8Array(0);
        expect(markersIn(bytes)).toEqual(history.written.map(({ chunk }) => chunk.offset + headerBytesOf(chunk)));
      }),
    );
  });
});

describe('what cannot be written is refused before it is', () => {
  const entry = (index: number) => ({
    index: LogIndex(index),
    term: Term(1),
    kind: 'noop' as const,
    data: new Uint8Array(0),
  });
  test.each<[string, LogRecord]>([
    ['no entries', { kind: 'entries', group: GroupId(1), entries: [] }],
    ['entries with a gap', { kind: 'entries', group: GroupId(1), entries: [entry(1), entry(3)] }],
  ])('%s', (_, each) => {
    const appender = new LogAppender(identity, emptyLog, crc32);
    expect(() => appender.append([each])).toThrow(InvariantError);
  });
});

test("a hard state of another replica takes over the group's log as it is, in the same write as what it adds", () => {
  const entry = (index: number, term: number) => ({
    index: LogIndex(index),
    term: Term(term),
    kind: 'noop' as const,
    data: new Uint8Array(0),
  });
  const group = GroupId(1);
  const hardState = (replica: number, term: number): LogRecord => ({
    kind: 'hardState',
    group,
    replica: ReplicaId(replica),
    hardState: { term: Term(term), votedFor: null },
  });
  const appender = new LogAppender(identity, emptyLog, crc32);
  const before = appender
    .append([hardState(3, 4), { kind: 'entries', group, entries: [entry(1, 4), entry(2, 4)] }])
    .bytes.slice();
  const after = appender
    .append([hardState(1_000_001, 1_000_000), { kind: 'entries', group, entries: [entry(3, 1_000_000)] }])
    .bytes.slice();
  const replicaAfter = (bytes: Uint8Array) => {
    const recovery = new LogRecovery(identity, crc32);
    recovery.add(1, bytes);
    const found = recovery.finish();
    const restored = found.kind === 'recovered' ? found.log.groups.get(group) : undefined;
    return { replica: restored?.replica, term: restored?.hardState.term, last: restored?.entries.length };
  };
  const old = { replica: 3, term: 4, last: 2 };
  expect(replicaAfter(before)).toEqual(old);
  for (const torn of [1, 8, after.length >> 1, after.length - 8])
    expect(replicaAfter(Buffer.concat([before, after.subarray(0, torn)]))).toEqual(old);
  expect(replicaAfter(Buffer.concat([before, after]))).toEqual({ replica: 1_000_001, term: 1_000_000, last: 3 });
});

/** Where frames seem to begin. */
function markersIn(bytes: Uint8Array): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += 8) if (equalBytes(bytes.subarray(at, at + 4), marker)) found.push(at);
  return found;
}

/** Gives the header or frame at `offset` the checksum of what it holds now. */
function resealed(bytes: Uint8Array, offset: number): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = offset + 12;
  view.writeUInt32BE(crc32(bytes.subarray(start, start + lengthAt(bytes, offset))), offset + 8);
  return bytes;
}
