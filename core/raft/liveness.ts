/** Which other replicas are alive, as a leader sees it, and at rest through the pulses of their nodes. It only looks. */
import type { ReplicaId } from '../base/ids.ts';
import { after, MonoTime } from '../base/time.ts';
import { reachedByQuorum } from './quorum.ts';
import type { Progress, RaftConfig, RaftState } from './state.ts';

export class Liveness {
  private readonly config: RaftConfig;
  private readonly s: RaftState;

  constructor(config: RaftConfig, state: RaftState) {
    this.config = config;
    this.s = state;
  }

  /** It was heard within the last election timeout. */
  isHeard(replica: ReplicaId, progress: Progress, now: MonoTime): boolean {
    return now < after(this.heardAt(replica, progress), this.config.electionMs);
  }

  /** At rest nobody answers anything, but nodes show that they are there. */
  heardAt(replica: ReplicaId, { heardAt }: Progress): MonoTime {
    const nodeHeardAt = this.s.isResting ? this.config.nodeHeardAt(replica) : null;
    return nodeHeardAt === null || nodeHeardAt < heardAt ? heardAt : nodeHeardAt;
  }

  isNodeAlive(replica: ReplicaId, now: MonoTime): boolean {
    const heardAt = this.config.nodeHeardAt(replica);
    return heardAt !== null && now < after(heardAt, this.config.electionMs);
  }

  /** Those that were heard, and this replica, are a majority. */
  hasMajority(now: MonoTime): boolean {
    const { progress, log } = this.s;
    const reached = reachedByQuorum(log.era.quorum, (voter) => {
      const known = progress.get(voter);
      if (voter === this.config.id) return now;
      return known === undefined ? 0 : this.heardAt(voter, known);
    });
    return now < after(MonoTime(reached), this.config.electionMs);
  }
}
