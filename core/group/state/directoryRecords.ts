/** The records of the directory: every change it has seen, in order. */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { Epoch, type GroupId } from '../../base/ids.ts';
import { Directory } from '../../metadata/directory.ts';
import { readGroup, readIncarnation, readTenant } from '../../wire/fields.ts';
import type { MapChange } from '../../wire/messages.ts';
import { record, type Records } from './format.ts';
import { StateLoader } from './stateLoader.ts';

export function* directoryRecords(
  writer: ByteWriter,
  changes: readonly MapChange[],
  count: number,
  placedByPolicy: number,
): Records {
  writer.u8(record.directory);
  writer.varint(placedByPolicy);
  for (const change of changes) {
    // More may have come since.
    if (count === 0) break;
    count -= 1;
    yield;
    writer.u8(record[change.kind]);
    writer.text(change.tenant);
    writer.varint(change.incarnation);
    if (change.kind === 'dropped') continue;
    writer.varint(change.group);
    writer.varint(change.epoch);
  }
  yield;
}

export class DirectoryLoader extends StateLoader {
  private readonly groups: readonly GroupId[];
  private readonly install: (directory: Directory) => void;
  private readonly changes: MapChange[] = [];
  private placedByPolicy: number | null = null;

  constructor(groups: readonly GroupId[], install: (directory: Directory) => void) {
    super('directory');
    this.groups = groups;
    this.install = install;
  }

  finish(): boolean {
    if (this.placedByPolicy === null) return false;
    const directory = Directory.of(this.groups, this.changes, this.placedByPolicy);
    if (directory !== null) this.install(directory);
    return directory !== null;
  }

  protected read(kind: number, reader: ByteReader): boolean {
    if (kind === record.directory) {
      const isFirst = this.placedByPolicy === null;
      this.placedByPolicy = reader.varint();
      return isFirst;
    }
    if (kind !== record.placed && kind !== record.dropped) return false;
    const tenant = readTenant(reader);
    const incarnation = readIncarnation(reader);
    if (tenant === null) return false;
    if (kind === record.dropped) this.changes.push({ kind: 'dropped', tenant, incarnation });
    else {
      const group = readGroup(reader);
      this.changes.push({ kind: 'placed', tenant, group, epoch: Epoch(reader.varint()), incarnation });
    }
    return true;
  }
}
