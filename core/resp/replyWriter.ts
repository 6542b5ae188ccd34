/**
 * Replies in RESP2 or RESP3, straight into bytes. Many small replies share a chunk; `take` hands out what was
 * written since the last `take` as a view that is never written again.
 * Source: the RESP specification on redis.io.
 */
import { ByteWriter } from '../base/bytes.ts';
import { utf8Bytes } from '../base/utf8.ts';

export type Protocol = 2 | 3;

/** Large enough that small replies rarely allocate, small enough that one kept reply pins little. */
const defaultChunkBytes = 16 * 1024;
/** In bytes: twice the largest value the protocol allows, and it still fits in a frame between nodes. */
const largestReply = 1024 * 1024 * 1024;
/** Numbers below are written digit by digit, without a string. */
const smallNumbers = 10_000;
const lineEnd = 0x0d0a;
const okReply: Uint8Array = Uint8Array.of(0x2b, 0x4f, 0x4b, 0x0d, 0x0a);

const type = {
  simple: 0x2b,
  error: 0x2d,
  integer: 0x3a,
  bulk: 0x24,
  array: 0x2a,
  map: 0x25,
  set: 0x7e,
  push: 0x3e,
  double: 0x2c,
  verbatim: 0x3d,
} as const;

export class ReplyWriter {
  protocol: Protocol = 2;
  private readonly out: ByteWriter;
  /** What was written since the last `take` begins with `ok()`. The most common reply of all is always the same bytes. */
  private isOk = false;

  /** A bulk did not fit: what is taken says so instead. */
  private isTooLarge = false;
  private readonly largest: number;

  /**
   * `chunkBytes`: how much to allocate at a time; a larger reply gets a chunk of its own. `largest`: what a reply
   * may take; one command can ask for more than any memory holds.
   */
  constructor(chunkBytes: number = defaultChunkBytes, largest: number = largestReply) {
    this.largest = largest;
    this.out = new ByteWriter(chunkBytes);
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.out.length;
  }

  /** What was written since the last `take`. */
  take(): Uint8Array {
    this.replaceIfTooLarge();
    const isOnlyOk = this.isOk && this.out.length === okReply.length;
    this.isOk = false;
    if (!isOnlyOk) return this.out.take();
    this.out.rewind();
    return okReply;
  }

  /** What `take` would hand out, for who wants to keep it beside. */
  copy(): Uint8Array {
    this.replaceIfTooLarge();
    return this.out.peek(0).slice();
  }

  /** Forgets what was written since the last `take`. */
  rewind(): void {
    this.isOk = false;
    this.isTooLarge = false;
    this.out.rewind();
  }

  ok(): void {
    this.isOk = this.out.length === 0;
    this.out.raw(okReply);
  }

  /** One byte per character, none of them a line break. */
  simple(text: string): void {
    this.line(type.simple, text);
  }

  /** `text` starts with its prefix, as in `ERR syntax error`; one byte per character, line breaks become spaces. */
  error(text: string): void {
    this.line(type.error, /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, ' ') : text);
  }

  integer(value: number | bigint): void {
    if (typeof value === 'number') this.header(type.integer, value);
    else this.line(type.integer, value.toString());
  }

  bulk(bytes: Uint8Array): void {
    if (this.out.length + bytes.length > this.largest) {
      this.isTooLarge = true;
      return;
    }
    this.header(type.bulk, bytes.length);
    this.out.raw(bytes);
    this.end();
  }

  bulkText(text: string): void {
    this.bulk(utf8Bytes(text));
  }

  nil(): void {
    this.out.latin1(this.protocol === 3 ? '_\r\n' : '$-1\r\n');
  }

  nilArray(): void {
    this.out.latin1(this.protocol === 3 ? '_\r\n' : '*-1\r\n');
  }

  array(count: number): void {
    this.header(type.array, count);
  }

  /** `count` pairs follow. */
  map(count: number): void {
    if (this.protocol === 3) this.header(type.map, count);
    else this.header(type.array, count * 2);
  }

  set(count: number): void {
    this.header(this.protocol === 3 ? type.set : type.array, count);
  }

  /** Out of band in RESP3, an array like any other in RESP2. */
  push(count: number): void {
    this.header(this.protocol === 3 ? type.push : type.array, count);
  }

  /** The shortest digits that read back as the same number. */
  double(value: number): void {
    const text = doubleText(value);
    if (this.protocol === 3) this.line(type.double, text);
    else this.bulkText(text);
  }

  boolean(value: boolean): void {
    if (this.protocol === 3) this.out.latin1(value ? '#t\r\n' : '#f\r\n');
    else this.integer(value ? 1 : 0);
  }

  /** `format` has three letters, such as `txt`. */
  verbatim(format: string, text: string): void {
    const bytes = utf8Bytes(text);
    if (this.protocol === 2) {
      this.bulk(bytes);
      return;
    }
    this.header(type.verbatim, bytes.length + format.length + 1);
    this.out.latin1(`${format}:`);
    this.out.raw(bytes);
    this.end();
  }

  /** A whole reply, or several, that somebody else wrote. */
  raw(reply: Uint8Array): void {
    this.out.raw(reply);
  }

  private replaceIfTooLarge(): void {
    if (!this.isTooLarge) return;
    this.rewind();
    this.error(`ERR the reply is larger than ${String(this.largest)} bytes; a write has been executed`);
  }

  private line(kind: number, text: string): void {
    this.out.u8(kind);
    this.out.latin1(text);
    this.end();
  }

  private header(kind: number, value: number): void {
    this.out.u8(kind);
    if (value >= 0 && value < smallNumbers) this.digits(value);
    else this.out.latin1(String(value));
    this.end();
  }

  private digits(value: number): void {
    if (value >= 1000) this.out.u8(0x30 + Math.floor(value / 1000));
    if (value >= 100) this.out.u8(0x30 + (Math.floor(value / 100) % 10));
    if (value >= 10) this.out.u8(0x30 + (Math.floor(value / 10) % 10));
    this.out.u8(0x30 + (value % 10));
  }

  private end(): void {
    this.out.u16(lineEnd);
  }
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  return String(value);
}
