/**
 * A replica's log in memory: contiguous entries from index 1 on. It knows nothing of commitment.
 */
import { LogIndex, Term } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import type { Entry } from './types.ts';

export class RaftLog {
  private readonly entries: Entry[];

  constructor(entries: readonly Entry[]) {
    this.entries = [...entries];
  }

  get lastIndex(): LogIndex {
    return LogIndex(this.entries.length);
  }

  get lastTerm(): Term {
    return this.entries.at(-1)?.term ?? Term(0);
  }

  /** The term of the entry at `index`; 0 before the log, null beyond its end. */
  termAt(index: LogIndex): Term | null {
    if (index === 0) return Term(0);
    return this.entries[index - 1]?.term ?? null;
  }

  append(entry: Entry): void {
    invariant(entry.index === this.entries.length + 1, 'a log grows without gaps', { index: entry.index });
    this.entries.push(entry);
  }

  /** Removes everything from `index` on. */
  truncateFrom(index: LogIndex): void {
    this.entries.length = index - 1;
  }

  /** The entries after `after` up to `upTo`. */
  slice(after: LogIndex, upTo: LogIndex): readonly Entry[] {
    return this.entries.slice(after, upTo);
  }

  /** The entries after `after` that fit in `maxBytes`, at least one if there is any. */
  sliceBytes(after: LogIndex, maxBytes: number): readonly Entry[] {
    const taken: Entry[] = [];
    let bytes = 0;
    for (let i: number = after; i < this.entries.length; i += 1) {
      const entry = this.entries[i];
      if (entry === undefined) break;
      bytes += entry.data.length;
      if (taken.length > 0 && bytes > maxBytes) break;
      taken.push(entry);
    }
    return taken;
  }

  /** The last index not after `index` whose term is at most `term`: where two logs may still agree. */
  lastAgreeable(index: LogIndex, term: Term): LogIndex {
    let at: number = Math.min(index, this.entries.length);
    while (at > 0 && (this.entries[at - 1]?.term ?? 0) > term) at -= 1;
    return LogIndex(at);
  }
}
