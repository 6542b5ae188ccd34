import { expect, test } from 'vitest';
import { LogIndex, ReplicaId } from '../../core/base/ids.ts';
import { digestOf } from '../../core/base/digest.ts';
import { Checks } from '../../core/group/checks.ts';

const [one, two, three, four] = [1, 2, 3, 4].map(ReplicaId) as [ReplicaId, ReplicaId, ReplicaId, ReplicaId];
const voters = [one, two, three];

function told(...digests: readonly (readonly [ReplicaId, number, number])[]): Checks {
  const checks = new Checks();
  for (const [replica, index, digest] of digests) checks.note(replica, LogIndex(index), digest);
  return checks;
}

test('who differs from a majority of the voters is named, a learner too', () => {
  expect(told([one, 5, 7], [two, 5, 7], [three, 5, 8], [four, 5, 9]).outliers(voters)).toEqual([three, four]);
  expect(told([one, 5, 8], [two, 5, 7], [three, 5, 7]).outliers(voters)).toEqual([one]);
});

test('nobody is named where all agree, or where no majority does', () => {
  expect(told([one, 5, 7], [two, 5, 7], [three, 5, 7]).outliers(voters)).toEqual([]);
  expect(told([one, 5, 7], [two, 5, 8]).outliers(voters)).toEqual([]);
  expect(told([one, 5, 7], [two, 5, 8], [three, 5, 9]).outliers(voters)).toEqual([]);
  expect(told([one, 5, 7], [four, 5, 8]).outliers(voters)).toEqual([]);
});

test('only the latest check counts', () => {
  expect(told([one, 5, 7], [two, 5, 7], [one, 9, 1], [three, 5, 8]).outliers(voters)).toEqual([]);
});

test('a digest does not depend on how the bytes are cut into pieces', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256);
  for (const at of [0, 1, 3, 500, 999, 1000])
    expect(digestOf(bytes.subarray(at), digestOf(bytes.subarray(0, at)))).toBe(digestOf(bytes));
  expect(digestOf(bytes.subarray(1))).not.toBe(digestOf(bytes));
});
