/** What a group refuses to keep a lane in order, where a simulated cluster would take long to come by it. */
import { beforeEach, expect, test } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import {
  GroupId,
  Incarnation,
  LaneId,
  NodeId,
  ReplicaId,
  RequestId,
  type TenantName,
  Term,
  WriteId,
} from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { MonoTime, WallTime } from '../../core/base/time.ts';
import { Group } from '../../core/group/group.ts';
import { done, type StateMachine } from '../../core/group/machine.ts';
import { Raft } from '../../core/raft/raft.ts';
import type { Outcome } from '../../core/wire/messages.ts';

const lane = LaneId(5);
const ingress = NodeId(2);
const other = ReplicaId(2);

const writesOnly: StateMachine = {
  accessOf: () => 'write',
  judge: () => null,
  apply: () => done,
  read: () => done,
};

let group: Group;
let lastWrite = 0;
let micros = 0;

beforeEach(() => {
  micros = 1_000_000;
  const id = ReplicaId(1);
  const config = {
    id,
    voters: [id, other, ReplicaId(3)],
    electionMs: 100,
    heartbeatMs: 20,
    maxAppendBytes: limits.appendBytes,
    maxInflightAppends: limits.appendsInFlight,
    maxUncommittedBytes: limits.uncommittedBytes,
    isHome: false,
    leases: false,
  };
  const restored = { hardState: { term: Term(0), votedFor: null }, entries: [] };
  const raft = new Raft(config, restored, () => 0, MonoTime(micros));
  group = new Group(GroupId(1), raft, writesOnly, (replica) => NodeId(replica), limits, null);
});

/** Ends a turn; the disk has at once what it wrote. */
function endTurn(): void {
  const now = { mono: MonoTime(micros), wall: WallTime(micros / 1000) };
  group.endTurn(now);
  lastWrite += 1;
  group.takeOutput(WriteId(lastWrite));
  group.raft.onPersisted(WriteId(lastWrite), now.mono);
  group.advance(now);
}

/** Lets the replica campaign and win. */
function lead(): void {
  const { raft } = group;
  micros += 1_000_000;
  raft.onTimer(MonoTime(micros));
  const term = Term(raft.state.term + 1);
  raft.step(other, { kind: 'voteReply', term, pre: true, granted: true }, MonoTime(micros));
  endTurn();
  raft.step(other, { kind: 'voteReply', term, pre: false, granted: true }, MonoTime(micros));
  endTurn();
  expect(group.isLeader).toBe(true);
}

function submit(request: number, resumes: boolean): void {
  group.submit({
    origin: { node: ingress, boot: 1, request: RequestId(request) },
    lane,
    resumes,
    operation: {
      kind: 'execute',
      tenant: 'acme' as TenantName,
      incarnation: Incarnation(1),
      access: 'write',
      protocol: 2,
      args: [bytesOfBinary('set')],
    },
  });
}

function outcomes(): readonly (readonly [number, Outcome])[] {
  return group.completions.drain().map(({ origin, outcome }) => [origin.request, outcome]);
}

/** The other replica has the whole log: it is committed. */
function commitAll(): void {
  const { term, log } = group.raft.state;
  const { lastIndex } = log;
  group.raft.step(
    other,
    { kind: 'appendReply', term, accepted: true, index: lastIndex, hintTerm: term, round: 0 },
    MonoTime(micros),
  );
  endTurn();
}

const outOfOrder: Outcome = { kind: 'refused', refusal: { kind: 'outOfOrder' } };

test('a command does not overtake one of its lane whose fate an election left open', () => {
  lead();
  commitAll();
  submit(1, true);
  endTurn();
  group.raft.step(
    other,
    { kind: 'heartbeat', term: Term(group.raft.state.term + 1), commit: group.raft.state.commitIndex, round: 1 },
    MonoTime(micros),
  );
  endTurn();
  lead();
  submit(2, false);
  expect(outcomes()).toEqual([[2, outOfOrder]]);
  commitAll();
  expect(outcomes()).toEqual([[1, done]]);
  submit(3, true);
  endTurn();
  commitAll();
  expect(outcomes()).toEqual([[3, done]]);
});

test('behind a refused command its lane is refused until it comes back, or until nobody can be behind it', () => {
  submit(1, true);
  submit(2, false);
  lead();
  submit(3, false);
  expect(outcomes().slice(1)).toEqual([
    [2, outOfOrder],
    [3, outOfOrder],
  ]);
  submit(1, true);
  submit(2, false);
  endTurn();
  commitAll();
  expect(outcomes()).toEqual([
    [1, done],
    [2, done],
  ]);
});

test('a block that nobody lifts is forgotten after two whole intervals without a word of the lane', () => {
  submit(1, true);
  lead();
  group.lanes.sweep();
  submit(2, false);
  group.lanes.sweep();
  submit(3, false);
  expect(outcomes().slice(1)).toEqual([
    [2, outOfOrder],
    [3, outOfOrder],
  ]);
  group.lanes.sweep();
  group.lanes.sweep();
  expect(group.lanes.size).toBe(0);
  submit(4, false);
  endTurn();
  commitAll();
  expect(outcomes()).toEqual([[4, done]]);
});
