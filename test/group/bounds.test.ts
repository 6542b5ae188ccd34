/** What a group holds at a time: beyond it who asks is told `busy`, and served again when there is room. */
import { describe, expect, test } from 'vitest';
import { LogIndex, ReplicaId, Term } from '../../core/base/ids.ts';
import type { StateMachine } from '../../core/group/machine.ts';
import type { Outcome } from '../../core/wire/messages.ts';
import { OneReplica, stateless } from './harness.ts';

const answer: Outcome = { kind: 'done', reply: new Uint8Array(1) };
const machine: StateMachine = {
  accessOf: (operation) => (operation.kind === 'execute' ? operation.access : 'write'),
  judge: () => null,
  apply: () => answer,
  read: () => answer,
  ...stateless,
};

function leading(changed: ConstructorParameters<typeof OneReplica>[1]): OneReplica {
  const replica = new OneReplica(machine, changed);
  replica.lead();
  replica.agree();
  replica.outcomes();
  return replica;
}

/** How the requests ended that did, by number. */
function ends(replica: OneReplica): readonly string[] {
  return replica.outcomes().map(([request, outcome]) => {
    const isBusy = outcome.kind === 'refused' && outcome.refusal.kind === 'busy';
    return `${String(request)} ${isBusy ? outcome.refusal.what : outcome.kind}`;
  });
}

function submit(replica: OneReplica, from: number, to: number, access: 'read' | 'write' = 'write'): void {
  for (let request = from; request <= to; request += 1) replica.submit(request, true, access);
}

test('operations that are proposed and not applied', () => {
  const replica = leading({ proposedOperations: 3 });
  submit(replica, 1, 2);
  replica.endTurn();
  submit(replica, 3, 5);
  expect(ends(replica)).toEqual(['4 proposed operations of the group', '5 proposed operations of the group']);
  replica.agree();
  replica.agree();
  submit(replica, 6, 6);
  replica.endTurn();
  replica.agree();
  expect(ends(replica)).toEqual(['1 done', '2 done', '3 done', '6 done']);
});

test('reads that wait for a round', () => {
  const replica = leading({ waitingReads: 2 });
  submit(replica, 1, 3, 'read');
  expect(ends(replica)).toEqual(['3 waiting reads of the group']);
  replica.endTurn();
  replica.agree();
  submit(replica, 4, 4, 'read');
  replica.endTurn();
  replica.agree();
  expect(ends(replica)).toEqual(['1 done', '2 done', '4 done']);
});

test('reads that wait at a member which does not lead', () => {
  const replica = new OneReplica(machine, { waitingReads: 2 });
  replica.hear({ kind: 'heartbeat', term: Term(1), commit: LogIndex(0), round: 1 });
  for (let request = 1; request <= 3; request += 1) replica.submit(request, true, 'read', true);
  expect(ends(replica)).toEqual(['3 waiting reads of the group']);
});

describe('bytes that are not committed', () => {
  test('are bounded, and what comes behind them is refused until a majority has them', () => {
    const replica = leading({ uncommittedBytes: 50 });
    submit(replica, 1, 3);
    replica.endTurn();
    expect(replica.group.raft.state.uncommittedBytes).toBeGreaterThan(50);
    submit(replica, 4, 4);
    expect(ends(replica)).toEqual(['4 uncommitted bytes of the group']);
    replica.agree();
    expect(replica.group.raft.state.uncommittedBytes).toBe(0);
    submit(replica, 5, 5);
    replica.endTurn();
    replica.agree();
    expect(ends(replica)).toEqual(['1 done', '2 done', '3 done', '5 done']);
  });

  test('may come to be too many while something waits to become an entry: then it is refused', () => {
    const replica = leading({ uncommittedBytes: 1 });
    const { raft } = replica.group;
    submit(replica, 1, 1);
    expect(raft.changeMembership({ kind: 'prefer', replica: ReplicaId(2) }, replica.instant)).toBe('begun');
    // Behind the entry that is being written.
    for (let i = 0; i < 2; i += 1) replica.endTurn();
    expect(ends(replica)).toEqual(['1 uncommitted bytes of the group']);
  });
});
