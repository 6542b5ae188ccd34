/**
 * First in, first out, in amortised constant time: an array with a moving head. The unused front is given
 * back when it outgrows the rest.
 */

const compactAbove = 1024;

export class Queue<Item> {
  private items: Item[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: Item): void {
    this.items.push(item);
  }

  peek(): Item | undefined {
    return this.items[this.head];
  }

  shift(): Item | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.head += 1;
    if (this.head === this.items.length) this.clear();
    else if (this.head > compactAbove && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  clear(): void {
    this.items = [];
    this.head = 0;
  }

  /** Empties the queue and yields what was in it, in order. */
  drain(): readonly Item[] {
    const drained = this.head === 0 ? this.items : this.items.slice(this.head);
    this.clear();
    return drained;
  }

  /** In order, without taking anything out. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let i = this.head; i < this.items.length; i += 1) {
      const item = this.items[i];
      if (item !== undefined) yield item;
    }
  }
}
