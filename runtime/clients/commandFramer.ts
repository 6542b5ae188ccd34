/**
 * The guard before redis-parser: finds where commands end in what a client sends, checks every byte that is not
 * data, and hands the parser complete commands only, so that it never holds anything half received.
 *
 * Memory grows with the bytes received, never with a length that was merely announced, and work is linear
 * however the bytes are cut. Errors are worded as Redis words them.
 */
import Parser from 'redis-parser';
import { splitInline } from './inlineCommand.ts';

export interface FramerLimits {
  readonly maxArguments: number;
  readonly maxBulkBytes: number;
  /** Of a whole command. */
  readonly maxCommandBytes: number;
}

export interface FramerSink {
  command(args: readonly Uint8Array[]): void;
  /** The stream cannot be read any further. Nothing follows. */
  malformed(error: string): void;
}

const star = 0x2a;
const dollar = 0x24;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const minus = 0x2d;
const zero = 0x30;
/** `*` or `$`, a sign, ten digits and CRLF fit with room to spare. */
const maxHeaderBytes = 32;
/** As in Redis. */
const maxInlineBytes = 64 * 1024;
const firstBufferBytes = 4096;

export class CommandFramer {
  private readonly limits: FramerLimits;
  private readonly sink: FramerSink;
  private readonly parser: Parser;
  /** Bytes of commands that are not complete, in a buffer that doubles; null if there are none. */
  private partial: Buffer | null = null;
  private partialBytes = 0;
  /** How far the first incomplete command was checked, from its first byte. */
  private checked = 0;
  /** Arguments it still lacks; −1 while its header is not here. */
  private argumentsLeft = -1;
  /** Bytes of the argument being received, with its CRLF; −1 while its header is not here. */
  private bulkBytes = -1;
  private isBroken = false;

  constructor(limits: FramerLimits, sink: FramerSink) {
    this.limits = limits;
    this.sink = sink;
    this.parser = new Parser({
      returnBuffers: true,
      returnReply: (reply) => {
        this.sink.command(reply as Buffer[]);
      },
      returnError: (error) => {
        this.break(error.message);
      },
      returnFatalError: (error) => {
        this.break(error.message);
      },
    });
  }

  /** Bytes held for commands that are not complete. */
  get heldBytes(): number {
    return this.partialBytes;
  }

  feed(chunk: Buffer): void {
    if (this.isBroken) return;
    const source = this.join(chunk);
    let start = 0;
    while (start < source.length && !this.isBroken) {
      const end = source[start] === star ? this.commandEnd(source, start) : this.inlineEnd(source, start);
      if (end < 0) break;
      start = end;
    }
    if (!this.isBroken) this.keep(source, start);
  }

  /** What is held and the chunk, one after the other. */
  private join(chunk: Buffer): Buffer {
    if (this.partial === null) return chunk;
    const size = this.partialBytes + chunk.length;
    if (size > this.partial.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, this.partial.length * 2));
      this.partial.copy(larger, 0, 0, this.partialBytes);
      this.partial = larger;
    }
    chunk.copy(this.partial, this.partialBytes);
    this.partialBytes = size;
    return this.partial.subarray(0, size);
  }

  /** Holds what begins at `start`. Slices of what came before it are in use, so it moves to a buffer of its own. */
  private keep(source: Buffer, start: number): void {
    const rest = source.length - start;
    if (rest === 0) {
      this.partial = null;
      this.partialBytes = 0;
      return;
    }
    if (this.partial !== null && start === 0) return;
    this.partial = Buffer.allocUnsafeSlow(Math.max(rest, firstBufferBytes));
    source.copy(this.partial, 0, start);
    this.partialBytes = rest;
  }

  /**
   * Checks a command that begins at `start` and hands it over if it is complete. Returns where the next begins,
   * −1 if more bytes are needed.
   */
  private commandEnd(source: Buffer, start: number): number {
    if (this.argumentsLeft < 0) {
      const count = this.header(source, start, 'invalid multibulk length', 'too big mbulk count string');
      if (count === null) return -1;
      if (count > this.limits.maxArguments) return this.break('Protocol error: invalid multibulk length');
      if (count <= 0) {
        const end = start + this.checked;
        this.checked = 0;
        return end;
      }
      this.argumentsLeft = count;
    }
    while (this.argumentsLeft > 0) {
      if (this.bulkBytes < 0) {
        const at = start + this.checked;
        if (at >= source.length) return -1;
        if (source[at] !== dollar) return this.break(`Protocol error: expected '$', got '${printable(source[at])}'`);
        const length = this.header(source, start, 'invalid bulk length', 'too big bulk count string');
        if (length === null) return -1;
        if (length < 0 || length > this.limits.maxBulkBytes) return this.break('Protocol error: invalid bulk length');
        this.bulkBytes = length + 2;
        if (this.checked + this.bulkBytes > this.limits.maxCommandBytes)
          return this.break('Protocol error: command too large');
      }
      const end = start + this.checked + this.bulkBytes;
      if (end > source.length) return -1;
      if (source[end - 2] !== carriageReturn || source[end - 1] !== lineFeed)
        return this.break('Protocol error: expected CRLF after an argument');
      this.checked += this.bulkBytes;
      this.bulkBytes = -1;
      this.argumentsLeft -= 1;
    }
    const end = start + this.checked;
    this.checked = 0;
    this.argumentsLeft = -1;
    this.parser.execute(source.subarray(start, end));
    return end;
  }

  /** Reads a number up to CRLF behind the type byte; null if more bytes are needed or it is wrong. */
  private header(source: Buffer, start: number, invalid: string, tooLong: string): number | null {
    const first = start + this.checked + 1;
    let at = first;
    const isNegative = source[at] === minus;
    if (isNegative) at += 1;
    const digitsFrom = at;
    let value = 0;
    for (; at < source.length && source[at] !== carriageReturn; at += 1) {
      const digit = (source[at] ?? 0) - zero;
      if (at - first > maxHeaderBytes) {
        this.break(`Protocol error: ${tooLong}`);
        return null;
      }
      if (digit < 0 || digit > 9) {
        this.break(`Protocol error: ${invalid}`);
        return null;
      }
      value = value * 10 + digit;
    }
    if (at >= source.length) return null;
    if (at === digitsFrom) {
      this.break(`Protocol error: ${invalid}`);
      return null;
    }
    if (at + 1 >= source.length) return null;
    if (source[at + 1] !== lineFeed) {
      this.break(`Protocol error: ${invalid}`);
      return null;
    }
    this.checked = at + 2 - start;
    return isNegative ? -value : value;
  }

  /** As `commandEnd`, for a line of words. */
  private inlineEnd(source: Buffer, start: number): number {
    const end = source.indexOf(lineFeed, start + this.checked);
    const length = (end < 0 ? source.length : end) - start;
    if (length > maxInlineBytes) return this.break('Protocol error: too big inline request');
    if (end < 0) {
      this.checked = length;
      return -1;
    }
    this.checked = 0;
    const isCrLf = end > start && source[end - 1] === carriageReturn;
    const args = splitInline(source.subarray(start, isCrLf ? end - 1 : end));
    if (args === null) return this.break('Protocol error: unbalanced quotes in request');
    const [name] = args;
    if (name === undefined) return end + 1;
    const word = Buffer.from(name).toString('latin1').toLowerCase();
    if (word === 'post' || word === 'host:') return this.break('Protocol error: this is not a web server');
    this.sink.command(args);
    return end + 1;
  }

  private break(error: string): -1 {
    if (this.isBroken) return -1;
    this.isBroken = true;
    this.partial = null;
    this.partialBytes = 0;
    this.sink.malformed(`ERR ${error}`);
    return -1;
  }
}

function printable(byte: number | undefined): string {
  return byte !== undefined && byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
}
