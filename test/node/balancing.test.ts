/** A whole cluster of cores that keeps its own balance: what is drained, lost and unevenly spread. */
import { expect, test } from 'vitest';
import { GroupId, LogIndex, metadataGroup, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { invariant } from '../../core/base/invariant.ts';
import { limits } from '../../core/base/limits.ts';
import type { ClusterSnapshot, Node } from '../../core/index.ts';
import { membersOf, unknownConfiguration } from '../../core/raft/configuration.ts';
import { Nodes } from './harness.ts';

const groups = 8;

/** How many groups have a replica on each node, and how many it leads, as their leaders say. */
function shares(nodes: Nodes): { readonly replicas: readonly number[]; readonly leads: readonly number[] } {
  const replicas = nodes.nodes.map(() => 0);
  const leads = nodes.nodes.map(() => 0);
  for (const [at, node] of nodes.nodes.entries()) {
    if (nodes.paused.has(at + 1)) continue;
    for (const group of node.groups.values()) {
      if (!group.isLeader) continue;
      leads[at] = (leads[at] ?? 0) + 1;
      for (const { node: member } of membersOf(group.raft.committedConfiguration))
        replicas[member - 1] = (replicas[member - 1] ?? 0) + 1;
    }
  }
  return { replicas, leads };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

/** The node that leads the metadata group: it is the one to ask. */
function planner(nodes: Nodes): number {
  return 1 + nodes.nodes.findIndex((node: Node) => node.groups.get(metadataGroup)?.isLeader === true);
}

function order(nodes: Nodes, ...words: string[]): string {
  nodes.connect(planner(nodes), 1);
  return nodes.ask(planner(nodes), 1, ...words);
}

test('a node that is drained has nothing any more, can be removed, and its id stays taken', () => {
  const nodes = new Nodes(4, groups, { rebalance: 'off' });
  const before = shares(nodes);
  expect(before.replicas[3]).toBeGreaterThan(0);
  const told = (count: number): string => `$8\r\nreplicas\r\n:${String(count)}\r\n`;
  expect(order(nodes, 'NODE', 'INFO', '4')).toContain(told(before.replicas[3] ?? 0));
  expect(order(nodes, 'NODE', 'REMOVE', '4')).toMatch(/^-ERR node 4 has replicas/);
  expect(order(nodes, 'NODE', 'DRAIN', '4')).toBe('+OK\r\n');
  nodes.pass(40_000);
  const info = order(nodes, 'NODE', 'INFO', '4');
  expect(info).toContain('$8\r\ndraining\r\n');
  expect(info).toContain(told(0));
  const { replicas, leads } = shares(nodes);
  expect([replicas[3], leads[3]]).toEqual([0, 0]);
  expect([sum(replicas), sum(leads)]).toEqual([3 * (groups + 1), groups + 1]);
  expect(order(nodes, 'NODE', 'REMOVE', '4')).toBe('+OK\r\n');
  expect(order(nodes, 'NODE', 'UNDRAIN', '4')).toMatch(/^-ERR node 4 was removed/);
});

test('each node is as large as its own settings say', () => {
  const mib = 1024 * 1024;
  const nodes = new Nodes(5, groups, (node) => ({ rebalance: 'on', nodeBytes: node * mib }));
  const seen = JSON.parse(order(nodes, 'PLACEMENT', 'SNAPSHOT').split('\r\n')[1] ?? '') as ClusterSnapshot;
  expect(seen.nodes.map(({ capacityBytes }) => capacityBytes)).toEqual([1, 2, 3, 4, 5].map((node) => node * mib));
});

test('a node that is not to plan tells what it has like any other', () => {
  const nodes = new Nodes(4, groups, (node) => ({ rebalance: node === 2 ? 'manual' : 'on' }));
  nodes.pass(10_000);
  expect(planner(nodes)).not.toBe(2);
  expect(order(nodes, 'PLACEMENT', 'PLAN')).not.toMatch(/has told what it has/);
});

test('who plans and has forgotten who leads is told by a member that it asks', () => {
  const nodes = new Nodes(4, groups, { rebalance: 'off' });
  const { router } = nodes.nodes[planner(nodes) - 1] ?? {};
  for (const group of router?.groups.groups ?? []) {
    const leader = router?.leaders.leaderOf(group);
    if (leader !== null && leader !== undefined && group > 0) router?.leaders.doubt(group, leader);
  }
  expect(router?.leaders.leaderOf(GroupId(1))).toBe(null);
  expect(order(nodes, 'NODE', 'DRAIN', '4')).toBe('+OK\r\n');
  nodes.pass(60_000);
  expect(shares(nodes).replicas[3]).toBe(0);
});

test('where an operator has put a leader does not keep its node from being drained later', () => {
  const nodes = new Nodes(5, 1, { rebalance: 'off' });
  const id = GroupId(1);
  const leader = (): number => nodes.nodes.findIndex((node) => node.groups.get(id)?.isLeader === true) + 1;
  const away = nodes.raftOn(leader(), id)?.configuration.voters[1]?.node ?? 0;
  nodes.connect(leader(), 2);
  expect(nodes.ask(leader(), 2, 'GROUP', 'TRANSFER', '1', String(away))).toBe('+OK\r\n');
  nodes.pass(20_000);
  expect(leader()).toBe(away);
  expect(order(nodes, 'NODE', 'DRAIN', String(away))).toBe('+OK\r\n');
  nodes.pass(30_000);
  const { replicas, leads } = shares(nodes);
  expect([replicas[away - 1], leads[away - 1]]).toEqual([0, 0]);
});

test('a node that joins is told of all that were there from the beginning, and who has joined since', () => {
  const nodes = new Nodes(4, groups, { rebalance: 'off', joinToken: 'secret' });
  const join = (store: string): string =>
    order(nodes, 'NODE', 'JOIN', `${store}:1`, `${store}:2`, 'ZONE', '', 'TOKEN', 'secret', 'STORE', store.repeat(16));
  expect(order(nodes, 'NODE', 'DRAIN', '4')).toBe('+OK\r\n');
  expect(join('a')).toMatch(/"node":5/);
  nodes.pass(40_000);
  expect(order(nodes, 'NODE', 'REMOVE', '4')).toBe('+OK\r\n');
  expect(order(nodes, 'NODE', 'DRAIN', '5')).toBe('+OK\r\n');
  expect(order(nodes, 'NODE', 'REMOVE', '5')).toBe('+OK\r\n');
  const [, text = ''] = join('b').split('\r\n');
  const given = JSON.parse(text) as { node: number; nodes: { id: number; joined: boolean }[] };
  expect(given.node).toBe(6);
  expect(given.nodes.map(({ id, joined }) => [id, joined])).toEqual([
    [1, false],
    [2, false],
    [3, false],
    [4, false],
    [6, true],
  ]);
});

test('a node is replaced: the one that is named has all that it had', () => {
  const nodes = new Nodes(5, groups, { rebalance: 'off' });
  const before = shares(nodes);
  expect(order(nodes, 'NODE', 'REPLACE', '2', '9')).toMatch(/^-ERR no such node '9'/);
  expect(order(nodes, 'NODE', 'REPLACE', '2', '2')).toMatch(/^-ERR a node cannot take its own place/);
  expect(order(nodes, 'NODE', 'DRAIN', '5')).toBe('+OK\r\n');
  nodes.pass(60_000);
  expect(order(nodes, 'NODE', 'UNDRAIN', '5')).toBe('+OK\r\n');
  const spread = shares(nodes);
  expect(spread.replicas[4]).toBe(0);
  expect(order(nodes, 'NODE', 'REPLACE', '2', '5')).toBe('+OK\r\n');
  nodes.pass(60_000);
  const { replicas, leads } = shares(nodes);
  // All but those that it has to share a group for: there are none, for it had nothing.
  expect(replicas).toEqual([spread.replicas[0], 0, spread.replicas[2], spread.replicas[3], spread.replicas[1]]);
  expect([sum(replicas), leads[1]]).toEqual([sum(before.replicas), 0]);
  expect(order(nodes, 'NODE', 'REMOVE', '2')).toBe('+OK\r\n');
});

test('a node that is dead is replaced at once, however many look dead', () => {
  const nodes = new Nodes(4, groups, { rebalance: 'off', lostAfterMs: 3_600_000 });
  const dead = planner(nodes) === 4 ? 3 : 4;
  const heir = planner(nodes) === 1 ? 2 : 1;
  nodes.paused.add(dead);
  for (const other of [1, 2, 3, 4]) if (other !== dead) nodes.input(other, { kind: 'peerDown', peer: NodeId(dead) });
  nodes.pass(60_000);
  expect(shares(nodes).replicas[dead - 1]).toBeGreaterThan(0);
  expect(order(nodes, 'NODE', 'REPLACE', String(dead), String(heir))).toBe('+OK\r\n');
  nodes.pass(120_000);
  expect(shares(nodes).replicas[dead - 1]).toBe(0);
  expect(order(nodes, 'NODE', 'REMOVE', String(dead))).toBe('+OK\r\n');
});

test('who plans bears with what is said of members on nodes that were removed, or that nobody has told of', () => {
  const nodes = new Nodes(4, groups, { rebalance: 'off' });
  expect(order(nodes, 'NODE', 'DRAIN', '4')).toBe('+OK\r\n');
  nodes.pass(40_000);
  expect(order(nodes, 'NODE', 'REMOVE', '4')).toBe('+OK\r\n');
  for (const [group, node] of [
    [1, 4],
    [2, 99],
  ] as const) {
    const configuration = { ...unknownConfiguration, voters: [{ replica: ReplicaId(9), node: NodeId(node) }] };
    const said = { group: GroupId(group), index: LogIndex(1_000_000), configuration };
    const messages = [{ kind: 'groups', groups: [said] }] as const;
    nodes.input(planner(nodes), { kind: 'peerMessages', from: NodeId(3), messages });
  }
  expect(order(nodes, 'PLACEMENT', 'PLAN')).toMatch(/^[*%~]/);
});

test('what a lost node had is made again on the others, and nothing before it counts as lost', () => {
  const nodes = new Nodes(5, groups, { rebalance: 'off', lostAfterMs: 30_000 });
  expect(shares(nodes).replicas[4]).toBeGreaterThan(0);
  nodes.paused.add(5);
  for (const other of [1, 2, 3, 4]) nodes.input(other, { kind: 'peerDown', peer: NodeId(5) });
  nodes.pass(20_000);
  expect(shares(nodes).replicas[4]).toBeGreaterThan(0);
  nodes.pass(60_000);
  const { replicas } = shares(nodes);
  expect([replicas[4], sum(replicas)]).toEqual([0, 3 * (groups + 1)]);
});

test('a group that was recovered has as many replicas again as the metadata group; what an operator has removed stays away', () => {
  const nodes = new Nodes(5, 4, { rebalance: 'off' });
  // The one is on nodes 2, 3 and 4, the other on 5, 1 and 2.
  const [recovered, small] = [GroupId(1), GroupId(4)];
  const leaderOf = (group: GroupId): number =>
    1 + nodes.nodes.findIndex((node, at) => !nodes.isDown(at + 1) && node.groups.get(group)?.isLeader === true);
  const votersOf = (group: GroupId): number =>
    nodes.raftOn(leaderOf(group), group)?.committedConfiguration.voters.length ?? 0;
  expect(nodes.askAnew(leaderOf(small), 'GROUP', 'REMOVE-REPLICA', '4', '2')).toBe('+OK\r\n');
  nodes.kill(3, 4);
  nodes.pass(4000);
  expect(nodes.askAnew(2, 'GROUP', 'RECOVER', '1', 'UNSAFE')).toMatch(/goes on from index/);
  for (const node of [3, 4]) nodes.start(node, true);
  nodes.pass(60_000);
  expect(votersOf(recovered)).toBe(3);
  expect(votersOf(small)).toBe(2);
});

test('nothing is repaired while too much looks lost', () => {
  const nodes = new Nodes(5, groups, { rebalance: 'on', lostAfterMs: 10_000 });
  for (const gone of [4, 5]) {
    nodes.paused.add(gone);
    for (const other of [1, 2, 3]) nodes.input(other, { kind: 'peerDown', peer: NodeId(gone) });
  }
  nodes.pass(5000);
  const before = shares(nodes).replicas;
  nodes.pass(40_000);
  expect(shares(nodes).replicas).toEqual(before);
  expect(order(nodes, 'PLACEMENT', 'PLAN')).toMatch(/stopped: /);
});

test('a plan is told by the node that makes it, and others say which that is', () => {
  const nodes = new Nodes(3, groups, { rebalance: 'on' });
  expect(order(nodes, 'PLACEMENT', 'PLAN')).toBe('*0\r\n');
  expect(order(nodes, 'PLACEMENT', 'SNAPSHOT')).toMatch(/"takenAt":/);
  const other = (planner(nodes) % 3) + 1;
  nodes.connect(other, 2);
  const where = new RegExp(`^-ERR this node does not plan: ask node ${String(planner(nodes))} `);
  expect(nodes.ask(other, 2, 'PLACEMENT', 'PLAN')).toMatch(where);
});

test('of a large plan no more is made at a time than an event loop can bear, and in the end all of it is done', () => {
  const nodes = new Nodes(4, 100, { rebalance: 'off' });
  expect(order(nodes, 'NODE', 'DRAIN', '4')).toBe('+OK\r\n');
  const first = order(nodes, 'PLACEMENT', 'PLAN');
  expect(first.match(/^\d+\. drain/gm)).toHaveLength(limits.balanceStepsPlanned);
  expect(first).toMatch(/note: more may follow: 64 steps/);
  nodes.pass(140_000);
  expect(shares(nodes).replicas[3]).toBe(0);
  expect(order(nodes, 'PLACEMENT', 'PLAN')).toBe('*0\r\n');
});

test('only an order for the members that a group has is carried out, as of whatever index', () => {
  const nodes = new Nodes(4, 1);
  const id = GroupId(1);
  const leader = (): number => nodes.nodes.findIndex((node) => node.groups.get(id)?.isLeader === true) + 1;
  const group = nodes.nodes[leader() - 1]?.groups.get(id);
  const [, second, third] = group?.raft.configuration.voters ?? [];
  invariant(group !== undefined && second !== undefined && third !== undefined, 'the group has a leader and others');
  const prefer = (replica: ReplicaId, from: number): void => {
    nodes.input(leader(), {
      kind: 'peerMessages',
      from: NodeId((leader() % 4) + 1),
      messages: [{ kind: 'order', group: id, index: LogIndex(from), change: { kind: 'prefer', replica } }],
    });
    nodes.pass(3000);
  };
  const { since: before } = group.raft.state.log.era;
  prefer(second.replica, before);
  expect(group.raft.configuration.voters[0]).toEqual(second);
  // Leadership follows.
  expect(leader()).toBe(second.node);
  prefer(third.replica, before);
  expect(group.raft.configuration.voters[0]).toEqual(second);
  // Who began with a snapshot knows the members as of that.
  prefer(third.replica, group.raft.state.commitIndex);
  expect(group.raft.configuration.voters[0]).toEqual(third);
});

test('a node that has replicas is not removed, whatever whoever is asked has heard of them', () => {
  const nodes = new Nodes(4, groups, { rebalance: 'manual' });
  expect(order(nodes, 'NODE', 'DRAIN', '4')).toBe('+OK\r\n');
  const asked = (planner(nodes) % 4) + 1;
  const voters = [1, 2, 3].map((node) => ({ replica: ReplicaId(90 + node), node: NodeId(node) }));
  const said = Array.from({ length: groups + 1 }, (_, group) => ({
    group: GroupId(group),
    index: LogIndex(1_000_000),
    configuration: { ...unknownConfiguration, voters },
  }));
  nodes.connect(asked, 2);
  nodes.input(asked, { kind: 'peerMessages', from: NodeId(1), messages: [{ kind: 'groups', groups: said }] });
  nodes.send(asked, 2, 'NODE', 'REMOVE', '4');
  nodes.pass(30);
  expect(nodes.replies(2)).toMatch(/^-ERR node 4 has replicas of \d groups: they must go first/);
});

test('a replica that has just begun does not hide who belongs to its group: nobody is removed who does', () => {
  const nodes = new Nodes(4, 1);
  const to = ReplicaId(9);
  const message = { kind: 'heartbeat', term: Term(99), commit: LogIndex(0), round: 1 } as const;
  const messages = [{ kind: 'raft', group: GroupId(1), from: ReplicaId(2), to, message }] as const;
  nodes.input(1, { kind: 'peerMessages', from: NodeId(2), messages });
  nodes.pass(1);
  expect(nodes.raftOn(1, GroupId(1))?.configuration).toEqual(unknownConfiguration);
  nodes.connect(1, 1);
  expect(nodes.ask(1, 1, 'NODE', 'REMOVE', '2')).toBe('-ERR node 2 has replicas of 2 groups: they must go first\r\n');
});
