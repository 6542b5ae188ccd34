import { expect, test } from 'vitest';
import { NodeId } from '../../core/base/ids.ts';
import { NodeMap } from '../../core/metadata/nodeMap.ts';
import { NodeExchange } from '../../core/routing/nodeExchange.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';

const [one, two, three] = [NodeId(1), NodeId(2), NodeId(3)];
const atFirst: NodeMapImage = {
  version: 0,
  nodes: [{ node: one, clientAddress: 'a:1', peerAddress: 'a:2', zone: '', store: '', state: 'member', heir: null }],
  groups: [],
};

function exchange(map = atFirst) {
  const posted: (readonly [NodeId, PeerMessage])[] = [];
  const changes: number[] = [];
  const made = new NodeExchange(map, {
    post: (to, message) => posted.push([to, message]),
    peers: () => [two, three],
    onChanged: ({ version }) => changes.push(version),
  });
  return { made, posted, changes };
}

function grown(): NodeMap {
  const nodes = new NodeMap(atFirst);
  nodes.join('b:1', 'b:2', '', 'bb');
  return nodes;
}

test('the leader of the metadata group tells everybody, and once', () => {
  const { made, posted, changes } = exchange();
  const nodes = grown();
  made.follow(nodes, true);
  made.follow(nodes, true);
  expect(posted).toEqual([two, three].map((peer) => [peer, { kind: 'nodes', map: nodes.image }]));
  expect(changes).toEqual([1]);
});

test('whoever is ahead passes it on, and whoever is behind asks', () => {
  const ahead = exchange(grown().image);
  ahead.made.onVersion(two, 0);
  expect(ahead.posted).toEqual([[two, { kind: 'nodes', map: grown().image }]]);
  const behind = exchange();
  behind.made.onVersion(three, 1);
  expect(behind.posted).toEqual([[three, { kind: 'nodesVersion', version: 0 }]]);
});

test('what is older is not adopted', () => {
  const { made, changes } = exchange(grown().image);
  made.onNodes(atFirst);
  expect([made.present.version, changes]).toEqual([1, []]);
});

test('nobody is greeted with what the configuration says', () => {
  const { made, posted } = exchange();
  made.greet(two);
  expect(posted).toEqual([]);
});
