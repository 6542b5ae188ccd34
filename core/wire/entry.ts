/** Raft entries as bytes: the same between nodes and on disk. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { LogIndex, Term } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { decodeConfiguration } from './configuration.ts';
import type { Entry, EntryKind } from '../raft/types.ts';

const kinds: readonly EntryKind[] = ['noop', 'data', 'configuration', 'check'];
/** Bytes an entry takes at least. */
const minimumBytes = 3;

/** Contiguous entries: the first index once, then term, kind and data of each. */
export function encodeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  const first = entries[0]?.index ?? 0;
  let next: number = first;
  writer.varint(entries.length);
  writer.varint(first);
  for (const { index, term, kind, data } of entries) {
    invariant(index === next, 'entries follow one another');
    writer.varint(term);
    writer.u8(kinds.indexOf(kind));
    writer.bytes(data);
    next += 1;
  }
}

/** Fails the reader if the bytes are not entries. Their data are views of the source. */
export function decodeEntries(reader: ByteReader): readonly Entry[] {
  const count = reader.count(minimumBytes);
  const first = reader.varint();
  if (!Number.isSafeInteger(first + count)) reader.fail();
  const entries: Entry[] = [];
  for (let i = 0; i < count; i += 1) {
    const term = Term(reader.varint());
    const kind = kinds[reader.u8()];
    const data = reader.bytes();
    if (kind === undefined || (kind === 'configuration' && decodeConfiguration(data) === null)) reader.fail();
    if (kind === undefined || reader.failed) break;
    entries.push({ index: LogIndex(first + i), term, kind, data });
  }
  return entries;
}
