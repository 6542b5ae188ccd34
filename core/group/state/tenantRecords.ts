/** The records of a group's tenants. The order is that of their adoption, which the log decides. */
import { type ByteWriter, noBytes } from '../../base/bytes.ts';
import type { Incarnation, TenantName } from '../../base/ids.ts';
import type { ClientSessionsImage } from '../../engine/clientSessions.ts';
import type { ItemImage } from '../../engine/keyspaceCut.ts';
import type { Remembered } from '../../engine/replyMemory.ts';
import type { VersionsImage } from '../../engine/versions.ts';
import type { SessionsImage } from '../sessions.ts';
import type { OwnedTenant } from '../tenantMachine.ts';
import { pieceBytes, record, type Records } from './format.ts';

export interface TenantsCut {
  readonly current: object;
  readonly tenants: readonly (readonly [TenantName, OwnedTenant])[];
  readonly released: readonly (readonly [TenantName, Incarnation])[];
}

export function* tenantRecords(writer: ByteWriter, { current, tenants, released }: TenantsCut): Records {
  for (const [tenant, incarnation] of released) {
    writer.u8(record.released);
    writer.text(tenant);
    writer.varint(incarnation);
    yield;
  }
  for (const [tenant, { incarnation, epoch, keyspace, sessions, clients }] of tenants) {
    const items = keyspace.partOfCut(current);
    const image = sessions.partOfCut(current);
    const numbered = clients.partOfCut(current);
    writer.u8(record.tenant);
    writer.text(tenant);
    writer.varint(incarnation);
    writer.varint(epoch);
    writer.varint(items?.lastSerial ?? 0);
    writer.varint(image?.sweptAt ?? 0);
    if (items !== null) writeVersions(writer, items.versions);
    yield;
    if (image !== null) yield* sessionRecords(writer, image);
    sessions.leaveCut();
    if (numbered !== null) yield* clientRecords(writer, numbered);
    clients.leaveCut();
    for (let item = items?.next() ?? null; item !== null; item = items?.next() ?? null)
      yield* itemRecords(writer, item);
    keyspace.leaveCut();
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
    for (const { lane, last, usedAt, remembered } of sessions) {
      writer.u8(record.session);
      for (const part of [lane, last, usedAt, remembered.length]) writer.varint(part);
      yield;
      yield* rememberedRecords(writer, remembered);
    }
  }
}

function* clientRecords(writer: ByteWriter, { sweptAt, hasForgotten, sessions }: ClientSessionsImage): Records {
  if (sessions.length === 0 && !hasForgotten) return;
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

function* itemRecords(writer: ByteWriter, { key, serial, expireAt, write, value }: ItemImage): Records {
  const isString = value instanceof Uint8Array;
  writer.u8(record.item);
  writer.text(key);
  writer.varint(serial);
  writer.varint(expireAt ?? 0);
  writer.varint(write);
  writer.u8(isString ? 0 : 1);
  writer.varint(isString ? 1 : value.length);
  yield* contentRecords(writer, isString ? [value] : value.elements('left'));
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
    if (content.length > pieceBytes) yield* largeRecords(writer, content);
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

function* largeRecords(writer: ByteWriter, content: Uint8Array): Records {
  writer.u8(record.large);
  writer.varint(content.length);
  for (let at = 0; at < content.length; at += pieceBytes) {
    writer.u8(record.part);
    writer.bytes(content.subarray(at, at + pieceBytes));
    yield;
  }
}
