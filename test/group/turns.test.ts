/** What one turn of a group may run: the rest follows, in order, and nobody has to ask for it. */
import { expect, test } from 'vitest';
import type { StateMachine } from '../../core/group/machine.ts';
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
