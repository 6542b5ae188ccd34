/** Groups that have nothing to do say nothing, and wake when there is something. */
import { describe, expect, test } from 'vitest';
import { LogIndex, ReplicaId, Term } from '../../core/base/ids.ts';
import { electionMs, heartbeatMs, RaftCluster } from './cluster.ts';

/** Long enough that a group without work rests. */
const quietMs = 4 * electionMs;

function beatFor(cluster: RaftCluster, ms: number, isHeard: (id: number) => boolean = () => true): void {
  for (let passed = 0; passed < ms; passed += heartbeatMs) {
    cluster.pass(heartbeatMs);
    settle(cluster, isHeard);
  }
}

function settle(cluster: RaftCluster, isHeard: (id: number) => boolean): void {
  for (;;) {
    for (const id of cluster.ids) cluster.sync(id);
    const [next] = cluster.flying;
    if (next === undefined) return;
    if (isHeard(next.from) && isHeard(next.to)) cluster.deliver(0);
    else cluster.drop(0);
  }
}

function resting(cluster: RaftCluster): readonly number[] {
  return cluster.ids.filter((id) => cluster.raft(id).state.isResting);
}

function atRest(): RaftCluster {
  const cluster = new RaftCluster(3, { rests: true });
  cluster.elect(1);
  cluster.propose(1, 'something');
  cluster.settle();
  beatFor(cluster, quietMs);
  expect(resting(cluster)).toEqual([1, 2, 3]);
  return cluster;
}

describe('a group rests', () => {
  test('when nothing was asked of it for a while: then no timer runs and nothing is said', () => {
    const cluster = atRest();
    for (const id of [1, 2, 3]) expect(cluster.raft(id).deadlineAt).toBeNull();
    cluster.pass(100 * electionMs);
    expect(cluster.flying).toEqual([]);
    expect(cluster.raft(1).state.role).toBe('leader');
  });

  test('not while it is asked for something', () => {
    const cluster = new RaftCluster(3, { rests: true });
    cluster.elect(1);
    for (let i = 0; i < 20; i += 1) {
      cluster.read(1);
      beatFor(cluster, 2 * heartbeatMs);
      expect(resting(cluster)).toEqual([]);
    }
  });

  test('not while a replica whose node is alive lacks something', () => {
    const cluster = new RaftCluster(3, { rests: true });
    cluster.elect(1);
    const isHeard = (id: number): boolean => id !== 3;
    cluster.propose(1, 'something');
    for (let passed = 0; passed < quietMs; passed += heartbeatMs) {
      cluster.nodesHeardAt.set(ReplicaId(3), cluster.now);
      beatFor(cluster, heartbeatMs, isHeard);
    }
    expect(resting(cluster)).toEqual([]);
  });

  test('without a replica whose node is dead', () => {
    const cluster = new RaftCluster(3, { rests: true });
    cluster.elect(1);
    cluster.drop(0);
    cluster.propose(1, 'something');
    beatFor(cluster, quietMs, (id) => id !== 3);
    expect(resting(cluster)).toEqual([1, 2]);
  });

  test('only where the log is what the leader takes it for', () => {
    const cluster = new RaftCluster(3, { rests: true });
    cluster.elect(1);
    const { term } = cluster.raft(1).state;
    cluster.raft(2).step(ReplicaId(1), { kind: 'rest', term, commit: LogIndex(99) }, cluster.now);
    expect(resting(cluster)).toEqual([]);
  });
});

describe('a group at rest wakes', () => {
  test('for a write, and everybody has it', () => {
    const cluster = atRest();
    const { commitIndex } = cluster.raft(1).state;
    cluster.propose(1, 'more');
    expect(cluster.raft(1).state.isResting).toBe(false);
    cluster.settle();
    beatFor(cluster, heartbeatMs);
    expect(resting(cluster)).toEqual([]);
    for (const id of [1, 2, 3]) expect(cluster.raft(id).state.commitIndex).toBe(commitIndex + 1);
    beatFor(cluster, quietMs);
    expect(resting(cluster)).toEqual([1, 2, 3]);
  });

  test('for a read, which asks the quorum', () => {
    const cluster = atRest();
    cluster.read(1);
    expect(cluster.readsConfirmed).toBe(0);
    cluster.settle();
    expect(cluster.readsConfirmed).toBe(1);
  });

  test('when a vote is asked for, which is refused: the leader is well', () => {
    const cluster = atRest();
    for (const id of [1, 2]) cluster.nodesHeardAt.set(ReplicaId(id), cluster.now);
    cluster.wake(3);
    expect(cluster.raft(3).deadlineAt).not.toBeNull();
    cluster.fire(3);
    for (const id of [1, 2]) cluster.nodesHeardAt.set(ReplicaId(id), cluster.now);
    cluster.settle();
    expect(cluster.raft(1).state).toMatchObject({ role: 'leader', term: 1, isResting: false });
    expect(cluster.raft(3).state).toMatchObject({ role: 'follower', leader: 1 });
  });

  test('when the node of its leader is silent, and elects another', () => {
    const cluster = atRest();
    cluster.wake(2);
    cluster.wake(3);
    cluster.pass(2 * electionMs);
    beatFor(cluster, 3 * electionMs, (id) => id !== 1);
    expect([2, 3].filter((id) => cluster.raft(id).state.role === 'leader')).toHaveLength(1);
    expect(cluster.raft(1).state).toMatchObject({ role: 'leader', isResting: true });
    // The node of the old leader is heard again.
    for (const id of [2, 3]) cluster.wake(id);
    beatFor(cluster, electionMs);
    expect(cluster.raft(1).state.role).toBe('follower');
  });

  test('but not for an answer that comes late', () => {
    const cluster = atRest();
    const { term, round } = cluster.raft(1).state;
    cluster.raft(1).step(ReplicaId(2), { kind: 'heartbeatReply', term, round }, cluster.now);
    expect(cluster.raft(1).state.isResting).toBe(true);
    cluster.raft(1).step(ReplicaId(2), { kind: 'heartbeatReply', term: Term(term + 1), round: 0 }, cluster.now);
    expect(cluster.raft(1).state).toMatchObject({ role: 'follower', isResting: false });
  });
});

test('a replica whose node is alive is caught up only once it has answered since its link broke', () => {
  const cluster = new RaftCluster(3, { rests: true });
  cluster.elect(1);
  cluster.propose(1, 'something');
  cluster.settle();
  const isCaughtUp = (): boolean => cluster.raft(1).isCaughtUp(ReplicaId(2), cluster.now);
  expect(isCaughtUp()).toBe(true);
  cluster.raft(1).onLinkDown(ReplicaId(2));
  expect(isCaughtUp()).toBe(false);
  beatFor(cluster, heartbeatMs);
  expect(isCaughtUp()).toBe(true);
});
