/**
 * R4: a leader has every entry that was committed in an earlier term, whether it was committed before the
 * election or is found to be afterwards.
 */
import type { CommittedEntry, GroupTruth, Leadership, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function leaderCompleteness(): Oracle {
  return {
    rule: 'R4',
    elected(group: GroupTruth, leadership: Leadership, replica: ReplicaTruth): void {
      const { committed } = group;
      for (let at = committed.length - 1; at >= 0; at -= 1) {
        const last = committed[at];
        if (last === undefined || last.commitTerm >= leadership.term) continue;
        requireEntry(replica, last, leadership.term);
        return;
      }
    },
    committed(group: GroupTruth, committed: CommittedEntry): void {
      for (const replica of group.replicas.values()) {
        if (replica.role === 'leader' && replica.term > committed.commitTerm)
          requireEntry(replica, committed, replica.term);
      }
    },
  };
}

function requireEntry(replica: ReplicaTruth, { entry, commitTerm }: CommittedEntry, term: number): void {
  const { group, node, raft } = replica;
  const facts = { group: group.id, node, term, index: entry.index, commitTerm };
  rule(
    raft === null || entry.index < raft.state.log.baseIndex || raft.state.log.termAt(entry.index) === entry.term,
    'R4',
    'a leader has what earlier terms committed',
    facts,
  );
}
