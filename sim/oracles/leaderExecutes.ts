/**
 * X1, the headline: no command executes on a non-leader. Every entry that is committed was proposed by the one
 * leader of its term. Every read that went past the log had, between its arrival and its reply, a majority
 * that answered the serving leader in its term, judged by when messages truly left and what truly came back;
 * or, with leases, arrived when no later leader had been elected in true time. What does not lead serves reads only
 * of clients that said READONLY, on the word of a leader of whom the same holds.
 */
import { type ReplicaId, Term } from '../../core/base/ids.ts';
import type { ServedRead } from '../../core/node/probe.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type { Arrival, Command } from '../truth/commands.ts';
import type { CommittedEntry, GroupTruth, Leadership, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

export function leaderExecutes(truth: Truth): Oracle {
  /** Who proposed: by group and term, then by index. */
  const proposals = new WeakMap<Leadership, Set<number>>();
  return {
    rule: 'X1',
    proposed(replica: ReplicaTruth, term: number, index: number): void {
      const leadership = leadershipOf(replica, term);
      const facts = { group: replica.group.id, node: replica.node, term, index };
      rule(leadership !== null, 'X1', 'only the leader of a term proposes in it', facts);
      let indexes = proposals.get(leadership);
      if (indexes === undefined) proposals.set(leadership, (indexes = new Set()));
      indexes.add(index);
    },
    committed(group: GroupTruth, { entry, items }: CommittedEntry): void {
      if (items.length === 0) return;
      const leadership = group.leaders.get(entry.term);
      const isProposed = leadership !== undefined && proposals.get(leadership)?.has(entry.index) === true;
      rule(isProposed, 'X1', 'what is executed was proposed by the leader of its term', {
        group: group.id,
        term: entry.term,
        index: entry.index,
      });
    },
    raftSent(replica: ReplicaTruth, _to, message: RaftMessage): void {
      if (message.kind !== 'append' && message.kind !== 'heartbeat' && message.kind !== 'snapshotChunk') return;
      const leadership = leadershipOf(replica, message.term);
      if (leadership !== null) leadership.roundSentAt[message.round] ??= truth.now;
    },
    raftReceived(replica: ReplicaTruth, from: ReplicaId, message: RaftMessage): void {
      const isAnswer = message.kind === 'appendReply' || message.kind === 'heartbeatReply';
      if (!isAnswer && message.kind !== 'snapshotReply') return;
      const leadership = leadershipOf(replica, message.term);
      if (leadership === null) return;
      leadership.roundAnswered[from] = Math.max(leadership.roundAnswered[from] ?? 0, message.round);
    },
    readServed(replica: ReplicaTruth, event: ServedRead, command: Command, arrival: Arrival): void {
      const { group, node } = replica;
      const facts = { group: group.id, node, term: event.term, request: command.request, ingress: command.node };
      const leadership = event.isFollowers ? group.leaders.get(event.term) : leadershipOf(replica, event.term);
      rule(leadership != null, 'X1', 'only the leader of a term serves reads in it', facts);
      const isAllowed = !event.isFollowers || truth.readonlyConnections.has(command.conn);
      rule(isAllowed, 'X1', 'what does not lead serves only READONLY connections', facts);
      if (truth.leaseReads && !wasSucceeded(group, event.term, arrival.at)) return;
      // Who must be asked only the leader knows: a follower may not have heard yet that it belongs to the group no more.
      const leader = event.isFollowers ? (leaderReplica(group, leadership) ?? replica) : replica;
      if (isAlone(leader, leadership) && !wasSucceeded(group, event.term, truth.now)) return;
      const confirmedAt = leadership.roundSentAt[confirmedRound(leader, leadership)] ?? -1;
      rule(confirmedAt >= arrival.at, 'X1', 'a read is served only after a majority confirmed the leader', {
        ...facts,
        confirmedAt,
        arrivedAt: arrival.at,
      });
    },
  };
}

function leadershipOf(replica: ReplicaTruth, term: number): Leadership | null {
  const { leaders, latestLeader } = replica.group;
  const leadership = latestLeader?.term === term ? latestLeader : leaders.get(Term(term));
  return leadership?.node === replica.node && leadership.boot === replica.boot ? leadership : null;
}

/** The one that led, if its node lives. */
function leaderReplica({ replicas }: GroupTruth, { node }: Leadership): ReplicaTruth | null {
  for (const replica of replicas.values()) if (replica.node === node && replica.raft !== null) return replica;
  return null;
}

/** The latest round that a majority, the leader included, has answered: of who belongs to the group, or did lately. */
function confirmedRound({ group, raft }: ReplicaTruth, { node, roundAnswered, roundSentAt }: Leadership): number {
  if (raft === null) return 0;
  const eras = raft.state.log.erasSince(raft.state.log.baseIndex);
  for (let round = roundSentAt.length - 1; round > 0; round -= 1) {
    const hasAnswered = (other: ReplicaTruth): boolean =>
      other.node === node || (roundAnswered[other.replica] ?? 0) >= round;
    if (eras.some(({ configuration }) => group.isQuorum(configuration, hasAnswered))) return round;
  }
  return 0;
}

/** The leader is the only voter: it needs to ask nobody. */
function isAlone({ group, raft }: ReplicaTruth, { node }: Leadership): boolean {
  return raft !== null && group.isQuorum(raft.configuration, (other) => other.node === node);
}

function wasSucceeded(group: GroupTruth, term: number, by: number): boolean {
  for (const leadership of group.leaders.values()) if (leadership.term > term && leadership.electedAt < by) return true;
  return false;
}
