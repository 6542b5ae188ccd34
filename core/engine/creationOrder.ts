/**
 * Items in the order of their creation: what SCAN walks along and RANDOMKEY draws from. Each has a serial number
 * that never changes, so a place found again by serial survives whatever was removed in between.
 */

export interface Ordered {
  /** Higher than that of every item created before, from 1 on. */
  readonly serial: number;
  /** Belongs to the order. */
  place: number;
}

/** Fewer empty places than this are not worth closing up. */
const fewEmpty = 32;

export class CreationOrder<Item extends Ordered> {
  /** Null where an item was removed. */
  private items: (Item | null)[] = [];
  /** By place, those of removed items too: sorted. */
  private serials: number[] = [];
  private empty = 0;

  /** Places, the empty ones included: less than twice as many as items, and a few. */
  get length(): number {
    return this.items.length;
  }

  /** Null where an item was removed, undefined beyond the end. */
  at(place: number): Item | null | undefined {
    return this.items[place];
  }

  /** `item` is newer than all others. */
  add(item: Item): void {
    item.place = this.items.length;
    this.items.push(item);
    this.serials.push(item.serial);
  }

  remove(item: Item): void {
    this.items[item.place] = null;
    this.empty += 1;
    if (this.empty > fewEmpty && this.empty * 2 > this.items.length) this.closeUp();
  }

  clear(): void {
    this.items = [];
    this.serials = [];
    this.empty = 0;
  }

  /** The first place whose item has, or had, this serial or a higher one. */
  placeOf(serial: number): number {
    let low = 0;
    let high = this.serials.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.serials[middle] ?? 0) < serial) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first item with this serial or a higher one; null if there is none. */
  firstFrom(serial: number): Item | null {
    for (let place = this.placeOf(serial); place < this.items.length; place += 1) {
      const item = this.items[place] ?? null;
      if (item !== null) return item;
    }
    return null;
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (const item of this.items) if (item !== null) yield item;
  }

  private closeUp(): void {
    const { items } = this;
    this.clear();
    for (const item of items) if (item !== null) this.add(item);
  }
}
