/** A group whose majority is lost for good goes on from one replica, and what is left of the others never counts again. */
import { beforeEach, describe, expect, test } from 'vitest';
import { GroupId, LogIndex, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { defaultSettings } from '../../core/index.ts';
import type { Raft } from '../../core/raft/raft.ts';
import { generationOf } from '../../core/raft/generation.ts';
import { Nodes } from './harness.ts';

const group = GroupId(1);
/** Longer than it takes until a leader counts as lost, and than an election. */
const quietMs = 4_000;

let nodes: Nodes;

/** Group 1 is on the nodes 2, 3 and 4. Each node has a client, numbered as it is. */
function begin(size: number, groups: number): void {
  nodes = new Nodes(size, groups);
  nodes.connectAll();
}

beforeEach(() => {
  begin(5, 1);
});

function ask(node: number, ...words: string[]): string {
  return nodes.ask(node, node, ...words);
}

function raftOn(node: number, id = group): Raft | undefined {
  return nodes.raftOn(node, id);
}

function leads(node: number, id = group): boolean {
  return raftOn(node, id)?.state.role === 'leader';
}

function generationOn(node: number): number | null {
  const raft = raftOn(node);
  return raft === undefined ? null : generationOf(raft.id);
}

/** It gets its vote. */
function addReplica(leader: number, node: number): void {
  expect(ask(leader, 'GROUP', 'ADD-REPLICA', '1', String(node))).toBe('+OK\r\n');
  nodes.pass(3_000);
  expect(raftOn(leader)?.configuration.voters.map((voter) => voter.node)).toContain(node);
}

function loseMajority(): void {
  nodes.kill(2, 3);
  nodes.pass(quietMs);
}

function recover(node: number, id = 1): void {
  expect(ask(node, 'GROUP', 'RECOVER', String(id), 'UNSAFE')).toContain('goes on from index');
  nodes.pass(2_000);
  expect(leads(node, GroupId(id))).toBe(true);
}

test('who comes back with a later generation on its disk says so at once, though it cannot go on with it', () => {
  loseMajority();
  recover(4);
  addReplica(4, 5);
  ask(5, 'GROUP', 'SNAPSHOT', '1');
  nodes.kill(1, 4, 5);
  nodes.start(2);
  nodes.start(3);
  nodes.pass(quietMs);
  expect(leads(2) || leads(3)).toBe(true);
  nodes.start(5);
  nodes.pass(100);
  expect([leads(2), leads(3)]).toEqual([false, false]);
});

describe('one of three is left', () => {
  test('and the group goes on with what it had, and has replicas again', () => {
    for (let i = 0; i < 20; i += 1) ask(1, 'RPUSH', '{acme}list', `value ${String(i)}`);
    loseMajority();
    expect(ask(4, 'GROUP', 'RECOVER', '1')).toContain('GROUP RECOVER 1 UNSAFE');
    recover(4);
    expect(ask(1, 'LLEN', '{acme}list')).toBe(':20\r\n');
    expect(ask(5, 'RPUSH', '{acme}list', 'more')).toBe(':21\r\n');
    addReplica(4, 5);
    addReplica(4, 1);
    nodes.kill(4);
    nodes.pass(quietMs);
    expect(ask(1, 'LLEN', '{acme}list')).toBe(':21\r\n');
    expect(generationOn(1)).toBe(generationOn(5));
  });

  test('and is asked what it has without anything being changed', () => {
    loseMajority();
    const told = ask(4, 'GROUP', 'RECOVER', '1');
    expect(told).toContain('generation\r\n:0\r\n');
    expect(told).toContain('next-generation\r\n:100004\r\n');
    expect(told.match(/unreachable/g)).toHaveLength(2);
    nodes.pass(2_000);
    expect(leads(4)).toBe(false);
    expect(generationOn(4)).toBe(0);
  });

  test('and may be recovered again, in a later generation', () => {
    loseMajority();
    recover(4);
    addReplica(4, 5);
    nodes.kill(4);
    nodes.pass(quietMs);
    recover(5);
    expect(generationOn(5)).toBe(200_005);
  });

  test('and nodes that have lost their disks are given everything again', () => {
    ask(1, 'SET', '{acme}a', '1');
    nodes.kill(2, 3);
    nodes.start(2, true);
    nodes.start(3, true);
    nodes.pass(quietMs);
    expect(ask(4, 'GROUP', 'RECOVER', '1').match(/silent/g)).toHaveLength(3);
    expect(nodes.askAnew(2, 'GROUP', 'RECOVER', '1', 'UNSAFE')).toContain('is lost');
    recover(4);
    addReplica(4, 2);
    addReplica(4, 3);
    nodes.kill(4);
    nodes.pass(quietMs);
    expect(nodes.askAnew(2, 'GET', '{acme}a')).toBe('$1\r\n1\r\n');
  });
});

describe('two of five are left', () => {
  beforeEach(() => {
    addReplica(2, 5);
    addReplica(2, 1);
  });

  test('and the one with the shorter log is told where the longer one is', () => {
    ask(5, 'TENANT', 'CREATE', 'acme');
    for (const other of [2, 3, 4, 5]) nodes.cut(1, other);
    expect(ask(5, 'SET', '{acme}a', '1')).toBe('+OK\r\n');
    nodes.kill(2, 3, 4);
    nodes.heal(1, 5);
    nodes.pass(quietMs);
    expect(ask(1, 'GROUP', 'RECOVER', '1', 'UNSAFE')).toBe(
      '-ERR not executed: node 5 has a longer log: recover the group there\r\n',
    );
    expect(ask(5, 'GROUP', 'RECOVER', '1')).toContain('asks');
    recover(5);
    // What is left on the other is of the past.
    expect(generationOn(1)).toBeNull();
    expect(ask(1, 'GET', '{acme}a')).toBe('$1\r\n1\r\n');
    addReplica(5, 1);
    expect(generationOn(1)).toBe(generationOn(5));
  });
});

describe('it is refused', () => {
  const refusal = (node: number): string => ask(node, 'GROUP', 'RECOVER', '1', 'UNSAFE');

  test('while there is a leader', () => {
    expect(refusal(4)).toBe('-ERR not executed: node 2 leads it\r\n');
    expect(refusal(2)).toBe('-ERR not executed: node 2 leads it\r\n');
    expect(ask(4, 'GROUP', 'RECOVER', '1')).toContain('refused\r\n$15\r\nnode 2 leads it\r\n');
  });

  test('a moment after', () => {
    nodes.kill(2, 3);
    nodes.pass(defaultSettings.electionMs);
    expect(refusal(4)).toMatch(/^-ERR not executed: a leader, node 2, was heard a moment ago/);
    nodes.pass(quietMs);
    nodes.kill(4);
    nodes.start(4);
    expect(nodes.askAnew(4, 'GROUP', 'RECOVER', '1', 'UNSAFE')).toMatch(/^-ERR not executed: a leader was heard/);
  });

  test('while a majority is left that has none', () => {
    loseMajority();
    const { lastIndex, lastTerm } = raftOn(4)?.state.log ?? { lastIndex: LogIndex(0), lastTerm: Term(0) };
    // A second voter is there, and asks; that nothing comes of it is the network's fault.
    const [from, sender, to] = [NodeId(3), ReplicaId(3), ReplicaId(4)];
    const asks = { kind: 'voteRequest', term: Term(2), pre: true, transfer: false, lastIndex, lastTerm } as const;
    nodes.input(4, {
      kind: 'peerMessages',
      from,
      messages: [{ kind: 'raft', group, from: sender, to, message: asks }],
    });
    expect(refusal(4)).toBe('-ERR not executed: a majority of the voters is left and will elect a leader\r\n');
  });

  test('where there is no replica, or no such word', () => {
    expect(refusal(1)).toBe("-ERR no replica of group '1' on this node\r\n");
    expect(ask(4, 'GROUP', 'RECOVER', '1', 'SAFE')).toBe('-ERR syntax error\r\n');
    expect(ask(4, 'GROUP', 'RECOVER', '7')).toBe("-ERR no such group '7'\r\n");
  });

  test('where the state differed from that of the others', () => {
    loseMajority();
    const raft = raftOn(4);
    if (raft !== undefined) raft.state.isSuspect = true;
    expect(refusal(4)).toBe("-ERR not executed: the replica here holds something else than the others' did\r\n");
  });
});

describe('the old majority comes back', () => {
  /** They are not told of anything, and go on as they always did. */
  function returnUnheard(): void {
    for (const other of [1, 4, 5]) for (const dead of [2, 3]) nodes.cut(dead, other);
    nodes.start(2);
    nodes.start(3);
    nodes.pass(quietMs);
  }

  beforeEach(() => {
    ask(1, 'SET', '{acme}a', '1');
    loseMajority();
    recover(4);
    ask(1, 'SET', '{acme}a', '2');
  });

  test('and gives up what it had', () => {
    nodes.start(2);
    nodes.start(3);
    nodes.pass(2_000);
    expect([generationOn(2), generationOn(3)]).toEqual([null, null]);
    expect(leads(4)).toBe(true);
    for (const node of [2, 3]) expect(nodes.askAnew(node, 'GET', '{acme}a')).toBe('$1\r\n2\r\n');
    // And does not come back with it.
    nodes.kill(2, 3);
    nodes.start(2);
    nodes.start(3);
    nodes.pass(2_000);
    expect([generationOn(2), generationOn(3)]).toEqual([null, null]);
    addReplica(4, 2);
    expect(generationOn(2)).toBe(100_004);
  });

  test.each([2, 3])('unheard, and stops serving when node %i alone hears of it', (node) => {
    returnUnheard();
    const zombie = leads(2) ? 2 : 3;
    expect(nodes.askAnew(zombie, 'SET', '{acme}a', 'zombie')).toBe('+OK\r\n');
    nodes.heal(4, node);
    nodes.pass(defaultSettings.electionMs);
    expect(nodes.askAnew(zombie, 'GET', '{acme}a')).not.toContain('zombie');
    nodes.heal(4, 5 - node);
    nodes.pass(2_000);
    expect([generationOn(2), generationOn(3)]).toEqual([null, null]);
    for (const asked of [1, 4]) expect(ask(asked, 'GET', '{acme}a')).toBe('$1\r\n2\r\n');
    expect(nodes.askAnew(zombie, 'GET', '{acme}a')).toBe('$1\r\n2\r\n');
  });

  test('and is told by a node that has no replica: it serves no more, but what it has stays until the group says so', () => {
    returnUnheard();
    expect(leads(2) || leads(3)).toBe(true);
    nodes.heal(1, 2);
    nodes.heal(1, 3);
    nodes.pass(2_000);
    expect([leads(2), leads(3)]).toEqual([false, false]);
    expect([generationOn(2), generationOn(3)]).toEqual([0, 0]);
    expect(nodes.askAnew(2, 'NODE', 'ALARMS')).toContain('outlived');
    nodes.heal(4, 2);
    nodes.heal(4, 3);
    nodes.pass(2_000);
    expect([generationOn(2), generationOn(3)]).toEqual([null, null]);
  });

  test('and cannot put a replica on a node that has heard of the new generation', () => {
    const prevIndex = LogIndex(0);
    const append = { kind: 'append', term: Term(9), prevIndex, prevTerm: Term(0), entries: [], round: 1 } as const;
    const message = { ...append, commit: prevIndex };
    for (const to of [ReplicaId(7), ReplicaId(8)]) {
      const raft = { kind: 'raft', group, from: ReplicaId(2), to, message } as const;
      nodes.input(5, { kind: 'peerMessages', from: NodeId(2), messages: [raft] });
      nodes.pass(10);
      expect(generationOn(5)).toBeNull();
    }
  });
});

test('leaders of the old majority that were heard of last lead nobody astray', () => {
  ask(1, 'SET', '{acme}a', '1');
  for (const other of [2, 3]) nodes.cut(4, other);
  for (let i = 0; i < 6; i += 1) {
    const [leader, other] = leads(2) ? [2, 3] : [3, 2];
    expect(ask(leader, 'GROUP', 'TRANSFER', '1', String(other))).toBe('+OK\r\n');
    nodes.pass(1_000);
  }
  loseMajority();
  recover(4);
  for (const node of [1, 5]) expect(nodes.nodes[node - 1]?.router.leaders.leaderOf(group)).toBe(4);
});

test('what was given up may go on after all, when the generation behind it is lost too', () => {
  ask(1, 'SET', '{acme}a', '1');
  loseMajority();
  recover(4);
  nodes.kill(4);
  nodes.start(2);
  nodes.start(3);
  nodes.start(4, true);
  nodes.pass(100);
  expect(nodes.askAnew(2, 'GROUP', 'RECOVER', '1', 'UNSAFE')).toMatch(/was heard a moment ago|node 4 has one that is/);
  nodes.pass(quietMs);
  expect(nodes.askAnew(2, 'GROUP', 'RECOVER', '1')).toContain('the group was recovered before, as generation 100004');
  expect(nodes.askAnew(2, 'GROUP', 'RECOVER', '1', 'UNSAFE')).toContain('as generation 200002');
  nodes.pass(2_000);
  expect(ask(1, 'GET', '{acme}a')).toBe('$1\r\n1\r\n');
  expect(generationOn(3)).toBeNull();
});

describe('it is whole or not at all', () => {
  beforeEach(() => {
    ask(1, 'SET', '{acme}a', '1');
    loseMajority();
    const [, , , disk] = nodes.disks;
    if (disk !== undefined) disk.isSlow = true;
    expect(ask(4, 'GROUP', 'RECOVER', '1', 'UNSAFE')).toContain('goes on');
    nodes.pass(2_000);
  });

  test('while it is not on disk nothing is served', () => {
    expect(leads(4)).toBe(false);
    nodes.sync(4);
    const [, , , disk] = nodes.disks;
    if (disk !== undefined) disk.isSlow = false;
    nodes.pass(1_000);
    expect(leads(4)).toBe(true);
  });

  test('a crash before that leaves everything as it was', () => {
    nodes.kill(4);
    nodes.start(4);
    nodes.pass(quietMs);
    expect(generationOn(4)).toBe(0);
    expect(leads(4)).toBe(false);
    nodes.start(2);
    nodes.pass(2_000);
    expect(leads(2) || leads(4)).toBe(true);
    expect(ask(1, 'GET', '{acme}a')).toBe('$1\r\n1\r\n');
  });

  test('a crash after that leaves it done', () => {
    nodes.sync(4);
    nodes.kill(4);
    nodes.start(4);
    nodes.pass(2_000);
    expect(generationOn(4)).toBe(100_004);
    expect(leads(4)).toBe(true);
    expect(ask(1, 'GET', '{acme}a')).toBe('$1\r\n1\r\n');
  });
});

test('the metadata group is recovered like any other', () => {
  expect(ask(5, 'TENANT', 'CREATE', 'acme')).toBe('+OK\r\n');
  nodes.kill(1, 2);
  nodes.pass(quietMs);
  recover(3, 0);
  nodes.pass(1_000);
  expect(ask(5, 'TENANT', 'CREATE', 'blue')).toBe('+OK\r\n');
  expect(ask(5, 'TENANT', 'LIST')).toContain('acme');
});

describe('what was lost said that', () => {
  const left = 6;
  const recovered = GroupId(3);

  /** The tenant is in group 3, on the nodes 4, 5 and 6; group 6 is elsewhere. */
  beforeEach(() => {
    begin(7, 6);
    ask(1, 'TENANT', 'CREATE', 'acme', 'IN', '3');
    ask(1, 'SET', '{acme}a', '1');
  });

  function isLeaving(): boolean {
    const machine = nodes.nodes[left - 1]?.groups.get(recovered)?.machine;
    return machine instanceof TenantMachine && machine.moves.hasOutgoing;
  }

  function hearNothing(): void {
    for (const other of [4, 5]) nodes.cut(left, other);
  }

  function loseAndRecover(): void {
    nodes.kill(4, 5);
    nodes.pass(quietMs);
    recover(left, recovered);
  }

  test('a tenant moved away: it stays where it is, and may come back', () => {
    hearNothing();
    expect(ask(1, 'TENANT', 'MOVE', 'acme', 'TO', '6')).toBe('+OK\r\n');
    nodes.pass(2_000);
    expect(ask(1, 'SET', '{acme}a', '2')).toBe('+OK\r\n');
    nodes.kill(4, 5);
    nodes.pass(quietMs);
    expect(ask(left, 'GROUP', 'RECOVER', '3')).toContain('1 tenants that this replica has are in other groups since');
    ask(left, 'GROUP', 'RECOVER', '3', 'UNSAFE');
    for (let i = 0; i < 2_000; i += 20) {
      nodes.send(left, left, 'GET', '{acme}a');
      nodes.pass(20);
    }
    expect(new Set(nodes.replies(left).match(/\$\d\r\n\d\r\n/g))).toEqual(new Set(['$1\r\n2\r\n']));
    expect(ask(left, 'GROUP', 'RECOVER', '3')).toContain('tenants-elsewhere\r\n:0\r\n');
    expect(ask(1, 'TENANT', 'MOVE', 'acme', 'TO', '3')).toBe('+OK\r\n');
    nodes.pass(2_000);
    expect(ask(7, 'TENANT', 'WHERE', 'acme')).toContain('group\r\n:3\r\n');
    expect(ask(7, 'GET', '{acme}a')).toBe('$1\r\n2\r\n');
  });

  test('a tenant was dropped: it is another when it is created again', () => {
    hearNothing();
    expect(ask(1, 'TENANT', 'DROP', 'acme')).toBe('+OK\r\n');
    loseAndRecover();
    expect(ask(1, 'TENANT', 'CREATE', 'acme', 'IN', '3')).toBe('+OK\r\n');
    expect(ask(7, 'GET', '{acme}a')).toBe('$-1\r\n');
  });

  test.each([0, 1, 2, 3])('a tenant left, on whose way it heard the beginning: %i ms of it', (ms) => {
    nodes.send(1, 1, 'TENANT', 'MOVE', 'acme', 'TO', '6');
    for (let i = 0; i < quietMs && !isLeaving(); i += 1) nodes.pass(1);
    nodes.pass(ms);
    hearNothing();
    nodes.pass(2_000);
    expect(nodes.replies(1)).toBe('+OK\r\n');
    expect(ask(1, 'SET', '{acme}a', '2')).toBe('+OK\r\n');
    loseAndRecover();
    nodes.pass(2_000);
    expect(isLeaving()).toBe(false);
    for (const node of [1, left, 7]) expect(ask(node, 'GET', '{acme}a')).toBe('$1\r\n2\r\n');
  });

  test('a tenant moved away, and the group that it came to has lost as much: nothing is deleted', () => {
    hearNothing();
    for (const other of [7, 1]) nodes.cut(2, other);
    ask(3, 'TENANT', 'MOVE', 'acme', 'TO', '6');
    nodes.pass(2_000);
    nodes.kill(7, 1, 4, 5);
    nodes.pass(quietMs);
    recover(2, GroupId(6));
    recover(left, recovered);
    nodes.pass(2 * defaultSettings.commandTimeoutMs);
    const machine = nodes.nodes[left - 1]?.groups.get(recovered)?.machine;
    expect(machine instanceof TenantMachine && machine.tenants.size).toBe(1);
    expect(ask(left, 'GROUP', 'RECOVER', '3')).toContain('tenants-elsewhere\r\n:1\r\n');
  });
});

test('a tenant that moved away in what was lost is not served to who has not heard of its move', () => {
  const [left, stale] = [6, 10];
  begin(10, 6);
  ask(1, 'TENANT', 'CREATE', 'acme', 'IN', '3');
  ask(stale, 'SET', '{acme}a', '1');
  for (const other of [4, 5]) nodes.cut(left, other);
  for (const other of [1, 2, 3, 4, 5, left, 7, 8, 9]) nodes.cut(stale, other);
  ask(1, 'TENANT', 'MOVE', 'acme', 'TO', '6');
  nodes.pass(2_000);
  expect(ask(1, 'SET', '{acme}a', '2')).toBe('+OK\r\n');
  // Nobody says that the tenant is in its new group, but for the map.
  for (const other of [7, 8, 9]) nodes.cut(left, other);
  nodes.kill(4, 5);
  nodes.pass(quietMs);
  recover(left, GroupId(3));
  expect(ask(stale, 'TENANT', 'WHERE', 'acme')).toContain('group\r\n:3\r\n');
  nodes.heal(left, stale);
  nodes.send(stale, stale, 'GET', '{acme}a');
  nodes.pass(2 * defaultSettings.commandTimeoutMs);
  expect(nodes.replies(stale)).toMatch(/^-\w+ not executed/);
});
