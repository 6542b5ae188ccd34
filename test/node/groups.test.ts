/** Groups that are made while the cluster runs: where they begin, and that they begin once. */
import { beforeEach, describe, expect, test } from 'vitest';
import { GroupId, metadataGroup } from '../../core/base/ids.ts';
import type { Settings } from '../../core/index.ts';
import type { Raft } from '../../core/raft/raft.ts';
import { Nodes } from './harness.ts';

const made = GroupId(3);

let nodes: Nodes;

/** Groups 0, 1 and 2. Each node has a client, numbered as it is. */
function begin(size: number, settings: Partial<Settings> = {}): void {
  nodes = new Nodes(size, 2, settings);
  nodes.connectAll();
}

beforeEach(() => {
  begin(4);
});

function ask(node: number, ...words: string[]): string {
  return nodes.ask(node, node, ...words);
}

function raftOn(node: number, group = made): Raft | undefined {
  return nodes.raftOn(node, group);
}

function leaderOf(group: GroupId): number {
  return 1 + nodes.nodes.findIndex((_, at) => raftOn(at + 1, group)?.state.role === 'leader');
}

function create(...words: string[]): string {
  return ask(leaderOf(metadataGroup), 'GROUP', 'CREATE', ...words);
}

function hosts(group = made): readonly number[] {
  return nodes.nodes.flatMap((_, at) => (raftOn(at + 1, group) === undefined ? [] : [at + 1]));
}

describe('GROUP CREATE', () => {
  test('makes a group that serves, known to every node', () => {
    expect(create()).toBe('*1\r\n:3\r\n');
    nodes.pass(5_000);
    expect(hosts()).toHaveLength(3);
    expect(leaderOf(made)).toBe(raftOn(leaderOf(made))?.configuration.voters[0]?.node);
    expect(ask(1, 'TENANT', 'CREATE', 'acme', 'IN', '3')).toBe('+OK\r\n');
    expect(ask(2, 'SET', '{acme}key', 'value')).toBe('+OK\r\n');
    for (const node of [1, 2, 3, 4]) expect(ask(node, 'GET', '{acme}key')).toBe('$5\r\nvalue\r\n');
    expect(ask(4, 'GROUP', 'INFO', '3')).toContain('leader');
  });

  test('makes as many as are asked for, spread over the nodes', () => {
    expect(create('COUNT', '3', 'REPLICAS', '1')).toBe('*3\r\n:3\r\n:4\r\n:5\r\n');
    nodes.pass(1_000);
    // Node 3 has one more than the others of those that were there.
    const places = [3, 4, 5].flatMap((group) => hosts(GroupId(group)));
    expect(places.sort((a, b) => a - b)).toEqual([1, 2, 4]);
  });

  test('makes it where an operator wants it, the leader first', () => {
    expect(create('NODES', '4,2')).toBe('*1\r\n:3\r\n');
    nodes.pass(5_000);
    expect(hosts()).toEqual([2, 4]);
    expect(leaderOf(made)).toBe(4);
  });

  test('new tenants come to it in its turn, and others move there', () => {
    create();
    nodes.pass(1_000);
    ask(1, 'TENANT', 'CREATE', 'mover', 'IN', '1');
    ask(1, 'SET', '{mover}key', 'value');
    expect(ask(leaderOf(GroupId(1)), 'TENANT', 'MOVE', 'mover', 'TO', '3')).toBe('+OK\r\n');
    nodes.pass(2_000);
    expect(ask(2, 'TENANT', 'INFO', 'mover')).toContain('$5\r\ngroup\r\n:3');
    expect(ask(2, 'GET', '{mover}key')).toBe('$5\r\nvalue\r\n');
    for (let i = 0; i < 3; i += 1) ask(1, 'SET', `{new-${String(i)}}key`, 'value');
    const groups = [0, 1, 2].map((i) => /group\r\n:(\d+)/.exec(ask(1, 'TENANT', 'INFO', `new-${String(i)}`))?.[1]);
    expect(new Set(groups)).toEqual(new Set(['1', '2', '3']));
  });

  test.each([
    [['COUNT', '0'], 'ERR COUNT expects 1 to 256'],
    [['REPLICAS', '8'], 'ERR REPLICAS expects 1 to 7'],
    [['NODES', '1,x'], 'ERR NODES expects 1 to 7 ids with commas between them'],
    [['NODES', '1,2', 'REPLICAS', '3'], 'ERR REPLICAS and NODES say different numbers of replicas'],
    [['COUNT'], 'ERR syntax error'],
    [['COUNT', '1', 'COUNT', '1'], 'ERR syntax error'],
    [['NODES', '1,1'], 'ERR not executed: no two replicas of a group are on one node'],
    [['NODES', '9'], 'ERR not executed: node 9 cannot be reached'],
    [
      ['REPLICAS', '5'],
      'ERR not executed: there are no 5 nodes that may have a replica of it: 4 of 4 are up and not draining, and they need room, and zones as different as can be',
    ],
  ])('%j is refused', (words, error) => {
    expect(create(...words)).toBe(`-${error}\r\n`);
  });

  test('is refused where too few nodes are up, and on nodes that leave', () => {
    nodes.kill(3, 4);
    nodes.pass(3_000);
    expect(create('REPLICAS', '3')).toContain('2 of 4 are up');
    nodes.start(3);
    nodes.start(4);
    nodes.pass(3_000);
    nodes.askAnew(leaderOf(metadataGroup), 'NODE', 'DRAIN', '4');
    expect(nodes.askAnew(leaderOf(metadataGroup), 'GROUP', 'CREATE', 'NODES', '4')).toContain(
      '-ERR not executed: node 4 is draining',
    );
  });

  test('is for the leader of the metadata group, and for a cluster that has one', () => {
    const leader = leaderOf(metadataGroup);
    const other = 1 + (leader % 4);
    expect(ask(other, 'GROUP', 'CREATE')).toBe(
      `-ERR this node does not lead group 0: ask node ${String(leader)} at node-${String(leader)}\r\n`,
    );
    begin(3, { metadata: 'gossip' });
    expect(ask(1, 'GROUP', 'CREATE')).toMatch(/^-ERR not executed: that is for the metadata group to do/);
  });
});

describe('a group that was made', () => {
  beforeEach(() => {
    create('NODES', '1,2,3');
    nodes.pass(1_000);
    ask(1, 'TENANT', 'CREATE', 'acme', 'IN', '3');
    ask(1, 'SET', '{acme}key', 'value');
  });

  test('is there again after all nodes were down', () => {
    nodes.kill(1, 2, 3, 4);
    for (const node of [1, 2, 3, 4]) nodes.start(node);
    nodes.pass(4_000);
    expect(nodes.askAnew(4, 'GET', '{acme}key')).toBe('$5\r\nvalue\r\n');
    expect(hosts()).toEqual([1, 2, 3]);
  });

  test('begins no replica again on a disk that has lost it: another takes its place', () => {
    nodes.kill(2);
    nodes.start(2, true);
    nodes.pass(1);
    expect(raftOn(2)).toBeUndefined();
    nodes.pass(5_000);
    expect(raftOn(2)?.id).toBe(4);
    expect(raftOn(leaderOf(made))?.configuration.voters.map(({ replica }) => replica)).toContain(4);
  });

  test('has no quorum where two disks are lost, until an operator lets it go on', () => {
    nodes.kill(1, 2);
    nodes.start(1, true);
    nodes.start(2, true);
    nodes.pass(6_000);
    expect(hosts()).toEqual([3]);
    expect(nodes.askAnew(3, 'GROUP', 'RECOVER', '3', 'UNSAFE')).toContain('goes on');
    nodes.pass(3_000);
    expect(nodes.askAnew(3, 'GET', '{acme}key')).toBe('$5\r\nvalue\r\n');
  });

  test('takes replicas on nodes that it did not begin on, and lets first ones go', () => {
    expect(ask(leaderOf(made), 'GROUP', 'REPLACE', '3', '2', '4')).toBe('+OK\r\n');
    nodes.pass(3_000);
    expect(hosts()).toEqual([1, 3, 4]);
    nodes.kill(1, 2, 3, 4);
    for (const node of [1, 2, 3, 4]) nodes.start(node);
    nodes.pass(4_000);
    expect(hosts()).toEqual([1, 3, 4]);
    expect(nodes.askAnew(2, 'GET', '{acme}key')).toBe('$5\r\nvalue\r\n');
  });
});
