/**
 * One tenant's data. Everything in it follows from the operations it has seen and the log times they came with,
 * so replicas that saw the same are equal to the byte, the order of SCAN included.
 *
 * Time: a key whose time has come is invisible. It leaves with the write that touches it, or with a purge; both
 * are logged.
 */
import { bytesOfBinary, binaryString, compareText } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { below, type Random } from '../base/random.ts';
import type { WallTime } from '../base/time.ts';
import { type Expiring, ExpiryIndex } from './expiryIndex.ts';
import { ListValue } from './listValue.ts';

export type Value = Uint8Array | ListValue;

export interface Item extends Expiring {
  /** The key's bytes, one per character. */
  readonly key: string;
  value: Value;
  expireAt: WallTime | null;
  /** Counts keys in the order of their creation: a place in SCAN that never changes. */
  readonly serial: number;
  /** Where it is in `order` now. */
  place: number;
  isLive: boolean;
}

/** What an item takes beside its bytes, roughly: objects, map entry, order entry. */
const itemOverheadBytes = 200;
/** Fewer dead places than this are not worth compacting. */
const compactAbove = 32;
/** Draws before RANDOMKEY looks at places one after the other. */
const randomDraws = 64;

export class Keyspace {
  private readonly items = new Map<string, Item>();
  /** By serial; null where a key was removed. */
  private order: (Item | null)[] = [];
  private dead = 0;
  private lastSerial = 0;
  private valueBytes = 0;
  private expiries = new ExpiryIndex<Item>();

  /** Keys, those included whose time has come and that were not purged yet. */
  get size(): number {
    return this.items.size;
  }

  /** Memory it takes, roughly. */
  get bytes(): number {
    return this.valueBytes + this.items.size * itemOverheadBytes;
  }

  /** The item, unless its time has come. */
  find(key: string, now: WallTime): Item | null {
    const item = this.items.get(key);
    if (item === undefined || isExpired(item, now)) return null;
    return item;
  }

  /** As `find`, but removes what it must not find. For writes only. */
  findForWrite(key: string, now: WallTime): Item | null {
    const item = this.items.get(key);
    if (item === undefined) return null;
    if (!isExpired(item, now)) return item;
    this.remove(item);
    return null;
  }

  /** Gives the key a value and, unless told to keep it, no expiry. The value is the keyspace's from now on. */
  put(key: string, value: Value, now: WallTime, keepsExpiry = false): Item {
    const present = this.findForWrite(key, now);
    if (present !== null) {
      this.replace(present, value);
      if (!keepsExpiry && present.expireAt !== null) this.setExpiry(present, null);
      return present;
    }
    this.lastSerial += 1;
    const item: Item = { key, value, expireAt: null, serial: this.lastSerial, place: this.order.length, isLive: true };
    this.items.set(key, item);
    this.order.push(item);
    this.valueBytes += key.length + sizeOf(value);
    return item;
  }

  replace(item: Item, value: Value): void {
    this.valueBytes += sizeOf(value) - sizeOf(item.value);
    item.value = value;
  }

  /** A list changed in place by so many bytes. */
  resized(difference: number): void {
    this.valueBytes += difference;
  }

  remove(item: Item): void {
    this.items.delete(item.key);
    this.order[item.place] = null;
    this.dead += 1;
    this.valueBytes -= item.key.length + sizeOf(item.value);
    item.isLive = false;
    if (item.expireAt !== null) this.expiries.changed(item, item.expireAt);
    if (this.dead > compactAbove && this.dead * 2 > this.order.length) this.compact();
  }

  setExpiry(item: Item, at: WallTime | null): void {
    const before = item.expireAt;
    item.expireAt = at;
    this.expiries.changed(item, before);
  }

  clear(): void {
    this.items.clear();
    this.expiries = new ExpiryIndex<Item>();
    this.order = [];
    this.dead = 0;
    this.valueBytes = 0;
  }

  /** When the first key's time comes; null if none has one. */
  nextExpiry(): WallTime | null {
    return this.expiries.first()?.expireAt ?? null;
  }

  /** Keys whose time has come, at most `limit`. */
  expiredKeys(now: WallTime, limit: number): readonly Uint8Array[] {
    return this.expiries.due(now, limit).map(({ key }) => bytesOfBinary(key));
  }

  /** Removes those of the keys whose time has come by `now`. */
  purge(keys: readonly Uint8Array[], now: WallTime): void {
    for (const key of keys) this.findForWrite(binaryString(key), now);
  }

  /** Visible items in the order of their creation. */
  *live(now: WallTime): IterableIterator<Item> {
    for (const item of this.order) if (item !== null && !isExpired(item, now)) yield item;
  }

  /**
   * Looks at `count` places from the cursor on. A key that is there from the first call to the last is returned
   * by one of them. The next cursor is 0 at the end.
   */
  scan(cursor: number, count: number, now: WallTime): { readonly next: number; readonly items: readonly Item[] } {
    const items: Item[] = [];
    let place = this.placeOf(cursor);
    for (let looked = 0; looked < count && place < this.order.length; place += 1) {
      const item = this.order[place];
      if (item === null || item === undefined) continue;
      looked += 1;
      if (!isExpired(item, now)) items.push(item);
    }
    while (this.order[place] === null) place += 1;
    return { next: this.order[place]?.serial ?? 0, items };
  }

  random(random: Random, now: WallTime): Item | null {
    for (let draw = 0; draw < randomDraws; draw += 1) {
      const item = this.order[below(random, this.order.length)] ?? null;
      if (item !== null && !isExpired(item, now)) return item;
    }
    for (const item of this.live(now)) return item;
    return null;
  }

  /** A checksum over all keys in order, their values and expiry times: equal for equal replicas. */
  digest(): number {
    let crc = 0;
    const add = (text: string): void => {
      crc = crc32(bytesOfBinary(`${String(text.length)}:${text}`), crc);
    };
    for (const item of [...this.items.values()].sort((a, b) => compareText(a.key, b.key))) {
      add(item.key);
      add(String(item.expireAt ?? ''));
      if (item.value instanceof ListValue) for (const element of item.value) add(binaryString(element));
      else add(binaryString(item.value));
    }
    return crc;
  }

  private compact(): void {
    const kept: Item[] = [];
    for (const item of this.order) {
      if (item === null) continue;
      item.place = kept.length;
      kept.push(item);
    }
    this.order = kept;
    this.dead = 0;
  }

  /** The first place whose serial is `serial` or higher. Dead places have none: they are stepped over. */
  private placeOf(serial: number): number {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      let probe = middle;
      while (probe < high && this.order[probe] === null) probe += 1;
      const item = this.order[probe];
      if (probe < high && item !== null && item !== undefined && item.serial < serial) low = probe + 1;
      else high = middle;
    }
    return low;
  }
}

function isExpired(item: Item, now: WallTime): boolean {
  return item.expireAt !== null && item.expireAt <= now;
}

function sizeOf(value: Value): number {
  return value instanceof ListValue ? value.bytes : value.length;
}
