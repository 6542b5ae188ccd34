/** Leaders go home: to the first of a group's members, once that is there again. */
import { beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.ts';
import { defaultSettings, GroupId, type Node } from '../../core/index.ts';
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

describe('a node whose disk is nearly full', () => {
  const group = GroupId(3);
  let nodes: Nodes;

  function setShort(node: number, isShort = true): void {
    nodes.input(node, { kind: 'diskSpace', isShort });
  }

  function leader(): number | undefined {
    return [1, 2, 3].find((id) => !nodes.paused.has(id) && nodes.raftOn(id, group)?.state.role === 'leader');
  }

  beforeEach(() => {
    nodes = new Nodes(3, 3);
    expect(leader()).toBe(1);
  });

  test('does not win its groups back while others have room', () => {
    setShort(1);
    nodes.pass(1500);
    const heir = leader() ?? 0;
    expect([2, 3]).toContain(heir);
    nodes.paused.add(heir);
    nodes.pass(3000);
    expect(leader()).toBe(5 - heir);
    nodes.paused.clear();
    nodes.pass(5000);
    expect(leader()).toBe(5 - heir);
  });

  test('is not given its groups back when it comes again', () => {
    nodes.kill(1);
    nodes.pass(3000);
    nodes.start(1);
    setShort(1);
    nodes.pass(5000);
    expect(leader()).not.toBe(1);
    setShort(1, false);
    nodes.pass(15_000);
    expect(leader()).toBe(1);
  });

  test('hands over what it leads as soon as another has room; until then it serves reads', () => {
    nodes.connectAll();
    nodes.ask(2, 2, 'TENANT', 'CREATE', 'acme', 'IN', '3');
    nodes.ask(2, 2, 'SET', '{acme}k', 'v');
    for (const id of [1, 2, 3]) setShort(id);
    const terms = new Set<number | undefined>();
    for (let round = 0; round < 40; round += 1) {
      expect(nodes.ask(2, 2, 'GET', '{acme}k')).toBe('$1\r\nv\r\n');
      terms.add(nodes.raftOn(1, group)?.state.term);
    }
    expect(leader()).toBe(1);
    expect(terms.size).toBe(1);
    setShort(3, false);
    nodes.pass(15_000);
    expect(leader()).toBe(3);
  });
});

describe('a node told to stop', () => {
  const group = GroupId(1);
  let nodes: Nodes;

  function leads(node: number): boolean {
    return nodes.raftOn(node, group)?.state.role === 'leader';
  }

  beforeEach(() => {
    nodes = new Nodes(4, 1);
    expect(leads(2)).toBe(true);
  });

  test('asks the next if the one that it asked is told to stop as well', () => {
    for (const node of [2, 3]) nodes.input(node, { kind: 'drain' });
    nodes.pass(defaultSettings.electionMs);
    expect(leads(4)).toBe(true);
    nodes.pass(1000);
    expect(new Set(nodes.drained)).toEqual(new Set([2, 3]));
  });

  test('asks the next if the one that it asked has just died', () => {
    nodes.paused.add(3);
    nodes.input(2, { kind: 'drain' });
    nodes.pass(2 * defaultSettings.electionMs);
    expect(leads(4)).toBe(true);
    expect(nodes.drained).toEqual([2]);
  });
});
