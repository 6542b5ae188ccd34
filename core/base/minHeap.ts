/** Numbers of which only the least is wanted: a binary heap. */
export class MinHeap {
  private readonly heap: number[] = [];

  peek(): number | undefined {
    return this.heap[0];
  }

  push(value: number): void {
    const { heap } = this;
    let place = heap.push(value) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= value) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = value;
  }

  shift(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const lesser = (heap[left + 1] ?? Infinity) < (heap[left] ?? Infinity) ? left + 1 : left;
      const below = heap[lesser];
      if (below === undefined || below >= last) break;
      heap[place] = below;
      place = lesser;
    }
    heap[place] = last;
  }
}
