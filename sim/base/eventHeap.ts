/**
 * What is yet to happen, by (time, tie, order of arrival). Slots are reused, so that a run of millions of
 * events allocates no more than its widest moment.
 */

interface Slot<Item> {
  at: number;
  tie: number;
  order: number;
  item: Item;
}

export class EventHeap<Item> {
  private readonly heap: Slot<Item>[] = [];
  private readonly spare: Slot<Item>[] = [];
  private pushed = 0;

  get size(): number {
    return this.heap.length;
  }

  /** The instant of the next item; null if there is none. */
  get nextAt(): number | null {
    return this.heap[0]?.at ?? null;
  }

  push(at: number, tie: number, item: Item): void {
    this.pushed += 1;
    const slot = this.spare.pop() ?? { at, tie, order: 0, item };
    slot.at = at;
    slot.tie = tie;
    slot.order = this.pushed;
    slot.item = item;
    this.heap.push(slot);
    this.siftUp(slot);
  }

  /** Takes out the next item. */
  pop(): Item | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined) return undefined;
    if (heap.length > 0) this.siftDown(last);
    this.spare.push(top);
    return top.item;
  }

  private siftUp(slot: Slot<Item>): void {
    const { heap } = this;
    let at = heap.length - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !isBefore(slot, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = slot;
  }

  private siftDown(slot: Slot<Item>): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let first = heap[child];
      if (first === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, first)) {
        child += 1;
        first = right;
      }
      if (!isBefore(first, slot)) break;
      heap[at] = first;
      at = child;
    }
    heap[at] = slot;
  }
}

function isBefore(a: Slot<unknown>, b: Slot<unknown>): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.tie !== b.tie) return a.tie < b.tie;
  return a.order < b.order;
}
