/** Under load an entry waits for the answers to the one before it, and for nothing else. */
import { beforeEach, expect, test } from 'vitest';
import { NodeId } from '../../core/base/ids.ts';
import { after } from '../../core/base/time.ts';
import type { StateMachine } from '../../core/group/machine.ts';
import { OneReplica, stateless } from './harness.ts';

const machine: StateMachine = {
  accessOf: () => 'write',
  judge: () => null,
  apply: () => ({ kind: 'done', reply: new Uint8Array(1) }),
  read: () => {
    throw new Error('nobody reads');
  },
  ...stateless,
};
const gatherMs = 3;

let replica: OneReplica;
let request: number;

beforeEach(() => {
  replica = new OneReplica(machine, { gatherFrom: 4, gatherMs });
  request = 0;
  replica.lead();
  replica.agree();
});

/** Submits so many in a turn. Returns how many entries that made. */
function write(count: number): number {
  const before = lastIndex();
  for (let i = 0; i < count; i += 1) {
    request += 1;
    replica.submit(request, true);
  }
  replica.endTurn();
  return lastIndex() - before;
}

function lastIndex(): number {
  return replica.group.raft.state.log.lastIndex;
}

test('behind a large entry the next gathers until the follower has answered', () => {
  expect(write(4)).toBe(1);
  expect(write(1)).toBe(0);
  expect(write(2)).toBe(0);
  const before = lastIndex();
  replica.agree();
  expect(lastIndex()).toBe(before + 1);
  replica.agree();
  expect(replica.outcomes()).toHaveLength(7);
});

test('it gathers no longer than it may, and asks to be woken then', () => {
  write(4);
  const until = after(replica.instant, gatherMs);
  expect(replica.group.deadlineAt(replica.instant)).toBeGreaterThan(until);
  expect(write(1)).toBe(0);
  expect(replica.group.deadlineAt(replica.instant)).toBe(until);
  replica.pass(gatherMs);
  expect(replica.group.deadlineAt(replica.instant)).toBeGreaterThan(until);
  const before = lastIndex();
  replica.endTurn();
  expect(lastIndex()).toBe(before + 1);
});

test('a few commands are not held up by the few before them', () => {
  expect(write(3)).toBe(1);
  expect(write(1)).toBe(1);
});

test('nobody waits for a follower whose link is down', () => {
  write(4);
  expect(write(1)).toBe(0);
  const before = lastIndex();
  replica.group.onLinkDown(NodeId(2));
  replica.endTurn();
  expect(lastIndex()).toBe(before + 1);
});
