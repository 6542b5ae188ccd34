/**
 * R13: a snapshot stands for what is committed, and it is the state at its index to the byte: whoever makes it,
 * whenever, and whatever happens to the state meanwhile, snapshots of one index are equal.
 */
import type { GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function sameSnapshot(): Oracle {
  const digests = new Map<GroupTruth, Map<number, number>>();
  return {
    rule: 'R13',
    snapshotWritten({ group, node }: ReplicaTruth, { index, term }, digest: number): void {
      const facts = { group: group.id, node, index, term };
      // Of nothing yet: a replica that was added does not even know who else there is.
      if (index === 0) return;
      const isCommitted = group.committedAt(index)?.entry.term === term;
      rule(isCommitted, 'R13', 'a snapshot stands for what is committed', facts);
      let known = digests.get(group);
      if (known === undefined) digests.set(group, (known = new Map<number, number>()));
      rule((known.get(index) ?? digest) === digest, 'R13', 'snapshots of one index are equal', facts);
      known.set(index, digest);
    },
  };
}
