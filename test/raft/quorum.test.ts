import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplicaId } from '../../core/base/ids.ts';
import { majority, outcomeOfVote, type Quorum, reachedByQuorum } from '../../core/raft/quorum.ts';

const voters = (count: number): readonly ReplicaId[] => Array.from({ length: count }, (_, i) => ReplicaId(i + 1));

test('any two majorities share a voter, and a smaller number would not do', () => {
  for (let count = 1; count <= 9; count += 1) {
    expect(2 * majority(count)).toBeGreaterThan(count);
    expect(2 * (majority(count) - 1)).toBeLessThanOrEqual(count);
  }
});

test('the value reached by a quorum is the highest that a majority of each set has', () => {
  const values = fc.array(fc.nat(6), { minLength: 7, maxLength: 7 });
  const set = fc.subarray([...voters(7)], { minLength: 1 });
  fc.assert(
    fc.property(values, fc.array(set, { minLength: 1, maxLength: 2 }), (reached, quorum) => {
      const valueOf = (voter: ReplicaId): number => reached[voter - 1] ?? 0;
      let slow = 0;
      for (let value = 0; value <= 6; value += 1)
        if (quorum.every((ids) => ids.filter((id) => valueOf(id) >= value).length * 2 > ids.length)) slow = value;
      expect(reachedByQuorum(quorum, valueOf)).toBe(slow);
    }),
  );
});

test('a vote is won with a majority of each set, and lost once that is out of reach', () => {
  const set = fc.subarray([...voters(6)], { minLength: 1 });
  const votes = fc.dictionary(fc.integer({ min: 1, max: 6 }).map(String), fc.boolean());
  fc.assert(
    fc.property(fc.array(set, { minLength: 1, maxLength: 2 }), votes, (quorum: Quorum, said) => {
      const cast = new Map(Object.entries(said).map(([id, vote]) => [ReplicaId(Number(id)), vote]));
      const yes = quorum.every((ids) => ids.filter((id) => cast.get(id) === true).length * 2 > ids.length);
      const no = quorum.some((ids) => ids.filter((id) => cast.get(id) !== false).length * 2 <= ids.length);
      expect(outcomeOfVote(quorum, cast)).toBe(yes ? 'won' : no ? 'lost' : 'open');
    }),
  );
});

test('nobody wins where nobody may vote', () => {
  expect(outcomeOfVote([], new Map([[ReplicaId(1), true]]))).toBe('open');
  expect(reachedByQuorum([], () => 5)).toBe(0);
});
