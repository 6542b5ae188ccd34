/**
 * From the hash of a name to the address of its record: small hash tables with open addressing, 64 of them, so that
 * what has to be put in again when one grows is never much at a time, whatever the map's size.
 */
import { invariant } from '../base/invariant.ts';
import type { PackedName } from './packedName.ts';
import type { PlaceRecords } from './placeRecords.ts';

const hashBits = 32;
const partBits = 6;
const firstSlots = 8;
/** A slot is a hash and, beside it, an address plus one; 0 if it is free. */
const slotWords = 2;
/** Of four slots three may be taken: beyond that a search has far to go. */
const fullEighths = 6;

export class NameIndex {
  private readonly parts = manyTimes(new Uint32Array(0));
  private readonly taken = new Uint32Array(1 << partBits);

  /** The address of the name's record; -1 if there is none. */
  find(name: PackedName, records: PlaceRecords): number {
    const { hash } = name;
    const part = this.parts[hash >>> (hashBits - partBits)];
    if (part === undefined || part.length === 0) return -1;
    const mask = part.length / slotWords - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const address = part[slot * slotWords + 1] ?? 0;
      if (address === 0) return -1;
      if (part[slot * slotWords] === hash && records.isNamed(address - 1, name)) return address - 1;
    }
  }

  /** The name is not there yet. */
  add({ hash }: PackedName, at: number): void {
    const number = hash >>> (hashBits - partBits);
    const taken = (this.taken[number] ?? 0) + 1;
    let part = this.parts[number];
    invariant(part !== undefined, 'every hash has its part');
    if (taken * slotWords * 8 > part.length * fullEighths) {
      part = grown(part);
      this.parts[number] = part;
    }
    put(part, hash, at + 1);
    this.taken[number] = taken;
  }

  /** All hashes with their addresses. */
  forEach(visit: (hash: number, at: number) => void): void {
    for (const part of this.parts) {
      for (let slot = 0; slot < part.length; slot += slotWords) {
        const address = part[slot + 1] ?? 0;
        if (address !== 0) visit(part[slot] ?? 0, address - 1);
      }
    }
  }

  /** The addresses of names whose hash begins with the same `bits` bits as `prefix`: at least as many as tell the part. */
  *addressesOf(prefix: number, bits: number): Generator<number> {
    const part = this.parts[prefix >>> (bits - partBits)];
    invariant(part !== undefined, 'every hash has its part');
    for (let slot = 0; slot < part.length; slot += slotWords) {
      const address = part[slot + 1] ?? 0;
      if (address !== 0 && (part[slot] ?? 0) >>> (hashBits - bits) === prefix) yield address - 1;
    }
  }

  copy(): NameIndex {
    const copy = new NameIndex();
    copy.parts.splice(0, copy.parts.length, ...this.parts.map((part) => part.slice()));
    copy.taken.set(this.taken);
    return copy;
  }
}

/** Many tables are empty, and so are all their parts: one and the same until it grows. */
function manyTimes(empty: Uint32Array): Uint32Array[] {
  return Array.from({ length: 1 << partBits }, () => empty);
}

function grown(part: Uint32Array): Uint32Array {
  const larger = new Uint32Array(Math.max(firstSlots * slotWords, 2 * part.length));
  for (let i = 0; i < part.length; i += slotWords) {
    const address = part[i + 1] ?? 0;
    if (address !== 0) put(larger, part[i] ?? 0, address);
  }
  return larger;
}

function put(part: Uint32Array, hash: number, address: number): void {
  const mask = part.length / slotWords - 1;
  let slot = hash & mask;
  while (part[slot * slotWords + 1] !== 0) slot = (slot + 1) & mask;
  part[slot * slotWords] = hash;
  part[slot * slotWords + 1] = address;
}
