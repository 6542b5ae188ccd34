/** What one turn of a group may run: the rest follows, in order, and nobody has to ask for it. */
import { expect, test } from 'vitest';
import { LogIndex, ReplicaId, Term, WriteId } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import type { StateMachine } from '../../core/group/machine.ts';
import type { Entry, RaftMessage } from '../../core/raft/types.ts';
import type { Outcome } from '../../core/wire/messages.ts';
import { OneReplica, stateless } from './harness.ts';

const answer: Outcome = { kind: 'done', reply: new Uint8Array(10) };
const machine: StateMachine = {
  accessOf: (operation) => (operation.kind === 'execute' ? operation.access : 'write'),
  judge: () => null,
  apply: () => answer,
  read: () => answer,
  ...stateless,
};

/** How many commands each turn ended, until none is left. */
function turnsOf(replica: OneReplica): readonly (readonly number[])[] {
  const turns = [replica.outcomes().map(([request]) => request)];
  while (replica.group.wantsTurn && turns.length < 20) {
    replica.endTurn();
    turns.push(replica.outcomes().map(([request]) => request));
  }
  return turns.filter((requests) => requests.length > 0);
}

test('reads make no more bytes of replies in a turn than they may', () => {
  const replica = new OneReplica(machine, { replyBytesPerTurn: 25 });
  replica.lead();
  replica.agree();
  for (let request = 1; request <= 7; request += 1) replica.submit(request, true, 'read');
  replica.endTurn();
  replica.agree();
  expect(turnsOf(replica)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  expect(replica.group.waiting).toBe(0);
});

test('no more operations run in a turn than may, entry by entry', () => {
  const replica = new OneReplica(machine, { operationsPerTurn: 3 });
  replica.lead();
  replica.agree();
  for (let entry = 0; entry < 3; entry += 1) {
    replica.submit(entry * 2 + 1, true);
    replica.submit(entry * 2 + 2, true);
    replica.endTurn();
  }
  replica.agree();
  expect(turnsOf(replica)).toEqual([
    [1, 2, 3, 4],
    [5, 6],
  ]);
});

test('reads that a turn left over are refused if leadership is gone before the next', () => {
  const replica = new OneReplica(machine, { replyBytesPerTurn: 10 });
  replica.lead();
  replica.agree();
  for (let request = 1; request <= 3; request += 1) replica.submit(request, true, 'read');
  replica.endTurn();
  replica.agree();
  const { term } = replica.group.raft.state;
  replica.hear({ kind: 'heartbeat', term: (term + 1) as typeof term, commit: replica.group.applied, round: 1 });
  expect(replica.outcomes().map(([request, { kind }]) => [request, kind])).toEqual([
    [1, 'done'],
    [2, 'refused'],
    [3, 'refused'],
  ]);
});

test('a follower leaves what is committed to the next turn while it has entries for its disk, and never twice', () => {
  const replica = new OneReplica(machine);
  const { group, instant } = replica;
  const term = Term(1);
  const now = { mono: instant, wall: WallTime(1000) };
  const hear = (index: number, commit: number): void => {
    const entry: Entry = { index: LogIndex(index), term, kind: 'noop', data: new Uint8Array(0) };
    const prev = LogIndex(index - 1);
    const append: RaftMessage = {
      kind: 'append',
      term,
      prevIndex: prev,
      prevTerm: Term(prev === 0 ? 0 : term),
      entries: [entry],
      commit: LogIndex(commit),
      round: 0,
    };
    group.raft.step(ReplicaId(2), append, instant);
  };
  /** What is applied after a turn, and whether it wants another. */
  const turn = (n: number): readonly [number, boolean] => {
    group.advance(now, n);
    group.endTurn(now);
    group.advance(now, n);
    group.takeOutput(WriteId(n));
    return [group.applied, group.wantsTurn];
  };
  hear(1, 0);
  expect(turn(1)).toEqual([0, false]);
  hear(2, 1);
  expect(turn(2)).toEqual([0, true]);
  hear(3, 2);
  expect(turn(3)).toEqual([2, false]);
  hear(4, 3);
  expect(turn(4)).toEqual([2, true]);
  expect(turn(5)).toEqual([3, false]);
});
