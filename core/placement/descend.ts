/**
 * Takes the steps that lower Φ most first, and those that are not worth their cost not at all. What a step would gain changes with every step
 * taken, so a step is judged again before it is taken, and goes back among the others if it has become worse than they are.
 */

export interface Gain {
  /** What Φ loses. */
  readonly fall: number;
  /** The same, less what the step costs; above zero. */
  readonly gain: number;
}

export interface Search<Item, Move extends Gain> {
  /** The best move of one of them, as things are now; null: none is worth it. */
  best(item: Item): Move | null;
  take(item: Item, move: Move): void;
  /** Asked before each step. */
  isDone(): boolean;
}

interface Candidate<Move> {
  readonly index: number;
  readonly move: Move;
  /** How many steps had been taken when it was judged. */
  readonly taken: number;
}

/** One look at all items, and what follows from it. Returns how many steps were taken; none: none was there to take. */
export function descend<Item, Move extends Gain>(items: readonly Item[], search: Search<Item, Move>): number {
  if (search.isDone()) return 0;
  const heap = new GainHeap<Move>();
  let taken = 0;
  for (const [index, item] of items.entries()) {
    const move = search.best(item);
    if (move !== null) heap.push({ index, move, taken });
  }
  for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
    const item = items[top.index];
    if (item === undefined || search.isDone()) return taken;
    const move = top.taken === taken ? top.move : search.best(item);
    if (move === null) continue;
    // Among many that are nearly alike, to look for the very best would take longer than it is worth.
    if (move.gain * 8 < (heap.peek()?.move.gain ?? 0) * 7) {
      heap.push({ index: top.index, move, taken });
      continue;
    }
    search.take(item, move);
    taken += 1;
    const next = search.best(item);
    if (next !== null) heap.push({ index: top.index, move: next, taken });
  }
  return taken;
}

/** The largest gain on top, the lower index among equals. */
class GainHeap<Move extends Gain> {
  private readonly heap: Candidate<Move>[] = [];

  peek(): Candidate<Move> | undefined {
    return this.heap[0];
  }

  push(candidate: Candidate<Move>): void {
    const { heap } = this;
    let place = heap.push(candidate) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(candidate, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = candidate;
  }

  pop(): Candidate<Move> | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let place = 0;
    for (;;) {
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const next = isRight ? right : left;
      if (!isBefore(next, last)) break;
      heap[place] = next;
      place = 2 * place + (isRight ? 2 : 1);
    }
    heap[place] = last;
    return top;
  }
}

function isBefore<Move extends Gain>(a: Candidate<Move>, b: Candidate<Move>): boolean {
  return a.move.gain === b.move.gain ? a.index < b.index : a.move.gain > b.move.gain;
}
