/**
 * R9: a leader commits by counting copies only entries of its own term; earlier ones follow with them. And a
 * follower takes no commit index beyond what the leader and it agree on: what it believes committed is.
 */
import { LogIndex } from '../../core/base/ids.ts';
import type { ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function commitByCounting(): Oracle {
  return {
    rule: 'R9',
    commitGrew(replica: ReplicaTruth, _from: number, to: number): void {
      const { group, node, raft } = replica;
      if (raft === null) return;
      const { state } = raft;
      const present = state.log.termAt(LogIndex(to));
      const facts = { group: group.id, node, index: to, term: state.term };
      const isCommitted = group.committedAt(to)?.entry.term === present;
      rule(isCommitted, 'R9', 'what a replica believes committed is', facts);
      if (replica.ledIn === state.term && state.role === 'leader')
        rule(present === state.term, 'R9', 'a leader counts entries of its own term', facts);
    },
  };
}
