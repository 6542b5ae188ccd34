/**
 * Which of a keyspace's writes touched a key last, so that WATCH can tell whether one did since. Writes are counted;
 * an item says itself which was its last. Of keys that are not there only so much is known: the last write that
 * removed one of the same bucket. So a watched key that is missing may seem touched when another went.
 */
const buckets = 256;
const fnvBasis = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** As they are written to a snapshot. */
export interface VersionsImage {
  readonly writes: number;
  readonly clearedAt: number;
  readonly removals: readonly (readonly [bucket: number, write: number])[];
}

export class Versions {
  /** The number of the present write. */
  private writes = 0;
  private clearedAt = 0;
  private removals = new Map<number, number>();

  get present(): number {
    return this.writes;
  }

  /** A write begins: a command, or a transaction as a whole. */
  begin(): void {
    this.writes += 1;
  }

  removed(key: string): void {
    this.removals.set(bucketOf(key), this.writes);
  }

  cleared(): void {
    this.clearedAt = this.writes;
    this.removals.clear();
  }

  /** Odd for a key that was last written by `write`, even for one that is not there. */
  of(key: string, write: number | null): number {
    if (write !== null) return 2 * write + 1;
    return 2 * Math.max(this.clearedAt, this.removals.get(bucketOf(key)) ?? 0);
  }

  image(): VersionsImage {
    const { writes, clearedAt } = this;
    return { writes, clearedAt, removals: [...this.removals].sort(([a], [b]) => a - b) };
  }

  restore({ writes, clearedAt, removals }: VersionsImage): void {
    this.writes = writes;
    this.clearedAt = clearedAt;
    this.removals = new Map(removals);
  }
}

/** FNV-1a over the key's bytes. */
export function bucketOf(key: string): number {
  let hash = fnvBasis;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), fnvPrime);
  return (hash >>> 0) % buckets;
}
