/**
 * A tenant's items on their way to another group, while commands go on changing them: first every item in the order of
 * creation, then those that were changed behind that, in the order of their changes. New items are behind the others,
 * so the first part catches up with them; an item that was changed after it was copied is copied again.
 *
 * What is read at any instant continues what was read before, by whatever replica: the cursor says all. Only of a large
 * item, which goes in pieces, the rest follows as it was when its first piece went.
 */
import { ByteReader, type ByteWriter } from '../../base/bytes.ts';
import type { Keyspace, Item } from '../../engine/keyspace.ts';
import type { ItemImage } from '../../engine/keyspaceCut.ts';
import type { ChangeLog } from '../../engine/changeLog.ts';
import type { CopyCursor } from '../../wire/moves.ts';
import { isImported, type OwnedTenant, type StagedTenant } from '../tenants.ts';
import { pieceBytes, record, type Records } from './format.ts';
import { itemRecords } from './tenantRecords.ts';

/** An item whose records are being read. */
interface Reading {
  readonly serial: number;
  readonly write: number;
  readonly records: Records;
  /** How many were. */
  count: number;
  /** Where the copy is once all of them were. */
  readonly behind: CopyCursor;
}

export class CopyReader {
  /** Up to where it was read. */
  cursor: CopyCursor;
  private readonly writer: ByteWriter;
  private readonly keyspace: Keyspace;
  private readonly changes: ChangeLog;
  private reading: Reading | null = null;
  /** The destination is to forget what it has of a large item. */
  private isAbandoning = false;

  /** Goes on from `cursor`, which the destination has. */
  constructor(writer: ByteWriter, keyspace: Keyspace, changes: ChangeLog, cursor: CopyCursor) {
    this.writer = writer;
    this.keyspace = keyspace;
    this.changes = changes;
    this.cursor = cursor;
    if (cursor.part !== null) this.resume(cursor.part);
  }

  /** Nothing is left to be read. */
  get isAtEnd(): boolean {
    const { serial, change } = this.cursor;
    if (this.reading !== null || this.isAbandoning || this.changes.clearedAt > change) return false;
    return this.keyspace.storedFrom(serial + 1) === null && this.changes.firstFrom(change + 1) === null;
  }

  /** Every item was copied once, and what follows are those that were changed since. */
  get isFollowing(): boolean {
    const { serial, change, part } = this.cursor;
    if (part !== null && part.serial > serial) return false;
    return this.changes.clearedAt <= change && this.keyspace.storedFrom(serial + 1) === null;
  }

  /** The next records, about `bytes` of them; empty at the end. */
  next(bytes: number): Uint8Array {
    const { writer } = this;
    if (this.isAbandoning) {
      writer.u8(record.abandoned);
      this.isAbandoning = false;
      this.cursor = { ...this.cursor, part: null };
    }
    while (writer.length < bytes && (this.reading !== null || this.begin())) if (this.reading !== null) this.readOn();
    return writer.take();
  }

  /** Goes on with a large item, if it is as it was when the pieces went that the destination has. */
  private resume({ serial, write, records }: NonNullable<CopyCursor['part']>): void {
    const item = this.keyspace.storedFrom(serial);
    const change = serial > this.cursor.serial ? null : this.changes.firstFrom(this.cursor.change + 1);
    const isSame = item?.serial === serial && item.write === write && (change === null || change.key === item.key);
    if (!isSame) {
      this.isAbandoning = true;
      return;
    }
    this.open(item, change?.serial ?? null);
    for (let read = 0; read < records; read += 1) this.readOn();
    this.writer.take();
  }

  /** Begins with what comes next, or is done with it already. False at the end. */
  private begin(): boolean {
    const { cursor, changes, keyspace, writer } = this;
    if (changes.clearedAt > cursor.change) {
      writer.u8(record.cleared);
      this.cursor = { serial: changes.clearedSerial, change: changes.clearedAt, part: null };
      return true;
    }
    const created = keyspace.storedFrom(cursor.serial + 1);
    if (created !== null) {
      this.open(created, null);
      return true;
    }
    const change = changes.firstFrom(cursor.change + 1);
    if (change === null) return false;
    const changed = keyspace.stored(change.key);
    if (changed !== null) this.open(changed, change.serial);
    else {
      writer.u8(record.discarded);
      writer.text(change.key);
      this.cursor = { ...cursor, change: change.serial };
    }
    return true;
  }

  /** `change`: the number of the change for whose sake it is copied again; null for one that was not copied yet. */
  private open(item: Item, change: number | null): void {
    const { serial, write, key, expireAt, value } = item;
    const { cursor } = this;
    // A small one is read at once, before anybody may write over it.
    const isSmall = value instanceof Uint8Array && value.length <= pieceBytes;
    const frozen = isSmall ? value : value instanceof Uint8Array ? value.slice() : value.frozen();
    const records = itemRecords(this.writer, { key, serial, write, expireAt, value: frozen });
    const behind = change === null ? { ...cursor, serial, part: null } : { ...cursor, change, part: null };
    this.reading = { serial, write, records, count: 0, behind };
  }

  private readOn(): void {
    const { reading } = this;
    if (reading === null) return;
    reading.count += 1;
    if (reading.records.next().done === true) {
      this.reading = null;
      this.cursor = reading.behind;
      return;
    }
    const { serial, write, count } = reading;
    this.cursor = { ...this.cursor, part: { serial, write, records: count } };
  }
}

/**
 * Takes over what a `CopyReader` has read, or what stands in a file. False if it does not follow: what is staged is of no
 * use. A file is not trusted to have numbered its items as it should.
 */
export function takeCopy(coming: StagedTenant, records: Uint8Array): boolean {
  const { keyspace } = coming.owned;
  keyspace.joinCut();
  return isImported(coming) ? takeItems(coming, records) : takeChanges(coming, records);
}

/** Where complete items of a staged tenant go. Those of a file were never written here. */
export function itemsInto({ keyspace, epoch }: OwnedTenant): (image: ItemImage) => void {
  return (image) => {
    keyspace.replace(epoch === 1 ? { ...image, write: 0 } : image);
  };
}

/** Its items are numbered from 1 on, without a gap, in the order in which they came. */
export function isNumberedThrough({ size, latestSerial }: Keyspace): boolean {
  return size === latestSerial;
}

function takeItems({ owned: { keyspace }, items }: StagedTenant, records: Uint8Array): boolean {
  const reader = new ByteReader(records);
  while (reader.remaining > 0) {
    if (!items.read(reader.u8(), reader, keyspace.latestSerial + 1) || reader.failed) return false;
    if (!isNumberedThrough(keyspace)) return false;
  }
  return true;
}

function takeChanges({ owned: { keyspace }, items }: StagedTenant, records: Uint8Array): boolean {
  const reader = new ByteReader(records);
  while (reader.remaining > 0) {
    const kind = reader.u8();
    if (kind === record.discarded) keyspace.discard(reader.text());
    else if (kind === record.cleared) keyspace.clear();
    else if (kind === record.abandoned) items.abandon();
    else if (!items.read(kind, reader, Number.MAX_SAFE_INTEGER)) return false;
    if (reader.failed) return false;
  }
  return true;
}
