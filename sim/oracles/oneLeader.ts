/**
 * R1: at most one leader ever per group and term; and it leads by votes that a majority has on disk.
 */
import type { GroupTruth, Leadership, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function oneLeader(): Oracle {
  return {
    rule: 'R1',
    elected(group: GroupTruth, leadership: Leadership, replica: ReplicaTruth): void {
      const { term, node, boot } = leadership;
      const other = group.leaders.get(term);
      rule(other === undefined, 'R1', 'a term has one leader', {
        group: group.id,
        term,
        node,
        boot,
        other: other?.node ?? 0,
      });
      const { raft } = replica;
      const isElected =
        raft !== null && group.isQuorum(raft.configuration, ({ votes }) => votes.get(term) === replica.replica);
      rule(isElected, 'R1', 'a leader has a majority of votes on disk', { group: group.id, term, node });
    },
  };
}
