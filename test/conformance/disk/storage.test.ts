/** What the core relies on from a disk, asked of the simulated one and of the real one. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { GroupId, LogIndex, NodeId, ReplicaId, Term } from '../../../core/base/ids.ts';
import type { LogRecord, RestoredLog } from '../../../core/log/records.ts';
import { randomSource } from '../../../sim/base/random.ts';
import { crashKeeps } from '../../../sim/scenario/scenario.ts';
import { damageKinds } from '../../../sim/world/damage.ts';
import type { Intent } from '../../log/history.ts';
import { anyWrite, anyWrites, Chronicle } from './chronicle.ts';
import { realStorage } from './realStorage.ts';
import { simulatedStorage } from './simulatedStorage.ts';
import {
  identity,
  type Life,
  nextReport,
  settle,
  type Storage,
  type StorageKind,
  type StorageOptions,
} from './storage.ts';

const kinds = [simulatedStorage, realStorage];
const oneSegment = 1_000_000;
/** For two of the entries below. */
const shortSegment = 2000;
const valueBytes = 700;
const group = GroupId(1);

const made: Storage[] = [];

afterEach(async () => {
  for (const storage of made.splice(0)) await storage.remove();
});

function make(kind: StorageKind, options: Partial<StorageOptions> = {}): Storage {
  const storage = kind.make({ segmentBytes: oneSegment, seed: 1, ...options });
  made.push(storage);
  return storage;
}

function entry(index: number, fill = index, bytes = valueBytes): LogRecord {
  const data = new Uint8Array(bytes).fill(fill);
  return { kind: 'entries', group, entries: [{ index: LogIndex(index), term: Term(1), kind: 'data', data }] };
}

function termOf(term: number): LogRecord {
  return { kind: 'hardState', group, replica: ReplicaId(1), hardState: { term: Term(term), votedFor: null } };
}

/** Writes entry `index` with write `index`, for each of these. */
function persistEntries(life: Life, from: number, to: number, fill?: number): void {
  for (let index = from; index <= to; index += 1) life.persist(index, [entry(index, fill)]);
}

/** The first byte of each entry's data. */
function entriesOf(restored: RestoredLog): readonly (number | undefined)[] {
  return (restored.groups.get(group)?.entries ?? []).map(({ data }) => data[0]);
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

/** What a later life finds. */
async function after(storage: Storage): Promise<RestoredLog> {
  await storage.crash('none');
  return (await storage.begin()).restored;
}

function put(of: number, data: Uint8Array): Intent {
  return { kind: 'entries', group: of, back: 0, data: [data] };
}

/** From the first to the last, none missing. */
function expectNoGaps(segments: readonly number[]): void {
  const first = segments[0] ?? 0;
  expect(segments).toEqual(segments.map((_, i) => first + i));
}

describe.each(kinds)('$name', (kind) => {
  describe('reports', () => {
    test('nothing that is not on disk yet, and the last of several writes that shared a sync', async () => {
      const life = await make(kind).begin();
      persistEntries(life, 1, 5);
      expect(life.reports).toEqual([]);
      await settle(life);
      expect(life.reports).toEqual([1, 5]);
      persistEntries(life, 6, 6);
      expect(life.reports).toEqual([1, 5]);
      await settle(life);
      expect(life.reports).toEqual([1, 5, 6]);
    });

    test('only what a crash at that instant leaves', async () => {
      for (const seed of upTo(8)) {
        const storage = make(kind, { seed, segmentBytes: shortSegment });
        const life = await storage.begin();
        persistEntries(life, 1, 7);
        for (let reports = 0; reports <= seed % 3; reports += 1) await nextReport(life);
        expect(entriesOf(await after(storage))).toEqual(upTo(life.reports.at(-1) ?? 0));
      }
    });

    test('of no life to a later one', async () => {
      const storage = make(kind);
      const earlier = await storage.begin();
      persistEntries(earlier, 1, 3);
      await nextReport(earlier);
      await storage.crash('all');
      const later = await storage.begin();
      later.persist(1, [entry(2)]);
      await settle(later);
      expect([earlier.reports, later.reports]).toEqual([[1], [1]]);
    });
  });

  describe('what was reported', () => {
    test('is found by every later life, byte for byte, whatever kind of record it is', async () => {
      const storage = make(kind);
      const chronicle = new Chronicle();
      const marker = new Uint8Array(Buffer.from('LHLF'.repeat(20)));
      const ofEachKind: readonly (readonly Intent[])[] = [
        [{ kind: 'hardState', group: 1, term: 5, vote: 2 }, put(1, Uint8Array.of(1, 2, 3))],
        [put(1, new Uint8Array(0)), put(2, marker)],
        [{ kind: 'begin', group: 1, back: 1, pieces: [Uint8Array.of(7), new Uint8Array(0), marker] }],
        [{ kind: 'entries', group: 1, back: 1, data: [marker.slice(1), Uint8Array.of(9)] }],
        [{ kind: 'complete', group: 1 }],
        [{ kind: 'remove', group: 2 }],
        [{ kind: 'hardState', group: 0, term: Number.MAX_SAFE_INTEGER, vote: 0 }],
      ];
      for (const intents of ofEachKind) {
        const life = await storage.begin();
        chronicle.resume(life.restored, chronicle.writes);
        life.persist(1, chronicle.write(intents));
        await settle(life);
        await storage.crash('none');
      }
      const { restored } = await storage.begin();
      chronicle.resume(restored, chronicle.writes);
      expect([...restored.groups.keys()]).toEqual([0, 1, 2]);
    });

    test('is counted as one life for each that began, even if it wrote nothing', async () => {
      const storage = make(kind);
      for (const boot of upTo(4)) {
        const life = await storage.begin();
        expect({ boot: life.boot, boots: life.restored.boots }).toEqual({ boot, boots: boot - 1 });
        await storage.crash('none');
      }
    });

    test('stays when a later write replaces entries, and is replaced', async () => {
      const storage = make(kind);
      const life = await storage.begin();
      persistEntries(life, 1, 4);
      life.persist(5, [entry(3, 9)]);
      await settle(life);
      expect(entriesOf(await after(storage))).toEqual([1, 2, 9]);
    });
  });

  describe('what was not reported', () => {
    test.each(crashKeeps)('is found as a first part, each write whole, in a crash that keeps %s', async (keeps) => {
      const kept = new Set<number>();
      for (const seed of upTo(24)) {
        const storage = make(kind, { seed });
        const life = await storage.begin();
        persistEntries(life, 1, 5);
        await nextReport(life);
        await storage.crash(keeps);
        const found = entriesOf((await storage.begin()).restored);
        expect(found).toEqual(upTo(found.length));
        kept.add(found.length);
      }
      const [fewest, most] = [Math.min(...kept), Math.max(...kept)];
      expect(fewest).toBeGreaterThanOrEqual(1);
      // What this kind of crash can leave, it does at times: otherwise nothing was asked.
      if (keeps === 'none') expect(most).toBe(1);
      else expect(most).toBeGreaterThan(1);
    });

    test.each(crashKeeps)(
      'is cut, and later writes go behind what is left, in a crash that keeps %s',
      async (keeps) => {
        for (const seed of upTo(6)) {
          const storage = make(kind, { seed, segmentBytes: seed % 2 === 0 ? shortSegment : oneSegment });
          const first = await storage.begin();
          persistEntries(first, 1, 5);
          await nextReport(first);
          await storage.crash(keeps);
          const second = await storage.begin();
          const found = entriesOf(second.restored).length;
          persistEntries(second, found + 1, found + 2, 99);
          await settle(second);
          expect(entriesOf(await after(storage))).toEqual([...upTo(found), 99, 99]);
        }
      },
    );
  });

  test('what a life did not find no later life finds, wherever its own writes end', async () => {
    // Frames as large as that of a boot, which takes the place of the first: the next could be taken for what follows.
    for (const seed of upTo(128)) {
      const storage = make(kind, { seed });
      const first = await storage.begin();
      first.persist(1, [entry(1, 1, seed * 8)]);
      await settle(first);
      for (const write of upTo(20).slice(1)) first.persist(write, [termOf(write)]);
      await nextReport(first);
      await storage.crash('sectors');
      const second = await storage.begin();
      const third = await after(storage);
      expect(third).toStrictEqual({ ...second.restored, boots: 2 });
    }
  });

  describe('damage', () => {
    test.each(damageKinds)('(%s) is never passed over: the log is lost, and every later life knows', async (how) => {
      let losses = 0;
      for (const seed of upTo(24)) {
        const storage = make(kind, { seed, segmentBytes: shortSegment });
        const life = await storage.begin();
        for (const index of upTo(6)) {
          life.persist(index, [entry(index)]);
          await settle(life);
        }
        await storage.crash('none');
        storage.damage(how, randomSource(seed)('damage'));
        const { restored, boot } = await storage.begin();
        const found = entriesOf(restored);
        if (restored.isLost) {
          losses += 1;
          expect(found).toEqual([]);
          expect(boot).toBeGreaterThan(life.boot);
          const later = await after(storage);
          expect({ isLost: later.isLost, boots: later.boots, found: entriesOf(later) }).toEqual({
            isLost: true,
            boots: boot,
            found: [],
          });
        } else {
          // Of the last write, or of all in the last segment, nothing says that it had been on disk.
          const least = how === 'stale' ? 4 : 5;
          expect(found).toEqual(upTo(Math.max(least, found.length)));
        }
      }
      expect(losses).toBeGreaterThan(8);
    });

    test('that leaves nothing is told from a disk that never held anything', async () => {
      const storage = make(kind);
      const first = await storage.begin();
      expect(first.restored.isLost).toBe(false);
      persistEntries(first, 1, 1);
      await settle(first);
      await storage.crash('none');
      storage.wipe();
      const second = await storage.begin();
      expect({ ...second.restored, groups: second.restored.groups.size }).toMatchObject({ isLost: true, groups: 0 });
      expect(second.boot).toBeGreaterThan(first.boot);
      persistEntries(second, 1, 2, 7);
      await settle(second);
      const third = await after(storage);
      expect({ isLost: third.isLost, boots: third.boots, found: entriesOf(third) }).toEqual({
        isLost: true,
        boots: second.boot,
        found: [7, 7],
      });
    });
  });

  describe('segments', () => {
    test('follow one another when they are full', async () => {
      const storage = make(kind, { segmentBytes: shortSegment });
      const life = await storage.begin();
      for (const index of upTo(8)) {
        life.persist(index, [entry(index)]);
        await settle(life);
        expect(storage.segments()).toEqual(upTo(Math.ceil(index / 2)));
      }
      expect(entriesOf(await after(storage))).toEqual(upTo(8));
    });

    test('that nobody needs go, the oldest first, and nothing with them', async () => {
      const storage = make(kind, { segmentBytes: shortSegment });
      const chronicle = new Chronicle();
      const life = await storage.begin();
      chronicle.resume(life.restored, 0);
      const firsts: number[] = [];
      for (const index of upTo(12)) {
        const piece = new Uint8Array(valueBytes).fill(index);
        const saves: readonly Intent[] = [
          { kind: 'begin', group: 1, back: 0, pieces: [piece] },
          { kind: 'complete', group: 1 },
        ];
        life.persist(index, chronicle.write([put(1, piece), ...(index % 4 === 0 ? saves : [])]));
        do {
          const segments = storage.segments();
          expectNoGaps(segments);
          firsts.push(segments[0] ?? 0);
        } while (await life.step());
      }
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
      expect(new Set(firsts).size).toBeGreaterThan(2);
      chronicle.resume(await after(storage), chronicle.writes);
    });

    test('that a group holds on to make it a laggard, which is told once for each that is begun', async () => {
      const storage = make(kind, { segmentBytes: shortSegment });
      const chronicle = new Chronicle();
      const life = await storage.begin();
      chronicle.resume(life.restored, 0);
      const piece = new Uint8Array(valueBytes);
      for (const index of upTo(14)) {
        const saves: readonly Intent[] = [
          { kind: 'begin', group: 2, back: 0, pieces: [piece] },
          { kind: 'complete', group: 2 },
        ];
        life.persist(index, chronicle.write(index === 1 ? [put(1, piece)] : [put(2, piece), ...saves]));
        await settle(life);
      }
      const segments = storage.segments();
      expect(segments[0]).toBe(1);
      expect(new Set(life.laggards.flat())).toEqual(new Set([group]));
      expect(life.laggards.length).toBeLessThan(segments.length);
      expect(life.laggards.length).toBeGreaterThan(segments.length / 2);
      chronicle.resume(await after(storage), chronicle.writes);
    });
  });

  describe('a write that fails', () => {
    test('is reported once, and no write after it ever is', async () => {
      for (const seed of upTo(8)) {
        const storage = make(kind, { seed });
        const life = await storage.begin();
        persistEntries(life, 1, 2);
        await settle(life);
        storage.failNext();
        persistEntries(life, 3, 5);
        await settle(life);
        persistEntries(life, 6, 7);
        await settle(life);
        expect({ reports: life.reports, failures: life.failures }).toEqual({ reports: [1, 2], failures: ['EIO'] });
        const found = entriesOf(await after(storage));
        expect(found.length).toBeGreaterThanOrEqual(2);
        expect(found).toEqual(upTo(found.length));
      }
    });
  });

  describe.runIf(kind.canMove)("another's log", () => {
    test.each([
      ['node', { ...identity, node: NodeId(2) }],
      ['cluster', { ...identity, clusterId: 'other' }],
    ])('of another %s is refused, and left as it is', async (_, other) => {
      const storage = make(kind);
      const life = await storage.begin();
      persistEntries(life, 1, 2);
      await settle(life);
      await storage.crash('none');
      await expect(storage.begin(other)).rejects.toThrow(/cannot be used: it belongs to/);
      const { boot, restored } = await storage.begin();
      expect({ boot, entries: entriesOf(restored) }).toEqual({ boot: 2, entries: [1, 2] });
    });
  });

  test('loses nothing it reported and invents nothing, whatever is written, life after life', async () => {
    const lives = fc.array(
      fc.record({
        writes: fc.array(fc.record({ intents: anyWrite, steps: fc.nat(3) }), { maxLength: 8 }),
        keeps: fc.constantFrom(...crashKeeps),
      }),
      { minLength: 1, maxLength: 4 },
    );
    let shortened = 0;
    await fc.assert(
      fc.asyncProperty(lives, fc.constantFrom(100, 250, oneSegment), fc.nat(1000), async (all, segmentBytes, seed) => {
        const storage = make(kind, { segmentBytes, seed });
        const chronicle = new Chronicle();
        let reported = 0;
        for (const [earlier, { writes, keeps }] of all.entries()) {
          const life = await storage.begin();
          expect(life.boot).toBe(earlier + 1);
          chronicle.resume(life.restored, reported);
          for (const [i, { intents, steps }] of writes.entries()) {
            life.persist(i + 1, chronicle.write(intents));
            for (let step = 0; step < steps; step += 1) await life.step();
            expectNoGaps(storage.segments());
          }
          expect(life.reports).toEqual([...new Set(life.reports)].sort((a, b) => a - b));
          reported = life.reports.at(-1) ?? 0;
          await storage.crash(keeps);
          expectNoGaps(storage.segments());
        }
        chronicle.resume((await storage.begin()).restored, reported);
        if ((storage.segments()[0] ?? 1) > 1) shortened += 1;
      }),
      { numRuns: 100, seed: 1 },
    );
    expect(shortened).toBeGreaterThan(3);
  });
});

test('all of them give the same log back when a crash leaves what was reported and no more', async () => {
  const lives = fc.array(fc.record({ reported: anyWrites, lost: anyWrites }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(lives, fc.constantFrom(100, oneSegment), async (all, segmentBytes) => {
      const logs = await Promise.all(kinds.map(async (kind) => logsOf(kind, segmentBytes, all)));
      for (const log of logs) expect(log).toStrictEqual(logs[0]);
    }),
    { numRuns: 40, seed: 1 },
  );
});

interface Halves {
  readonly reported: readonly (readonly Intent[])[];
  readonly lost: readonly (readonly Intent[])[];
}

/** What each life finds. */
async function logsOf(kind: StorageKind, segmentBytes: number, lives: readonly Halves[]): Promise<RestoredLog[]> {
  const storage = make(kind, { segmentBytes });
  const chronicle = new Chronicle();
  const found: RestoredLog[] = [];
  let expected = 0;
  for (const { reported, lost } of [...lives, { reported: [], lost: [] }]) {
    const life = await storage.begin();
    found.push(life.restored);
    chronicle.resume(life.restored, expected, expected);
    let write = 0;
    const persist = (intents: readonly Intent[]): void => life.persist((write += 1), chronicle.write(intents));
    reported.forEach(persist);
    await settle(life);
    lost.forEach(persist);
    expected = reported.length;
    await storage.crash('none');
  }
  return found;
}
