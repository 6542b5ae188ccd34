/** Reads under a lease: what a leader may answer in the turn in which it is asked, and what it may not. */
import { beforeEach, expect, test } from 'vitest';
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

let replica: OneReplica;

/** A leader that has committed in its term, and whose peer has answered a round at this instant. */
function lead(leases: boolean): void {
  replica = new OneReplica(machine, { replyBytesPerTurn: 25 }, leases);
  replica.lead();
  replica.agree();
  replica.outcomes();
}

function answered(): readonly number[] {
  return replica.outcomes().map(([request]) => request);
}

beforeEach(() => {
  lead(true);
});

test('a read is answered where it is submitted', () => {
  replica.submit(1, true, 'read');
  expect(answered()).toEqual([1]);
});

test('a read that is not submitted is answered as it comes, under a lease and with everything committed applied', () => {
  expect(replica.readAtOnce()).toBe(answer);
  replica.pass(80);
  expect(replica.readAtOnce()).toBe(null);
  lead(false);
  expect(replica.readAtOnce()).toBe(null);
});

test('without a lease it waits for a quorum round', () => {
  lead(false);
  replica.submit(1, true, 'read');
  replica.endTurn();
  expect(answered()).toEqual([]);
  replica.agree();
  expect(answered()).toEqual([1]);
});

test('a lease ends 0.8 election timeouts after the round that gave it was sent', () => {
  replica.pass(79);
  replica.submit(1, true, 'read');
  expect(answered()).toEqual([1]);
  replica.pass(1);
  replica.submit(2, false, 'read');
  replica.endTurn();
  expect(answered()).toEqual([]);
});

test('a read behind a write of its lane goes through the log', () => {
  replica.submit(1, true, 'write');
  replica.submit(2, false, 'read');
  expect(answered()).toEqual([]);
  replica.endTurn();
  replica.agree();
  expect(answered()).toEqual([1, 2]);
});

test('reads make no more bytes of replies in a turn than they may', () => {
  for (let request = 1; request <= 4; request += 1) replica.submit(request, request === 1, 'read');
  expect(answered()).toEqual([1, 2, 3]);
  replica.endTurn();
  expect(answered()).toEqual([]);
  replica.endTurn();
  expect(answered()).toEqual([4]);
});

test('nor do those that are not submitted: the next is', () => {
  expect([1, 2, 3, 4].map(() => replica.readAtOnce())).toEqual([answer, answer, answer, null]);
});

test.each<readonly [string, (one: OneReplica) => void]>([
  [
    'the clock jumped',
    ({ group }) => {
      group.raft.dropLease();
    },
  ],
  [
    'its state is in doubt',
    ({ group, instant }) => {
      group.raft.suspect(instant);
    },
  ],
  [
    'leadership was offered to another',
    ({ group, instant }) => {
      group.raft.transferLeadership(null, instant);
    },
  ],
])('no read is answered at once when %s', (_, happens) => {
  happens(replica);
  replica.submit(1, true, 'read');
  expect(replica.outcomes().filter(([, { kind }]) => kind === 'done')).toEqual([]);
  expect(replica.readAtOnce()).toBe(null);
});
