import { expect, test } from 'vitest';
import { GroupId, NodeId } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { NodeMap } from '../../core/metadata/nodeMap.ts';
import type { GroupPlan } from '../../core/wire/groups.ts';
import type { ClusterNode } from '../../core/wire/nodes.ts';

const first: ClusterNode = {
  node: NodeId(3),
  clientAddress: 'a:1',
  peerAddress: 'a:2',
  zone: '',
  store: '',
  state: 'member',
  heir: null,
};

function map(): NodeMap {
  return new NodeMap({ version: 0, nodes: [first], groups: [] });
}

test('a node that joins gets the next id, and the same one when it asks again', () => {
  const nodes = map();
  expect(nodes.join('b:1', 'b:2', 'east', 'bb')).toMatchObject({ node: 4, zone: 'east', state: 'member' });
  expect(nodes.join('b:1', 'b:2', 'east', 'bb').node).toBe(4);
  expect([nodes.version, nodes.image.nodes.length]).toEqual([1, 2]);
});

test('a node that comes to the same address with another directory is another', () => {
  const nodes = map();
  expect(nodes.join('b:1', 'b:2', '', 'bb').node).toBe(4);
  expect(nodes.join('b:1', 'b:2', '', 'cc').node).toBe(5);
  // Those of the beginning have no directory that anybody knows.
  expect(nodes.join('a:1', 'a:2', '', '0000').node).toBe(6);
});

test('a node is replaced by one that stays, until it is to have its share again', () => {
  const nodes = map();
  const [four, five] = [nodes.join('b:1', 'b:2', '', 'bb').node, nodes.join('c:1', 'c:2', '', 'cc').node];
  expect(nodes.replace(first.node, four)).toBeNull();
  expect(nodes.image.nodes[0]).toMatchObject({ state: 'draining', heir: four });
  const { version } = nodes;
  expect(nodes.replace(first.node, four)).toBeNull();
  expect(nodes.version).toBe(version);
  expect(nodes.replace(five, first.node)).toMatch(/node 3 is draining/);
  expect(nodes.replace(five, five)).toMatch(/its own place/);
  expect(nodes.replace(five, NodeId(9))).toMatch(/no such node '9'/);
  expect(nodes.change(first.node, 'member')).toBeNull();
  expect(nodes.image.nodes[0]).toEqual(first);
  nodes.change(four, 'draining');
  nodes.change(four, 'removed');
  expect(nodes.replace(four, five)).toMatch(/was removed/);
});

test('the id of a node that has left is never given again', () => {
  const nodes = map();
  const { node } = nodes.join('b:1', 'b:2', '', 'bb');
  expect(nodes.change(node, 'removed')).toMatch(/not drained/);
  expect(nodes.change(node, 'draining')).toBeNull();
  expect(nodes.change(node, 'draining')).toBeNull();
  expect(nodes.change(node, 'removed')).toBeNull();
  expect(nodes.change(node, 'member')).toMatch(/was removed/);
  expect(nodes.join('b:1', 'b:2', '', 'bb').node).toBe(5);
  expect(nodes.version).toBe(4);
});

test('a node that nobody knows cannot be changed', () => {
  expect(map().change(NodeId(9), 'draining')).toMatch(/no such node/);
});

test('a map made of an image is the same', () => {
  const nodes = map();
  nodes.join('b:1', 'b:2', '', 'bb');
  nodes.change(NodeId(3), 'draining');
  const again = new NodeMap(nodes.image);
  expect(again.image).toEqual(nodes.image);
  expect(again.join('c:1', 'c:2', '', 'cc').node).toBe(5);
});

test('groups are made with ids that were never given, on nodes that belong to the cluster', () => {
  const nodes = map();
  const members = [{ node: first.node, store: 'aa' }];
  const plan = (request: string): GroupPlan => ({
    request,
    above: GroupId(0),
    alone: null,
    groups: [members, members],
  });
  expect(nodes.make(plan('a'), GroupId(6))).toBeNull();
  expect(nodes.madeFor('a')).toEqual([7, 8]);
  expect(nodes.make(plan('b'), GroupId(3))).toBeNull();
  expect(nodes.madeFor('b')).toEqual([9, 10]);
  expect(nodes.version).toBe(2);
  expect(nodes.make({ ...plan('c'), groups: [] }, GroupId(0))).toMatch(/no group/);
  expect(nodes.make({ ...plan('c'), groups: [[]] }, GroupId(0))).toMatch(/has members/);
  expect(nodes.make({ ...plan('c'), groups: [[...members, ...members]] }, GroupId(0))).toMatch(/on one node/);
  expect(nodes.make({ ...plan('c'), groups: [[{ node: NodeId(9), store: '' }]] }, GroupId(0))).toMatch(/no such node/);
  expect(nodes.make(plan('c'), GroupId(limits.groupIds - 2))).toMatch(/no group ids left/);
  nodes.change(first.node, 'draining');
  expect(nodes.make(plan('c'), GroupId(0))).toMatch(/is draining/);
  expect(new NodeMap(nodes.image).image).toEqual(nodes.image);
});
