/** What a group refuses to keep a lane in order, where a simulated cluster would take long to come by it. */
import { beforeEach, expect, test } from 'vitest';
import { Term } from '../../core/base/ids.ts';
import { done } from '../../core/group/machine.ts';
import type { Outcome } from '../../core/wire/messages.ts';
import { OneReplica, stateless } from './harness.ts';

let replica: OneReplica;

beforeEach(() => {
  replica = new OneReplica({
    accessOf: () => 'write',
    judge: () => null,
    apply: () => done,
    read: () => done,
    ...stateless,
  });
});

const outOfOrder: Outcome = { kind: 'refused', refusal: { kind: 'outOfOrder' } };

test('a command does not overtake one of its lane that an election left undecided', () => {
  replica.lead();
  replica.agree();
  replica.submit(1, true);
  replica.endTurn();
  const { term, commitIndex } = replica.group.raft.state;
  replica.hear({ kind: 'heartbeat', term: Term(term + 1), commit: commitIndex, round: 1 });
  replica.lead();
  replica.submit(2, false);
  expect(replica.outcomes()).toEqual([
    [1, { kind: 'undecided' }],
    [2, outOfOrder],
  ]);
  replica.submit(1, true);
  replica.submit(2, false);
  replica.endTurn();
  replica.agree();
  expect(replica.outcomes()).toEqual([
    [1, done],
    [2, done],
  ]);
});

test('behind a refused command its lane is refused until it comes back, or until nobody can be behind it', () => {
  replica.submit(1, true);
  replica.submit(2, false);
  replica.lead();
  replica.submit(3, false);
  expect(replica.outcomes().slice(1)).toEqual([
    [2, outOfOrder],
    [3, outOfOrder],
  ]);
  replica.submit(1, true);
  replica.submit(2, false);
  replica.endTurn();
  replica.agree();
  expect(replica.outcomes()).toEqual([
    [1, done],
    [2, done],
  ]);
});

test('a block that nobody lifts is forgotten after two whole intervals without a word of the lane', () => {
  replica.submit(1, true);
  replica.lead();
  replica.group.lanes.sweep();
  replica.submit(2, false);
  replica.group.lanes.sweep();
  replica.submit(3, false);
  expect(replica.outcomes().slice(1)).toEqual([
    [2, outOfOrder],
    [3, outOfOrder],
  ]);
  replica.group.lanes.sweep();
  replica.group.lanes.sweep();
  expect(replica.group.lanes.size).toBe(0);
  replica.submit(4, false);
  replica.endTurn();
  replica.agree();
  expect(replica.outcomes()).toEqual([[4, done]]);
});

test('behind a command that is refused when it is applied its lane is refused until it comes back', () => {
  const frozen: Outcome = { kind: 'refused', refusal: { kind: 'frozen' } };
  let isFrozen = true;
  const moving = new OneReplica({
    accessOf: ({ kind, ...operation }) => (kind === 'execute' && 'access' in operation ? operation.access : 'write'),
    judge: () => null,
    apply: () => (isFrozen ? frozen : done),
    read: () => done,
    ...stateless,
  });
  moving.lead();
  moving.agree();
  moving.submit(1, true);
  moving.endTurn();
  moving.agree();
  // A read that was sent before its client's node heard of the refusal.
  moving.submit(2, false, 'read');
  expect(moving.outcomes()).toEqual([
    [1, frozen],
    [2, outOfOrder],
  ]);
  isFrozen = false;
  moving.submit(1, true);
  moving.submit(2, false, 'read');
  moving.endTurn();
  moving.agree();
  expect(moving.outcomes().map(([request]) => request)).toEqual([1, 2]);
});
