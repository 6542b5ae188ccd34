/**
 * R2: a leader never rewrites its own log. R11: nothing committed is cut off, and what a replica knows to be
 * committed or has applied never falls within a life.
 */
import type { Entry } from '../../core/raft/types.ts';
import type { ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function leaderAppendOnly(): Oracle {
  return {
    rule: 'R2',
    entriesWritten(replica: ReplicaTruth, entries: readonly Entry[]): void {
      const first = entries[0];
      if (first === undefined || first.index > replica.written.length) return;
      const { state } = replica.raft ?? {};
      const leads = state?.role === 'leader' && state.term === replica.ledIn;
      // Beside a snapshot, what follows it is written again.
      const isSame = replica.written
        .slice(first.index - 1)
        .every(({ index, term }) => entries[index - first.index]?.term === term);
      rule(!leads || isSame, 'R2', 'a leader only adds to its log', {
        group: replica.group.id,
        node: replica.node,
        from: first.index,
      });
    },
  };
}

export function nothingCommittedIsLost(): Oracle {
  return {
    rule: 'R11',
    entriesWritten(replica: ReplicaTruth, entries: readonly Entry[]): void {
      const { group, node, written } = replica;
      const first = entries[0];
      if (first === undefined || first.index > written.length || first.index > group.committed.length) return;
      const last = Math.min(written.length, group.committed.length);
      for (let index: number = first.index; index <= last; index += 1) {
        const committed = group.committedAt(index)?.entry.term;
        const isCut = written[index - 1]?.term === committed && entries[index - first.index]?.term !== committed;
        rule(!isCut, 'R11', 'what is committed stays', { group: group.id, node, index });
      }
    },
    replicaChanged(replica: ReplicaTruth, applied: number): void {
      const { raft, group, node } = replica;
      if (raft === null) return;
      const facts = { group: group.id, node };
      rule(raft.state.commitIndex >= replica.commitIndex, 'R11', 'a commit index never falls', facts);
      rule(applied >= replica.applied, 'R11', 'an applied index never falls', facts);
      rule(applied <= raft.state.commitIndex, 'R11', 'only what is committed is applied', facts);
    },
  };
}
