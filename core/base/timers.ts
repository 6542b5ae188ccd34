/**
 * All timers of a node in one binary heap. A deadline that moves later costs nothing: the old one fires, its
 * owner looks again and schedules what is left. One that moves earlier is pushed anew, and the stale one is
 * passed over.
 */
import type { MonoTime } from './time.ts';

/** Owned by whoever wants to be woken; `scheduledAt` belongs to the heap. */
export interface Timer {
  scheduledAt: MonoTime | null;
}

interface Scheduled<Owner extends Timer> {
  readonly at: MonoTime;
  readonly order: number;
  readonly owner: Owner;
}

export class Timers<Owner extends Timer> {
  private readonly heap: Scheduled<Owner>[] = [];
  private pushed = 0;

  /** The earliest instant at which somebody may want to be woken. */
  get nextAt(): MonoTime | null {
    return this.heap[0]?.at ?? null;
  }

  /** Wakes the owner at `at` or earlier; a wake-up that is already set for then or before is kept. */
  schedule(owner: Owner, at: MonoTime): void {
    if (owner.scheduledAt !== null && owner.scheduledAt <= at) return;
    owner.scheduledAt = at;
    this.pushed += 1;
    this.heap.push({ at, order: this.pushed, owner });
    this.siftUp(this.heap.length - 1);
  }

  /** The owner wants nothing any more: what is set for it is passed over. */
  cancel(owner: Owner): void {
    owner.scheduledAt = null;
  }

  /** Takes out an owner whose instant has come, the earliest first; null if there is none. */
  takeDue(now: MonoTime): Owner | null {
    for (let top = this.heap[0]; top !== undefined && top.at <= now; top = this.heap[0]) {
      this.pop();
      if (top.owner.scheduledAt !== top.at) continue;
      top.owner.scheduledAt = null;
      return top.owner;
    }
    return null;
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    this.siftDown(0);
  }

  private siftUp(start: number): void {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private siftDown(start: number): void {
    let at = start;
    for (;;) {
      const left = 2 * at + 1;
      let first = at;
      if (left < this.heap.length && this.isBefore(left, first)) first = left;
      if (left + 1 < this.heap.length && this.isBefore(left + 1, first)) first = left + 1;
      if (first === at) return;
      this.swap(at, first);
      at = first;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const x = this.heap[a];
    const y = this.heap[b];
    if (x === undefined || y === undefined) return false;
    return x.at === y.at ? x.order < y.order : x.at < y.at;
  }

  private swap(a: number, b: number): void {
    const x = this.heap[a];
    const y = this.heap[b];
    if (x === undefined || y === undefined) return;
    this.heap[a] = y;
    this.heap[b] = x;
  }
}
