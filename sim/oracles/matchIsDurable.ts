/**
 * R8: what a leader believes that a replica's log shares with its own, that replica's disk holds: no `matchIndex` is
 * beyond the true common durable prefix. By R3 that is so if both have an entry of the same term at that index. Of a
 * replica whose disk knows a later term the leader may be wrong: it is not the leader any more, and has not heard of it.
 */
import { LogIndex, type ReplicaId } from '../../core/base/ids.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type { ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function matchIsDurable(): Oracle {
  /** Those that were answered in the present turn. */
  const answered = new Set<ReplicaTruth>();
  return {
    rule: 'R8',
    raftReceived(replica: ReplicaTruth, _from: ReplicaId, { kind }: RaftMessage): void {
      if (kind === 'appendReply' || kind === 'snapshotReply') answered.add(replica);
    },
    /** Before it is judged what is committed by it. */
    replicaChanged(replica: ReplicaTruth): void {
      judge(replica);
    },
    turnEnded(): void {
      for (const replica of answered) judge(replica);
      answered.clear();
    },
  };
}

function judge({ group, node, raft }: ReplicaTruth): void {
  if (raft?.state.role !== 'leader') return;
  const { progress, term, log } = raft.state;
  for (const [id, { matchIndex }] of progress) {
    const follower = group.replicas.get(id);
    if (matchIndex === 0 || (follower !== undefined && follower.durableHard.term > term)) continue;
    const own = log.termAt(LogIndex(matchIndex)) ?? group.committedAt(matchIndex)?.entry.term;
    const held = follower?.durable[matchIndex - 1]?.term;
    rule(held !== undefined && held === own, 'R8', 'what a leader counts for a replica is on its disk', {
      group: group.id,
      node,
      term,
      replica: id,
      matchIndex,
      durable: follower?.durable.length ?? 0,
    });
  }
}
