/** What a replica makes of pieces of a state that come, or do not come, as they should. */
import { beforeEach, describe, expect, test } from 'vitest';
import { LogIndex, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { MonoTime, WallTime } from '../../core/base/time.ts';
import { done } from '../../core/group/machine.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { unknownConfiguration } from '../../core/raft/configuration.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import { OneReplica } from './harness.ts';

const term = Term(5);
/** Was away while the others went on. */
const third = ReplicaId(3);

/** The state of a machine that has seen nothing, in pieces of a byte or more. */
function pieces(): readonly Uint8Array[] {
  const cut = new TenantMachine(() => 0).cut({ stamp: WallTime(7), configuration: unknownConfiguration });
  const whole = cut.next(1000) ?? new Uint8Array();
  return [whole, whole.subarray(whole.length)];
}

function piece(number: number, index: number, isLast: boolean, bytes: Uint8Array): RaftMessage {
  return { kind: 'snapshotChunk', term, index: LogIndex(index), indexTerm: Term(4), number, isLast, bytes, round: 1 };
}

let replica: OneReplica;

beforeEach(() => {
  replica = new OneReplica(new TenantMachine(() => 0), { snapshotLogBytes: 1000, snapshotChunkBytes: 100 });
});

/** Which piece it asked for, each time. */
function asked(): readonly number[] {
  return replica.said.splice(0).flatMap((message) => (message.kind === 'snapshotReply' ? [message.next] : []));
}

describe('a follower', () => {
  test('takes the pieces in order and acknowledges the last when it is on disk', () => {
    const [first = new Uint8Array(), last = new Uint8Array()] = pieces();
    replica.hear(piece(0, 40, false, first));
    expect(asked()).toEqual([1]);
    replica.hear(piece(1, 40, true, last));
    expect(replica.said.splice(0)).toMatchObject([{ kind: 'appendReply', accepted: true, index: 40 }]);
    expect(replica.group.applied).toBe(40);
    expect(replica.group.lastStamp).toBe(7);
    expect(replica.group.raft.state).toMatchObject({ commitIndex: 40, durableIndex: 40 });
    expect(replica.records.map(({ kind }) => kind)).toEqual(['snapshotChunk', 'snapshotChunk', 'snapshot']);
  });

  test('asks for what is missing, and keeps what came too early', () => {
    const [first = new Uint8Array(), last = new Uint8Array()] = pieces();
    replica.hear(piece(1, 40, true, last));
    expect(asked()).toEqual([0]);
    expect(replica.group.applied).toBe(0);
    replica.hear(piece(0, 40, false, first));
    expect(replica.said.splice(0)).toMatchObject([{ kind: 'appendReply', accepted: true, index: 40 }]);
    expect(replica.group.applied).toBe(40);
  });

  test('takes no piece twice', () => {
    const [first = new Uint8Array()] = pieces();
    replica.hear(piece(0, 40, false, first));
    replica.hear(piece(0, 40, false, first));
    expect(asked()).toEqual([1, 1]);
    expect(replica.records).toHaveLength(1);
  });

  test('begins anew for another index, and with pieces that make no state', () => {
    const [first = new Uint8Array(), last = new Uint8Array()] = pieces();
    replica.hear(piece(0, 40, false, first));
    replica.hear(piece(1, 50, true, last));
    expect(asked()).toEqual([1, 0]);
    replica.hear(piece(0, 50, false, Uint8Array.of(99, 99)));
    expect(asked()).toEqual([]);
    replica.hear(piece(0, 50, false, first));
    replica.hear(piece(1, 50, true, last));
    expect(replica.group.applied).toBe(50);
  });

  test('needs none of what it has', () => {
    const [first = new Uint8Array()] = pieces();
    replica.hear(piece(0, 40, true, first));
    replica.said.length = 0;
    replica.hear(piece(0, 30, true, first));
    expect(replica.said).toMatchObject([{ kind: 'appendReply', accepted: true, index: 40 }]);
  });

  test('takes entries behind the snapshot, also from a leader that does not know of it', () => {
    const [first = new Uint8Array()] = pieces();
    replica.hear(piece(0, 40, true, first));
    replica.said.length = 0;
    const noop = (index: number) => ({ index: LogIndex(index), term, kind: 'noop' as const, data: new Uint8Array() });
    const entries = [noop(39), noop(40), noop(41)];
    const [prevIndex, prevTerm] = [LogIndex(38), Term(4)];
    replica.hear({ kind: 'append', term, prevIndex, prevTerm, entries, commit: LogIndex(41), round: 2 });
    expect(replica.said).toMatchObject([{ kind: 'appendReply', accepted: true, index: 41 }]);
    expect(replica.group.raft.state.log.slice(LogIndex(40), LogIndex(41))).toEqual([noop(41)]);
  });
});

describe('a transfer that is cut short', () => {
  /** All that the log says up to `index`, of which it is told that it is committed. */
  function catchUp(index: number): void {
    const noop = (at: number) => ({ index: LogIndex(at), term, kind: 'noop' as const, data: new Uint8Array() });
    const entries = Array.from({ length: index }, (_, i) => noop(i + 1));
    const [prevIndex, prevTerm] = [LogIndex(0), Term(0)];
    replica.hear({ kind: 'append', term, prevIndex, prevTerm, entries, commit: LogIndex(index), round: 2 });
  }

  /** Where the replica saved its state since somebody looked. */
  function saved(): readonly number[] {
    for (let i = 0; i < 3; i += 1) replica.work();
    return replica.records.splice(0).flatMap((each) => (each.kind === 'snapshot' ? [each.base.index] : []));
  }

  beforeEach(() => {
    const [first = new Uint8Array()] = pieces();
    replica.hear(piece(0, 40, false, first));
  });

  test('keeps a replica from saving its state no longer than until its log is as far', () => {
    catchUp(39);
    expect(saved()).toEqual([]);
    catchUp(60);
    expect(replica.group.snapshots.activity).toBe('none');
    expect(saved()).toEqual([60]);
  });

  test('is not waited for when no piece has come for long', () => {
    catchUp(39);
    replica.group.snapshots.isWanted = true;
    expect(saved()).toEqual([]);
    replica.pass(10_000);
    replica.endTurn();
    expect(saved()).toEqual([39]);
    const [first = new Uint8Array(), last = new Uint8Array()] = pieces();
    replica.said.length = 0;
    replica.hear(piece(1, 40, true, last));
    expect(asked()).toEqual([0]);
    replica.hear(piece(0, 40, false, first));
    expect(replica.group.applied).toBe(40);
  });
});

test('a replica that has applied nothing saves even that if it is asked to: it must not hold on to an old log', () => {
  replica.lead();
  replica.group.snapshots.isWanted = true;
  for (let i = 0; i < 3; i += 1) replica.work();
  expect(replica.records.map(({ kind }) => kind)).toEqual(['snapshotChunk', 'snapshot']);
  expect(replica.records.at(-1)).toMatchObject({ base: { index: 0, term: 0 } });
  expect(replica.group.snapshots.hasWork(MonoTime(9_000_000))).toBe(false);
});

describe('a leader', () => {
  function fill(): void {
    const machine = Object.assign(new TenantMachine(() => 0), { judge: () => null, apply: () => done });
    replica = new OneReplica(machine, { snapshotLogBytes: 1000, snapshotChunkBytes: 100 });
    replica.lead();
    replica.agree();
    for (let request = 1; request <= 60; request += 1) {
      replica.submit(request, true);
      replica.endTurn();
      replica.agree();
    }
  }

  test('saves its state when its log has grown, and forgets what that stands for', () => {
    fill();
    expect(replica.group.snapshots.activity).toBe('none');
    replica.work();
    expect(replica.group.raft.state.log.slice(LogIndex(61), LogIndex(62))).toMatchObject([{ kind: 'check' }]);
    expect(replica.group.snapshots.activity).toBe('none');
    replica.agree();
    for (let i = 0; i < 5; i += 1) replica.work();
    expect(replica.records.at(-1)).toMatchObject({
      kind: 'snapshot',
      base: { index: replica.group.snapshots.savedIndex },
    });
    expect(replica.group.raft.state.log.baseIndex).toBeGreaterThan(30);
    replica.records.length = 0;
    for (let i = 0; i < 5; i += 1) replica.work();
    expect(replica.records).toEqual([]);
  });

  test('sends its state to a follower that needs what is gone, again if it is lost, until that has it', () => {
    fill();
    const { state } = replica.group.raft;
    const sent = (): readonly number[] =>
      replica.said.splice(0).flatMap((message) => (message.kind === 'snapshotChunk' ? [message.number] : []));
    replica.work();
    replica.agree();
    for (let i = 0; i < 5; i += 1) replica.work();
    expect(sent()).toEqual([0]);
    replica.work();
    expect(sent()).toEqual([]);
    replica.pass(1001);
    replica.hear({ kind: 'heartbeatReply', term: state.term, round: state.round }, third);
    replica.work();
    expect(sent()).toEqual([0]);
    const { term: own, round } = state;
    const { applied: index } = replica.group;
    replica.hear({ kind: 'appendReply', term: own, accepted: true, index, hintTerm: own, round }, third);
    replica.work();
    expect(replica.group.snapshots.activity).toBe('none');
    expect(state.progress.get(third)).toMatchObject({ mode: 'replicate' });
  });

  test('passes over a follower that takes no pieces, for longer each time, and sends to others meanwhile', () => {
    fill();
    const fourth = ReplicaId(4);
    const { group } = replica;
    const { state } = group.raft;
    replica.work();
    replica.agree();
    for (let i = 0; i < 5; i += 1) replica.work();
    expect(new Set(replica.sentPiecesTo.splice(0))).toEqual(new Set([third]));
    const change = { kind: 'add', node: NodeId(4), joins: true, replaces: third } as const;
    expect(group.raft.changeMembership(change, replica.instant)).toBe('begun');
    replica.endTurn();
    replica.agree();
    /** Lets a second pass in which the followers show that they are alive. To whom pieces were sent, and whether a slot was held. */
    const passSecond = (
      alive: readonly ReplicaId[],
    ): { readonly to: readonly ReplicaId[]; readonly isBusy: boolean } => {
      replica.pass(1000);
      const { term: own, round } = state;
      for (const from of alive) replica.hear({ kind: 'heartbeatReply', term: own, round }, from);
      replica.work();
      return { to: [...new Set(replica.sentPiecesTo.splice(0))], isBusy: group.snapshots.activity !== 'none' };
    };
    while (group.snapshots.activity === 'sending' && state.progress.get(third)?.givenUp === 0)
      passSecond([third, fourth]);
    replica.work();
    expect(passSecond([third, fourth]).to).toEqual([fourth]);
    const { term: own, round } = state;
    const answer = { kind: 'appendReply', term: own, accepted: true, hintTerm: own, round } as const;
    replica.hear({ ...answer, index: state.log.lastIndex }, fourth);
    const seconds = Array.from({ length: 600 }, () => passSecond([third]));
    const tried = seconds.flatMap(({ to }, i) => (to.length > 0 ? [i] : []));
    expect(new Set(seconds.flatMap(({ to }) => to))).toEqual(new Set([third]));
    const pauses = tried.flatMap((at, i) => (i === 0 ? [] : [at - (tried[i - 1] ?? 0)])).filter((gap) => gap > 2);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.length).toBeGreaterThan(3);
    expect(seconds.filter(({ isBusy }) => isBusy).length).toBeLessThan(60);
    while (passSecond([third]).isBusy);
    expect(passSecond([third]).to).toEqual([]);
    const { applied: index } = group;
    replica.hear({ kind: 'snapshotReply', term: own, index, next: 0, round }, third);
    expect(passSecond([third]).to).toEqual([third]);
  });
});
