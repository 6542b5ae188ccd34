/**
 * The guard before redis-parser: finds where commands end in what a client sends, checks every byte that is not
 * data, and hands the parser complete commands only, so that it never holds anything half received.
 *
 * Memory grows with the bytes received, never with a length that was merely announced, and work is linear
 * however the bytes are cut. Nor are more commands made of them at a time than somebody is about to run: as bytes they
 * take a tenth of the memory, and the collector does not look at them. Errors are worded as Redis words them.
 */
import Parser from 'redis-parser';
import { invariant } from '../../core/base/invariant.ts';
import { CommandNames } from './commandNames.ts';
import { splitInline } from './inlineCommand.ts';

export interface FramerLimits {
  readonly maxArguments: number;
  readonly maxBulkBytes: number;
  /** Of a whole command. */
  readonly maxCommandBytes: number;
}

export interface FramerSink {
  /** Never empty. */
  command(args: readonly Uint8Array[]): void;
  /** The stream cannot be read any further. Nothing follows. */
  malformed(error: string): void;
  /** A browser, or somebody who makes one speak to us. Nothing follows. */
  webRequest(): void;
}

const star = 0x2a;
const dollar = 0x24;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const minus = 0x2d;
const zero = 0x30;
/** `needMore` and `broken` where a position or a number is expected. */
const needMore = -1;
const broken = -2;
/** More digits than any length within the limits has. */
const maxDigits = 16;
/** As in Redis. */
const maxInlineBytes = 64 * 1024;
const firstBufferBytes = 256;
/** What a read from a socket brings at most: room for it behind a long argument saves moving that. */
const chunkBytes = 64 * 1024;

/**
 * What the parser is given: bytes whose slices are views, as a Buffer's are and it expects, but plain ones, since the
 * core is never handed a Buffer, whose `slice` does not copy. Not a subclass of `Uint8Array`: V8 gives up optimising
 * what constructs one, and tries again for ever. A slice that is a known name is that.
 */
function sliceable(memory: ArrayBuffer, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(memory, from, length);
  bytes.slice = (start = 0, end = length) =>
    names.find(bytes, start, end) ?? new Uint8Array(memory, from + start, end - start);
  return bytes;
}

/** Of all connections. */
const names = new CommandNames();

export class CommandFramer {
  private readonly limits: FramerLimits;
  private readonly sink: FramerSink;
  private readonly parser: Parser;
  /** Bytes of the first command that is not complete; null if there are none. Grows by doubling. */
  private partial: Buffer | null = null;
  private partialBytes = 0;
  /** Whole commands and what follows them, for which it is not time yet; null if there are none. */
  private backlog: Buffer | null = null;
  /** How far that command was checked, from its first byte. */
  private checked = 0;
  /** Arguments it still lacks; −1 while its header is not here. */
  private argumentsLeft = -1;
  /** Bytes of the argument being received, with its CRLF; −1 while its header is not here. */
  private bulkBytes = -1;
  private failure: string | null = null;
  private isBroken = false;

  constructor(limits: FramerLimits, sink: FramerSink) {
    this.limits = limits;
    this.sink = sink;
    this.parser = new Parser({
      returnBuffers: true,
      returnReply: (reply) => {
        // `*0` and `*-1` are commands without a name: nothing to do.
        const args = reply as Uint8Array[];
        const name = Array.isArray(reply) ? args[0] : undefined;
        if (name === undefined) return;
        names.keep(name);
        this.sink.command(args);
      },
      returnError: throwError,
      returnFatalError: throwError,
    });
  }

  /** Memory held for a command that is not complete. */
  get heldBytes(): number {
    return this.partial?.length ?? 0;
  }

  /** There is more to hand over, by `goOn`: until that is done, there is no other chunk. */
  get isBehind(): boolean {
    return this.backlog !== null;
  }

  /** Hands over what is complete now, so many commands at most. */
  feed(chunk: Buffer, most: number): void {
    if (this.isBroken) return;
    invariant(this.backlog === null, 'what came before is handed over first', { bytes: chunk.length });
    this.take(this.join(chunk), most);
  }

  /** Hands over so many at most of those that are left. */
  goOn(most: number): void {
    if (this.backlog !== null) this.take(this.backlog, most);
  }

  private take(source: Buffer, most: number): void {
    /** Checked commands that were not handed over yet begin at `ready`. */
    let ready = 0;
    let start = 0;
    let left = most;
    this.backlog = null;
    while (start < source.length && left > 0) {
      const isInline = source[start] !== star;
      if (isInline) {
        this.handOver(source, ready, start);
        ready = start;
      }
      const end = isInline ? this.inlineEnd(source, start) : this.commandEnd(source, start);
      if (end < 0) break;
      start = end;
      left -= 1;
      if (isInline) ready = end;
    }
    this.handOver(source, ready, start);
    if (this.isBroken) this.reportFailure();
    else if (left > 0) this.keep(source, start);
    else this.leave(source, start);
  }

  private handOver(source: Buffer, from: number, to: number): void {
    if (to === from) return;
    // What a socket reads into is never shared memory.
    const memory = source.buffer as ArrayBuffer;
    this.parser.execute(sliceable(memory, source.byteOffset + from, to - from));
  }

  private reportFailure(): void {
    this.partial = null;
    this.partialBytes = 0;
    if (this.failure === null) this.sink.webRequest();
    else this.sink.malformed(`ERR Protocol error: ${this.failure}`);
  }

  /** What is held and the chunk, one after the other. */
  private join(chunk: Buffer): Buffer {
    if (this.partial === null) return chunk;
    const size = this.partialBytes + chunk.length;
    if (size > this.partial.length) {
      const larger = Buffer.allocUnsafeSlow(this.capacityFor(size, this.partial.length * 2));
      this.partial.copy(larger, 0, 0, this.partialBytes);
      this.partial = larger;
    }
    chunk.copy(this.partial, this.partialBytes);
    this.partialBytes = size;
    return this.partial.subarray(0, size);
  }

  /** Doubled, but not far beyond the end of an argument whose length is known: it may be kept for long. */
  private capacityFor(size: number, doubled: number): number {
    const known = this.bulkBytes < 0 ? 0 : this.checked + this.bulkBytes;
    return Math.max(size, known > size ? Math.min(doubled, known + chunkBytes) : doubled);
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

  /** Leaves what begins at `start`, at the beginning of a command, for the next time. */
  private leave(source: Buffer, start: number): void {
    this.partial = null;
    this.partialBytes = 0;
    if (start < source.length) this.backlog = source.subarray(start);
  }

  /** Checks a command that begins at `start`. Returns where the next begins, negative if there is none yet. */
  private commandEnd(source: Buffer, start: number): number {
    if (this.argumentsLeft < 0) {
      const count = this.length(source, start, 'invalid multibulk length');
      if (count === needMore || count === broken) return count;
      if (count > this.limits.maxArguments) return this.break('invalid multibulk length');
      this.argumentsLeft = count;
    }
    while (this.argumentsLeft > 0) {
      if (this.bulkBytes < 0) {
        const failed = this.bulkHeader(source, start);
        if (failed < 0) return failed;
      }
      const end = start + this.checked + this.bulkBytes;
      if (end > source.length) return needMore;
      if (source[end - 2] !== carriageReturn || source[end - 1] !== lineFeed) {
        return this.break('expected CRLF after an argument');
      }
      this.checked += this.bulkBytes;
      this.bulkBytes = -1;
      this.argumentsLeft -= 1;
    }
    const end = start + this.checked;
    this.checked = 0;
    this.argumentsLeft = -1;
    return end;
  }

  /** Reads `$` and a length. Negative if it is not complete or wrong. */
  private bulkHeader(source: Buffer, start: number): number {
    const at = start + this.checked;
    const type = source[at];
    if (type === undefined) return needMore;
    if (type !== dollar) return this.break(`expected '$', got '${printable(type)}'`);
    const length = this.length(source, start, 'invalid bulk length');
    if (length === needMore || length === broken) return length;
    if (length > this.limits.maxBulkBytes) return this.break('invalid bulk length');
    this.bulkBytes = length + 2;
    return this.checked + this.bulkBytes > this.limits.maxCommandBytes ? this.break('command too large') : 0;
  }

  /**
   * Reads digits and CRLF behind the type byte, as strictly as Redis: no sign, no leading zero. A negative count
   * of arguments is none at all, as in Redis; a negative length is wrong.
   */
  private length(source: Buffer, start: number, error: string): number {
    const first = start + this.checked + 1;
    const isNegative = source[first] === minus && source[first - 1] === star;
    const digits = isNegative ? first + 1 : first;
    let at = digits;
    let value = 0;
    for (; at < source.length; at += 1) {
      const byte = source[at] ?? 0;
      if (byte === carriageReturn) break;
      const digit = byte - zero;
      const isLeadingZero = at > digits && value === 0;
      if (digit < 0 || digit > 9 || isLeadingZero || at - digits >= maxDigits) return this.break(error);
      value = value * 10 + digit;
    }
    if (at === digits && at < source.length) return this.break(error);
    if (at + 1 >= source.length) return needMore;
    if (source[at + 1] !== lineFeed) return this.break(error);
    this.checked = at + 2 - start;
    return isNegative ? 0 : value;
  }

  /** As `commandEnd`, for a line of words, which it hands over by itself. */
  private inlineEnd(source: Buffer, start: number): number {
    const end = source.indexOf(lineFeed, start + this.checked);
    const length = (end < 0 ? source.length : end) - start;
    if (length > maxInlineBytes) return this.break('too big inline request');
    if (end < 0) {
      this.checked = length;
      return needMore;
    }
    this.checked = 0;
    const isCrLf = end > start && source[end - 1] === carriageReturn;
    const args = splitInline(source.subarray(start, isCrLf ? end - 1 : end));
    if (args === null) return this.break('unbalanced quotes in request');
    const [name] = args;
    if (name === undefined) return end + 1;
    if (isWeb(name)) return this.break(null);
    this.sink.command(args);
    return end + 1;
  }

  private break(failure: string | null): typeof broken {
    this.isBroken = true;
    this.failure = failure;
    return broken;
  }
}

/** What a web browser can be made to send; everything before it was not ours either. As in Redis. */
function isWeb(name: Uint8Array): boolean {
  const word = Buffer.from(name).toString('latin1').toLowerCase();
  return word === 'post' || word === 'host:';
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
}

/** The parser is given complete, checked commands only. */
function throwError(error: Error): never {
  throw error;
}
