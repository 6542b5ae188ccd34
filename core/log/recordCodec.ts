/** The records of one write as bytes. */
import { ByteReader, type ByteWriter } from '../base/bytes.ts';
import { GroupId, LogIndex, ReplicaId, Term } from '../base/ids.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { decodeEntries, encodeEntries } from '../wire/entry.ts';
import type { LogRecord } from './records.ts';

const tag = {
  boot: 1,
  entries: 3,
  floor: 4,
  snapshotChunk: 5,
  snapshot: 6,
  hardState: 7,
  removed: 8,
  lost: 9,
} as const;
/** Of formats 1 and 2: without the replica. */
const hardStateOfAnyReplica = 2;
const nobody = 0;

export function encodeRecord(writer: ByteWriter, record: LogRecord): void {
  writer.u8(tag[record.kind]);
  switch (record.kind) {
    case 'boot':
      writer.varint(record.boot);
      return;
    case 'hardState':
      writer.varint(record.group);
      writer.varint(record.replica);
      writer.varint(record.hardState.term);
      writer.varint(record.hardState.votedFor ?? nobody);
      return;
    case 'entries':
      invariant(record.entries.length > 0, 'a record holds entries');
      writer.varint(record.group);
      encodeEntries(writer, record.entries);
      return;
    case 'removed':
      writer.varint(record.group);
      writer.varint(record.replica);
      return;
    case 'lost':
      return;
    case 'floor':
      writer.varint(record.segment);
      return;
    case 'snapshotChunk':
      writer.varint(record.group);
      writer.varint(record.number);
      writer.bytes(record.bytes);
      return;
    case 'snapshot':
      writer.varint(record.group);
      writer.varint(record.base.index);
      writer.varint(record.base.term);
      writer.varint(record.chunks);
      return;
    default:
      unreachable(record);
  }
}

/** Null if they are not records of this version. The data of entries are views of `body`. */
export function decodeRecords(body: Uint8Array): readonly LogRecord[] | null {
  const reader = new ByteReader(body);
  const records: LogRecord[] = [];
  while (reader.remaining > 0) {
    const record = decodeRecord(reader);
    if (record === null || reader.failed) return null;
    records.push(record);
  }
  return records;
}

function decodeRecord(reader: ByteReader): LogRecord | null {
  switch (reader.u8()) {
    case tag.boot:
      return { kind: 'boot', boot: reader.varint() };
    case hardStateOfAnyReplica:
      return decodeHardState(reader, GroupId(reader.varint()), 0);
    case tag.hardState: {
      const group = GroupId(reader.varint());
      return decodeHardState(reader, group, ReplicaId(reader.varint()));
    }
    case tag.removed: {
      const group = GroupId(reader.varint());
      return { kind: 'removed', group, replica: ReplicaId(reader.varint()) };
    }
    case tag.entries: {
      const group = GroupId(reader.varint());
      const entries = decodeEntries(reader);
      return entries.length === 0 ? null : { kind: 'entries', group, entries };
    }
    case tag.lost:
      return { kind: 'lost' };
    case tag.floor:
      return { kind: 'floor', segment: reader.varint() };
    case tag.snapshotChunk: {
      const group = GroupId(reader.varint());
      const number = reader.varint();
      return { kind: 'snapshotChunk', group, number, bytes: reader.bytes() };
    }
    case tag.snapshot: {
      const group = GroupId(reader.varint());
      const base = { index: LogIndex(reader.varint()), term: Term(reader.varint()) };
      return { kind: 'snapshot', group, base, chunks: reader.varint() };
    }
    default:
      return null;
  }
}

function decodeHardState(reader: ByteReader, group: GroupId, replica: ReplicaId | 0): LogRecord {
  const term = Term(reader.varint());
  const vote = reader.varint();
  const votedFor = vote === nobody ? null : ReplicaId(vote);
  return { kind: 'hardState', group, replica, hardState: { term, votedFor } };
}
