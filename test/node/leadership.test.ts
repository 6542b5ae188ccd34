/** Leaders go home: to the first of a group's members, once that is there again. */
import { expect, test } from 'vitest';
import { limits } from '../../core/base/limits.ts';
import type { Node } from '../../core/index.ts';
import { Nodes } from './harness.ts';

function ledBy(node: Node | undefined): number {
  return [...(node?.groups.values() ?? [])].filter(({ isLeader }) => isLeader).length;
}

test('a node that was away has all its groups back soon, however many they are', () => {
  const nodes = new Nodes(3, 60);
  const [first, second, third] = nodes.nodes;
  expect([first, second, third].map(ledBy)).toEqual([21, 20, 20]);
  nodes.paused.add(1);
  nodes.pass(3000);
  expect(ledBy(second) + ledBy(third)).toBe(61);
  nodes.paused.clear();
  nodes.pass(3000);
  expect([first, second, third].map(ledBy)).toEqual([21, 20, 20]);
});

test('more groups than hold elections at a time are led soon after a node is gone', () => {
  const groups = 3 * 3 * limits.electionsAtATime;
  const nodes = new Nodes(3, groups);
  const [, second, third] = nodes.nodes;
  nodes.paused.add(1);
  nodes.pass(3000);
  expect(ledBy(second) + ledBy(third)).toBe(groups + 1);
});

test('a node that nobody hears goes on asking, and leads when it is heard', () => {
  const nodes = new Nodes(3, 3 * limits.electionsAtATime);
  const [first] = nodes.nodes;
  nodes.paused.add(2);
  nodes.paused.add(3);
  nodes.pass(20_000);
  expect(ledBy(first)).toBe(0);
  nodes.paused.clear();
  nodes.pass(6000);
  expect(ledBy(first)).toBe(limits.electionsAtATime + 1);
});
