/** Commands through nodes that do not lead: same answers, same order, and a route that can be explained. */
import { beforeEach, expect, test } from 'vitest';
import { GroupId, NodeId, Term } from '../../core/base/ids.ts';
import { defaultSettings } from '../../core/node/defaults.ts';
import { Nodes } from './harness.ts';

let nodes: Nodes;

beforeEach(() => {
  nodes = new Nodes(3, 3);
  for (const node of [1, 2, 3]) nodes.connect(node, node);
});

function leaderOf(tenant: string): number {
  return Number(/leader\r\n:([0-9]+)/.exec(nodes.ask(1, 1, 'TENANT', 'WHERE', tenant))?.[1]);
}

test('every node answers for a tenant that any of them created', () => {
  for (const node of [1, 2, 3]) expect(nodes.ask(node, node, 'SET', `{t${String(node)}}k`, 'v')).toBe('+OK\r\n');
  for (const node of [1, 2, 3])
    for (const tenant of ['t1', 't2', 't3']) expect(nodes.ask(node, node, 'GET', `{${tenant}}k`)).toBe('$1\r\nv\r\n');
});

test('leaders go home, so groups are led by the nodes the GroupMap names first', () => {
  nodes.pass(5000);
  expect(
    nodes.nodes.map((node) => [...node.groups.values()].filter((group) => group.isLeader).map(({ id }) => id)),
  ).toEqual([[0, 3], [1], [2]]);
});

test('one hop through a node that does not lead, none through the one that does', () => {
  nodes.ask(1, 1, 'SET', '{acme}k', 'v');
  const leader = leaderOf('acme');
  for (const node of [1, 2, 3])
    expect(nodes.ask(node, node, 'TENANT', 'WHERE', 'acme')).toContain(`hops\r\n:${node === leader ? '0' : '1'}\r\n`);
});

test('a pipeline that mixes reads and writes sees its own order', () => {
  nodes.ask(1, 1, 'SET', '{acme}k', '0');
  const other = (leaderOf('acme') % 3) + 1;
  let expected = '';
  for (let i = 1; i <= 40; i += 1) {
    nodes.send(other, other, 'GET', '{acme}k');
    nodes.send(other, other, 'INCR', '{acme}k');
    expected += `$${String(String(i - 1).length)}\r\n${String(i - 1)}\r\n:${String(i)}\r\n`;
  }
  nodes.pass(500);
  expect(nodes.replies(other)).toBe(expected);
});

test('when the leader stops answering, another is found, and what was under way is done there, in order', () => {
  nodes.ask(1, 1, 'SET', '{acme}k', 'v');
  const leader = leaderOf('acme');
  const other = (leader % 3) + 1;
  nodes.paused.add(leader);
  nodes.send(other, other, 'SET', '{acme}k', 'w');
  nodes.send(other, other, 'GET', '{acme}k');
  nodes.pass(50);
  for (const node of [1, 2, 3]) if (node !== leader) nodes.input(node, { kind: 'peerDown', peer: leader as never });
  nodes.pass(4000);
  expect(nodes.replies(other)).toBe('+OK\r\n$1\r\nw\r\n');
  expect(nodes.ask(other, other, 'SET', '{acme}k', 'x')).toBe('+OK\r\n');
});

test('without a majority nothing is executed, and the error says so', () => {
  nodes.ask(1, 1, 'SET', '{acme}k', 'v');
  const leader = leaderOf('acme');
  for (const node of [1, 2, 3]) if (node !== leader) nodes.paused.add(node);
  for (const node of [1, 2, 3]) if (node !== leader) nodes.input(leader, { kind: 'peerDown', peer: node as never });
  nodes.pass(3000);
  nodes.send(leader, leader, 'SET', '{acme}k', 'w');
  nodes.pass(6000);
  expect(nodes.replies(leader)).toBe('-UNAVAILABLE not executed: no leader of the group answered in time\r\n');
});

test('a node told to stop gives its groups away first', () => {
  nodes.pass(5000);
  nodes.input(2, { kind: 'drain' });
  nodes.pass(1000);
  expect(nodes.drained).toEqual([2]);
  expect([...(nodes.nodes[1]?.groups.values() ?? [])].some((group) => group.isLeader)).toBe(false);
});

test('a node told to stop does not wait for nodes it cannot reach', () => {
  nodes.pass(5000);
  for (const node of [1, 3]) {
    nodes.paused.add(node);
    nodes.input(2, { kind: 'peerDown', peer: node as never });
  }
  nodes.send(2, 2, 'SET', '{acme}k', 'v');
  nodes.input(2, { kind: 'drain' });
  nodes.pass(2);
  expect([...(nodes.nodes[1]?.groups.values() ?? [])].some((group) => group.isLeader)).toBe(true);
  expect(nodes.drained).toEqual([2]);
});

test('a node told to stop does not wait for leaders that are silent', () => {
  for (const node of [1, 3]) nodes.paused.add(node);
  nodes.input(2, { kind: 'drain' });
  nodes.pass(3 * defaultSettings.electionMs);
  const wakesAt = nodes.nodes[1]?.wakeAt ?? 0;
  nodes.pass(defaultSettings.electionMs);
  expect(nodes.nodes[1]?.wakeAt).toBeGreaterThan(wakesAt);
});

test('what a silent leader was asked is asked of its successor, though its link is up, and runs once', () => {
  const size = 3;
  nodes.ask(1, 1, 'SET', '{acme}k', '0');
  const leader = leaderOf('acme');
  const other = (leader % size) + 1;
  nodes.paused.add(leader);
  nodes.send(other, other, 'INCR', '{acme}k');
  nodes.pass(3000);
  expect(nodes.replies(other)).toBe(':1\r\n');
  nodes.paused.delete(leader);
  nodes.pass(3000);
  expect(nodes.ask(other, other, 'GET', '{acme}k')).toBe('$1\r\n1\r\n');
});

test('READONLY: a follower answers reads itself, with all that was acknowledged before; writes go to the leader', () => {
  nodes.ask(1, 1, 'SET', '{acme}k', '0');
  const leader = leaderOf('acme');
  const other = (leader % 3) + 1;
  const asked = (): number => nodes.nodes[leader - 1]?.statistics.forwardedHere ?? 0;
  expect(nodes.ask(other, other, 'READONLY')).toBe('+OK\r\n');
  for (let i = 1; i <= 5; i += 1) {
    nodes.ask(leader, leader, 'INCR', '{acme}k');
    const before = asked();
    expect(nodes.ask(other, other, 'GET', '{acme}k')).toBe(`$1\r\n${String(i)}\r\n`);
    expect(asked()).toBe(before);
  }
  let expected = '';
  for (let i = 6; i <= 20; i += 1) {
    nodes.send(other, other, 'INCR', '{acme}k');
    nodes.send(other, other, 'GET', '{acme}k');
    expected += `:${String(i)}\r\n$${String(String(i).length)}\r\n${String(i)}\r\n`;
  }
  nodes.pass(500);
  expect(nodes.replies(other)).toBe(expected);
  expect(nodes.ask(other, other, 'READWRITE')).toBe('+OK\r\n');
  const before = asked();
  nodes.ask(other, other, 'GET', '{acme}k');
  expect(asked()).toBe(before + 1);
});

test('READONLY: a follower that no leader answers serves nothing', () => {
  nodes.ask(1, 1, 'SET', '{acme}k', '0');
  const leader = leaderOf('acme');
  const other = (leader % 3) + 1;
  nodes.ask(other, other, 'READONLY');
  for (const node of [1, 2, 3]) if (node !== other) nodes.paused.add(node);
  nodes.send(other, other, 'GET', '{acme}k');
  nodes.pass(8000);
  expect(nodes.replies(other)).toBe('-UNAVAILABLE not executed: no leader of the group answered in time\r\n');
});

test('READONLY: a learner whose leader has fallen silent keeps no reads', () => {
  nodes = new Nodes(4, 1);
  const away = nodes.nodes.findIndex((node) => !node.groups.has(GroupId(1))) + 1;
  const leader = nodes.nodes.findIndex((node) => node.groups.get(GroupId(1))?.isLeader === true) + 1;
  for (const node of [away, leader]) nodes.connect(node, node);
  nodes.ask(leader, leader, 'SET', '{acme}k', '0');
  expect(nodes.ask(leader, leader, 'GROUP', 'ADD-REPLICA', '1', String(away), 'LEARNER')).toBe('+OK\r\n');
  nodes.pass(3000);
  nodes.ask(away, away, 'READONLY');
  expect(nodes.ask(away, away, 'GET', '{acme}k')).toBe('$1\r\n0\r\n');
  const learner = nodes.nodes[away - 1]?.groups.get(GroupId(1));
  for (const node of [1, 2, 3, 4]) if (node !== away) nodes.paused.add(node);
  nodes.send(away, away, 'GET', '{acme}k');
  nodes.pass(50);
  expect(learner?.waiting).toBe(1);
  nodes.pass(8000);
  expect(learner?.waiting).toBe(0);
  expect(nodes.replies(away)).toMatch(/^-UNAVAILABLE not executed/);
});

test('where the disk is nearly full nothing is written and everything is read; others with room take over', () => {
  nodes.ask(1, 1, 'SET', '{acme}k', 'v');
  const leader = leaderOf('acme');
  nodes.input(leader, { kind: 'diskSpace', isShort: true });
  nodes.pass(1500);
  expect(leaderOf('acme')).not.toBe(leader);
  expect(nodes.ask(leader, leader, 'SET', '{acme}k', 'w')).toBe('+OK\r\n');
  for (const node of [1, 2, 3]) nodes.input(node, { kind: 'diskSpace', isShort: true });
  nodes.pass(1500);
  expect(nodes.ask(leader, leader, 'GET', '{acme}k')).toBe('$1\r\nw\r\n');
  expect(nodes.ask(leader, leader, 'SET', '{acme}k', 'x')).toBe(
    '-BUSY not executed: the disk of the leader is nearly full\r\n',
  );
  nodes.ask(leader, leader, 'NODE', 'ALARMS', 'ACK');
  expect(nodes.ask(leader, leader, 'NODE', 'ALARMS')).toContain('diskShort');
  for (const node of [1, 2, 3]) nodes.input(node, { kind: 'diskSpace', isShort: false });
  nodes.pass(1500);
  expect(nodes.ask(leader, leader, 'SET', '{acme}k', 'x')).toBe('+OK\r\n');
  expect(nodes.ask(leader, leader, 'NODE', 'ALARMS')).toBe('*0\r\n');
});

test('who believes itself the leader of a group that it has no replica of any more asks the others at once', () => {
  nodes = new Nodes(4, 1);
  nodes.connectAll();
  const group = GroupId(1);
  expect(nodes.raftOn(1, group)).toBeUndefined();
  nodes.ask(1, 1, 'SET', '{acme}k', 'v');
  const { router } = nodes.nodes[0] ?? {};
  const later = Term((router?.leaders.termOf(group) ?? 0) + 1);
  expect(router?.leaders.learn(group, NodeId(1), later)).toBe(true);
  expect(nodes.ask(1, 1, 'GET', '{acme}k')).toBe('$1\r\nv\r\n');
});
