/**
 * Bytes: text in both directions, comparison, and the cursor pair that every codec is built from.
 * The writer never fails; the reader never throws: past the end it yields zeros and `failed` is set, so
 * that a decoder checks once, at its end. Integers are big-endian, lengths are LEB128 varints.
 */

const emptyBytes: Readonly<Uint8Array> = new Uint8Array(0);
export const noBytes: Uint8Array = emptyBytes;

/** Up to here bytes are looked at one by one: to make a list of arguments, or a view, of them costs more. */
const shortBytes = 12;
const applyLimit = 4096;

/** One character per byte (Latin-1): a string usable as a `Map` key that loses nothing. */
export function binaryString(bytes: Uint8Array): string {
  return binarySlice(bytes, 0, bytes.length);
}

/** The same of the bytes from `start` to `end`. */
export function binarySlice(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  if (end - start > shortBytes) {
    for (let at = start; at < end; at += applyLimit) {
      const piece = bytes.subarray(at, Math.min(end, at + applyLimit));
      text += String.fromCharCode.apply(null, piece as unknown as number[]);
    }
    return text;
  }
  let at = start;
  for (; at + 8 <= end; at += 8) text += eightCharacters(bytes, at);
  for (; at < end; at += 1) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

function eightCharacters(b: Uint8Array, at: number): string {
  return String.fromCharCode(
    b[at] ?? 0,
    b[at + 1] ?? 0,
    b[at + 2] ?? 0,
    b[at + 3] ?? 0,
    b[at + 4] ?? 0,
    b[at + 5] ?? 0,
    b[at + 6] ?? 0,
    b[at + 7] ?? 0,
  );
}

/** The inverse of `binaryString`; characters above U+00FF keep their low byte. */
export function bytesOfBinary(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Whether the bytes from `start` to `end` are `text`, one byte per character. */
export function spells(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

export function totalBytes(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { length } of parts) bytes += length;
  return bytes;
}

/** Order by unsigned bytes, the shorter first: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Order by code units, for names: unlike a locale's order it is the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const initialCapacity = 256;

/**
 * Appends to a growing buffer. `take` hands out what was written since the last `take` as a view that is
 * never written again, and goes on in the same chunk: many small results cost one allocation.
 */
export class ByteWriter {
  private chunk: Uint8Array;
  /** The chunk's: what is taken is a view of it, for less than `subarray` costs. */
  private memory: ArrayBufferLike;
  private view: DataView;
  private start = 0;
  private end = 0;
  private chunkBytes: number;
  private readonly mostChunkBytes: number;

  /**
   * `chunkBytes`: how much to allocate at a time; a larger result gets a chunk of its own. Up to `mostChunkBytes` each chunk
   * that is full makes the next twice as large: until all fits in one that is needed before its memory may serve again.
   */
  constructor(chunkBytes: number = initialCapacity, mostChunkBytes: number = chunkBytes) {
    this.chunkBytes = chunkBytes;
    this.mostChunkBytes = mostChunkBytes;
    this.chunk = new Uint8Array(chunkBytes);
    this.memory = this.chunk.buffer;
    this.view = new DataView(this.memory);
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.end - this.start;
  }

  u8(value: number): void {
    this.reserve(1);
    this.chunk[this.end] = value;
    this.end += 1;
  }

  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.end, value);
    this.end += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.end, value);
    this.end += 4;
  }

  /** A safe integer, 0…2^53 − 1, in eight bytes. */
  u64(value: number): void {
    this.reserve(8);
    this.view.setUint32(this.end, Math.floor(value / 0x1_0000_0000));
    this.view.setUint32(this.end + 4, value % 0x1_0000_0000);
    this.end += 8;
  }

  /** A safe integer, 0…2^53 − 1, seven bits a byte, the low ones first. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.chunk[this.end] = (rest % 0x80) | 0x80;
      this.end += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.chunk[this.end] = rest;
    this.end += 1;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.chunk.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** A length and as many bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** One byte per character, without a length: for text that is known to be Latin-1. */
  latin1(text: string): void {
    this.reserve(text.length);
    const { chunk } = this;
    let at = this.end;
    for (let i = 0; i < text.length; i += 1) {
      chunk[at] = text.charCodeAt(i);
      at += 1;
    }
    this.end = at;
  }

  /** A length and one byte per character. */
  text(text: string): void {
    this.varint(text.length);
    this.latin1(text);
  }

  /** Leaves `count` bytes to be filled later by `patchU32`; returns where they are. */
  skip(count: number): number {
    this.reserve(count);
    const at = this.length;
    this.end += count;
    return at;
  }

  /** Overwrites four bytes at an offset that `skip` returned since the last `take`. */
  patchU32(at: number, value: number): void {
    this.view.setUint32(this.start + at, value);
  }

  /** A view of what was written since the last `take`, from `from` on; valid until the next write. */
  peek(from: number): Uint8Array {
    return this.chunk.subarray(this.start + from, this.end);
  }

  /** What was written since the last `take`. A chunk that had to be larger than usual is not shared with what follows. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.memory, this.start, this.end - this.start);
    this.start = this.end;
    if (this.chunk.length > this.chunkBytes) this.startChunk(noBytes);
    return taken;
  }

  /** Nobody needs what was taken any more: the same memory serves again. */
  reuse(): void {
    if (this.length > 0) return;
    this.start = 0;
    this.end = 0;
  }

  /** Forgets what was written since the last `take`, or all but its first `length` bytes. */
  rewind(length = 0): void {
    this.end = this.start + length;
  }

  private reserve(count: number): void {
    if (this.end + count > this.chunk.length) this.grow(count);
  }

  private grow(count: number): void {
    const pending = this.end - this.start;
    this.chunkBytes = Math.min(2 * this.chunkBytes, this.mostChunkBytes);
    const next = new Uint8Array(Math.max(this.chunkBytes, (pending + count) * (pending === 0 ? 1 : 2)));
    next.set(this.chunk.subarray(this.start, this.end));
    this.startChunk(next);
    this.end = pending;
  }

  private startChunk(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.memory = chunk.buffer;
    this.view = new DataView(this.memory);
    this.start = 0;
    this.end = 0;
  }
}

/** Reads what a `ByteWriter` wrote, without trusting a byte of it. */
export class ByteReader {
  failed = false;
  private readonly source: Uint8Array;
  /** The source's memory and where it begins in it: asking a typed array for them costs more than a view. */
  private readonly memory: ArrayBufferLike;
  private readonly base: number;
  private at: number;
  private end: number;

  constructor(source: Uint8Array, start = 0, end: number = source.length) {
    this.source = source;
    this.memory = source.buffer;
    this.base = source.byteOffset;
    this.at = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  /** True when everything was read and nothing was missing. */
  get complete(): boolean {
    return !this.failed && this.at === this.end;
  }

  u8(): number {
    if (!this.has(1)) return 0;
    const value = this.source[this.at] ?? 0;
    this.at += 1;
    return value;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    if (!this.has(4)) return 0;
    const { source, at } = this;
    this.at += 4;
    const low = ((source[at + 1] ?? 0) << 16) | ((source[at + 2] ?? 0) << 8) | (source[at + 3] ?? 0);
    return (source[at] ?? 0) * 0x100_0000 + low;
  }

  u64(): number {
    const value = this.u32() * 0x1_0000_0000 + this.u32();
    if (!Number.isSafeInteger(value)) this.fail();
    return value;
  }

  varint(): number {
    // Most are small.
    const first = this.at < this.end && !this.failed ? (this.source[this.at] ?? 0x80) : 0x80;
    if (first < 0x80) {
      this.at += 1;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) this.fail();
        return this.failed ? 0 : value;
      }
      scale *= 0x80;
    }
    this.fail();
    return 0;
  }

  /** A view of the source, not a copy. */
  raw(count: number): Uint8Array {
    if (!this.has(count)) return noBytes;
    const bytes = new Uint8Array(this.memory, this.base + this.at, count);
    this.at += count;
    return bytes;
  }

  /** `expected`: what it probably is, which then costs no new view. */
  bytes(expected: Uint8Array | null = null): Uint8Array {
    const length = this.varint();
    if (expected === null || length !== expected.length || length > shortBytes || !this.has(length))
      return this.raw(length);
    for (let i = 0; i < length; i += 1) if (this.source[this.at + i] !== expected[i]) return this.raw(length);
    this.at += length;
    return expected;
  }

  /** `expected`: what it probably is, which then costs no new string. */
  text(expected: string | null = null): string {
    const length = this.varint();
    if (!this.has(length)) return '';
    const start = this.at;
    this.at += length;
    if (expected !== null && spells(this.source, start, this.at, expected)) return expected;
    return binarySlice(this.source, start, this.at);
  }

  /** Narrows what can be read to the next `count` bytes. Returns what `leave` is to be given. */
  enter(count: number): number {
    const outer = this.end;
    if (this.has(count)) this.end = this.at + count;
    return outer;
  }

  /** Goes on behind the bytes that were entered, whether they were read or not. */
  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  /**
   * A count of items that take at least `minimumBytes` each: one that cannot fit in what remains fails
   * here, before anybody allocates for it.
   */
  count(minimumBytes: number): number {
    const count = this.varint();
    if (count * minimumBytes <= this.remaining) return count;
    this.fail();
    return 0;
  }

  fail(): void {
    this.failed = true;
  }

  private has(count: number): boolean {
    if (!this.failed && this.at + count <= this.end) return true;
    this.failed = true;
    return false;
  }
}
