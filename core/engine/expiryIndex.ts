/**
 * Which key's time comes first: a binary heap in which outdated places are passed over when they come up, and
 * thrown out together when they are the majority.
 */
import type { WallTime } from '../base/time.ts';

export interface Expiring {
  readonly key: string;
  expireAt: WallTime | null;
  /** False once the item is no longer in the keyspace. */
  isLive: boolean;
}

interface Place<Item extends Expiring> {
  readonly at: WallTime;
  readonly item: Item;
}

const rebuildAbove = 64;

export class ExpiryIndex<Item extends Expiring> {
  private heap: Place<Item>[] = [];
  /** Items that have an expiry now. */
  private expiring = 0;

  /** `item.expireAt` has become `at`; it was `before`. */
  changed(item: Item, before: WallTime | null): void {
    if (before !== null) this.expiring -= 1;
    if (item.expireAt === null || !item.isLive) return;
    this.expiring += 1;
    this.heap.push({ at: item.expireAt, item });
    this.siftUp(this.heap.length - 1);
    if (this.heap.length > rebuildAbove && this.heap.length > 2 * this.expiring) this.rebuild();
  }

  /** The item whose time comes first. */
  first(): Item | null {
    for (let top = this.heap[0]; top !== undefined; top = this.heap[0]) {
      if (isCurrent(top)) return top.item;
      this.pop();
    }
    return null;
  }

  /** Items whose time is `now` or before, at most `limit`, the earliest first. They stay in the index. */
  due(now: WallTime, limit: number): readonly Item[] {
    const taken: Place<Item>[] = [];
    for (let item = this.first(); item !== null && taken.length < limit; item = this.first()) {
      if (item.expireAt === null || item.expireAt > now) break;
      taken.push({ at: item.expireAt, item });
      this.pop();
    }
    for (const place of taken) {
      this.heap.push(place);
      this.siftUp(this.heap.length - 1);
    }
    return taken.map(({ item }) => item);
  }

  private rebuild(): void {
    const current = this.heap.filter(isCurrent);
    this.heap = [];
    const seen = new Set<Item>();
    for (const place of current) {
      if (seen.has(place.item)) continue;
      seen.add(place.item);
      this.heap.push(place);
      this.siftUp(this.heap.length - 1);
    }
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      let first = at;
      if (left < this.heap.length && this.atOf(left) < this.atOf(first)) first = left;
      if (left + 1 < this.heap.length && this.atOf(left + 1) < this.atOf(first)) first = left + 1;
      if (first === at) return;
      this.swap(at, first);
      at = first;
    }
  }

  private siftUp(start: number): void {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.atOf(parent) <= this.atOf(at)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private atOf(index: number): number {
    return this.heap[index]?.at ?? 0;
  }

  private swap(a: number, b: number): void {
    const x = this.heap[a];
    const y = this.heap[b];
    if (x === undefined || y === undefined) return;
    this.heap[a] = y;
    this.heap[b] = x;
  }
}

function isCurrent(place: Place<Expiring>): boolean {
  return place.item.isLive && place.item.expireAt === place.at;
}
