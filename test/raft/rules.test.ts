/** One rule a test, named by the section of Ongaro's dissertation that states it. */
import { describe, expect, test } from 'vitest';
import { LogIndex, ReplicaId, Term } from '../../core/base/ids.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import { electionMs, type Flying, heartbeatMs, RaftCluster } from './cluster.ts';

const kinds = (flying: readonly Flying[]): readonly string[] =>
  flying.map(({ from, to, message }) => `${String(from)}>${String(to)} ${message.kind}`);

function request(
  term: number,
  lastIndex: number,
  lastTerm: number,
  extra: Partial<{ pre: boolean; transfer: boolean }> = {},
): RaftMessage {
  return {
    kind: 'voteRequest',
    term: Term(term),
    pre: false,
    transfer: false,
    lastIndex: LogIndex(lastIndex),
    lastTerm: Term(lastTerm),
    ...extra,
  };
}

/** What one replica says to a message, once its disk has synced. */
function answers(cluster: RaftCluster, from: number, to: number, message: RaftMessage): readonly RaftMessage[] {
  cluster.flying.length = 0;
  cluster.flying.push({ from: ReplicaId(from), to: ReplicaId(to), message });
  cluster.deliver(0);
  cluster.sync(to);
  return cluster.flying.splice(0).map(({ message: answer }) => answer);
}

describe('§9.6 pre-vote', () => {
  test('asks everybody, changes no term, writes nothing', () => {
    const cluster = new RaftCluster(3);
    cluster.fire(1);
    expect(kinds(cluster.flying)).toEqual(['1>2 voteRequest', '1>3 voteRequest']);
    expect(cluster.raft(1).state).toMatchObject({ role: 'preCandidate', term: 0, votedFor: null });
  });

  test('a replica that comes back from a partition deposes nobody', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    let campaigns = 0;
    for (let i = 0; i < 30; i += 1) {
      cluster.pass(heartbeatMs);
      while (cluster.flying.length > 0) {
        const [next] = cluster.flying;
        const isCutOff = next?.from === 3 || next?.to === 3;
        if (next?.from === 3 && next.message.kind === 'voteRequest') campaigns += 1;
        if (isCutOff) cluster.drop(0);
        else cluster.deliver(0);
      }
    }
    expect(campaigns).toBeGreaterThan(2);
    cluster.pass(heartbeatMs);
    cluster.settle();
    expect(cluster.raft(1).state).toMatchObject({ role: 'leader', term: 1 });
    expect(cluster.raft(3).state).toMatchObject({ role: 'follower', term: 1, leader: 1 });
  });
});

describe('§3.4 votes', () => {
  test('one per term, and the vote is on disk before it is given', () => {
    const cluster = new RaftCluster(3);
    cluster.flying.push({ from: ReplicaId(1), to: ReplicaId(2), message: request(1, 0, 0) });
    cluster.deliver(0);
    expect(cluster.flying).toEqual([]);
    cluster.sync(2);
    expect(cluster.flying.splice(0).map(({ message }) => message)).toEqual([
      { kind: 'voteReply', term: 1, pre: false, granted: true },
    ]);
    expect(answers(cluster, 3, 2, request(1, 0, 0))).toEqual([
      { kind: 'voteReply', term: 1, pre: false, granted: false },
    ]);
    expect(answers(cluster, 1, 2, request(1, 0, 0))).toEqual([
      { kind: 'voteReply', term: 1, pre: false, granted: true },
    ]);
  });

  test('a crash does not forget a vote', () => {
    const cluster = new RaftCluster(3);
    answers(cluster, 1, 2, request(1, 0, 0));
    cluster.crash(2, 0);
    cluster.pass(2 * electionMs + 1);
    expect(answers(cluster, 3, 2, request(1, 0, 0))).toContainEqual({
      kind: 'voteReply',
      term: 1,
      pre: false,
      granted: false,
    });
  });
});

test('§3.6.1 no vote for a log that is behind: by its last term, then by its length', () => {
  const granted = (lastIndex: number, lastTerm: number): boolean | undefined => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.propose(1, 'a');
    cluster.settle();
    cluster.pass(3 * electionMs);
    const [answer] = answers(cluster, 3, 2, request(9, lastIndex, lastTerm, { transfer: true }));
    return answer?.kind === 'voteReply' ? answer.granted : undefined;
  };
  expect(granted(2, 1)).toBe(true);
  expect(granted(1, 2)).toBe(true);
  expect(granted(1, 1)).toBe(false);
  expect(granted(9, 0)).toBe(false);
});

test('§4.2.3 who hears a leader gives no vote, except in a transfer', () => {
  const cluster = new RaftCluster(3);
  cluster.elect(1);
  expect(answers(cluster, 3, 2, request(2, 9, 9))).toEqual([]);
  expect(answers(cluster, 3, 2, request(2, 9, 9, { transfer: true }))).toEqual([
    { kind: 'voteReply', term: 2, pre: false, granted: true },
  ]);
});

describe('§3.5 replication', () => {
  test('no more bytes are on their way to a follower than it is to get at a time, unless it is one entry', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    const onTheirWay = (): number =>
      cluster.flying
        .filter(({ to, message }) => to === 2 && message.kind === 'append')
        .flatMap(({ message }) => (message.kind === 'append' ? message.entries : []))
        .reduce((bytes, { data }) => bytes + data.length, 0);
    for (let i = 0; i < 10; i += 1) cluster.propose(1, 'x'.repeat(90));
    expect(onTheirWay()).toBe(270);
    cluster.settle();
    cluster.propose(1, 'x'.repeat(500));
    expect(onTheirWay()).toBe(500);
    cluster.settle();
    expect(cluster.raft(2).state.log.lastIndex).toBe(cluster.raft(1).state.log.lastIndex);
  });

  test('a follower acknowledges what its disk has, not before', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.propose(1, 'a');
    cluster.sync(1);
    cluster.deliver(0);
    expect(kinds(cluster.flying)).toEqual(['1>3 append']);
    cluster.sync(2);
    expect(kinds(cluster.flying)).toEqual(['1>3 append', '2>1 appendReply']);
  });

  test('a log that differs is replaced from where it differs', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    for (const text of ['lost', 'lost too']) cluster.propose(1, text);
    cluster.sync(1);
    cluster.flying.length = 0;
    cluster.pass(3 * electionMs);
    cluster.flying.length = 0;
    cluster.elect(2);
    cluster.propose(2, 'kept');
    for (let round = 0; round < 20; round += 1) {
      cluster.settle();
      cluster.pass(heartbeatMs);
    }
    cluster.settle();
    const log = (id: number): unknown =>
      cluster
        .raft(id)
        .entriesBetween(LogIndex(0), LogIndex(99))
        .map(({ index, term }) => `${String(index)}@${String(term)}`);
    expect(log(1)).toEqual(log(2));
    expect(log(3)).toEqual(log(2));
  });
});

test('§3.6.2 an entry of an earlier term is not committed by counting', () => {
  const cluster = new RaftCluster(3);
  cluster.elect(1);
  cluster.propose(1, 'old');
  cluster.sync(1);
  cluster.deliver(0);
  cluster.sync(2);
  cluster.flying.length = 0;
  cluster.crash(1, 0);
  cluster.pass(3 * electionMs);
  cluster.flying.length = 0;
  cluster.fire(2);
  while (cluster.raft(2).state.role !== 'leader') {
    for (const id of [1, 2, 3]) cluster.sync(id);
    cluster.deliver(0);
  }
  const old = cluster.raft(2).state.termStart - 1;
  expect(cluster.raft(2).state.commitIndex).toBeLessThan(old);
  cluster.settle();
  expect(cluster.raft(2).state.commitIndex).toBe(old + 1);
});

describe('§6.4 reads', () => {
  test('a new leader answers none before it has committed in its own term', () => {
    const cluster = new RaftCluster(3);
    cluster.fire(1);
    while (cluster.raft(1).state.role !== 'leader') {
      for (const id of [1, 2, 3]) cluster.sync(id);
      cluster.deliver(0);
    }
    expect(cluster.raft(1).requestRead(cluster.now)).toBeNull();
    cluster.settle();
    const round = cluster.raft(1).state.round + 1;
    expect(cluster.raft(1).requestRead(cluster.now)).toEqual({ kind: 'round', round, index: 1 });
  });

  test('a round that began before the read does not confirm it', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.pass(heartbeatMs);
    const inFlight = cluster.raft(1).state.round;
    cluster.read(1);
    expect(cluster.raft(1).state.round).toBe(inFlight + 1);
    const isConfirmed = (round: number): boolean => cluster.raft(1).state.confirmedRound >= round;
    while (!isConfirmed(inFlight)) cluster.deliver(0);
    expect(cluster.readsConfirmed).toBe(0);
    cluster.settle();
    expect(isConfirmed(inFlight + 1)).toBe(true);
    expect(cluster.readsConfirmed).toBe(1);
  });

  test('a leader that is cut off confirms nothing and steps down', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.read(1);
    for (let i = 0; i < 10; i += 1) {
      cluster.flying.length = 0;
      cluster.pass(heartbeatMs);
    }
    expect(cluster.readsConfirmed).toBe(0);
    expect(cluster.raft(1).state.role).not.toBe('leader');
  });
});

describe('§6.4 reads at a member that does not lead', () => {
  const reads = (cluster: RaftCluster): readonly string[] => cluster.flying.map(({ message }) => message.kind);

  test('wait until the leader says what must be applied, after a round of its own', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.propose(1, 'a');
    cluster.settle();
    cluster.read(3);
    cluster.read(3);
    expect(cluster.readsConfirmed).toBe(0);
    cluster.settle();
    expect(cluster.readsConfirmed).toBe(2);
  });

  test('are asked for again when nothing was heard for an election timeout', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.read(3);
    expect(reads(cluster)).toEqual(['readRequest']);
    cluster.flying.length = 0;
    for (let passed = 0; passed < 2 * electionMs; passed += heartbeatMs) {
      cluster.pass(heartbeatMs);
      cluster.settle();
    }
    expect(cluster.readsConfirmed).toBe(1);
  });

  test('keep a member from resting until they are answered', () => {
    const cluster = new RaftCluster(3, { rests: true });
    cluster.elect(1);
    for (let i = 0; i < 2; i += 1) {
      cluster.pass(heartbeatMs);
      cluster.settle();
    }
    cluster.read(3);
    cluster.drop(reads(cluster).indexOf('readRequest'));
    for (let i = 0; i < 20; i += 1) {
      for (const id of cluster.ids) cluster.nodesHeardAt.set(id, cluster.now);
      cluster.pass(heartbeatMs);
      cluster.settle();
    }
    expect(cluster.readsConfirmed).toBe(1);
  });

  test('are not answered by a leader that most do not hear', () => {
    const cluster = new RaftCluster(5);
    cluster.elect(1);
    cluster.read(2);
    for (let i = 0; i < 40 && cluster.flying.length > 0; i += 1) {
      const at = cluster.flying.findIndex(({ from, to }) => from <= 2 && to <= 2);
      if (at < 0) cluster.drop(0);
      else cluster.deliver(at);
    }
    expect(cluster.readsConfirmed).toBe(0);
  });

  test('are not answered by what an earlier life of the member was told', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.read(3);
    while (!reads(cluster).includes('readReply')) cluster.deliver(0);
    const late = cluster.flying.splice(reads(cluster).indexOf('readReply'), 1);
    cluster.crash(3, 9);
    cluster.pass(heartbeatMs);
    cluster.settle();
    cluster.propose(1, 'later');
    cluster.settle();
    cluster.read(3);
    cluster.flying.unshift(...late);
    cluster.deliver(0);
    expect(cluster.readsConfirmed).toBe(0);
    cluster.settle();
    expect(cluster.readsConfirmed).toBe(1);
  });
});

test('bytes of earlier terms that are not committed count against a new leader', () => {
  const cluster = new RaftCluster(3);
  cluster.elect(1);
  cluster.propose(1, 'x'.repeat(12_000));
  expect(cluster.raft(1).canPropose).toBe('busy');
  while (cluster.flying.length > 0) {
    if (cluster.flying[0]?.to === 2) cluster.deliver(0);
    else cluster.drop(0);
  }
  cluster.sync(2);
  cluster.flying.length = 0;
  cluster.pass(3 * electionMs);
  cluster.flying.length = 0;
  cluster.fire(2);
  for (let steps = 0; steps < 100 && cluster.raft(2).state.role !== 'leader'; steps += 1) {
    for (const id of cluster.ids) cluster.sync(id);
    cluster.deliver(0);
  }
  expect(cluster.raft(2).state).toMatchObject({ role: 'leader', uncommittedBytes: 12_000 });
  expect(cluster.raft(2).canPropose).toBe('busy');
  cluster.settle();
  expect(cluster.raft(2).state.uncommittedBytes).toBe(0);
  expect(cluster.raft(2).canPropose).toBe('yes');
});

test('§3.10 leadership goes to a follower that has everything, and proposals wait elsewhere', () => {
  const cluster = new RaftCluster(3);
  cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.settle();
  cluster.transfer(1);
  expect(cluster.raft(1).canPropose).toBe('notLeader');
  cluster.settle();
  expect(cluster.raft(1).state.role).toBe('follower');
  expect(cluster.leader?.state.term).toBe(2);
});

describe('a disk that is nearly full', () => {
  /** Messages arrive, and no time passes. */
  function lead(cluster: RaftCluster, id: number): void {
    cluster.elect(id);
    cluster.pass(heartbeatMs);
    cluster.settle();
  }

  test('takes no leadership over: its replica says so, and the next is asked', () => {
    const cluster = new RaftCluster(3);
    lead(cluster, 1);
    cluster.short.add(2);
    cluster.transfer(1);
    expect(cluster.raft(1).state.transferTo).toBe(2);
    cluster.settle();
    expect(cluster.raft(1).state.role).toBe('leader');
    expect(cluster.raft(1).canPropose).toBe('yes');
    expect([2, 3].map((id) => cluster.raft(1).couldTakeOver(ReplicaId(id), cluster.now))).toEqual([false, true]);
    cluster.transfer(1);
    cluster.settle();
    expect(cluster.leader?.id).toBe(3);
  });

  test('is asked again after a while, and then takes over if it has room', () => {
    const cluster = new RaftCluster(2);
    lead(cluster, 1);
    cluster.short.add(2);
    cluster.transfer(1);
    cluster.settle();
    cluster.short.clear();
    const passFor = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += heartbeatMs) {
        cluster.pass(heartbeatMs);
        cluster.settle();
      }
    };
    passFor(5 * electionMs);
    expect(cluster.raft(1).couldTakeOver(ReplicaId(2), cluster.now)).toBe(false);
    passFor(15 * electionMs);
    expect(cluster.raft(1).couldTakeOver(ReplicaId(2), cluster.now)).toBe(true);
    cluster.transfer(1);
    cluster.settle();
    expect(cluster.leader?.id).toBe(2);
  });

  test('lets others campaign before, the home too', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(3);
    cluster.short.add(1);
    cluster.pass(heartbeatMs);
    cluster.settle();
    const [home, second] = [1, 2].map((id) => cluster.raft(id).state.electionAt);
    expect(home).toBeGreaterThan(second ?? Infinity);
  });

  test('what an offer in vain was to be, the leader that stays does not become', () => {
    const cluster = new RaftCluster(2);
    lead(cluster, 1);
    cluster.short.add(2);
    cluster.raft(1).transferLeadership(null, cluster.now, true);
    cluster.settle();
    expect(cluster.raft(1).state).toMatchObject({ role: 'leader', stays: false });
  });
});

describe('§3.10 a follower that does not take over', () => {
  test('in an election timeout is asked again only after the others', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    const others: (number | null)[] = [];
    for (let passed = 0; passed < 3 * electionMs; passed += heartbeatMs) {
      cluster.transfer(1);
      const { transferTo } = cluster.raft(1).state;
      if (transferTo !== others.at(-1)) others.push(transferTo);
      while (cluster.flying.length > 0) {
        if (cluster.flying[0]?.message.kind === 'timeoutNow') cluster.drop(0);
        else cluster.deliver(0);
      }
      for (const id of [1, 2, 3]) cluster.sync(id);
      cluster.pass(heartbeatMs);
    }
    expect(others.slice(0, 3)).toEqual([2, 3, 2]);
  });
});

describe('a leader whose disk does not answer', () => {
  function passWithout(cluster: RaftCluster, stalled: number, ms: number): void {
    for (let passed = 0; passed < ms; passed += heartbeatMs) {
      cluster.pass(heartbeatMs);
      for (let steps = 0; steps < 100; steps += 1) {
        for (const id of [1, 2, 3]) if (id !== stalled) cluster.sync(id);
        if (cluster.flying.length === 0) break;
        cluster.deliver(0);
      }
    }
  }

  test('hands its group over', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    cluster.propose(1, 'a');
    passWithout(cluster, 1, electionMs);
    expect(cluster.raft(1).state.role).toBe('leader');
    passWithout(cluster, 1, 2 * electionMs);
    expect(cluster.raft(1).state.role).toBe('follower');
    expect([2, 3].map((id) => cluster.raft(id).state.role)).toContain('leader');
    expect(cluster.leader?.state.commitIndex).toBeGreaterThan(2);
  });

  test('stays if it answers in time, again and again', () => {
    const cluster = new RaftCluster(3);
    cluster.elect(1);
    for (let i = 0; i < 10; i += 1) {
      cluster.propose(1, String(i));
      passWithout(cluster, 1, electionMs);
      cluster.sync(1);
    }
    expect(cluster.raft(1).state).toMatchObject({ role: 'leader', term: 1 });
  });
});
