/** The engine against a plain Map, with time moving on, keys purged at any moment, and two replicas side by side. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WallTime } from '../../core/base/time.ts';
import { dataCommands } from '../../core/engine/dataCommands.ts';
import { ListValue } from '../../core/engine/listValue.ts';
import { Model } from './support/model.ts';
import { Tenant } from './support/tenant.ts';

type Line = readonly string[];

const key = fc.constantFrom('a', 'b', 'c');
const value = fc.constantFrom('x', '12', '-3', '', 'yz');
const time = fc.integer({ min: 1, max: 40 }).map(String);
const side = fc.constantFrom('LEFT', 'RIGHT');
const line = (...parts: readonly (string | fc.Arbitrary<string | Line>)[]): fc.Arbitrary<Line> =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant<string | Line>(part) : part)))
    .map((words) => words.flat());
const maybe = (...words: readonly string[]) => fc.constantFrom<Line>([], ...words.map((word) => [word]));

const writes: readonly fc.Arbitrary<Line>[] = [
  line('SET', key, value, maybe('NX', 'XX'), maybe('GET'), maybe('KEEPTTL')),
  line('SET', key, value, 'PX', time, maybe('NX', 'XX')),
  line('GETEX', key, 'PX', time),
  line('GETEX', key, 'PERSIST'),
  line('GETDEL', key),
  line('APPEND', key, value),
  line('MSETNX', key, value, key, value),
  line('INCRBY', key, fc.constantFrom('1', '-2', '100')),
  line('DEL', key, key),
  line('RENAME', key, key),
  line('COPY', key, key, maybe('REPLACE')),
  line('PEXPIRE', key, fc.oneof(time, fc.constantFrom('0', '-5')), maybe('NX', 'XX', 'GT', 'LT')),
  line('PERSIST', key),
  line('FLUSHDB'),
  line('RPUSH', key, value, value),
  line('LPUSH', key, value),
  line('LPOP', key),
  line('RPOP', key),
  line('LMOVE', key, key, side, side),
];
const reads: readonly fc.Arbitrary<Line>[] = [
  line('GET', key),
  line('PTTL', key),
  line('TYPE', key),
  line('EXISTS', key, key),
  line('DBSIZE'),
  line('KEYS', '*'),
  line('LRANGE', key, '0', '-1'),
];
const passing = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }));
const step = fc.record({
  passes: passing,
  words: fc.oneof(...writes, ...reads),
  purges: fc.constantFrom(false, false, true),
});

function sorted(words: Line, reply: string): string {
  if (words[0] !== 'KEYS') return reply;
  const [head = '', ...keys] = reply.split(/(?=\$)/);
  return [head, ...keys.sort()].join('');
}

it('answers as a plain Map would, at every moment', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), (steps) => {
      const tenant = new Tenant();
      const model = new Model();
      for (const { passes, words, purges } of steps) {
        tenant.now += passes;
        model.now += passes;
        const now = WallTime(tenant.now);
        if (purges) tenant.keyspace.purge(tenant.keyspace.expiredKeys(now, 2), now);
        const [name = '', ...args] = words;
        expect([words, sorted(words, tenant.run(...words))]).toEqual([words, model.run(name, ...args)]);
      }
    }),
    { numRuns: 500 },
  );
});

it('a read changes nothing, and neither does a write that fails', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 50, size: 'max' }), (steps) => {
      const tenant = new Tenant();
      for (const { passes, words } of steps) {
        tenant.now += passes;
        const { keyspace } = tenant;
        const isRead = dataCommands.get((words[0] ?? '').toLowerCase())?.access === 'read';
        // A write may remove what has expired even if it fails: take that out of the comparison.
        if (!isRead) keyspace.purge(keyspace.expiredKeys(WallTime(tenant.now), Infinity), WallTime(tenant.now));
        const before = [keyspace.digest(), keyspace.bytes, keyspace.nextExpiry(), tenant.run('SCAN', '0')];
        const reply = tenant.run(...words);
        if (!isRead && !reply.startsWith('-')) continue;
        expect([keyspace.digest(), keyspace.bytes, keyspace.nextExpiry(), tenant.run('SCAN', '0')]).toEqual(before);
      }
    }),
    { numRuns: 200 },
  );
});

it('two replicas are the same to the byte, though only one of them reads', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 50, size: 'max' }), (steps) => {
      const leader = new Tenant();
      const follower = new Tenant();
      for (const { passes, words, purges } of steps) {
        leader.now += passes;
        const now = WallTime(leader.now);
        const due = leader.keyspace.expiredKeys(now, purges ? 2 : 0);
        for (const { keyspace } of [leader, follower]) keyspace.purge(due, now);
        const isRead = dataCommands.get((words[0] ?? '').toLowerCase())?.access === 'read';
        follower.now = leader.now;
        const reply = leader.run(...words);
        if (!isRead) expect(follower.run(...words)).toBe(reply);
      }
      expect(follower.keyspace.digest()).toBe(leader.keyspace.digest());
      expect(follower.run('SCAN', '0', 'COUNT', '2')).toBe(leader.run('SCAN', '0', 'COUNT', '2'));
      expect([follower.keyspace.bytes, follower.keyspace.size]).toEqual([leader.keyspace.bytes, leader.keyspace.size]);
    }),
    { numRuns: 200 },
  );
});

it('is what one would get by writing down what is there', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 50, size: 'max' }), (steps) => {
      const tenant = new Tenant();
      for (const { passes, words } of steps) {
        tenant.now += passes;
        tenant.run(...words);
      }
      const copy = new Tenant();
      copy.now = 0;
      for (const { key: name, value: present, expireAt } of tenant.keyspace.visible(WallTime(0))) {
        if (present instanceof ListValue) copy.run('RPUSH', name, ...present.elements('left'));
        else copy.run('SET', name, present);
        if (expireAt !== null) copy.run('PEXPIREAT', name, expireAt);
      }
      const described = ({ keyspace }: Tenant) => [keyspace.digest(), keyspace.bytes, keyspace.nextExpiry()];
      expect(described(tenant)).toEqual(described(copy));
    }),
    { numRuns: 200 },
  );
});
