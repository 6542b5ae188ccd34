/**
 * A list of byte strings: a deque of small chunks, constant time at both ends.
 */
const chunkLength = 128;

export class ListValue {
  private chunks: Uint8Array[][] = [];
  private count = 0;
  /** Bytes of the elements. */
  bytes = 0;

  get length(): number {
    return this.count;
  }

  pushLeft(element: Uint8Array): void {
    const first = this.chunks[0];
    if (first !== undefined && first.length < chunkLength) first.unshift(element);
    else this.chunks.unshift([element]);
    this.grown(element);
  }

  pushRight(element: Uint8Array): void {
    const last = this.chunks.at(-1);
    if (last !== undefined && last.length < chunkLength) last.push(element);
    else this.chunks.push([element]);
    this.grown(element);
  }

  popLeft(): Uint8Array | undefined {
    const first = this.chunks[0];
    const element = first?.shift();
    if (first?.length === 0) this.chunks.shift();
    return this.shrunk(element);
  }

  popRight(): Uint8Array | undefined {
    const last = this.chunks.at(-1);
    const element = last?.pop();
    if (last?.length === 0) this.chunks.pop();
    return this.shrunk(element);
  }

  /** `index` from 0 on; undefined beyond the end. */
  at(index: number): Uint8Array | undefined {
    const place = this.locate(index);
    return place === null ? undefined : this.chunks[place.chunk]?.[place.offset];
  }

  replace(index: number, element: Uint8Array): void {
    const place = this.locate(index);
    const chunk = place === null ? undefined : this.chunks[place.chunk];
    if (place === null || chunk === undefined) return;
    this.bytes += element.length - (chunk[place.offset]?.length ?? 0);
    chunk[place.offset] = element;
  }

  /** Before the element at `index`. */
  insert(index: number, element: Uint8Array): void {
    const place = this.locate(index);
    const chunk = place === null ? undefined : this.chunks[place.chunk];
    if (place === null || chunk === undefined) {
      this.pushRight(element);
      return;
    }
    chunk.splice(place.offset, 0, element);
    this.grown(element);
    if (chunk.length > chunkLength) this.chunks.splice(place.chunk + 1, 0, chunk.splice(chunkLength / 2));
  }

  /** Elements `start` to `end`, both included, as they are. */
  slice(start: number, end: number): readonly Uint8Array[] {
    const taken: Uint8Array[] = [];
    let passed = 0;
    for (const chunk of this.chunks) {
      if (passed > end) break;
      const from = Math.max(start - passed, 0);
      const to = Math.min(end - passed + 1, chunk.length);
      for (let i = from; i < to; i += 1) {
        const element = chunk[i];
        if (element !== undefined) taken.push(element);
      }
      passed += chunk.length;
    }
    return taken;
  }

  /** Keeps elements `start` to `end`, both included. */
  keep(start: number, end: number): void {
    for (let surplus = this.count - 1 - end; surplus > 0; surplus -= 1) this.popRight();
    for (let surplus = start; surplus > 0; surplus -= 1) this.popLeft();
  }

  /** Keeps the elements for which `keeps` says so, asked in order. */
  filter(keeps: (element: Uint8Array) => boolean): void {
    const kept = new ListValue();
    for (const chunk of this.chunks) for (const element of chunk) if (keeps(element)) kept.pushRight(element);
    this.chunks = kept.chunks;
    this.count = kept.count;
    this.bytes = kept.bytes;
  }

  reverse(): void {
    this.chunks.reverse();
    for (const chunk of this.chunks) chunk.reverse();
  }

  copy(): ListValue {
    const copied = new ListValue();
    for (const chunk of this.chunks) copied.chunks.push([...chunk]);
    copied.count = this.count;
    copied.bytes = this.bytes;
    return copied;
  }

  *[Symbol.iterator](): IterableIterator<Uint8Array> {
    for (const chunk of this.chunks) yield* chunk;
  }

  private locate(index: number): { readonly chunk: number; readonly offset: number } | null {
    if (index < 0 || index >= this.count) return null;
    if (index < this.count / 2) {
      let passed = 0;
      for (let chunk = 0; ; chunk += 1) {
        const { length } = this.chunks[chunk] ?? [];
        if (index < passed + length) return { chunk, offset: index - passed };
        passed += length;
      }
    }
    let passed = this.count;
    for (let chunk = this.chunks.length - 1; ; chunk -= 1) {
      passed -= this.chunks[chunk]?.length ?? 0;
      if (index >= passed) return { chunk, offset: index - passed };
    }
  }

  private grown(element: Uint8Array): void {
    this.count += 1;
    this.bytes += element.length;
  }

  private shrunk(element: Uint8Array | undefined): Uint8Array | undefined {
    if (element === undefined) return undefined;
    this.count -= 1;
    this.bytes -= element.length;
    return element;
  }
}
