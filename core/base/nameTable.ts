/** Finds what has a name by the name's bytes, in whatever case they are, without making a string of them. */
import { bytesOfBinary } from './bytes.ts';

export interface Named {
  /** Lower-case ASCII. */
  readonly name: string;
}

export class NameTable<Item extends Named> {
  private readonly buckets: readonly (readonly Item[])[];

  /** Names differ from one another. */
  constructor(items: Iterable<Item>) {
    const all = [...items];
    let capacity = 1;
    while (capacity < all.length * 4) capacity *= 2;
    const buckets = Array.from({ length: capacity }, (): Item[] => []);
    for (const item of all) buckets[hash(bytesOfBinary(item.name)) & (capacity - 1)]?.push(item);
    this.buckets = buckets;
  }

  find(name: Uint8Array): Item | undefined {
    const bucket = this.buckets[hash(name) & (this.buckets.length - 1)];
    if (bucket === undefined) return undefined;
    for (const item of bucket) if (isNamed(item, name)) return item;
    return undefined;
  }
}

/** More than any command has: what is longer is not hashed to its end. */
const hashedBytes = 32;

/** FNV-1a over lower-case letters. */
function hash(name: Uint8Array): number {
  let value = 0x811c9dc5;
  const end = Math.min(name.length, hashedBytes);
  for (let i = 0; i < end; i += 1) value = Math.imul(value ^ lower(name[i] ?? 0), 0x01000193);
  return value;
}

function isNamed({ name }: Named, bytes: Uint8Array): boolean {
  if (bytes.length !== name.length) return false;
  for (let i = 0; i < bytes.length; i += 1) if (lower(bytes[i] ?? 0) !== name.charCodeAt(i)) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
