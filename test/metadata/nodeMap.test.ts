import { expect, test } from 'vitest';
import { NodeId } from '../../core/base/ids.ts';
import { NodeMap } from '../../core/metadata/nodeMap.ts';
import type { ClusterNode } from '../../core/wire/nodes.ts';

const first: ClusterNode = {
  node: NodeId(3),
  clientAddress: 'a:1',
  peerAddress: 'a:2',
  zone: '',
  state: 'member',
};

function map(): NodeMap {
  return new NodeMap({ version: 0, nodes: [first] });
}

test('a node that joins gets the next id, and the same one when it asks again', () => {
  const nodes = map();
  expect(nodes.join('b:1', 'b:2', 'east')).toMatchObject({ node: 4, zone: 'east', state: 'member' });
  expect(nodes.join('b:1', 'b:2', 'east').node).toBe(4);
  expect([nodes.version, nodes.image.nodes.length]).toEqual([1, 2]);
});

test('the id of a node that has left is never given again', () => {
  const nodes = map();
  const { node } = nodes.join('b:1', 'b:2', '');
  expect(nodes.change(node, 'removed')).toMatch(/not drained/);
  expect(nodes.change(node, 'draining')).toBeNull();
  expect(nodes.change(node, 'draining')).toBeNull();
  expect(nodes.change(node, 'removed')).toBeNull();
  expect(nodes.change(node, 'member')).toMatch(/was removed/);
  expect(nodes.join('b:1', 'b:2', '').node).toBe(5);
  expect(nodes.version).toBe(4);
});

test('a node that nobody knows cannot be changed', () => {
  expect(map().change(NodeId(9), 'draining')).toMatch(/no such node/);
});

test('a map made of an image is the same', () => {
  const nodes = map();
  nodes.join('b:1', 'b:2', '');
  nodes.change(NodeId(3), 'draining');
  const again = new NodeMap(nodes.image);
  expect(again.image).toEqual(nodes.image);
  expect(again.join('c:1', 'c:2', '').node).toBe(5);
});
