/**
 * A list of byte strings: a deque of chunks, so that both ends take constant time, a place is found by passing
 * over whole chunks, and a change in the middle moves one chunk. Elements are never written to.
 */
import { equalBytes } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { Deque } from '../base/deque.ts';

export type Side = 'left' | 'right';

/** Elements that stand together. Only the list that owns a chunk changes it; others hold a copy of their own. */
class Chunk extends Deque<Uint8Array> {
  readonly owner: object;

  constructor(owner: object) {
    super();
    this.owner = owner;
  }
}

/** Passing a chunk saves as many steps; changing one costs as many moves. */
const chunkLength = 128;
/** What an element takes beside its bytes, roughly. */
const elementOverheadBytes = 96;

export class ListValue {
  private chunks = new Deque<Chunk>();
  /** Marks the chunks that are this list's alone. */
  private owner: object = {};
  private count = 0;
  private heldBytes = 0;

  get length(): number {
    return this.count;
  }

  /** Memory it takes, roughly. */
  get bytes(): number {
    return this.heldBytes + this.count * elementOverheadBytes;
  }

  push(side: Side, element: Uint8Array): void {
    const at = side === 'left' ? 0 : this.chunks.length - 1;
    const hasRoom = (this.chunks.at(at)?.length ?? chunkLength) < chunkLength;
    const chunk = hasRoom ? this.own(at) : new Chunk(this.owner);
    if (side === 'left') {
      chunk.pushFront(element);
      if (!hasRoom) this.chunks.pushFront(chunk);
    } else {
      chunk.push(element);
      if (!hasRoom) this.chunks.push(chunk);
    }
    this.added(element);
  }

  pop(side: Side): Uint8Array | undefined {
    if (this.count === 0) return undefined;
    const chunk = this.own(side === 'left' ? 0 : this.chunks.length - 1);
    const element = side === 'left' ? chunk.shift() : chunk.pop();
    if (element === undefined) return undefined;
    if (chunk.length === 0) {
      if (side === 'left') this.chunks.shift();
      else this.chunks.pop();
    }
    this.removed(element);
    return element;
  }

  /** Undefined outside 0…`length` − 1. */
  at(index: number): Uint8Array | undefined {
    const place = this.locate(index);
    return place?.chunk.at(place.offset);
  }

  /** Replaces the element at `index`, which is there. */
  set(index: number, element: Uint8Array): void {
    const place = this.locate(index);
    const before = place?.chunk.at(place.offset);
    invariant(place !== null && before !== undefined, 'an element is replaced where there is one', { index });
    this.own(place.at).set(place.offset, element);
    this.removed(before);
    this.added(element);
  }

  /** Before the element at `index`, or at the end. */
  insert(index: number, element: Uint8Array): void {
    const place = this.locate(index);
    if (place === null) {
      this.push('right', element);
      return;
    }
    const chunk = this.own(place.at);
    chunk.insert(place.offset, element);
    this.added(element);
    if (chunk.length <= chunkLength) return;
    const upper = new Chunk(this.owner);
    while (upper.length < chunkLength / 2) move(chunk, 'right', upper, 'left');
    this.chunks.insert(place.at + 1, upper);
  }

  /** Elements `start` to `end`, both included and both there. */
  range(start: number, end: number): readonly Uint8Array[] {
    const taken: Uint8Array[] = [];
    const place = this.locate(start);
    if (place === null) return taken;
    let { chunk, at, offset } = place;
    for (let left = end - start + 1; left > 0; left -= 1) {
      if (offset === chunk.length) {
        at += 1;
        offset = 0;
        chunk = this.chunks.at(at) ?? chunk;
      }
      const element = chunk.at(offset);
      if (element !== undefined) taken.push(element);
      offset += 1;
    }
    return taken;
  }

  /** Removes all but elements `start` to `end`, both included; all if `start` is beyond `end`. */
  trim(start: number, end: number): void {
    const kept = Math.max(end - start + 1, 0);
    for (let surplus = kept === 0 ? 0 : this.count - 1 - end; surplus > 0; surplus -= 1) this.pop('right');
    while (this.count > kept) this.pop('left');
  }

  /** Where the first element equal to this one is; −1 if there is none. */
  indexOf(wanted: Uint8Array): number {
    let index = 0;
    for (const element of this.elements('left')) {
      if (equalBytes(element, wanted)) return index;
      index += 1;
    }
    return -1;
  }

  /** Removes at most `limit` elements equal to this one, beginning at a side; returns how many. */
  remove(unwanted: Uint8Array, limit: number, from: Side): number {
    const chunks = new Deque<Chunk>();
    const before = this.count;
    for (let chunk = this.popChunk(from); chunk !== undefined; chunk = this.popChunk(from)) {
      const left = limit - (before - this.count);
      if (left > 0) this.removeFrom(chunk, unwanted, left, from);
      appendChunk(chunks, chunk, from);
    }
    this.chunks = chunks;
    return before - this.count;
  }

  /** This list as it is now, whatever becomes of it: takes as long as there are chunks, not elements. */
  frozen(): ListValue {
    const frozen = new ListValue();
    for (const chunk of this.chunks) frozen.chunks.push(chunk);
    frozen.count = this.count;
    frozen.heldBytes = this.heldBytes;
    this.owner = {};
    return frozen;
  }

  /** A list with the same elements. */
  copy(): ListValue {
    const copied = new ListValue();
    for (const element of this.elements('left')) copied.push('right', element);
    return copied;
  }

  /** One after the other, beginning at a side. */
  *elements(from: Side): IterableIterator<Uint8Array> {
    for (let i = 0; i < this.chunks.length; i += 1) {
      const chunk = this.chunks.at(from === 'left' ? i : this.chunks.length - 1 - i);
      const length = chunk?.length ?? 0;
      for (let j = 0; j < length; j += 1) {
        const element = chunk?.at(from === 'left' ? j : length - 1 - j);
        if (element !== undefined) yield element;
      }
    }
  }

  /** The chunk there, to be changed. */
  private own(at: number): Chunk {
    const chunk = this.chunks.at(at);
    invariant(chunk !== undefined, 'a chunk is changed where there is one', { at });
    if (chunk.owner === this.owner) return chunk;
    const owned = this.ownCopy(chunk);
    this.chunks.set(at, owned);
    return owned;
  }

  private ownCopy(chunk: Chunk): Chunk {
    const copy = new Chunk(this.owner);
    for (const element of chunk) copy.push(element);
    return copy;
  }

  private popChunk(side: Side): Chunk | undefined {
    const chunk = side === 'left' ? this.chunks.shift() : this.chunks.pop();
    return chunk === undefined || chunk.owner === this.owner ? chunk : this.ownCopy(chunk);
  }

  private removeFrom(chunk: Chunk, unwanted: Uint8Array, limit: number, from: Side): void {
    let removed = 0;
    for (let rest = chunk.length; rest > 0; rest -= 1) {
      const element = from === 'left' ? chunk.shift() : chunk.pop();
      if (element === undefined) return;
      if (removed < limit && equalBytes(element, unwanted)) {
        removed += 1;
        this.removed(element);
      } else if (from === 'left') chunk.push(element);
      else chunk.pushFront(element);
    }
  }

  private locate(index: number): { readonly chunk: Chunk; readonly at: number; readonly offset: number } | null {
    if (index < 0 || index >= this.count) return null;
    const isNearLeft = index < this.count / 2;
    let at = isNearLeft ? 0 : this.chunks.length - 1;
    let passed = isNearLeft ? 0 : this.count;
    for (;;) {
      const chunk = this.chunks.at(at);
      invariant(chunk !== undefined, 'chunks hold as many elements as the list counts', { index, count: this.count });
      if (isNearLeft) {
        if (index < passed + chunk.length) return { chunk, at, offset: index - passed };
        passed += chunk.length;
        at += 1;
      } else {
        passed -= chunk.length;
        if (index >= passed) return { chunk, at, offset: index - passed };
        at -= 1;
      }
    }
  }

  private added(element: Uint8Array): void {
    this.count += 1;
    this.heldBytes += element.length;
  }

  private removed(element: Uint8Array): void {
    this.count -= 1;
    this.heldBytes -= element.length;
  }
}

function move(source: Chunk, from: Side, target: Chunk, to: Side): void {
  const element = from === 'left' ? source.shift() : source.pop();
  invariant(element !== undefined, 'what is moved is there');
  if (to === 'left') target.pushFront(element);
  else target.push(element);
}

/** Behind the others, seen from a side; joined to the last one if both are small. */
function appendChunk(chunks: Deque<Chunk>, chunk: Chunk, from: Side): void {
  if (chunk.length === 0) return;
  const last = chunks.at(from === 'left' ? chunks.length - 1 : 0);
  if (last !== undefined && last.length + chunk.length <= chunkLength / 2) {
    while (chunk.length > 0) move(chunk, from, last, from === 'left' ? 'right' : 'left');
  } else if (from === 'left') chunks.push(chunk);
  else chunks.pushFront(chunk);
}
