/**
 * Frames on a link between nodes: length, checksum, payload. A turn's messages to a peer travel in one frame,
 * or in several if they would pass the largest.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import { decodeMessages, encodeMessage } from './codec.ts';
import type { PeerMessage } from './messages.ts';

const kib = 1024;
const mib = 1024 * kib;

/** A frame is closed once it is this large. */
const targetFrameBytes = 1 * mib;
/** The largest payload a reader takes: a single value of the protocol's 512 MiB and what surrounds it. */
export const maxFrameBytes = 520 * mib;
/** Length and checksum, four bytes each. */
const headerBytes = 8;
const frameChunkBytes = 64 * kib;

/** One or more frames, to be written one after the other. Without messages it is one that says only that its sender is there. */
export function encodeFrames(messages: readonly PeerMessage[], crc: Crc32): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  const writer = new ByteWriter(frameChunkBytes);
  let start = 0;
  do {
    const lengthAt = writer.skip(4);
    const crcAt = writer.skip(4);
    const countAt = writer.skip(4);
    let end = start;
    for (; end < messages.length && writer.length < targetFrameBytes; end += 1) {
      const message = messages[end];
      if (message !== undefined) encodeMessage(writer, message);
    }
    writer.patchU32(countAt, end - start);
    writer.patchU32(lengthAt, writer.length - headerBytes);
    writer.patchU32(crcAt, crc(writer.peek(headerBytes), 0));
    frames.push(writer.take());
    start = end;
  } while (start < messages.length);
  return frames;
}

/**
 * Takes bytes as they come and yields the messages of each complete frame. What it buffers grows with the bytes
 * received, never with a length that was merely announced.
 */
export class FrameReader {
  private readonly crc: Crc32;
  private pieces: Uint8Array[] = [];
  private buffered = 0;
  /** Bytes of the frame being received, its header included; 0 while the header is not here yet. */
  private wanted = 0;
  private isBroken = false;

  constructor(crc: Crc32) {
    this.crc = crc;
  }

  /** The messages of the frames that `chunk` completes. After `malformed` the link is to be closed. */
  read(chunk: Uint8Array): readonly PeerMessage[] | 'malformed' {
    if (this.isBroken) return 'malformed';
    if (chunk.length > 0) this.pieces.push(chunk);
    this.buffered += chunk.length;
    const all: PeerMessage[] = [];
    while (this.buffered >= headerBytes && this.buffered >= this.wanted) {
      const source = this.joined();
      const header = new ByteReader(source);
      const length = header.u32();
      const expected = header.u32();
      if (length < 4 || length > maxFrameBytes) return this.break();
      this.wanted = headerBytes + length;
      if (this.buffered < this.wanted) break;
      const payload = source.subarray(headerBytes, this.wanted);
      if (this.crc(payload, 0) !== expected) return this.break();
      const count = new ByteReader(payload).u32();
      const messages = decodeMessages(payload, count, 4);
      if (messages === 'malformed') return this.break();
      for (const message of messages) all.push(message);
      this.pieces = this.buffered > this.wanted ? [source.subarray(this.wanted)] : [];
      this.buffered -= this.wanted;
      this.wanted = 0;
    }
    return all;
  }

  /** One copy per frame: pieces are joined only when a whole frame, or its header, is here. */
  private joined(): Uint8Array {
    const [only] = this.pieces;
    if (only !== undefined && this.pieces.length === 1) return only;
    const joined = new Uint8Array(this.buffered);
    let at = 0;
    for (const piece of this.pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.pieces = [joined];
    return joined;
  }

  private break(): 'malformed' {
    this.isBroken = true;
    this.pieces = [];
    this.buffered = 0;
    return 'malformed';
  }
}
