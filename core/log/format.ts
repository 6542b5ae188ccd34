/**
 * The node's log on disk, format 1. Segments hold frames; a frame holds one write's records and is valid whole
 * or not at all.
 *
 *   segment  magic u32 · length u32 · crc u32 · { version, cluster, node, segment } · padding · frames
 *   frame    marker u32 · length u32 · crc u32 · { sequence u64 · synced u64 · records } · padding
 *
 * Everything is padded to eight bytes, so that frames can be found again behind damage. Sequence numbers are
 * dense over the whole log. `synced` is the highest sequence known to be on disk when the frame was written: it
 * tells a write that was torn, and never acknowledged, from damage to what had been durable. A zero marker is
 * the end: segments may be extended with zeros ahead of time.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import { GroupId, ReplicaId, Term } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { decodeEntries, encodeEntries } from '../wire/entry.ts';
import type { LogIdentity, LogRecord } from './records.ts';

export const formatVersion = 1;
export const alignment = 8;
/** "LHLS" and "LHLF": Leasehold log segment, log frame. */
const segmentMagic = 0x4c484c53;
const frameMarker = 0x4c484c46;
const prefixBytes = 12;
/** Sequence and synced. */
const framePrefixBytes = 16;
/** Larger than any write: a value of 512 MiB and what surrounds it. */
const maxPayloadBytes = 1024 * 1024 * 1024;

const record = { boot: 1, hardState: 2, entries: 3 } as const;

export interface Frame {
  readonly sequence: number;
  readonly synced: number;
  readonly records: readonly LogRecord[];
  /** Where the next frame begins. */
  readonly end: number;
}

export function padded(offset: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

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

export type SegmentHeader =
  | { readonly kind: 'valid'; readonly end: number }
  /** Nothing but zeros, or cut short. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'foreign'; readonly reason: string };

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
  if (reader.failed || magic === 0) return { kind: 'absent' };
  const body = reader.raw(length);
  if (magic !== segmentMagic || reader.failed || crc(body, 0) !== expected) return { kind: 'invalid' };
  const fields = new ByteReader(body);
  const version = fields.varint();
  if (version !== formatVersion)
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
  writer.u64(sequence);
  writer.u64(synced);
  for (const each of records) encodeRecord(writer, each);
  writer.patchU32(lengthAt, writer.length - start - prefixBytes);
  writer.patchU32(crcAt, crc(writer.peek(start + prefixBytes), 0));
  pad(writer);
}

/** The frame at `offset`; `end` where the log ends; `invalid` where there is something else. */
export function decodeFrame(bytes: Uint8Array, offset: number, crc: Crc32): Frame | 'end' | 'invalid' {
  const reader = new ByteReader(bytes, offset);
  const marker = reader.u32();
  if (reader.failed || marker === 0) return 'end';
  const length = reader.u32();
  const expected = reader.u32();
  if (marker !== frameMarker || length < framePrefixBytes || length > maxPayloadBytes) return 'invalid';
  const payload = reader.raw(length);
  if (reader.failed || crc(payload, 0) !== expected) return 'invalid';
  const fields = new ByteReader(payload);
  const sequence = fields.u64();
  const synced = fields.u64();
  const records: LogRecord[] = [];
  while (fields.remaining > 0) {
    const decoded = decodeRecord(fields);
    if (decoded === null) return 'invalid';
    records.push(decoded);
  }
  return { sequence, synced, records, end: padded(offset + prefixBytes + length) };
}

function encodeRecord(writer: ByteWriter, each: LogRecord): void {
  writer.u8(record[each.kind]);
  switch (each.kind) {
    case 'boot':
      writer.varint(each.boot);
      return;
    case 'hardState':
      writer.varint(each.group);
      writer.varint(each.hardState.term);
      writer.varint(each.hardState.votedFor ?? 0);
      return;
    case 'entries':
      writer.varint(each.group);
      encodeEntries(writer, each.entries);
      return;
    default:
      unreachable(each);
  }
}

function decodeRecord(reader: ByteReader): LogRecord | null {
  const decoded = decodeRecordKind(reader);
  return reader.failed ? null : decoded;
}

function decodeRecordKind(reader: ByteReader): LogRecord | null {
  switch (reader.u8()) {
    case record.boot:
      return { kind: 'boot', boot: reader.varint() };
    case record.hardState: {
      const group = GroupId(reader.varint());
      const term = Term(reader.varint());
      const vote = reader.varint();
      return { kind: 'hardState', group, hardState: { term, votedFor: vote === 0 ? null : ReplicaId(vote) } };
    }
    case record.entries: {
      const group = GroupId(reader.varint());
      const entries = decodeEntries(reader);
      return entries === null || entries.length === 0 ? null : { kind: 'entries', group, entries };
    }
    default:
      return null;
  }
}

function pad(writer: ByteWriter): void {
  while (writer.length % alignment !== 0) writer.u8(0);
}
