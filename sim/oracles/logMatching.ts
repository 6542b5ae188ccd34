/**
 * R3: entries of the same index and term, on any replica at any time, are the same entry and have the same
 * predecessors. Checked one entry at a time against the first of its kind, so equality of the prefix follows.
 */
import { equalBytes } from '../../core/base/bytes.ts';
import type { GroupId } from '../../core/base/ids.ts';
import type { Entry } from '../../core/raft/types.ts';
import type { ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

interface Seen {
  readonly entry: Entry;
  readonly previousTerm: number;
}

export function logMatching(): Oracle {
  /** By group, by index, by term. */
  const seen = new Map<GroupId, Map<number, Seen>[]>();
  return {
    rule: 'R3',
    entriesWritten(replica: ReplicaTruth, entries: readonly Entry[]): void {
      const { group, node, written } = replica;
      let byIndex = seen.get(group.id);
      if (byIndex === undefined) seen.set(group.id, (byIndex = []));
      const first = entries[0];
      if (first === undefined) return;
      rule(first.index <= written.length + 1, 'R3', 'a log has no gaps', { group: group.id, node, index: first.index });
      let previousTerm: number = written[first.index - 2]?.term ?? 0;
      for (const entry of entries) {
        const known = firstOfItsKind(byIndex, entry, previousTerm);
        const isSame =
          known.entry === entry || (known.entry.kind === entry.kind && equalBytes(known.entry.data, entry.data));
        const facts = { group: group.id, node, index: entry.index, term: entry.term };
        rule(
          isSame && known.previousTerm === previousTerm,
          'R3',
          'index and term tell an entry and its predecessors',
          facts,
        );
        rule(entry.term >= previousTerm, 'R3', 'terms in a log never fall', facts);
        previousTerm = entry.term;
      }
    },
  };
}

function firstOfItsKind(byIndex: Map<number, Seen>[], entry: Entry, previousTerm: number): Seen {
  while (byIndex.length <= entry.index) byIndex.push(new Map());
  const byTerm = byIndex[entry.index];
  const known = byTerm?.get(entry.term);
  if (known !== undefined) return known;
  const seen: Seen = { entry, previousTerm };
  byTerm?.set(entry.term, seen);
  return seen;
}
