/** Raft entries as bytes: the same between nodes and on disk. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { LogIndex, Term } from '../base/ids.ts';
import type { Entry } from '../raft/types.ts';

const kinds = ['noop', 'data'] as const;
/** Bytes an entry takes at least. */
const minimumBytes = 3;

/** Contiguous entries: the first index once, then term, kind and data of each. */
export function encodeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.varint(entries.length);
  writer.varint(entries[0]?.index ?? 0);
  for (const { term, kind, data } of entries) {
    writer.varint(term);
    writer.u8(kind === 'noop' ? 0 : 1);
    writer.bytes(data);
  }
}

/** Null if the bytes are not entries. Their data are views of the source. */
export function decodeEntries(reader: ByteReader): readonly Entry[] | null {
  const count = reader.count(minimumBytes);
  const first = reader.varint();
  const entries: Entry[] = [];
  for (let i = 0; i < count; i += 1) {
    const term = Term(reader.varint());
    const kind = kinds[reader.u8()];
    const data = reader.bytes();
    if (kind === undefined || reader.failed) return null;
    entries.push({ index: LogIndex(first + i), term, kind, data });
  }
  return count > 0 && first === 0 ? null : entries;
}
