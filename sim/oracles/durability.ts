/**
 * R6: when an entry becomes committed, a majority has it on disk. R7: every acknowledgement and every vote that
 * leaves a node claims no more than its disk holds. R10: on disk, terms never fall and a vote within a term
 * never changes. Judged against the simulated disks alone.
 */
import { unreachable } from '../../core/base/invariant.ts';
import type { ReplicaId } from '../../core/base/ids.ts';
import type { HardState, RaftMessage } from '../../core/raft/types.ts';
import type { CommittedEntry, GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function committedIsDurable(): Oracle {
  return {
    rule: 'R6',
    committed(group: GroupTruth, { entry }: CommittedEntry, by: ReplicaTruth): void {
      const { index, term } = entry;
      // A step that commits it may go on to the next configuration.
      const eras = by.raft?.state.log.erasSince(index) ?? [];
      const isHeld = eras.some(({ configuration }) =>
        group.isQuorum(configuration, ({ durable }) => durable[index - 1]?.term === term),
      );
      rule(isHeld, 'R6', 'a majority has on disk what is committed', { group: group.id, index, term, by: by.node });
    },
  };
}

export function claimsAreDurable(): Oracle {
  return {
    rule: 'R7',
    raftSent(replica: ReplicaTruth, to: ReplicaId, message: RaftMessage): void {
      const { term } = message;
      const facts = { group: replica.group.id, node: replica.node, term, message: message.kind };
      switch (message.kind) {
        case 'appendReply':
          requireTerm(replica, message);
          if (message.accepted)
            rule(replica.durable.length >= message.index, 'R7', 'what is acknowledged is on disk', {
              ...facts,
              index: message.index,
            });
          return;
        case 'removed':
        case 'heartbeatReply':
          requireTerm(replica, message);
          return;
        case 'voteReply':
          if (message.granted && !message.pre)
            rule(replica.votes.get(term) === to, 'R7', 'a vote is on disk before it is given', { ...facts, to });
          return;
        case 'append':
        case 'heartbeat':
        case 'rest':
        case 'readReply':
        case 'stateDigest':
        case 'readRequest':
        case 'snapshotChunk':
        case 'snapshotReply':
          requireTerm(replica, message);
          return;
        case 'voteRequest':
        case 'timeoutNow':
          return;
        default:
          unreachable(message);
      }
    },
  };
}

export function promisesAreKept(): Oracle {
  return {
    rule: 'R10',
    hardStateWritten(replica: ReplicaTruth, { term, votedFor }: HardState): void {
      const before = replica.writtenHard;
      const facts = { group: replica.group.id, node: replica.node, term, before: before.term };
      rule(term >= before.term, 'R10', 'a term on disk never falls', facts);
      const keeps = term > before.term || before.votedFor === null || votedFor === before.votedFor;
      rule(keeps, 'R10', 'a vote within a term never changes', { ...facts, votedFor, votedBefore: before.votedFor });
    },
  };
}

function requireTerm(replica: ReplicaTruth, message: RaftMessage): void {
  const { group, node, durableHard } = replica;
  const facts = { group: group.id, node, term: message.term, durable: durableHard.term, message: message.kind };
  rule(durableHard.term >= message.term, 'R7', 'who speaks in a term has it on disk', facts);
}
