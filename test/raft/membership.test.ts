/** §4 of Ongaro's dissertation: who belongs to a group, and how that changes. */
import { describe, expect, test } from 'vitest';
import { LogIndex, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { firstConfiguration, isRemoved } from '../../core/raft/configuration.ts';
import type { Configuration } from '../../core/raft/types.ts';
import { decodeConfiguration, encodeConfiguration } from '../../core/wire/configuration.ts';
import { RaftLog } from '../../core/raft/log.ts';
import type { MembershipChange } from '../../core/raft/raft.ts';
import { electionMs, heartbeatMs, RaftCluster } from './cluster.ts';

const add = (node: number, replaces: number | null = null): MembershipChange => ({
  kind: 'add',
  node: NodeId(node),
  joins: true,
  replaces: replaces === null ? null : ReplicaId(replaces),
});
const learner = (node: number): MembershipChange => ({ kind: 'add', node: NodeId(node), joins: false, replaces: null });
const remove = (replica: number): MembershipChange => ({ kind: 'remove', replica: ReplicaId(replica) });

function led(size: number): RaftCluster {
  const cluster = new RaftCluster(size);
  cluster.elect(1);
  return cluster;
}

/** Some heartbeats, so that learners are looked at. */
function beat(cluster: RaftCluster, times = 4): void {
  for (let i = 0; i < times; i += 1) {
    cluster.pass(heartbeatMs);
    cluster.settle();
  }
}

const ids = (members: readonly { readonly replica: number }[]): readonly number[] => members.map((m) => m.replica);
const voters = (cluster: RaftCluster, id: number): readonly number[] => ids(cluster.raft(id).configuration.voters);

/** Nobody is heard by the replica, nor it by them. */
function isolate(cluster: RaftCluster, id: number): void {
  for (let at = cluster.flying.length - 1; at >= 0; at -= 1) {
    const { from, to } = cluster.flying[at] ?? {};
    if (from === id || to === id) cluster.drop(at);
  }
}

describe('§4.2.1 a replica that is added', () => {
  test('learns without a vote, and has one when it has caught up', () => {
    const cluster = led(3);
    for (let i = 0; i < 20; i += 1) cluster.propose(1, `entry ${String(i)}`);
    cluster.settle();
    expect(cluster.change(1, add(4))).toBe('begun');
    expect(voters(cluster, 1)).toEqual([1, 2, 3]);
    cluster.settle();
    expect(ids(cluster.raft(1).configuration.learners)).toEqual([4]);
    beat(cluster);
    expect(voters(cluster, 1)).toEqual([1, 2, 3, 4]);
    expect(voters(cluster, 4)).toEqual([1, 2, 3, 4]);
    expect(cluster.raft(1).configuration).toMatchObject({ outgoing: [], learners: [], highest: 4 });
  });

  test('is not spoken to before its addition is committed', () => {
    const cluster = led(3);
    cluster.change(1, add(4));
    cluster.pass(heartbeatMs);
    expect(cluster.flying.some(({ to }) => to === 4)).toBe(false);
    cluster.settle();
    cluster.pass(heartbeatMs);
    expect(cluster.flying.some(({ to }) => to === 4)).toBe(true);
  });

  test('does not count for a majority while it learns', () => {
    const cluster = led(1);
    cluster.change(1, learner(2));
    cluster.settle();
    expect(cluster.raft(1).configuration.learners).toHaveLength(1);
    beat(cluster);
    expect(voters(cluster, 1)).toEqual([1]);
    const { commitIndex } = cluster.raft(1).state;
    cluster.propose(1, 'alone');
    cluster.sync(1);
    expect(cluster.raft(1).state.commitIndex).toBe(commitIndex + 1);
    beat(cluster);
    expect(cluster.raft(2).state.commitIndex).toBe(commitIndex + 1);
  });

  test('never campaigns while it learns', () => {
    const cluster = led(1);
    cluster.change(1, learner(2));
    beat(cluster);
    cluster.flying.length = 0;
    cluster.fire(2);
    expect(cluster.raft(2).state.role).toBe('follower');
    expect(cluster.flying.map(({ message }) => message.kind)).toEqual(['heartbeatReply']);
  });
});

describe('§4.3 joint consensus', () => {
  test('needs majorities of the old voters and of the new ones', () => {
    const cluster = led(3);
    cluster.change(1, add(4, 3));
    cluster.settle();
    for (let i = 0; i < 4 && cluster.raft(1).configuration.outgoing.length === 0; i += 1) {
      cluster.pass(heartbeatMs);
      while (cluster.flying.length > 0 && cluster.raft(1).configuration.outgoing.length === 0) {
        for (const id of cluster.ids) cluster.sync(id);
        cluster.deliver(0);
      }
    }
    const { configuration } = cluster.raft(1);
    expect([ids(configuration.voters), ids(configuration.outgoing)]).toEqual([
      [1, 2, 4],
      [1, 2, 3],
    ]);
    cluster.settle();
    expect(cluster.raft(1).configuration).toMatchObject({ outgoing: [] });
    expect(voters(cluster, 4)).toEqual([1, 2, 4]);
  });

  test('is left by the next leader if the one that began it is gone', () => {
    const cluster = led(4);
    cluster.change(1, remove(4));
    expect(cluster.raft(1).configuration.outgoing).toHaveLength(4);
    while (cluster.raft(2).configuration.outgoing.length === 0) {
      cluster.sync(1);
      cluster.deliver(0);
    }
    cluster.flying.length = 0;
    for (const id of [2, 3, 4]) cluster.sync(id);
    cluster.flying.length = 0;
    cluster.pass(4 * electionMs);
    for (let i = 0; i < 1_000 && cluster.raft(2).configuration.outgoing.length > 0; i += 1) {
      isolate(cluster, 1);
      for (const id of [2, 3, 4]) cluster.sync(id);
      if (cluster.flying.length === 0) cluster.pass(heartbeatMs);
      else cluster.deliver(0);
    }
    expect(cluster.raft(2).state.term).toBeGreaterThan(1);
    expect(voters(cluster, 2)).toEqual([1, 2, 3]);
  });
});

describe('§4.1 one change at a time', () => {
  test('a second one is refused while the first is under way', () => {
    const cluster = led(3);
    expect(cluster.change(1, learner(4))).toBe('begun');
    expect(cluster.change(1, learner(5))).toBe('busy');
    cluster.settle();
    expect(cluster.change(1, learner(5))).toBe('begun');
  });

  test('a leader that has committed nothing in its term changes nothing', () => {
    const cluster = new RaftCluster(3);
    cluster.fire(1);
    for (let i = 0; i < 100 && cluster.raft(1).state.role !== 'leader'; i += 1) {
      for (const id of cluster.ids) cluster.sync(id);
      cluster.deliver(0);
    }
    expect(cluster.change(1, learner(4))).toBe('busy');
    expect(cluster.change(2, learner(4))).toBe('notLeader');
  });

  test('what would leave too few voters alive is refused', () => {
    const cluster = led(3);
    for (let i = 0; i < 2 * (electionMs / heartbeatMs); i += 1) {
      cluster.pass(heartbeatMs);
      while (cluster.flying.length > 0) {
        isolate(cluster, 3);
        for (const id of [1, 2]) cluster.sync(id);
        if (cluster.flying.length > 0) cluster.deliver(0);
      }
    }
    expect(cluster.raft(1).state.role).toBe('leader');
    expect(cluster.change(1, remove(2))).toBe('unsafe');
    expect(cluster.change(1, add(2, 2))).toBe('unsafe');
    expect(cluster.change(1, remove(3))).toBe('begun');
  });
});

describe('§4.2.2 a leader that is removed', () => {
  test('leads until that is committed, then another does, and it is done for', () => {
    const cluster = led(3);
    cluster.change(1, remove(1));
    cluster.settle();
    expect(cluster.raft(1).state).toMatchObject({ role: 'follower', isRemoved: true });
    expect([2, 3].map((id) => cluster.raft(id).state.role).sort()).toEqual(['follower', 'leader']);
    expect(cluster.leader?.configuration.voters.map(({ replica }) => replica)).toEqual([2, 3]);
    expect(cluster.change(1, learner(4))).toBe('notLeader');
  });
});

test('a leader in whose place, on its own node, another is to begin hands over', () => {
  const cluster = led(3);
  expect(cluster.change(1, add(1, 1))).toBe('begun');
  beat(cluster);
  expect([1, 2, 3].filter((id) => cluster.raft(id).state.role === 'leader')).not.toContain(1);
  expect(cluster.raft(1).state.term).toBeGreaterThan(1);
});

describe('a replica that was removed while it was away', () => {
  test('is told so when it asks for votes, and asks no more', () => {
    const cluster = led(3);
    cluster.change(1, remove(3));
    for (let i = 0; i < 100 && cluster.raft(1).configuration.outgoing.length > 0; i += 1) {
      isolate(cluster, 3);
      for (const id of [1, 2]) cluster.sync(id);
      if (cluster.flying.length > 0) cluster.deliver(0);
      else cluster.pass(heartbeatMs);
    }
    isolate(cluster, 3);
    cluster.settle();
    expect(cluster.raft(3).state.isRemoved).toBe(false);
    cluster.fire(3);
    cluster.settle();
    expect(cluster.raft(3).state.isRemoved).toBe(true);
    cluster.fire(3);
    expect(cluster.flying).toEqual([]);
    expect(cluster.raft(1).state.role).toBe('leader');
  });
});

describe('the configuration in the log', () => {
  const first = firstConfiguration([{ replica: ReplicaId(1), node: NodeId(1) }]);
  const second: Configuration = {
    voters: first.voters,
    outgoing: [],
    learners: [{ replica: ReplicaId(2), node: NodeId(7), joins: true, replaces: ReplicaId(1) }],
    highest: ReplicaId(2),
  };
  const entry = (index: number, configuration: Configuration | null) => ({
    index: LogIndex(index),
    term: Term(1),
    kind: configuration === null ? ('noop' as const) : ('configuration' as const),
    data: configuration === null ? new Uint8Array() : encodeConfiguration(configuration),
  });
  const made = () =>
    new RaftLog({ index: LogIndex(0), term: Term(0) }, first, [entry(1, null), entry(2, second), entry(3, null)]);

  test('holds from its entry on, and is gone with it', () => {
    const log = made();
    expect(log.era).toMatchObject({ since: 2, configuration: second });
    expect(log.configurationAt(LogIndex(1))).toEqual(first);
    expect(log.configurationAt(LogIndex(2))).toEqual(second);
    expect(log.nodeOf(ReplicaId(2))).toBe(7);
    log.truncateFrom(LogIndex(2));
    expect(log.era).toMatchObject({ since: 0, configuration: first });
  });

  test('outlives the entries that a snapshot stands for', () => {
    const log = made();
    log.compactTo(LogIndex(3));
    expect(log.era.configuration).toEqual(second);
    expect(log.previousEra).toBeNull();
    log.resetTo({ index: LogIndex(9), term: Term(2) }, first);
    expect(log.era).toMatchObject({ since: 9, configuration: first });
  });

  test('is the same bytes again, and nothing else is a configuration', () => {
    const bytes = encodeConfiguration(second);
    expect(decodeConfiguration(bytes)).toEqual(second);
    expect(decodeConfiguration(bytes.subarray(0, bytes.length - 1))).toBeNull();
    expect(decodeConfiguration(Uint8Array.of(...bytes, 0))).toBeNull();
  });

  test('says who was a member once', () => {
    expect(isRemoved(second, ReplicaId(1))).toBe(false);
    expect(isRemoved({ ...second, learners: [] }, ReplicaId(2))).toBe(true);
    expect(isRemoved(second, ReplicaId(3))).toBe(false);
  });
});

test('a member that has not answered this leader, or not since its link was down, is not counted on', () => {
  const cluster = new RaftCluster(3);
  cluster.fire(1);
  while (cluster.raft(1).state.role !== 'leader') {
    for (const id of [1, 2, 3]) cluster.sync(id);
    cluster.deliver(0);
  }
  for (let i = 0; i < 20; i += 1) {
    for (const id of [1, 2]) cluster.sync(id);
    if (cluster.flying[0]?.to === 3) cluster.drop(0);
    else cluster.deliver(0);
  }
  expect(cluster.raft(1).state.commitIndex).toBe(1);
  expect(cluster.change(1, remove(2))).toBe('unsafe');
  beat(cluster);
  cluster.raft(1).onLinkDown(ReplicaId(3));
  expect(cluster.change(1, remove(2))).toBe('unsafe');
  beat(cluster);
  expect(cluster.change(1, remove(2))).toBe('begun');
});
