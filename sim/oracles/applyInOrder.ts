/**
 * R5: every replica applies the committed entries, each once, in order, and with the same effect. What the
 * effect must be is `L1`'s and `X2`'s to say; that two replicas agree is said here.
 */
import type { AppliedOperation } from '../../core/node/probe.ts';
import type { ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

interface Cursor {
  index: number;
  position: number;
}

export function applyInOrder(): Oracle {
  const cursors = new WeakMap<object, Cursor>();
  const verdicts = new WeakMap<object, boolean[]>();
  return {
    rule: 'R5',
    applied(replica: ReplicaTruth, event: AppliedOperation): void {
      const { group, node, raft } = replica;
      const { index, position, term, origin, executed } = event;
      const facts = { group: group.id, node, index, position };
      const committed = group.committedAt(index);
      rule(committed?.entry.term === term, 'R5', 'what is applied is committed', facts);
      const item = committed.items[position];
      const isSame =
        item?.origin.request === origin.request && item.origin.node === origin.node && item.origin.boot === origin.boot;
      rule(isSame, 'R5', 'every replica applies the same operations', facts);
      if (raft === null) return;
      let cursor = cursors.get(raft);
      if (cursor === undefined) cursors.set(raft, (cursor = { index: 0, position: 0 }));
      const follows =
        index === cursor.index ? position === cursor.position + 1 : index > cursor.index && position === 0;
      rule(
        follows && !skipsWork(replica, Math.max(cursor.index, raft.state.log.baseIndex), index),
        'R5',
        'entries are applied in order, without gaps',
        facts,
      );
      cursor.index = index;
      cursor.position = position;
      let executions = verdicts.get(committed);
      if (executions === undefined) verdicts.set(committed, (executions = []));
      executions[position] ??= executed;
      rule(executions[position] === executed, 'R5', 'replicas agree on what was executed', facts);
    },
  };
}

/** Whether an entry with operations lies between two indexes. */
function skipsWork({ group }: ReplicaTruth, after: number, before: number): boolean {
  for (let index = after + 1; index < before; index += 1)
    if ((group.committedAt(index)?.items.length ?? 0) > 0) return true;
  return false;
}
