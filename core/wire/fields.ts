/** Fields that codecs share: ids are checked as they are read, sizes known before anything is written. */
import type { ByteReader } from '../base/bytes.ts';
import { GroupId, Incarnation, MoveId, NodeId, ReplicaId, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { parseTenantName } from '../base/tenantName.ts';

const largestNode = 65_535;

/** Instead of an id that is not there. */
export const none = 0;

export function readGroup(reader: ByteReader): GroupId {
  return GroupId(inRange(reader, 0, limits.groupIds - 1));
}

export function readNode(reader: ByteReader): NodeId {
  return NodeId(inRange(reader, 1, largestNode));
}

export function readNodeOrNone(reader: ByteReader): NodeId | null {
  const node = inRange(reader, none, largestNode);
  return node === none ? null : NodeId(node);
}

export function readReplica(reader: ByteReader): ReplicaId {
  return ReplicaId(inRange(reader, 1, Number.MAX_SAFE_INTEGER));
}

export function readIncarnation(reader: ByteReader): Incarnation {
  return Incarnation(inRange(reader, 1, Number.MAX_SAFE_INTEGER));
}

export function readMove(reader: ByteReader): MoveId {
  return MoveId(inRange(reader, 1, Number.MAX_SAFE_INTEGER));
}

/** Null, and the reader failed, if the text is no tenant's name. */
export function readTenant(reader: ByteReader): TenantName | null {
  const tenant = parseTenantName(reader.text());
  if (tenant === null) reader.fail();
  return tenant;
}

/** Null for no text at all. */
export function readTenantOrNone(reader: ByteReader): TenantName | null {
  const text = reader.text();
  const tenant = parseTenantName(text);
  if (tenant === null && text !== '') reader.fail();
  return tenant;
}

/** Bytes that `ByteWriter.varint` takes for `value`. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest /= 0x80) bytes += 1;
  return bytes;
}

/** Bytes that `ByteWriter.bytes` and `string` take for so much of something. */
export function sizedBytes({ length }: { readonly length: number }): number {
  return varintBytes(length) + length;
}

function inRange(reader: ByteReader, least: number, most: number): number {
  const value = reader.varint();
  if (value < least || value > most) reader.fail();
  return value;
}
