/** Which node a replica speaks from, as far as another knows. */
import { beforeEach, expect, test } from 'vitest';
import { LogIndex, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import type { StateMachine } from '../../core/group/machine.ts';
import { withLearner } from '../../core/raft/configuration.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import { encodeConfiguration } from '../../core/wire/configuration.ts';
import type { Outcome } from '../../core/wire/messages.ts';
import { OneReplica, stateless } from './harness.ts';

const done: Outcome = { kind: 'done', reply: new Uint8Array() };
const machine: StateMachine = {
  accessOf: () => 'write',
  judge: () => null,
  apply: () => done,
  read: () => done,
  ...stateless,
};
const fourth = ReplicaId(4);
const [committedOn, guessedOn, leadsOn] = [NodeId(2), NodeId(8), NodeId(9)] as const;

let replica: OneReplica;

const heartbeat = (term: number): RaftMessage => ({
  kind: 'heartbeat',
  term: Term(term),
  commit: LogIndex(0),
  round: 1,
});
const vote = (term: number): RaftMessage => ({ kind: 'voteReply', term: Term(term), pre: false, granted: true });

/** The leader of term 1 has added the fourth replica; `commit` says how far that is known to be committed. */
beforeEach(() => {
  replica = new OneReplica(machine);
  append(0);
});

function append(commit: number): void {
  const { configuration } = replica.group.raft;
  const data = encodeConfiguration(withLearner(configuration, guessedOn, false, null));
  const entry = { index: LogIndex(1), term: Term(1), kind: 'configuration' as const, data };
  const before = { prevIndex: LogIndex(0), prevTerm: Term(0) };
  const entries = commit === 0 ? [entry] : [];
  const known = commit === 0 ? before : { prevIndex: LogIndex(1), prevTerm: Term(1) };
  replica.hear({ kind: 'append', term: Term(1), ...known, entries, commit: LogIndex(commit), round: 1 });
}

test('a replica is where an uncommitted entry says, until another leads under its id', () => {
  const { group } = replica;
  expect(group.nodeOf(fourth)).toBe(guessedOn);
  expect(group.hears(fourth, guessedOn, vote(1))).toBe(true);
  expect(group.hears(fourth, leadsOn, vote(2))).toBe(false);
  expect(group.hears(fourth, leadsOn, heartbeat(0))).toBe(false);
  expect(group.hears(fourth, leadsOn, heartbeat(2))).toBe(true);
  expect(group.nodeOf(fourth)).toBe(leadsOn);
});

test('what is committed is held against whoever leads', () => {
  append(1);
  const { group } = replica;
  expect(group.raft.state.commitIndex).toBe(1);
  expect(group.hears(fourth, leadsOn, heartbeat(2))).toBe(false);
  expect(group.hears(ReplicaId(2), leadsOn, heartbeat(2))).toBe(false);
  expect(group.hears(ReplicaId(2), committedOn, heartbeat(2))).toBe(true);
});

test('a replica that nothing names is where it speaks from first', () => {
  const { group } = replica;
  expect(group.hears(ReplicaId(5), leadsOn, vote(1))).toBe(true);
  expect(group.hears(ReplicaId(5), guessedOn, vote(1))).toBe(false);
});
