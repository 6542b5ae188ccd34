/**
 * Which of a keyspace's writes touched a key last, so that WATCH can tell whether one did since. Writes are counted;
 * an item says itself which was its last. Of keys that are not there only so much is known: the last write that
 * removed one of the same bucket. So a watched key that is missing may seem touched when another went. A key whose time
 * has come is not there, and was touched last by its last write, whether it has left since or not.
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

  /** A key left; nothing touched it after `write`. */
  removed(key: string, write: number): void {
    const bucket = bucketOf(key);
    this.removals.set(bucket, Math.max(write, this.removals.get(bucket) ?? 0));
  }

  cleared(): void {
    this.clearedAt = this.writes;
    this.removals.clear();
  }

  /** Odd for a key that is there, and was last written by `write`. */
  of(write: number): number {
    return 2 * write + 1;
  }

  /** Even for a key that is not; `write`: the last one of the item that is only stored still, 0 if none is. */
  ofMissing(key: string, write: number): number {
    return 2 * Math.max(this.clearedAt, write, this.removals.get(bucketOf(key)) ?? 0);
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
