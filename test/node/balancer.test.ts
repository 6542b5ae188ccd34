/** What whoever plans has done of a plan, by itself: what it orders, and of whom. */
import { expect, test } from 'vitest';
import { Epoch, GroupId, NodeId, ReplicaId, type TenantName, Term } from '../../core/base/ids.ts';
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

/** Node 1 of so many plans for groups of which the nodes are named, the leader first; it reaches the nodes that are `up`. */
function balancing(size: number, up: readonly number[], groupsOn: readonly (readonly number[])[]) {
  const groups = groupsOn.map((on, id) => {
    const replicas = on.map((node, i) => ({ replica: ReplicaId(i + 1), node: NodeId(node) }));
    return { group: GroupId(id), replicas };
  });
  const router = new Router(NodeId(1), new GroupMap(groups));
  for (const node of up) router.linkUp(NodeId(node), `${String(node)}.0`);
  for (const { group, replicas } of groups) router.leaders.learn(group, replicas[0]?.node ?? null, Term(1));
  const nodes = Array.from({ length: size }, (_, i): ClusterNode => {
    const addresses = { clientAddress: '', peerAddress: '', zone: '', store: '' };
    return { node: NodeId(i + 1), ...addresses, state: 'member', heir: null };
  });
  const nothing = { post: () => undefined, peers: () => [], onChanged: () => undefined };
  const directory = new Directory(groups.slice(1).map(({ group }) => group));
  const pulses = new Pulses(600);
  const ordered: number[] = [];
  const moved: (readonly [TenantName, GroupId])[] = [];
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
    new NodeExchange({ version: 1, nodes, groups: [] }, nothing),
    pulses,
    {
      directory: () => directory,
      move: (tenant, to) => moved.push([tenant, to]),
      makeGroup: () => undefined,
      order: (_, group) => ordered.push(group),
      log: () => undefined,
    },
  );
  return { balancer, directory, pulses, ordered, moved };
}

test('steps that cannot be begun keep none behind them from being begun', () => {
  // Of all these groups node 5 is lost; of the first four the two that are left are out of reach, for now.
  const [hidden, seen] = [
    [3, 5, 4],
    [1, 5, 2],
  ];
  const groupsOn = Array.from({ length: 9 }, (_, id) => (id < 4 ? hidden : seen));
  const { balancer, pulses, ordered } = balancing(6, [2, 6], groupsOn);
  for (const node of [3, 4]) pulses.onHeard(NodeId(node), at(60_000).mono);
  balancer.work(at(61_000));
  expect(ordered).toEqual([4, 5, 6, 7]);
});

test('tenants that have to leave their group go to the others in turn, however many looks it takes', () => {
  const groupsOn = Array.from({ length: 5 }, () => [1, 2, 3]);
  const { balancer, directory, moved } = balancing(3, [2, 3], groupsOn);
  const strangers = ['a', 'b', 'c', 'd'].map((name) => directory.place(name as TenantName, GroupId(1)));
  directory.pins.dedicate(GroupId(1), 'owner' as TenantName);
  const heaviest = strangers.map(({ tenant }) => ({ tenant, bytes: 1, operations: 1 }));
  const load = { group: GroupId(1), bytes: 4, operations: 4, tenants: 4, heaviest };
  for (const look of [1, 2]) {
    balancer.onLoads(NodeId(1), { bytes: 1_000_000, operations: 1_000_000 }, [load]);
    balancer.work(at(60_000 * look));
    for (const { tenant, incarnation } of strangers) {
      const to = moved.find(([name]) => name === tenant)?.[1];
      if (to !== undefined) directory.relocate(tenant, incarnation, to, Epoch(2));
    }
  }
  expect(moved).toEqual([
    ['a', 2],
    ['b', 3],
    ['c', 4],
    ['d', 2],
  ]);
});
