import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MonoTime } from '../../core/base/time.ts';
import { type Timer, Timers } from '../../core/base/timers.ts';

interface Named extends Timer {
  readonly name: number;
}

test('owners come out in the order of their instants, each once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (instants) => {
      const timers = new Timers<Named>();
      instants.forEach((at, name) => {
        timers.schedule({ name, scheduledAt: null }, MonoTime(at));
      });
      const out: number[] = [];
      for (let owner = timers.takeDue(MonoTime(50)); owner !== null; owner = timers.takeDue(MonoTime(50)))
        out.push(owner.name);
      const expected = instants.map((at, name) => ({ at, name })).sort((a, b) => a.at - b.at || a.name - b.name);
      expect(out).toEqual(expected.map(({ name }) => name));
    }),
  );
});

test('an earlier instant replaces a later one; a later one does not delay it', () => {
  const timers = new Timers<Named>();
  const owner: Named = { name: 1, scheduledAt: null };
  timers.schedule(owner, MonoTime(30));
  timers.schedule(owner, MonoTime(10));
  timers.schedule(owner, MonoTime(20));
  expect(timers.nextAt).toBe(10);
  expect(timers.takeDue(MonoTime(9))).toBeNull();
  expect(timers.takeDue(MonoTime(10))).toBe(owner);
  expect(timers.takeDue(MonoTime(100))).toBeNull();
});
