/** A group that was recovered is another generation of it, known by its numbers (`docs/decisions/0026`). */
import { describe, expect, test } from 'vitest';
import { NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { firstConfiguration, isRemoved, withLearner } from '../../core/raft/configuration.ts';
import { firstReplicaOf, firstTermOf, generationOf, isOutlived, nextGeneration } from '../../core/raft/generation.ts';
import { electionMs, heartbeatMs, RaftCluster } from './cluster.ts';

const alone = (generation: number, node: number) =>
  firstConfiguration([{ replica: firstReplicaOf(generation), node: NodeId(node) }]);

describe('a generation is a band of numbers', () => {
  test.each([
    [0, 4, 100_004],
    [100_004, 4, 200_004],
    [100_004, 2, 200_002],
    [200_002, 65_535, 365_535],
  ])('behind %i node %i begins %i', (known, node, next) => {
    expect(nextGeneration(known, NodeId(node))).toBe(next);
  });

  test('every later one is higher in all its numbers', () => {
    let known = 0;
    for (let next = nextGeneration(0, NodeId(65_535)); next !== null; next = nextGeneration(next, NodeId(65_535))) {
      expect(next).toBeGreaterThan(known);
      expect(firstReplicaOf(next)).toBeGreaterThan(firstReplicaOf(known) + 1_000_000);
      expect(firstTermOf(next)).toBeGreaterThan(firstTermOf(known) + 1_000_000);
      for (const number of [firstReplicaOf(next), firstTermOf(next)]) {
        expect(generationOf(number)).toBe(next);
        expect(Number.isSafeInteger(number + 1_000_000)).toBe(true);
      }
      known = next;
    }
    expect(known).toBeGreaterThan(100 * 100_000);
  });

  test('two nodes never begin the same one', () => {
    expect(nextGeneration(0, NodeId(1))).not.toBe(nextGeneration(0, NodeId(2)));
  });

  test('whoever was there before is no member, even if nobody knew of it, and whoever comes later is', () => {
    const configuration = alone(100_004, 4);
    for (const id of [1, 2, 3, 99]) {
      expect(isOutlived(ReplicaId(id), configuration)).toBe(true);
      expect(isRemoved(configuration, ReplicaId(id))).toBe(true);
    }
    const { highest } = withLearner(configuration, NodeId(2), true, null);
    expect(generationOf(highest)).toBe(100_004);
    expect(isOutlived(highest, configuration)).toBe(false);
    expect(isOutlived(highest, alone(100_005, 5))).toBe(true);
  });
});

describe('the first replica of a generation', () => {
  function recovered(): { readonly cluster: RaftCluster; readonly first: number } {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.propose(1, 'kept');
    cluster.settle();
    cluster.pass(heartbeatMs);
    cluster.settle();
    return { cluster, first: cluster.beginGeneration(3, 100_003) };
  }

  test('has the log, and needs nobody', () => {
    const { cluster, first } = recovered();
    const { log, commitIndex } = cluster.raft(first).state;
    cluster.sync(first);
    cluster.elect(first);
    expect(cluster.raft(first).state.term).toBe(firstTermOf(100_003) + 1);
    expect(cluster.raft(first).configuration).toEqual(alone(100_003, 3));
    expect(cluster.raft(first).state.commitIndex).toBeGreaterThan(commitIndex);
    expect(log.termAt(cluster.raft(1).state.commitIndex)).toBe(Term(1));
  });

  test('waits as long as a lease may last that it knows nothing of', () => {
    const { cluster, first } = recovered();
    const { deadlineAt } = cluster.raft(first);
    expect(deadlineAt).toBeGreaterThanOrEqual(cluster.now + electionMs);
  });

  test('leads only when its generation is on disk', () => {
    const { cluster, first } = recovered();
    cluster.fire(first);
    expect(cluster.raft(first).state.role).toBe('candidate');
    cluster.sync(first);
    expect(cluster.raft(first).state.role).toBe('leader');
  });

  test('is what it was after a crash, or what it was before', () => {
    const after = recovered();
    after.cluster.crash(after.first, 1);
    expect(after.cluster.raft(after.first).configuration).toEqual(alone(100_003, 3));
    expect(after.cluster.raft(after.first).state.term).toBe(firstTermOf(100_003));
    const before = recovered();
    before.cluster.crash(before.first, 0);
    expect(before.cluster.raft(before.first).state.term).toBe(1);
  });

  test('tells what is left of the one before, whatever its term', () => {
    const { cluster, first } = recovered();
    cluster.sync(first);
    cluster.elect(first);
    cluster.flying.length = 0;
    for (const id of [1, 2]) {
      cluster.standDown(id, first);
      cluster.settle();
      expect(cluster.raft(id).state.isRemoved).toBe(true);
    }
  });
});

describe('a replica that hears of a later generation', () => {
  function told(id: number): RaftCluster {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.standDown(id, 900);
    return cluster;
  }

  test('asks, again and again, and does nothing else', () => {
    const cluster = told(2);
    for (let i = 0; i < 3; i += 1) {
      expect(cluster.flying.map(({ to, message }) => `${String(to)} ${message.kind}`)).toEqual(['900 heartbeatReply']);
      cluster.flying.length = 0;
      cluster.fire(2);
    }
    expect(cluster.raft(2).state).toMatchObject({ role: 'follower', leader: null, term: 1 });
  });

  test('acknowledges nothing and grants nothing', () => {
    const cluster = told(2);
    cluster.flying.length = 0;
    cluster.propose(1, 'more');
    cluster.pass(heartbeatMs);
    while (cluster.flying.length > 0) {
      const [next] = cluster.flying;
      expect(next?.from).not.toBe(2);
      if (next?.to === 2) cluster.deliver(0);
      else cluster.drop(0);
    }
    expect(cluster.raft(2).state.log.lastIndex).toBe(1);
  });

  test('says no more what it was about to say when its disk is ready', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.propose(1, 'more');
    const at = cluster.flying.findIndex(({ to, message }) => to === 2 && message.kind === 'append');
    cluster.deliver(at);
    cluster.flying.length = 0;
    cluster.standDown(2, 900);
    cluster.sync(2);
    expect(cluster.flying.map(({ to }) => to)).toEqual([900]);
  });

  test('leads no more', () => {
    const cluster = told(1);
    expect(cluster.raft(1).state.role).toBe('follower');
    cluster.propose(1, 'more');
    expect(cluster.raft(1).state.log.lastIndex).toBe(1);
  });
});

test('voters that ask for votes say how far they are, until there is a leader', () => {
  const cluster = new RaftCluster(3);
  cluster.elect(1);
  cluster.propose(1, 'more');
  cluster.settle();
  cluster.pass(2 * electionMs);
  cluster.flying.length = 0;
  cluster.fire(2);
  cluster.deliver(cluster.flying.findIndex(({ to }) => to === 3));
  expect([...cluster.raft(3).state.petitions]).toEqual([[2, { lastIndex: 2, lastTerm: 1, at: cluster.now }]]);
  cluster.settle();
  cluster.fire(2);
  cluster.settle();
  expect(cluster.raft(3).state.petitions.size).toBe(0);
});
