/** The records of a group's tenants. The order is that of their coming, which the log decides. */
import { type ByteWriter, noBytes } from '../../base/bytes.ts';
import type { Incarnation, MoveId, TenantName } from '../../base/ids.ts';
import type { ChangeLogImage } from '../../engine/changeLog.ts';
import type { ClientSessionsImage } from '../../engine/clientSessions.ts';
import { isList } from '../../engine/keyspace.ts';
import type { ItemImage } from '../../engine/keyspaceCut.ts';
import type { Remembered } from '../../engine/replyMemory.ts';
import type { VersionsImage } from '../../engine/versions.ts';
import { encodeQuota, type Quota, quotaNames } from '../../wire/accounts.ts';
import { encodeCursor } from '../../wire/moves.ts';
import type { SessionsImage } from '../sessions.ts';
import type { DepartedTenant, OwnedTenant, StagedTenant, Tenants } from '../tenants.ts';
import { pieceBytes, record, type Records } from './format.ts';
import type { PartialItem } from './itemLoader.ts';

/** All there was at an instant. What changes in place and is not cut by itself was copied then. */
export interface TenantsCut {
  readonly current: object;
  /** By place, so that nothing is made for each: there may be very many. */
  readonly names: readonly TenantName[];
  readonly owned: readonly OwnedTenant[];
  /** Of those that are on their way elsewhere. */
  readonly changes: ReadonlyMap<TenantName, ChangeLogImage>;
  readonly staged: readonly (readonly [TenantName, StagedTenant, PartialItem | null])[];
  readonly departed: readonly (readonly [TenantName, DepartedTenant])[];
  readonly released: readonly (readonly [TenantName, Incarnation])[];
  readonly ended: readonly (readonly [TenantName, MoveId])[];
}

export function cutOf({ owned, staged, departed, released, ended }: Tenants, current: object): TenantsCut {
  const changes = new Map<TenantName, ChangeLogImage>();
  for (const [tenant, { out }] of owned) if (out !== null) changes.set(tenant, out.changes.image());
  return {
    current,
    names: [...owned.keys()],
    owned: [...owned.values()],
    changes,
    staged: Array.from(staged, ([tenant, one]) => [tenant, one, one.items.partial()] as const),
    departed: [...departed],
    released: [...released],
    ended: [...ended],
  };
}

/** Tenants with data in it, seen or not. */
export function* withData({ owned, staged, departed }: TenantsCut): IterableIterator<OwnedTenant> {
  yield* owned;
  for (const [, one] of staged) yield one.owned;
  for (const [, one] of departed) if (one.owned !== null) yield one.owned;
}

export function* tenantRecords(writer: ByteWriter, cut: TenantsCut): Records {
  const { current, names, owned, changes, staged, departed, released, ended } = cut;
  for (const [tenant, incarnation] of released) {
    writer.u8(record.released);
    writer.text(tenant);
    writer.varint(incarnation);
    yield;
  }
  for (const [tenant, move] of ended) {
    writer.u8(record.ended);
    writer.text(tenant);
    writer.varint(move);
    yield;
  }
  for (const [place, tenant] of names.entries()) {
    const one = owned[place];
    if (one !== undefined) yield* wholeRecords(writer, current, tenant, one, changes.get(tenant) ?? null);
  }
  for (const [tenant, { move, owned: copy, cursor, isSealed }, partial] of staged) {
    writer.u8(record.staged);
    writer.varint(move);
    encodeCursor(writer, cursor);
    writer.u8(isSealed ? 1 : 0);
    yield* wholeRecords(writer, current, tenant, copy, null);
    if (partial !== null) yield* partialRecords(writer, partial);
  }
  for (const [tenant, { move, to, incarnation, epoch, owned: left }] of departed) {
    writer.u8(record.departed);
    writer.text(tenant);
    for (const part of [move, to, incarnation, epoch]) writer.varint(part);
    writer.u8(left === null ? 0 : 1);
    yield;
    if (left !== null) yield* wholeRecords(writer, current, tenant, left, null);
  }
}

/** A tenant as it was when the cut was made that is being read out. */
function* wholeRecords(
  writer: ByteWriter,
  current: object,
  tenant: TenantName,
  owned: OwnedTenant,
  changes: ChangeLogImage | null,
): Records {
  const { keyspace, sessions, clients, since, out } = owned;
  const items = keyspace.partOfCut(current);
  const image = sessions.partOfCut(current);
  const numbered = clients.partOfCut(current);
  writeTenant(writer, tenant, owned, items?.lastSerial ?? 0, image, items?.versions ?? null);
  yield;
  writeQuota(writer, owned.quota);
  if (since !== null) {
    writer.u8(record.arrived);
    writer.varint(since);
  }
  if (out !== null && changes !== null) {
    writer.u8(record.outgoing);
    writer.varint(out.move);
    writer.varint(out.to);
    writer.u8(out.isFrozen ? 1 : 0);
    for (const part of [changes.count, changes.clearedAt, changes.clearedSerial]) writer.varint(part);
    yield* changeRecords(writer, changes);
  }
  if (image !== null) yield* sessionRecords(writer, image);
  sessions.leaveCut();
  if (numbered !== null) yield* clientRecords(writer, numbered);
  clients.leaveCut();
  for (let item = items?.next() ?? null; item !== null; item = items?.next() ?? null) yield* itemRecords(writer, item);
  keyspace.leaveCut();
}

/** What a tenant has beside its items, as it is now. */
export function* restRecords(writer: ByteWriter, tenant: TenantName, owned: OwnedTenant): Records {
  const { keyspace, sessions, clients } = owned;
  const image = sessions.image();
  writeTenant(writer, tenant, owned, keyspace.latestSerial, image, keyspace.versionsImage());
  yield;
  writeQuota(writer, owned.quota);
  yield* sessionRecords(writer, image);
  yield* clientRecords(writer, clients.image());
}

function writeTenant(
  writer: ByteWriter,
  tenant: TenantName,
  { incarnation, epoch }: OwnedTenant,
  lastSerial: number,
  sessions: SessionsImage | null,
  versions: VersionsImage | null,
): void {
  writer.u8(record.tenant);
  writer.text(tenant);
  writer.varint(incarnation);
  writer.varint(epoch);
  writer.varint(lastSerial);
  writer.varint(sessions?.sweptAt ?? 0);
  if (versions !== null) writeVersions(writer, versions);
}

function writeQuota(writer: ByteWriter, quota: Quota): void {
  if (quotaNames.every((name) => quota[name] === 0)) return;
  writer.u8(record.quota);
  encodeQuota(writer, quota);
}

/** So many changes share a record. */
const changesPerRecord = 512;

function* changeRecords(writer: ByteWriter, { changes }: ChangeLogImage): Records {
  for (let at = 0; at < changes.length; at += changesPerRecord) {
    const some = changes.slice(at, at + changesPerRecord);
    writer.u8(record.changes);
    writer.varint(some.length);
    for (const { key, serial } of some) {
      writer.varint(serial);
      writer.text(key);
    }
    yield;
  }
}

function writeVersions(writer: ByteWriter, { writes, clearedAt, removals }: VersionsImage): void {
  writer.varint(writes);
  writer.varint(clearedAt);
  writer.varint(removals.length);
  for (const [bucket, write] of removals) {
    writer.varint(bucket);
    writer.varint(write);
  }
}

function* sessionRecords(writer: ByteWriter, { ingresses }: SessionsImage): Records {
  for (const { node, boot, forgotten, sessions } of ingresses) {
    writer.u8(record.ingress);
    for (const part of [node, boot, forgotten]) writer.varint(part);
    yield;
    for (const [lane, { last, usedAt, remembered }] of sessions) {
      writer.u8(record.session);
      for (const part of [lane, last, usedAt, remembered.length]) writer.varint(part);
      yield;
      yield* rememberedRecords(writer, remembered);
    }
  }
}

function* clientRecords(writer: ByteWriter, { sweptAt, hasForgotten, sessions }: ClientSessionsImage): Records {
  if (sessions.size === 0 && !hasForgotten) return;
  writer.u8(record.clients);
  writer.varint(sweptAt);
  writer.u8(hasForgotten ? 1 : 0);
  yield;
  for (const [token, { last, usedAt, remembered }] of sessions) {
    writer.u8(record.client);
    writer.text(token);
    for (const part of [last, usedAt, remembered.length]) writer.varint(part);
    yield;
    yield* rememberedRecords(writer, remembered);
  }
}

function* rememberedRecords(writer: ByteWriter, all: readonly Remembered[]): Records {
  for (const { number, reply } of all) {
    writer.u8(record.remembered);
    writer.varint(number);
    writer.u8(reply === null ? 0 : 1);
    writer.bytes(reply ?? noBytes);
    yield;
  }
}

export function* itemRecords(writer: ByteWriter, image: ItemImage): Records {
  const { value } = image;
  const isString = value instanceof Uint8Array;
  writeItem(writer, image, isString ? 1 : value.length);
  yield* contentRecords(writer, isString ? [value] : value.elements('left'));
}

/** What has come of an item. */
function* partialRecords(writer: ByteWriter, { image, count, large }: PartialItem): Records {
  writeItem(writer, image, count);
  yield;
  if (isList(image.value) && image.value.length > 0) yield* contentRecords(writer, image.value.elements('left'));
  if (large === null) return;
  yield* largeRecords(writer, large.bytes, large.length);
}

function writeItem(writer: ByteWriter, { key, serial, expireAt, write, value }: ItemImage, count: number): void {
  writer.u8(record.item);
  writer.text(key);
  writer.varint(serial);
  writer.varint(expireAt ?? 0);
  writer.varint(write);
  writer.u8(value instanceof Uint8Array ? 0 : 1);
  writer.varint(count);
}

/** Small byte strings share a record; each large one has its own. */
function* contentRecords(writer: ByteWriter, contents: Iterable<Uint8Array>): Records {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  for (const content of contents) {
    if (bytes > 0 && bytes + content.length > pieceBytes) {
      writeValues(writer, gathered);
      gathered = [];
      bytes = 0;
      yield;
    }
    if (content.length > pieceBytes) yield* largeRecords(writer, content, content.length);
    else {
      gathered.push(content);
      bytes += content.length + 1;
    }
  }
  if (gathered.length > 0) writeValues(writer, gathered);
  yield;
}

function writeValues(writer: ByteWriter, values: readonly Uint8Array[]): void {
  writer.u8(record.values);
  writer.varint(values.length);
  for (const value of values) writer.bytes(value);
}

/** `length` is more than there is of a byte string that is not complete. */
function* largeRecords(writer: ByteWriter, content: Uint8Array, length: number): Records {
  writer.u8(record.large);
  writer.varint(length);
  for (let at = 0; at < content.length; at += pieceBytes) {
    writer.u8(record.part);
    writer.bytes(content.subarray(at, at + pieceBytes));
    yield;
  }
}
