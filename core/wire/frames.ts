/**
 * Frames on a link between nodes: length u32 · crc u32 · payload. A turn's messages to a peer
 * travel in one frame, or in several if it would grow large.
 */
import { ByteReader, ByteWriter, noBytes } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import { decodeMessages, encodeMessages, messageBytes } from './codec.ts';
import type { PeerMessage } from './messages.ts';

const kib = 1024;
const mib = 1024 * kib;

/** A frame is closed once it is this large. */
const targetFrameBytes = 1 * mib;
/** The largest payload: that of an entry with a key and a value of 512 MiB, and what surrounds it. */
export const maxFrameBytes = 1040 * mib;
/** Length and checksum. */
const headerBytes = 8;
const countBytes = 4;
/** A frame that comes in pieces gets a buffer of its size at once, unless it is larger than most. */
const usualFrameBytes = 512 * kib;
/** What the buffer for one that is larger starts with: a few pieces of the usual size of a packet. */
const firstBufferBytes = 4 * kib;

/**
 * One or more frames, to be written one after the other. Without messages it is one that says only that its
 * sender is there. A message that fits in no frame is left out: to its receiver it is lost, as on a broken link.
 * `memory`: where they are to be, if they are sent before that is used again; otherwise each has as much as it needs.
 */
export function encodeFrames(
  messages: readonly PeerMessage[],
  crc: Crc32,
  memory: ByteWriter | null = null,
): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  let batch: PeerMessage[] = [];
  let bytes = headerBytes + countBytes;
  for (const message of messages) {
    const size = messageBytes(message);
    if (bytes + size > maxFrameBytes) continue;
    batch.push(message);
    bytes += size;
    if (bytes < targetFrameBytes) continue;
    frames.push(encodeFrame(writerFor(bytes, memory), batch, crc));
    batch = [];
    bytes = headerBytes + countBytes;
  }
  if (batch.length > 0 || frames.length === 0) frames.push(encodeFrame(writerFor(bytes, memory), batch, crc));
  return frames;
}

/** A frame that is larger than most would be copied while it grows. */
function writerFor(bytes: number, memory: ByteWriter | null): ByteWriter {
  return memory === null || bytes > usualFrameBytes ? new ByteWriter(bytes) : memory;
}

function encodeFrame(writer: ByteWriter, messages: readonly PeerMessage[], crc: Crc32): Uint8Array {
  const lengthAt = writer.skip(4);
  const crcAt = writer.skip(4);
  encodeMessages(writer, messages);
  writer.patchU32(lengthAt, writer.length - headerBytes);
  writer.patchU32(crcAt, crc(writer.peek(headerBytes), 0));
  return writer.take();
}

/**
 * Takes bytes as they come and yields the messages of each complete frame; their byte fields are views of what
 * was read. A frame that comes in pieces is put together in a buffer. That of a large one grows with the bytes received,
 * never with a length that was merely announced.
 */
export class FrameReader {
  private readonly crc: Crc32;
  /** The first `held` bytes of it are the start of a frame. */
  private buffer: Uint8Array = noBytes;
  private held = 0;
  /** Bytes of that frame, or of its header while that is not complete. */
  private wanted = headerBytes;
  private isBroken = false;

  constructor(crc: Crc32) {
    this.crc = crc;
  }

  /** The messages of the frames that `chunk` completes. After `malformed` the link is to be closed. */
  read(chunk: Uint8Array): readonly PeerMessage[] | 'malformed' {
    const messages: PeerMessage[] = [];
    for (let at = 0; at < chunk.length && !this.isBroken; ) {
      at += this.held === 0 ? this.takeFrame(chunk, at, messages) : this.takePiece(chunk, at, messages);
    }
    return this.isBroken ? 'malformed' : messages;
  }

  /** Decodes the frame that begins at `at`, or keeps what there is of it; returns how many bytes that was. */
  private takeFrame(chunk: Uint8Array, at: number, messages: PeerMessage[]): number {
    const rest = chunk.length - at;
    this.wanted = rest < headerBytes ? headerBytes : this.frameBytes(chunk, at);
    if (rest < this.wanted) {
      this.keep(chunk.subarray(at));
      return rest;
    }
    this.decode(chunk.subarray(at, at + this.wanted), messages);
    return this.wanted;
  }

  /** Keeps what the frame in the buffer lacks, up to its header's end or its own; returns how many bytes that was. */
  private takePiece(chunk: Uint8Array, at: number, messages: PeerMessage[]): number {
    const piece = chunk.subarray(at, at + this.wanted - this.held);
    this.keep(piece);
    if (this.held === headerBytes) this.wanted = this.frameBytes(this.buffer, 0);
    else if (this.held === this.wanted) {
      this.decode(this.buffer, messages);
      this.buffer = noBytes;
      this.held = 0;
    }
    return piece.length;
  }

  private keep(piece: Uint8Array): void {
    const needed = this.held + piece.length;
    if (needed > this.buffer.length) {
      const grown = Math.min(this.wanted, Math.max(firstBufferBytes, 2 * needed));
      const larger = new Uint8Array(this.wanted <= usualFrameBytes ? this.wanted : grown);
      larger.set(this.buffer.subarray(0, this.held));
      this.buffer = larger;
    }
    this.buffer.set(piece, this.held);
    this.held = needed;
  }

  private frameBytes(source: Uint8Array, offset: number): number {
    const length = new ByteReader(source, offset).u32();
    if (length < countBytes || length > maxFrameBytes) this.isBroken = true;
    return headerBytes + length;
  }

  private decode(frame: Uint8Array, messages: PeerMessage[]): void {
    if (this.isBroken) return;
    const payload = frame.subarray(headerBytes);
    const expected = new ByteReader(frame, countBytes).u32();
    const decoded = this.crc(payload, 0) === expected ? decodeMessages(payload) : 'malformed';
    if (decoded === 'malformed') this.isBroken = true;
    else for (const message of decoded) messages.push(message);
  }
}
