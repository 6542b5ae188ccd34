import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryString, bytesOfBinary } from '../../core/base/bytes.ts';
import { WallTime } from '../../core/base/time.ts';
import { ExpiryHeap } from '../../core/engine/expiryHeap.ts';
import { Keyspace } from '../../core/engine/keyspace.ts';
import { Tenant } from './support/tenant.ts';

const start = WallTime(1000);
const value = () => bytesOfBinary('v');

/** Keys that come, go, change and expire while somebody scans. */
const change = fc.record({
  kind: fc.constantFrom('set', 'set', 'del', 'clear out', 'expire', 'purge'),
  key: fc.integer({ min: 0, max: 120 }),
  time: fc.integer({ min: 1, max: 30 }),
});

function apply(
  keyspace: Keyspace,
  { kind, key, time }: { kind: string; key: number; time: number },
  now: WallTime,
): void {
  const name = `k${String(key)}`;
  if (kind === 'clear out') {
    for (const item of [...keyspace.visible(now)].slice(key / 2, key)) keyspace.remove(item);
    return;
  }
  const present = keyspace.findForWrite(name, now);
  if (kind === 'set') keyspace.put(name, present, value());
  else if (kind === 'purge') keyspace.purge(keyspace.expiredKeys(now, time), now);
  else if (present !== null && kind === 'del') keyspace.remove(present);
  else if (present !== null) keyspace.expire(present, WallTime(now + time), now);
}

it('a scan returns every key that is there all along, and nothing that is not there', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 150, size: 'max' }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.array(change, { maxLength: 8 })), { minLength: 1 }),
      (before, steps) => {
        const keyspace = new Keyspace();
        for (let i = 0; i < 120; i += 1) apply(keyspace, { kind: 'set', key: i, time: 0 }, start);
        for (const one of before) apply(keyspace, one, start);
        let now = start;
        const there = () => new Set([...keyspace.visible(now)].map(({ key }) => key));
        let always = there();
        const seen = new Set<string>();
        let cursor = 0;
        for (let i = 0; i === 0 || cursor !== 0; i += 1) {
          const [count, changes] = steps[i] ?? [10, []];
          const { next, items } = keyspace.scan(cursor, count, now);
          for (const { key } of items) {
            expect(there().has(key)).toBe(true);
            seen.add(key);
          }
          expect(next === 0 || next > cursor).toBe(true);
          cursor = next;
          now = WallTime(now + 1);
          for (const one of changes) {
            // Made anew, it is another key.
            if (keyspace.find(`k${String(one.key)}`, now) === null) always.delete(`k${String(one.key)}`);
            apply(keyspace, one, now);
            const present = there();
            always = new Set([...always].filter((key) => present.has(key)));
          }
          always = new Set([...always].filter((key) => there().has(key)));
        }
        expect([...always].filter((key) => !seen.has(key))).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

it('knows which keys are due, and when the next one is', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300, size: 'max' }), (changes) => {
      const keyspace = new Keyspace();
      let now = start;
      for (const one of changes) {
        apply(keyspace, one, now);
        now = WallTime(now + (one.key % 3));
      }
      const all = [...keyspace.visible(WallTime(0))];
      const times = all.map(({ expireAt }) => expireAt).filter((at) => at !== null);
      const due = all.filter(({ expireAt }) => expireAt !== null && expireAt <= now).map(({ key }) => key);
      expect(keyspace.nextExpiry()).toBe(times.length === 0 ? null : Math.min(...times));
      expect(keyspace.expiredKeys(now, 1000).map(binaryString).sort()).toEqual(due.toSorted());
      expect(keyspace.expiredKeys(now, 2).length).toBe(Math.min(due.length, 2));
      expect(keyspace.visibleSize(now)).toBe(all.length - due.length);
      keyspace.purge(keyspace.expiredKeys(now, 1000), now);
      expect([keyspace.size, keyspace.visibleSize(now)]).toEqual([all.length - due.length, all.length - due.length]);
    }),
  );
});

it('finds the earliest of many times, however they change', () => {
  const step = fc.tuple(fc.nat(60), fc.option(fc.nat(500), { freq: 3 }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 300, size: 'max' }), (changes) => {
      const heap = new ExpiryHeap<{ expireAt: WallTime | null; heapPlace: number }>();
      const items = Array.from({ length: 61 }, () => ({ expireAt: null, heapPlace: -1 }));
      const times = new Map<number, number>();
      for (const [index, time] of changes) {
        heap.set(items[index]!, time === null ? null : WallTime(time));
        if (time === null) times.delete(index);
        else times.set(index, time);
        expect(heap.nextAt).toBe(times.size === 0 ? null : Math.min(...times.values()));
      }
      const due = heap.due(WallTime(250), 100).map((item) => items.indexOf(item as never));
      const expected = [...times].filter(([, time]) => time <= 250).map(([index]) => index);
      expect(new Set(due)).toEqual(new Set(expected));
    }),
  );
});

it('has one digest for one state, whatever led to it, and another for another', () => {
  const digestAfter = (...commands: readonly (readonly string[])[]) => {
    const tenant = new Tenant();
    for (const words of commands) tenant.run(...words);
    return tenant.keyspace.digest();
  };
  const state = digestAfter(['SET', 'a', '1'], ['RPUSH', 'l', 'x', 'y'], ['SET', 'b', '2', 'PXAT', '2000000']);
  const sameState = digestAfter(
    ['SET', 'b', 'other'],
    ['RPUSH', 'l', 'y'],
    ['LPUSH', 'l', 'x'],
    ['SET', 'gone', 'x'],
    ['SET', 'b', '2', 'PXAT', '2000000'],
    ['INCR', 'a'],
    ['DEL', 'gone'],
  );
  const others = [
    digestAfter(['SET', 'a', '2'], ['RPUSH', 'l', 'x', 'y'], ['SET', 'b', '2', 'PXAT', '2000000']),
    digestAfter(['SET', 'a', '1'], ['RPUSH', 'l', 'y', 'x'], ['SET', 'b', '2', 'PXAT', '2000000']),
    digestAfter(['SET', 'a', '1'], ['RPUSH', 'l', 'x', 'y'], ['SET', 'b', '2', 'PXAT', '2000001']),
    digestAfter(['SET', 'a', '1'], ['RPUSH', 'l', 'x', 'y'], ['SET', 'b', '2']),
    digestAfter(['SET', 'a', '1'], ['SET', 'l', 'xy'], ['SET', 'b', '2', 'PXAT', '2000000']),
    digestAfter(['RPUSH', 'a', '1'], ['RPUSH', 'l', 'x', 'y'], ['SET', 'b', '2', 'PXAT', '2000000']),
    digestAfter(),
  ];
  expect(sameState).toBe(state);
  expect(new Set([state, ...others]).size).toBe(8);
});

it('gives all the memory back that it counted', () => {
  const tenant = new Tenant();
  tenant.run('SET', 'a', 'x'.repeat(500));
  const one = tenant.keyspace.bytes;
  tenant.run('APPEND', 'a', 'yyy');
  expect(tenant.keyspace.bytes - one).toBe(3);
  tenant.run('RPUSH', 'l', 'x', 'y');
  tenant.run('LSET', 'l', '0', 'longer');
  tenant.run('RENAME', 'a', 'a much longer key');
  tenant.run('COPY', 'l', 'm');
  tenant.run('LPOP', 'l', '2');
  tenant.run('DEL', 'a much longer key', 'm');
  expect([tenant.keyspace.size, tenant.keyspace.bytes]).toEqual([0, 0]);
});

it('draws visible keys alone, each as often as the others', () => {
  const keyspace = new Keyspace();
  for (let i = 0; i < 200; i += 1) {
    const item = keyspace.put(`k${String(i)}`, null, value());
    if (i % 2 === 0) keyspace.expire(item, WallTime(start + 1), start);
    if (i % 5 === 0) keyspace.remove(item);
  }
  const counts = new Map<string, number>();
  let draw = 0;
  const random = () => (draw = (draw + 0.618_033_988_749_895) % 1);
  for (let i = 0; i < 8000; i += 1) {
    const key = keyspace.random(random, WallTime(start + 1))?.key ?? 'none';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect([...counts.keys()].every((key) => Number(key.slice(1)) % 2 === 1)).toBe(true);
  expect(counts.size).toBe(80);
  expect(Math.min(...counts.values())).toBeGreaterThan(50);
});

it('finds the one visible key among many that have expired, and none among none', () => {
  const keyspace = new Keyspace();
  expect(keyspace.random(() => 0, start)).toBe(null);
  for (let i = 0; i < 1000; i += 1)
    keyspace.expire(keyspace.put(`k${String(i)}`, null, value()), WallTime(2000), start);
  keyspace.put('visible', null, value());
  expect(keyspace.random(() => 0.2, WallTime(2000))?.key).toBe('visible');
  keyspace.clear();
  expect([keyspace.random(() => 0, start), keyspace.nextExpiry(), keyspace.bytes]).toEqual([null, null, 0]);
});

describe('a watched key', () => {
  const expired = WallTime(start + 6);
  const later = WallTime(start + 20);

  /** Whether a watch that begins at `watchedAt`, after what was `before`, sees what happens `meanwhile`. */
  function isTouched(before: readonly Write[], watchedAt: WallTime, meanwhile: readonly Write[]): boolean {
    const keyspace = new Keyspace();
    const run = (writes: readonly Write[], now: WallTime): void => {
      for (const write of writes) {
        keyspace.beginWrite();
        write(keyspace, now);
      }
    };
    run(before, start);
    const version = keyspace.versionOf('k', watchedAt);
    run(meanwhile, watchedAt);
    return keyspace.versionOf('k', later) !== version;
  }

  type Write = (keyspace: Keyspace, now: WallTime) => void;
  const set: Write = (keyspace, now) => keyspace.put('k', keyspace.findForWrite('k', now), value());
  const setBriefly: Write = (keyspace, now) => {
    keyspace.expire(keyspace.put('k', keyspace.findForWrite('k', now), value()), WallTime(now + 5), now);
  };
  const del: Write = (keyspace, now) => {
    const item = keyspace.findForWrite('k', now);
    if (item !== null) keyspace.remove(item);
  };
  const purge: Write = (keyspace) => {
    keyspace.purge(keyspace.expiredKeys(later, 10), later);
  };
  const flush: Write = (keyspace) => {
    keyspace.clear();
  };

  it.each([
    ['came and expired, before the purge', [], start, [setBriefly], true],
    ['came, expired and was purged', [], start, [setBriefly, purge], true],
    ['expired', [setBriefly], start, [], true],
    ['expired and was purged', [setBriefly], start, [purge], true],
    ['had expired', [setBriefly], expired, [], false],
    ['had expired, and was purged since', [setBriefly], expired, [purge], false],
    ['had expired, and was deleted since', [setBriefly], expired, [del], false],
    ['had expired, and was written since', [setBriefly], expired, [set], true],
    ['had expired, and came and went since', [setBriefly], expired, [set, del], true],
    ['had expired, and came and expired since', [setBriefly], expired, [setBriefly], true],
    ['was not there when all was deleted, which was nothing', [], start, [flush], false],
    ['was deleted with all', [set], start, [flush], true],
  ] as const)('%s', (_, before, watchedAt, meanwhile, touched) => {
    expect(isTouched(before, watchedAt, meanwhile)).toBe(touched);
  });

  it('has the same version before a purge and after, whatever left before it', () => {
    const keyspace = new Keyspace();
    const write = (what: Write, now = start): void => {
      keyspace.beginWrite();
      what(keyspace, now);
    };
    write(set);
    write(del);
    write(setBriefly);
    const unpurged = keyspace.versionOf('k', later);
    write(() => undefined);
    write(purge);
    expect(keyspace.versionOf('k', later)).toBe(unpurged);
    expect(unpurged).toBe(2 * 3);
  });
});
