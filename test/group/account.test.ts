/** How fast a tenant may go on, whatever it asks for at once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MonoTime } from '../../core/base/time.ts';
import { Account } from '../../core/group/account.ts';
import { noQuota } from '../../core/wire/accounts.ts';

const at = (ms: number): MonoTime => MonoTime(1_000_000 + ms * 1000);

/** Asks at those instants, each for so much; returns what was admitted. */
function admitted(rate: number, asked: readonly (readonly [ms: number, cost: number])[]): number {
  const account = new Account();
  const quota = { ...noQuota, operations: rate };
  let sum = 0;
  for (const [ms, cost] of asked) {
    if (account.judge(quota, at(ms)) !== null) continue;
    account.admit(quota, 'write', cost, 0, at(ms));
    sum += cost;
  }
  return sum;
}

test('over any time: what comes in that, a burst of a second, and what the last was too large', () => {
  const asked = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), asked, (rate, pauses) => {
      let ms = 0;
      const times = pauses.map(([pause, cost]) => [(ms += pause), cost] as const);
      const most = rate + (rate * ms) / 1000 + 20;
      expect(admitted(rate, times)).toBeLessThanOrEqual(most);
    }),
  );
});

test('who asks without pause gets what comes, and no less', () => {
  const asked = Array.from({ length: 30_000 }, (_, i) => [i / 3, 1] as const);
  expect(admitted(100, asked)).toBeGreaterThanOrEqual(100 + 10 * 100 - 2);
});

test('after a pause, however long, a second is all that was saved', () => {
  const asked = Array.from({ length: 100 }, () => [3_600_000, 1] as const);
  expect(admitted(10, asked)).toBe(10);
});

test('a quota that was lifted and comes again owes nothing', () => {
  const account = new Account();
  const quota = { ...noQuota, bandwidth: 10 };
  expect(account.judge(quota, at(0))).toBe(null);
  for (let i = 0; i < 100; i += 1) account.admit(noQuota, 'read', 1, 1000, at(i));
  expect(account.judge(quota, at(200))).toBe(null);
});
