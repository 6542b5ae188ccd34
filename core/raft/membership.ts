/** What a replica may do as the group's membership stands, and what may become of that (§4). It only judges. */
import type { LogIndex, ReplicaId } from '../base/ids.ts';
import type { MonoTime } from '../base/time.ts';
import { isJoint, isVoter, membersOf, withVote } from './configuration.ts';
import type { Liveness } from './liveness.ts';
import { outcomeOfVote, quorumOf } from './quorum.ts';
import type { RaftState } from './state.ts';
import type { Configuration, Learner } from './types.ts';

export class Membership {
  private readonly id: ReplicaId;
  private readonly s: RaftState;
  private readonly liveness: Liveness;

  constructor(id: ReplicaId, state: RaftState, liveness: Liveness) {
    this.id = id;
    this.s = state;
    this.liveness = liveness;
  }

  /** Its own vote is a quorum. */
  get isAlone(): boolean {
    return this.s.log.era.quorum.every((voters) => voters.length === 1 && voters[0] === this.id);
  }

  /**
   * It has a vote in a configuration that may be the group's. One that is about to leave is still needed until that
   * is committed (§4.2.2).
   */
  get mayLead(): boolean {
    const { log, commitIndex, isSuspect } = this.s;
    if (isSuspect) return false;
    return log.erasSince(commitIndex).some(({ configuration }) => isVoter(configuration, this.id));
  }

  /** §4.1: one change at a time, and a leader first commits an entry of its own term. */
  get mayChange(): boolean {
    const { log, commitIndex, termStart } = this.s;
    return commitIndex >= termStart && commitIndex >= log.era.since && !isJoint(log.era.configuration);
  }

  /**
   * With the voters that are alive now a majority is left in the next configuration. One on a node where another
   * replica begins is not: that ends it.
   */
  hasQuorumIn(next: Configuration, now: MonoTime): boolean {
    const { progress } = this.s;
    const ended = new Set(next.learners.map(({ node }) => node));
    const votes = new Map<ReplicaId, boolean>();
    for (const { replica, node } of membersOf(next)) {
      const known = progress.get(replica);
      const isAlive =
        replica === this.id || (known?.hasAnswered === true && this.liveness.isHeard(replica, known, now));
      votes.set(replica, isAlive && !ended.has(node));
    }
    return outcomeOfVote(quorumOf(next), votes) === 'won';
  }

  /** A learner that is to join, is alive and has everything up to `goal`; with it the voters that are alive decide. */
  readyLearner(goal: LogIndex, now: MonoTime): Learner | undefined {
    const { configuration } = this.s.log.era;
    return configuration.learners.find((learner) => {
      const { replica, joins } = learner;
      const progress = this.s.progress.get(replica);
      if (!joins || progress?.mode !== 'replicate' || progress.matchIndex < goal) return false;
      if (!this.liveness.isHeard(replica, progress, now)) return false;
      return this.hasQuorumIn(withVote(configuration, learner), now);
    });
  }
}
