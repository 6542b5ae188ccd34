/** Leaders go home: to the first of a group's members, once that is there again. */
import { expect, test } from 'vitest';
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
