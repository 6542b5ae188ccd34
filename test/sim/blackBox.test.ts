/** Linearizability, judged a second time by a search that sees only what clients saw. */
import { describe, expect, test } from 'vitest';
import { keyObject } from '../../sim/blackbox/keyObject.ts';
import { type KeyHistory, Recorder } from '../../sim/blackbox/recorder.ts';
import { type Operation, search } from '../../sim/blackbox/search.ts';
import { expand } from '../../sim/scenario/expand.ts';
import type { Profile } from '../../sim/scenario/scenario.ts';
import { simulate } from '../../sim/simulate.ts';

type Told = Operation<readonly string[]>;

const never = Number.POSITIVE_INFINITY;
const op = (calledAt: number, returnedAt: number, words: string, answer: string | null): Told => ({
  request: words.split(' '),
  calledAt,
  returnedAt,
  answer,
});
const ok = '+OK\r\n';
const one = '$1\r\na\r\n';
const none = '$-1\r\n';

describe('a history', () => {
  test.each<[string, readonly Told[]]>([
    ['in a row', [op(0, 1, 'SET k a', ok), op(2, 3, 'GET k', one)]],
    [
      'of operations at the same time, in either order',
      [op(0, 9, 'SET k a', ok), op(1, 2, 'GET k', none), op(3, 4, 'GET k', one)],
    ],
    [
      'with a write that nobody was told of and that took effect',
      [op(0, never, 'SET k a', null), op(5, 6, 'GET k', one)],
    ],
    ['with one that never did', [op(0, never, 'SET k a', null), op(5, 6, 'GET k', none)]],
    [
      'with one that took effect late',
      [op(0, never, 'SET k a', null), op(5, 6, 'GET k', none), op(7, 8, 'GET k', one)],
    ],
    ['of counts', [op(0, 9, 'INCR k', ':2\r\n'), op(0, 9, 'INCR k', ':1\r\n'), op(0, 9, 'INCR k', ':3\r\n')]],
  ])('%s is linearizable', (_, history) => {
    expect(search(history, keyObject)).toBe('linearizable');
  });

  test.each<[string, readonly Told[]]>([
    ['with a read of before', [op(0, 1, 'SET k a', ok), op(2, 3, 'GET k', none)]],
    ['that goes back', [op(0, 9, 'SET k a', ok), op(1, 2, 'GET k', one), op(3, 4, 'GET k', none)]],
    ['with a write that took effect twice', [op(0, 1, 'INCR k', ':1\r\n'), op(2, 3, 'INCR k', ':3\r\n')]],
    ['with a write that was lost', [op(0, 1, 'RPUSH k a', ':1\r\n'), op(2, 3, 'LLEN k', ':0\r\n')]],
    ['with the same count twice', [op(0, 9, 'INCR k', ':1\r\n'), op(0, 9, 'INCR k', ':1\r\n')]],
  ])('%s is not', (_, history) => {
    expect(search(history, keyObject)).toBe('not linearizable');
  });
});

function historiesOf(seed: number, profile: Profile): readonly KeyHistory[] {
  const scenario = expand(seed, profile);
  // A write that is numbered and asked for again is one to its client, and two to the recorder.
  const single = { numberedPermille: 0, clients: 4, pipeline: 2, keys: 6 };
  const plain = { expires: false, transactPermille: 0, dropPermille: 0, createPermille: 0, ...single };
  const recorder = new Recorder();
  const { verdict } = simulate(
    { ...scenario, workload: { ...scenario.workload, ...plain } },
    { oracles: [recorder.oracle] },
  );
  expect(verdict.kind).toBe('clean');
  return [...recorder.histories().values()];
}

test.each<Profile>(['mixed', 'partitions', 'crashes', 'membership', 'leases'])(
  'every key of runs of %s is linearizable to who sees only requests and replies',
  (profile) => {
    const results = [1, 2, 3, 4].flatMap((seed) =>
      historiesOf(seed, profile).map((history) => search(history, keyObject, 200_000)),
    );
    expect(results).not.toContain('not linearizable');
    expect(results.filter((result) => result === 'linearizable').length).toBeGreaterThan(0.75 * results.length);
    expect(results.length).toBeGreaterThan(10);
  },
  120_000,
);

test('one reply that is changed is noticed', () => {
  const [history = []] = historiesOf(2, 'mixed')
    .filter((each) => each.some(({ request, answer }) => request[0] === 'INCR' && answer !== null))
    .sort((a, b) => b.length - a.length);
  const at = history.findLastIndex(({ request, answer }) => request[0] === 'INCR' && answer !== null);
  const changed = history.map((each, i) => (i === at ? { ...each, answer: ':1\r\n' } : each));
  expect(search(history, keyObject)).toBe('linearizable');
  expect(search(changed, keyObject)).toBe('not linearizable');
});
