import fc from 'fast-check';
import { expect, test } from 'vitest';
import { majority, reachedByMajority } from '../../core/raft/quorum.ts';

test('any two majorities share a voter, and a smaller number would not do', () => {
  for (let voters = 1; voters <= 9; voters += 1) {
    expect(2 * majority(voters)).toBeGreaterThan(voters);
    expect(2 * (majority(voters) - 1)).toBeLessThanOrEqual(voters);
  }
});

test('the value reached by a majority is the highest that so many have', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 7 }), (values) => {
      let slow = 0;
      for (let value = 0; value <= 6; value += 1)
        if (values.filter((each) => each >= value).length * 2 > values.length) slow = value;
      expect(reachedByMajority(values)).toBe(slow);
    }),
  );
});
