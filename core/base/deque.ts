/** A queue that also grows and shrinks at its other end, in constant time, and takes items in between. */
import { Queue } from './queue.ts';

export class Deque<Item> extends Queue<Item> {
  pushFront(item: Item): void {
    this.reserve();
    this.head = (this.head + this.slots.length - 1) & (this.slots.length - 1);
    this.slots[this.head] = item;
    this.count += 1;
  }

  pop(): Item | undefined {
    if (this.count === 0) return undefined;
    this.count -= 1;
    const slot = this.slot(this.count);
    const item = this.slots[slot];
    this.slots[slot] = undefined;
    return item;
  }

  /** Before what is at `index`, or at the end; moves everything behind it. */
  insert(index: number, item: Item): void {
    this.push(item);
    for (let i = this.count - 1; i > index; i -= 1) this.slots[this.slot(i)] = this.slots[this.slot(i - 1)];
    this.slots[this.slot(index)] = item;
  }
}
