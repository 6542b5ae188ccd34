/** So many elections at a time, in the order in which they were asked for. */
import { expect, test } from 'vitest';
import { MonoTime } from '../../core/index.ts';
import { Elections } from '../../core/node/elections.ts';

const at = (ms: number): MonoTime => MonoTime(ms * 1000);

test('the next begins when one is over', () => {
  const elections = new Elections<string>(2, 300);
  expect(['a', 'b', 'c', 'd'].map((group) => elections.begin(group, at(0)))).toEqual([true, true, false, false]);
  expect(elections.takeWaiting(at(1))).toBe(null);
  elections.forget('b');
  expect(elections.takeWaiting(at(2))).toBe('c');
  expect(elections.takeWaiting(at(2))).toBe(null);
  expect(elections.isWaiting('d')).toBe(true);
});

test('one that asks again keeps its place in the line', () => {
  const elections = new Elections<string>(1, 300);
  for (const group of ['a', 'b', 'c', 'b']) elections.begin(group, at(0));
  elections.forget('a');
  expect(elections.takeWaiting(at(1))).toBe('b');
});

test('one that finds no majority holds nobody up', () => {
  const elections = new Elections<string>(1, 300);
  elections.begin('a', at(0));
  elections.begin('b', at(0));
  expect(elections.takeWaiting(at(299))).toBe(null);
  expect(elections.takeWaiting(at(300))).toBe('b');
  expect(elections.begin('a', at(310))).toBe(false);
});

test('who hears a leader while it waits does not begin', () => {
  const elections = new Elections<string>(1, 300);
  elections.begin('a', at(0));
  elections.begin('b', at(0));
  elections.forget('b');
  elections.forget('a');
  expect(elections.isIdle).toBe(true);
  expect(elections.takeWaiting(at(1))).toBe(null);
});
