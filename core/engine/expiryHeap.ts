/**
 * Which item's time comes first: a binary heap that knows the place of each item in it, so that an expiry that
 * changes is moved and one that is taken away leaves nothing behind.
 */
import type { WallTime } from '../base/time.ts';

export interface Expiring {
  /** Changed through the heap alone. */
  expireAt: WallTime | null;
  /** Belongs to the heap; −1 for an item without expiry. */
  heapPlace: number;
}

export class ExpiryHeap<Item extends Expiring> {
  private readonly heap: Item[] = [];

  /** The earliest instant; null if no item has one. */
  get nextAt(): WallTime | null {
    return this.heap[0]?.expireAt ?? null;
  }

  set(item: Item, at: WallTime | null): void {
    item.expireAt = at;
    if (at === null) {
      if (item.heapPlace >= 0) this.take(item);
      return;
    }
    if (item.heapPlace < 0) {
      item.heapPlace = this.heap.length;
      this.heap.push(item);
    }
    this.restore(item);
  }

  clear(): void {
    this.heap.length = 0;
  }

  /** Items whose time is `now` or before, at most `limit`, in no particular order. Looks at no more than twice as many. */
  due(now: WallTime, limit: number): readonly Item[] {
    const found: Item[] = [];
    const places = [0];
    for (let place = places.pop(); place !== undefined && found.length < limit; place = places.pop()) {
      const item = this.heap[place];
      // Below an item whose time has not come there is none whose time has.
      if (item === undefined || at(item) > now) continue;
      found.push(item);
      places.push(2 * place + 2, 2 * place + 1);
    }
    return found;
  }

  private take(item: Item): void {
    const place = item.heapPlace;
    item.heapPlace = -1;
    const last = this.heap.pop();
    if (last === undefined || last === item) return;
    this.put(last, place);
    this.restore(last);
  }

  /** Moves an item that may be too early or too late for its place. */
  private restore(item: Item): void {
    this.rise(item);
    this.sink(item);
  }

  private rise(item: Item): void {
    let place = item.heapPlace;
    while (place > 0) {
      const parent = this.heap[(place - 1) >> 1];
      if (parent === undefined || at(parent) <= at(item)) break;
      const parentPlace = parent.heapPlace;
      this.put(parent, place);
      place = parentPlace;
    }
    this.put(item, place);
  }

  private sink(item: Item): void {
    let place = item.heapPlace;
    for (;;) {
      const left = this.heap[2 * place + 1];
      const right = this.heap[2 * place + 2];
      const earlier = left !== undefined && right !== undefined && at(right) < at(left) ? right : left;
      if (earlier === undefined || at(earlier) >= at(item)) break;
      const next = earlier.heapPlace;
      this.put(earlier, place);
      place = next;
    }
    this.put(item, place);
  }

  private put(item: Item, place: number): void {
    this.heap[place] = item;
    item.heapPlace = place;
  }
}

function at(item: Expiring): number {
  return item.expireAt ?? Infinity;
}
