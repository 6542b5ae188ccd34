/**
 * Whether the replicas of a group hold the same. Its leader logs a check now and then; each replica saves its state as
 * of that entry, and tells the leader the digest. Equal logs make equal states, so whoever differs from a majority has
 * been changed by something that is not its log: a fault of memory, of a disk, or of ours.
 */
import type { LogIndex, ReplicaId } from '../base/ids.ts';

export class Checks {
  private index: LogIndex | null = null;
  private readonly digests = new Map<ReplicaId, number>();

  /** Digests of the latest check count. */
  note(replica: ReplicaId, index: LogIndex, digest: number): void {
    if (this.index === null || index > this.index) {
      this.index = index;
      this.digests.clear();
    }
    if (index === this.index) this.digests.set(replica, digest);
  }

  /** The replicas that differ from what a majority of the voters holds; none while there is no such majority. */
  outliers(voters: readonly ReplicaId[]): readonly ReplicaId[] {
    const counts = new Map<number, number>();
    for (const voter of voters) {
      const digest = this.digests.get(voter);
      if (digest !== undefined) counts.set(digest, (counts.get(digest) ?? 0) + 1);
    }
    for (const [digest, count] of counts)
      if (count * 2 > voters.length) return [...this.digests].filter(([, other]) => other !== digest).map(([id]) => id);
    return [];
  }
}
