/**
 * First in, first out, in constant time, with every place in reach: a ring of slots. In steady use it allocates
 * nothing, and it forgets what has left: a slot that went on pointing at it would keep it alive.
 */

const firstCapacity = 4;
/** A larger ring is given back when it runs empty. */
const keptCapacity = 1024;

export class Queue<Item> {
  /** Its length is a power of two, or 0. */
  protected slots: (Item | undefined)[] = [];
  protected head = 0;
  protected count = 0;

  get length(): number {
    return this.count;
  }

  push(item: Item): void {
    this.reserve();
    this.slots[this.slot(this.count)] = item;
    this.count += 1;
  }

  peek(): Item | undefined {
    return this.count === 0 ? undefined : this.slots[this.head];
  }

  shift(): Item | undefined {
    if (this.count === 0) return undefined;
    const item = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = this.slot(1);
    this.count -= 1;
    if (this.count === 0 && this.slots.length > keptCapacity) this.clear();
    return item;
  }

  /** Undefined outside 0…`length` − 1. */
  at(index: number): Item | undefined {
    return index >= 0 && index < this.count ? this.slots[this.slot(index)] : undefined;
  }

  /** Replaces what is at `index`, which is there. */
  set(index: number, item: Item): void {
    this.slots[this.slot(index)] = item;
  }

  clear(): void {
    this.slots = [];
    this.head = 0;
    this.count = 0;
  }

  /** Empties the queue and yields what was in it, in order. */
  drain(): readonly Item[] {
    const drained = [...this];
    this.clear();
    return drained;
  }

  /** In order, without taking anything out. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let i = 0; i < this.count; i += 1) {
      const item = this.slots[this.slot(i)];
      if (item !== undefined) yield item;
    }
  }

  protected slot(index: number): number {
    return (this.head + index) & (this.slots.length - 1);
  }

  protected reserve(): void {
    if (this.count < this.slots.length) return;
    const grown: (Item | undefined)[] = [];
    for (let i = 0; i < this.count; i += 1) grown.push(this.slots[this.slot(i)]);
    const capacity = Math.max(firstCapacity, this.count * 2);
    while (grown.length < capacity) grown.push(undefined);
    this.slots = grown;
    this.head = 0;
  }
}
