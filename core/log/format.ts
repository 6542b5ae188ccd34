/**
 * The node's log on disk, format 3. Segments hold frames; a frame holds one write's records and is valid whole
 * or not at all.
 *
 *   segment  magic u32 · length u32 · crc u32 · { version, cluster, node, segment } · padding · frames
 *   frame    marker u32 · length u32 · crc u32 · { mask u32 · sequence u64 · synced u64 · records } · padding
 *
 * Everything is padded to eight bytes, so that frames can be found again behind damage. Sequence numbers are
 * dense over the whole log. `synced` is the highest sequence known to be on disk when the frame was written: it
 * tells a write that was torn, and never acknowledged, from damage to what had been durable. A zero marker is
 * the end: segments may be extended with zeros ahead of time. No value a client wrote can be taken for a frame:
 * records that hold a marker where a frame could begin are masked.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import { invariant } from '../base/invariant.ts';
import { decodeRecords, encodeRecord } from './recordCodec.ts';
import type { LogIdentity, LogRecord } from './records.ts';

const formatVersion = 3;
/** Had no snapshots, and its first segment was never deleted. */
const oldestVersion = 1;
export const alignment = 8;
/** "LHLS" and "LHLF": Leasehold log segment, log frame. */
const segmentMagic = 0x4c484c53;
const frameMarker = 0x4c484c46;
/** Marker, length and checksum. */
const prefixBytes = 12;
/** Mask, sequence and synced. */
const framePrefixBytes = 20;
/** Room for the largest command, a key and a value of 512 MiB, and for what comes in the same turn. A file beyond 2 GiB cannot be read in one go. */
const maxPayloadBytes = 1536 * 1024 * 1024;
/** The steps of a full-period generator modulo 2^32 (Knuth, "The Art of Computer Programming" 2, §3.3.4). */
const maskFactor = 1_664_525;
const maskStep = 1_013_904_223;

export interface Frame {
  readonly sequence: number;
  readonly synced: number;
  /** Null if this version cannot read them, though they are what was written. */
  readonly records: readonly LogRecord[] | null;
  /** Where the next frame begins. */
  readonly end: number;
}

export type SegmentHeader =
  | { readonly kind: 'valid'; readonly end: number }
  /** Torn, damaged, of another segment, or not there. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'foreign'; readonly reason: string };

export function encodeSegmentHeader(writer: ByteWriter, identity: LogIdentity, segment: number, crc: Crc32): void {
  const body = new ByteWriter();
  body.varint(formatVersion);
  body.text(identity.clusterId);
  body.varint(identity.node);
  body.varint(segment);
  const bytes = body.take();
  writer.u32(segmentMagic);
  writer.u32(bytes.length);
  writer.u32(crc(bytes, 0));
  writer.raw(bytes);
  pad(writer);
}

export function decodeSegmentHeader(
  bytes: Uint8Array,
  identity: LogIdentity,
  segment: number,
  crc: Crc32,
): SegmentHeader {
  const reader = new ByteReader(bytes);
  const magic = reader.u32();
  const length = reader.u32();
  const expected = reader.u32();
  const body = reader.raw(length);
  if (reader.failed || magic !== segmentMagic || crc(body, 0) !== expected) return { kind: 'invalid' };
  const fields = new ByteReader(body);
  const version = fields.varint();
  // Torn behind its magic, it has the checksum of nothing.
  if (fields.failed) return { kind: 'invalid' };
  if (version < oldestVersion || version > formatVersion)
    return { kind: 'foreign', reason: `it has format ${String(version)}, this is ${String(formatVersion)}` };
  const clusterId = fields.text();
  const node = fields.varint();
  const number = fields.varint();
  if (clusterId !== identity.clusterId)
    return { kind: 'foreign', reason: `it belongs to cluster '${clusterId}', this is '${identity.clusterId}'` };
  if (node !== identity.node)
    return { kind: 'foreign', reason: `it belongs to node ${String(node)}, this is ${String(identity.node)}` };
  return number === segment ? { kind: 'valid', end: padded(prefixBytes + length) } : { kind: 'invalid' };
}

export function encodeFrame(
  writer: ByteWriter,
  sequence: number,
  synced: number,
  records: readonly LogRecord[],
  crc: Crc32,
): void {
  const start = writer.length;
  writer.u32(frameMarker);
  const lengthAt = writer.skip(4);
  const crcAt = writer.skip(4);
  const maskAt = writer.skip(4);
  writer.u64(sequence);
  writer.u64(synced);
  for (const each of records) encodeRecord(writer, each);
  const length = writer.length - start - prefixBytes;
  invariant(length <= maxPayloadBytes, 'what one turn writes fits in a frame', { length });
  writer.patchU32(lengthAt, length);
  const body = writer.peek(start + prefixBytes + framePrefixBytes);
  writer.patchU32(maskAt, hasMarker(body) ? hideMarkers(body, crc) : 0);
  writer.patchU32(crcAt, crc(writer.peek(start + prefixBytes), 0));
  pad(writer);
}

/** The frame at `offset`, if there is a whole and undamaged one. */
export function decodeFrame(bytes: Uint8Array, offset: number, crc: Crc32): Frame | 'invalid' {
  if (!isMarker(bytes, offset)) return 'invalid';
  const reader = new ByteReader(bytes, offset + 4);
  const length = reader.u32();
  const expected = reader.u32();
  const payload = reader.raw(length);
  if (reader.failed || crc(payload, 0) !== expected) return 'invalid';
  const fields = new ByteReader(payload);
  const mask = fields.u32();
  const sequence = fields.u64();
  const synced = fields.u64();
  if (fields.failed) return 'invalid';
  const body = fields.raw(fields.remaining);
  const end = padded(offset + prefixBytes + length);
  return { sequence, synced, records: decodeRecords(mask === 0 ? body : unmasked(body, mask)), end };
}

/**
 * XORs a mask over the records until no frame seems to begin in them. Where the search starts depends on
 * everything in them, so that no client can foresee it: a second try is one in 2^32 for each eight bytes.
 */
function hideMarkers(body: Uint8Array, crc: Crc32): number {
  let mask = 0;
  let next = crc(body, 0);
  while (mask === 0 || hasMarker(body)) {
    next = (Math.imul(next, maskFactor) + maskStep) >>> 0;
    applyMask(body, mask ^ next);
    mask = next;
  }
  return mask;
}

function unmasked(body: Uint8Array, mask: number): Uint8Array {
  const clear = body.slice();
  applyMask(clear, mask);
  return clear;
}

function applyMask(bytes: Uint8Array, mask: number): void {
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = (bytes[i] ?? 0) ^ (mask >>> ((i % 4) * 8));
}

/** `bytes` begin where a frame could. */
function hasMarker(bytes: Uint8Array): boolean {
  for (let offset = 0; offset < bytes.length; offset += alignment) if (isMarker(bytes, offset)) return true;
  return false;
}

function isMarker(bytes: Uint8Array, offset: number): boolean {
  return (
    bytes[offset] === frameMarker >>> 24 &&
    bytes[offset + 1] === ((frameMarker >>> 16) & 0xff) &&
    bytes[offset + 2] === ((frameMarker >>> 8) & 0xff) &&
    bytes[offset + 3] === (frameMarker & 0xff)
  );
}

function padded(offset: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function pad(writer: ByteWriter): void {
  while (writer.length % alignment !== 0) writer.u8(0);
}
