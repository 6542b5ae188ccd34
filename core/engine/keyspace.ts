/**
 * One tenant's data. Everything in it follows from the operations it has seen and the log times they came with,
 * so replicas that saw the same are equal to the byte, the order of SCAN included.
 *
 * Time: a key whose time has come is invisible. It leaves with the write that touches it, or with a purge; both
 * are logged. Commands change an item through the keyspace, which keeps the accounts.
 */
import { binaryString, bytesOfBinary, ByteWriter, compareText } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { below, type Random } from '../base/random.ts';
import type { WallTime } from '../base/time.ts';
import type { ChangeLog } from './changeLog.ts';
import { CreationOrder, type Ordered } from './creationOrder.ts';
import { type Expiring, ExpiryHeap } from './expiryHeap.ts';
import { type CutClock, type ItemImage, KeyspaceCut } from './keyspaceCut.ts';
import type { ListValue } from './listValue.ts';
import { Versions, type VersionsImage } from './versions.ts';

/** Bytes are a string. They belong to the keyspace: copied from what came in, never handed out to be written. */
export type Value = Uint8Array | ListValue;
export type ValueType = 'string' | 'list';

export interface Item extends Expiring, Ordered {
  /** The key's bytes, one per character. */
  readonly key: string;
  value: Value;
  /** The latest write that touched it. */
  write: number;
  /** The latest cut for whose sake its bytes were copied before they were written over. */
  copiedFor: object | null;
  /** What the keyspace's account says of it. */
  bytes: number;
  /** Its share in the keyspace's mark. */
  mark: number;
}

export interface ScanStep {
  /** Where the next step begins; 0 at the end. */
  readonly next: number;
  readonly items: readonly Item[];
}

/** What an item takes beside the bytes of its key and value, roughly: objects, map entry, order entry. */
const itemOverheadBytes = 200;
/** Draws of RANDOMKEY before it walks: at least half of the places are taken, so only expired keys come to this. */
const randomDraws = 64;

export class Keyspace {
  /** While the tenant is on its way to another group: what is changed meanwhile. */
  changes: ChangeLog | null = null;
  private readonly items = new Map<string, Item>();
  private readonly expiries = new ExpiryHeap<Item>();
  private readonly clock: CutClock;
  private readonly versions = new Versions();
  private order = new CreationOrder<Item>();
  private lastSerial = 0;
  private heldBytes = 0;
  private marks = 0;
  /** The latest cut this keyspace has joined, and its own part of it. */
  private joined: object | null = null;
  private cut: KeyspaceCut | null = null;
  /** Cuts of this keyspace alone. */
  private images: readonly KeyspaceCut[] = [];
  /** The cut that was begun last, of either kind: bytes that were copied for its sake are in no cut. */
  private latestCut: object | null = null;

  constructor(clock: CutClock = { current: null }) {
    this.clock = clock;
  }

  /** Keys, those included whose time has come and that have not left yet. */
  get size(): number {
    return this.items.size;
  }

  /** Memory it takes, roughly: a sum over what it holds, the same on every replica. */
  get bytes(): number {
    return this.heldBytes;
  }

  /**
   * A sum over the versions of all items, whatever their order: where it is the same, so are their serials, writes,
   * sizes and times. Kept up with each write, so that it can be asked for at no cost.
   */
  get mark(): number {
    return this.marks >>> 0;
  }

  /** Serials of items up to this one were given. */
  get latestSerial(): number {
    return this.lastSerial;
  }

  /** The item, unless its time has come. Changes nothing. */
  find(key: string, now: WallTime): Item | null {
    const item = this.items.get(key);
    return item === undefined || isExpired(item, now) ? null : item;
  }

  /** As `find`, but removes what it must not find. Before every write to a key, and for nothing else. */
  findForWrite(key: string, now: WallTime): Item | null {
    const item = this.items.get(key);
    this.keep(item);
    this.changes?.note(key);
    if (item === undefined) return null;
    if (!isExpired(item, now)) return item;
    this.leave(item, item.write);
    return null;
  }

  /** Gives a key a value. `present` is what `findForWrite` said of it just now; its expiry is kept. */
  put(key: string, present: Item | null, value: Value): Item {
    if (present !== null) {
      present.value = value;
      present.write = this.versions.present;
      this.account(present);
      return present;
    }
    return this.add(key, this.lastSerial + 1, value, null);
  }

  /** The item's value, to be written over by whoever puts it back: a cut may hold the bytes it has now. */
  ownBytes(item: Item, value: Uint8Array): Uint8Array {
    const isCut = this.clock.current !== null || this.images.length > 0;
    if (!isCut || item.copiedFor === this.latestCut) return value;
    item.copiedFor = this.latestCut;
    return value.slice();
  }

  /** The item's list was changed in place: one that has become empty leaves. */
  changed(item: Item): void {
    item.write = this.versions.present;
    if (isList(item.value) && item.value.length === 0) this.remove(item);
    else this.account(item);
  }

  /** A key whose time has come by `now` leaves at once. */
  expire(item: Item, at: WallTime, now: WallTime): void {
    item.write = this.versions.present;
    if (at <= now) this.remove(item);
    else {
      this.expiries.set(item, at);
      this.account(item);
    }
  }

  persist(item: Item): void {
    if (item.expireAt === null) return;
    item.write = this.versions.present;
    this.expiries.set(item, null);
    this.account(item);
  }

  remove(item: Item): void {
    this.leave(item, this.versions.present);
  }

  clear(): void {
    if (this.clock.current !== null) this.partOfCut(this.clock.current);
    this.changes?.clear(this.lastSerial);
    if (this.items.size > 0) this.versions.cleared();
    this.items.clear();
    this.order = new CreationOrder();
    this.expiries.clear();
    this.heldBytes = 0;
    this.marks = 0;
  }

  /** A write begins, which may be a whole transaction: what it touches has a version of its own. */
  beginWrite(): void {
    this.joinCut();
    this.versions.begin();
  }

  /** What tells whether a key was touched since: a number that another write would change. */
  versionOf(key: string, now: WallTime): number {
    const item = this.items.get(key);
    if (item === undefined || isExpired(item, now)) return this.versions.ofMissing(key, item?.write ?? 0);
    return this.versions.of(item.write);
  }

  /** When the first key's time comes; null if none has one. */
  nextExpiry(): WallTime | null {
    return this.expiries.nextAt;
  }

  /** Keys whose time has come, at most `limit`. */
  expiredKeys(now: WallTime, limit: number): readonly Uint8Array[] {
    return this.expiries.due(now, limit).map(({ key }) => bytesOfBinary(key));
  }

  /** Removes those of the keys whose time has come by `now`. */
  purge(keys: readonly Uint8Array[], now: WallTime): void {
    for (const key of keys) this.findForWrite(binaryString(key), now);
  }

  /** How many keys are visible. Looks at each one whose time has come. */
  visibleSize(now: WallTime): number {
    return this.items.size - this.expiries.due(now, this.items.size).length;
  }

  /** Visible items in the order of their creation. */
  *visible(now: WallTime): IterableIterator<Item> {
    for (const item of this.order) if (!isExpired(item, now)) yield item;
  }

  /**
   * Looks at `count` items from the cursor on, and returns the visible ones. A key that is there from the first
   * step, at cursor 0, to the last is returned by one of them.
   */
  scan(cursor: number, count: number, now: WallTime): ScanStep {
    const items: Item[] = [];
    let place = this.order.placeOf(cursor);
    for (let looked = 0; place < this.order.length; place += 1) {
      const item = this.order.at(place);
      if (item === null || item === undefined) continue;
      if (looked === count) return { next: item.serial, items };
      looked += 1;
      if (!isExpired(item, now)) items.push(item);
    }
    return { next: 0, items };
  }

  /** A visible item, each as likely as any other; null if there is none. */
  random(random: Random, now: WallTime): Item | null {
    if (this.items.size === 0) return null;
    const places = this.order.length;
    for (let draw = 0; draw < randomDraws; draw += 1) {
      const item = this.order.at(below(random, places));
      if (item !== null && item !== undefined && !isExpired(item, now)) return item;
    }
    const start = below(random, places);
    for (let step = 0; step < places; step += 1) {
      const item = this.order.at((start + step) % places);
      if (item !== null && item !== undefined && !isExpired(item, now)) return item;
    }
    return null;
  }

  /** Something is about to be put back or taken over: a cut that is being read out does not see it. */
  joinCut(): void {
    if (this.clock.current !== null) this.partOfCut(this.clock.current);
  }

  /** This keyspace's part of a cut, as it was when that was made; null once it was read out. */
  partOfCut(current: object): KeyspaceCut | null {
    if (this.joined !== current) {
      this.joined = current;
      this.latestCut = current;
      this.cut = this.newCut();
    }
    return this.cut;
  }

  versionsImage(): VersionsImage {
    return this.versions.image();
  }

  /** Its part of the cut was read out, or is not wanted any more. */
  leaveCut(): void {
    this.cut = null;
  }

  /** This keyspace alone as it is now, to be read out whatever else is: until it is let go of. */
  beginImage(): KeyspaceCut {
    const image = this.newCut();
    this.images = [...this.images, image];
    this.latestCut = image;
    return image;
  }

  endImage(image: KeyspaceCut): void {
    this.images = this.images.filter((other) => other !== image);
  }

  /** Puts back what a cut has told of, in its order; at the end `lastSerial`, which is the cut's. */
  restore({ key, serial, expireAt, write, value }: ItemImage): void {
    const item = this.add(key, serial, value, expireAt);
    item.write = write;
    this.account(item);
  }

  /** Takes over an item as it is in another copy of this keyspace, instead of any that is here under that key. */
  replace(image: ItemImage): void {
    const { key, serial, expireAt, write, value } = image;
    const present = this.items.get(key);
    this.keep(present);
    if (present?.serial === serial) {
      present.value = value;
      present.write = write;
      this.expiries.set(present, expireAt);
      this.account(present);
      return;
    }
    if (present !== undefined) this.remove(present);
    this.restore(image);
  }

  /** Takes over that a key is not there in another copy of this keyspace. */
  discard(key: string): void {
    const present = this.items.get(key);
    this.keep(present);
    if (present !== undefined) this.remove(present);
  }

  /** The item under a key, whether or not its time has come; null if there is none. */
  stored(key: string): Item | null {
    return this.items.get(key) ?? null;
  }

  /** The first item with this serial or a higher one, whether or not its time has come; null if there is none. */
  storedFrom(serial: number): Item | null {
    return this.order.firstFrom(serial);
  }

  restoreEnd(lastSerial: number, versions: VersionsImage): void {
    this.lastSerial = lastSerial;
    this.versions.restore(versions);
  }

  /** A checksum over all keys in order, their types, values and expiry times: equal for equal replicas. */
  digest(): number {
    const writer = new ByteWriter();
    let crc = 0;
    for (const item of [...this.items.values()].sort((a, b) => compareText(a.key, b.key))) {
      writer.text(item.key);
      writer.u64(item.expireAt ?? 0);
      writer.varint(item.write);
      if (isList(item.value)) {
        writer.text('list');
        writer.varint(item.value.length);
        for (const element of item.value.elements('left')) writer.bytes(element);
      } else {
        writer.text('string');
        writer.bytes(item.value);
      }
      crc = crc32(writer.take(), crc);
    }
    return crc;
  }

  /** The item, if there is one, may be changed or removed after this: cuts that have not read it out have it as it is. */
  private keep(item: Item | undefined): void {
    if (this.clock.current !== null) this.partOfCut(this.clock.current)?.keep(item);
    if (this.images.length > 0) for (const image of this.images) image.keep(item);
  }

  /** `write`: the last one that touched it. */
  private leave(item: Item, write: number): void {
    this.persist(item);
    this.versions.removed(item.key, write);
    this.items.delete(item.key);
    this.order.remove(item);
    this.heldBytes -= item.bytes;
    this.marks = (this.marks - item.mark) | 0;
  }

  private newCut(): KeyspaceCut {
    return new KeyspaceCut(this.order, this.lastSerial, this.versions.image());
  }

  private add(key: string, serial: number, value: Value, expireAt: WallTime | null): Item {
    this.lastSerial = serial;
    const item: Item = {
      key,
      value,
      write: this.versions.present,
      copiedFor: null,
      bytes: 0,
      mark: 0,
      expireAt: null,
      heapPlace: -1,
      serial,
      place: -1,
    };
    this.items.set(key, item);
    this.order.add(item);
    if (expireAt !== null) this.expiries.set(item, expireAt);
    this.account(item);
    return item;
  }

  private account(item: Item): void {
    const bytes = itemBytes(item);
    this.heldBytes += bytes - item.bytes;
    item.bytes = bytes;
    const mark = markOf(item);
    this.marks = (this.marks - item.mark + mark) | 0;
    item.mark = mark;
  }
}

function itemBytes({ key, value }: Pick<Item, 'key' | 'value'>): number {
  return itemOverheadBytes + key.length + (isList(value) ? value.bytes : value.length);
}

/** What an item would add to the mark of a keyspace. */
export function markOfImage(image: ItemImage): number {
  return markOf({ ...image, bytes: itemBytes(image) });
}

/** Serials belong to keys and writes to values, so numbers say which version of which item it is. */
function markOf({ serial, write, bytes, expireAt }: Pick<Item, 'serial' | 'write' | 'bytes' | 'expireAt'>): number {
  let mark = firstPrime;
  for (const part of [serial, write, bytes, expireAt ?? 0]) {
    mark = Math.imul(mark ^ (part | 0), secondPrime);
    mark = Math.imul(mark ^ (mark >>> 15) ^ ((part / 4_294_967_296) | 0), thirdPrime);
  }
  return mark ^ (mark >>> 13);
}

// Those of xxHash32: odd, with their bits well spread.
const firstPrime = 0x9e3779b1;
const secondPrime = 0x85ebca77;
const thirdPrime = 0xc2b2ae3d;

/** Asked with each command: `instanceof` would look for a prototype. */
export function isList(value: Value): value is ListValue {
  return !ArrayBuffer.isView(value);
}

export function typeOf(value: Value): ValueType {
  return isList(value) ? 'list' : 'string';
}

function isExpired(item: Item, now: WallTime): boolean {
  return item.expireAt !== null && item.expireAt <= now;
}
