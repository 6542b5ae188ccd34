/** What whoever plans has done of a plan, by itself: what it orders, of whom. */
import { expect, test } from 'vitest';
import { GroupId, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { MonoTime, WallTime } from '../../core/base/time.ts';
import { defaultSettings } from '../../core/index.ts';
import { Directory } from '../../core/metadata/directory.ts';
import { Balancer } from '../../core/node/balancer.ts';
import { Pulses } from '../../core/node/pulses.ts';
import { GroupMap } from '../../core/routing/groupMap.ts';
import { NodeExchange } from '../../core/routing/nodeExchange.ts';
import { Router } from '../../core/routing/router.ts';
import type { ClusterNode } from '../../core/wire/nodes.ts';

const at = (ms: number) => ({ mono: MonoTime(1000 * ms), wall: WallTime(1_700_000_000_000 + ms) });

test('steps that cannot be begun keep none behind them from being begun', () => {
  // Of all these groups node 5 is lost; of the first four the two that are left are out of reach, for now.
  const [hidden, seen] = [
    [5, 3, 4],
    [5, 1, 2],
  ];
  const groups = Array.from({ length: 9 }, (_, id) => ({
    group: GroupId(id),
    replicas: (id < 4 ? hidden : seen).map((node, i) => ({ replica: ReplicaId(i + 1), node: NodeId(node) })),
  }));
  const router = new Router(NodeId(1), new GroupMap(groups));
  for (const node of [2, 6]) router.linkUp(NodeId(node), `${String(node)}.0`);
  for (const { group } of groups) router.leaders.learn(group, NodeId(group < 4 ? 3 : 1), Term(1));
  const pulses = new Pulses(600);
  for (const node of [3, 4]) pulses.onHeard(NodeId(node), at(60_000).mono);
  const nodes = [1, 2, 3, 4, 5, 6].map((id): ClusterNode => {
    const addresses = { clientAddress: '', peerAddress: '', zone: '', store: '' };
    return { node: NodeId(id), ...addresses, state: 'member', heir: null };
  });
  const map = new NodeExchange(
    { version: 1, nodes, groups: [] },
    { post: () => undefined, peers: () => [], onChanged: () => undefined },
  );
  const ordered: number[] = [];
  const directory = new Directory(groups.slice(1).map(({ group }) => group));
  const balancer = new Balancer(
    {
      node: NodeId(1),
      boot: 1,
      store: '',
      topology: { clusterId: '', nodes: [], groups, tenants: [] },
      settings: { ...defaultSettings, rebalance: 'off', lostAfterMs: 30_000 },
      random: () => () => 0,
      now: at(0),
    },
    router,
    map,
    pulses,
    {
      directory: () => directory,
      move: () => undefined,
      makeGroup: () => undefined,
      order: (_, group) => ordered.push(group),
      log: () => undefined,
    },
  );
  balancer.work(at(61_000));
  expect(ordered).toEqual([4, 5, 6, 7]);
});
