/** A sequence that grows and shrinks in constant time at both ends and finds any place in it: a ring of slots. */

const firstCapacity = 4;

export class Deque<Item> {
  /** Its length is a power of two, or 0. */
  private slots: (Item | undefined)[] = [];
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** Undefined outside 0…`length` − 1. */
  at(index: number): Item | undefined {
    return index >= 0 && index < this.count ? this.slots[this.slot(index)] : undefined;
  }

  /** Replaces what is at `index`, which is there. */
  set(index: number, item: Item): void {
    this.slots[this.slot(index)] = item;
  }

  pushLeft(item: Item): void {
    this.reserve();
    this.head = (this.head + this.slots.length - 1) & (this.slots.length - 1);
    this.slots[this.head] = item;
    this.count += 1;
  }

  pushRight(item: Item): void {
    this.reserve();
    this.slots[this.slot(this.count)] = item;
    this.count += 1;
  }

  popLeft(): Item | undefined {
    if (this.count === 0) return undefined;
    const item = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = this.slot(1);
    this.count -= 1;
    return item;
  }

  popRight(): Item | undefined {
    if (this.count === 0) return undefined;
    this.count -= 1;
    const slot = this.slot(this.count);
    const item = this.slots[slot];
    this.slots[slot] = undefined;
    return item;
  }

  /** Before what is at `index`, or at the end; moves everything behind it. */
  insert(index: number, item: Item): void {
    this.pushRight(item);
    for (let i = this.count - 1; i > index; i -= 1) this.slots[this.slot(i)] = this.slots[this.slot(i - 1)];
    this.slots[this.slot(index)] = item;
  }

  private slot(index: number): number {
    return (this.head + index) & (this.slots.length - 1);
  }

  private reserve(): void {
    if (this.count < this.slots.length) return;
    const grown: (Item | undefined)[] = [];
    for (let i = 0; i < this.count; i += 1) grown.push(this.slots[this.slot(i)]);
    const capacity = Math.max(firstCapacity, this.count * 2);
    while (grown.length < capacity) grown.push(undefined);
    this.slots = grown;
    this.head = 0;
  }
}
