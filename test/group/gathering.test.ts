/** Under load an entry waits for the answers to the one before it and for those who got them, and for nothing else. */
import { beforeEach, expect, test } from 'vitest';
import { NodeId } from '../../core/base/ids.ts';
import { after, MonoTime } from '../../core/base/time.ts';
import { Gathering } from '../../core/group/gathering.ts';
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

test('those who were answered are waited for until they have come again', () => {
  write(8);
  expect(write(2)).toBe(0);
  replica.pass(1);
  replica.agree();
  expect(replica.outcomes()).toHaveLength(8);
  expect(write(6)).toBe(0);
  // The last of them may take long.
  expect(write(1)).toBe(1);
});

test('they have twice as long as their entry took', () => {
  write(8);
  replica.pass(1);
  replica.agree();
  expect(write(6)).toBe(0);
  const until = after(replica.instant, 2);
  expect(replica.group.deadlineAt(replica.instant)).toBe(until);
  replica.pass(2);
  const before = lastIndex();
  replica.endTurn();
  expect(lastIndex()).toBe(before + 1);
});

test('where they do not come again they are waited for more and more rarely; once they do, always', () => {
  const gathering = new Gathering({ gatherFrom: 8, gatherMs });
  let now = MonoTime(1_000_000);
  /** An entry of eight takes a millisecond, and so many come again. Returns whether there was a wait for them. */
  const isWaited = (comeAgain: number): boolean => {
    gathering.onProposed(8, now);
    now = after(now, 1);
    gathering.onAnswered(8, 0, now);
    const isWaiting = gathering.isWaiting(comeAgain - 1, false, now);
    now = after(now, gatherMs);
    gathering.onProposed(comeAgain, now);
    return isWaiting;
  };
  const waits = (entries: number, comeAgain: number): number =>
    Array.from({ length: entries }, () => isWaited(comeAgain)).filter(Boolean).length;
  expect(waits(100, 7)).toBe(100);
  // Eight times, behind 1, 2, 4 and so on up to 64 that are not waited for, and then behind every 127.
  expect(waits(8 + 127 + 80 * 128, 6)).toBe(8 + 80);
  expect(waits(127, 7)).toBe(0);
  expect(waits(100, 7)).toBe(100);
});
