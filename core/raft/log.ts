/**
 * A replica's log in memory: contiguous entries behind its base, the last entry that a snapshot stands for (§5.1).
 * It knows nothing of commitment.
 */
import { LogIndex, type NodeId, type ReplicaId, type Term } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { nodeIn } from './configuration.ts';
import type { Configuration } from './types.ts';
import { decodeConfiguration } from '../wire/configuration.ts';
import { type Quorum, quorumOf } from './quorum.ts';
import type { Entry, LogBase } from './types.ts';

/** What holds from an index on. */
export interface Era {
  readonly since: LogIndex;
  readonly configuration: Configuration;
  readonly quorum: Quorum;
}

/** What an entry takes beside its data, roughly. */
const overheadBytes = 64;

export class RaftLog {
  private base: LogBase;
  private entries: Entry[];
  /** The first holds at the base, the last at the end. Never empty. */
  private eras: Era[];

  /** `configuration` is as of `base`; `entries` begin right behind it. */
  constructor(base: LogBase, configuration: Configuration, entries: readonly Entry[]) {
    this.base = base;
    this.entries = [...entries];
    this.eras = [eraOf(base.index, configuration)];
    for (const entry of entries) this.noteEra(entry);
  }

  /** The configuration that holds now, from the index on at which it is. */
  get era(): Era {
    const last = this.eras.at(-1);
    invariant(last !== undefined, 'there always is a configuration');
    return last;
  }

  /** The one before; null if it is not known any more. */
  get previousEra(): Era | null {
    return this.eras.at(-2) ?? null;
  }

  /** The one that held at `index`, and those since, the oldest first. */
  erasSince(index: LogIndex): readonly Era[] {
    let from = this.eras.length - 1;
    while (from > 0 && (this.eras[from]?.since ?? 0) > index) from -= 1;
    return this.eras.slice(from);
  }

  configurationAt(index: LogIndex): Configuration {
    let at = this.eras.length - 1;
    while (at > 0 && (this.eras[at]?.since ?? 0) > index) at -= 1;
    return (this.eras[at] ?? this.era).configuration;
  }

  /** Where a replica is that any of the known configurations names. */
  nodeOf(replica: ReplicaId): NodeId | null {
    for (const { configuration } of this.eras) {
      const node = nodeIn(configuration, replica);
      if (node !== null) return node;
    }
    return null;
  }

  /** The last index without an entry; everything up to it is in a snapshot. */
  get baseIndex(): LogIndex {
    return this.base.index;
  }

  get lastIndex(): LogIndex {
    return LogIndex(this.base.index + this.entries.length);
  }

  get lastTerm(): Term {
    return this.entries.at(-1)?.term ?? this.base.term;
  }

  /** The term of the entry at `index`; null beyond the end, and before the base, where it is not known any more. */
  termAt(index: LogIndex): Term | null {
    if (index === this.base.index) return this.base.term;
    return this.entries[index - this.base.index - 1]?.term ?? null;
  }

  append(entry: Entry): void {
    invariant(entry.index === this.lastIndex + 1, 'a log grows without gaps', { index: entry.index });
    this.entries.push(entry);
    this.noteEra(entry);
  }

  /** Removes everything from `index` on, which is behind the base. */
  truncateFrom(index: LogIndex): void {
    this.entries.length = index - this.base.index - 1;
    this.eras = this.eras.filter(({ since }) => since < index || since <= this.base.index);
  }

  /** Forgets the entries up to `index`, which is in the log. */
  compactTo(index: LogIndex): void {
    const term = this.termAt(index);
    invariant(term !== null, 'a log is compacted to an entry it has', { index, base: this.base.index });
    this.eras = [...this.erasSince(index)];
    this.entries = this.entries.slice(index - this.base.index);
    this.base = { index, term };
  }

  /** Begins anew behind a snapshot that says more than this log. */
  resetTo(base: LogBase, configuration: Configuration): void {
    this.base = base;
    this.entries = [];
    this.eras = [eraOf(base.index, configuration)];
  }

  /** The lowest index behind which the entries up to `index` take no more than `bytes`. */
  tailOf(index: LogIndex, bytes: number): LogIndex {
    let from: number = index;
    for (let left = bytes; from > this.base.index; from -= 1) {
      left -= overheadBytes + (this.entries[from - this.base.index - 1]?.data.length ?? 0);
      if (left < 0) break;
    }
    return LogIndex(from);
  }

  /** The entries after `after`, which is not before the base, up to `upTo`. */
  slice(after: LogIndex, upTo: LogIndex): readonly Entry[] {
    const { index } = this.base;
    invariant(after >= index, 'what was compacted is not asked for', { after, base: index });
    return this.entries.slice(after - index, Math.max(upTo - index, 0));
  }

  /** The entries after `after` that fit in `maxBytes`, at least one if there is any. */
  sliceBytes(after: LogIndex, maxBytes: number): readonly Entry[] {
    const taken: Entry[] = [];
    let bytes = 0;
    for (let i = after - this.base.index; i < this.entries.length; i += 1) {
      const entry = this.entries[i];
      if (entry === undefined) break;
      bytes += entry.data.length;
      if (taken.length > 0 && bytes > maxBytes) break;
      taken.push(entry);
    }
    return taken;
  }

  /**
   * The last index not after `index` whose term is at most `term`: where two logs may still agree. Before the base
   * nothing is known, so they may agree there.
   */
  lastAgreeable(index: LogIndex, term: Term): LogIndex {
    let at: number = Math.min(index, this.lastIndex);
    while (at > 0 && (this.termAt(LogIndex(at)) ?? 0) > term) at -= 1;
    return LogIndex(at);
  }

  private noteEra({ kind, index, data }: Entry): void {
    if (kind !== 'configuration') return;
    const configuration = decodeConfiguration(data);
    invariant(configuration !== null, 'a configuration in the log can be read', { index });
    this.eras.push(eraOf(index, configuration));
  }
}

function eraOf(since: LogIndex, configuration: Configuration): Era {
  return { since, configuration, quorum: quorumOf(configuration) };
}
