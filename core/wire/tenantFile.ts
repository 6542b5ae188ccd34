/**
 * A tenant as bytes outside of any cluster, format 1: what `TENANT EXPORT` hands out and `TENANT IMPORT` takes. Pieces,
 * one behind the other; equal data are equal bytes, but for the first piece.
 *
 *   file    head · { items }* · end
 *   piece   length · checksum · before · kind · number · what it holds
 *   head    magic · format · tenant · cluster · instant
 *   items   { item · contents }*, as in a group's state; items are numbered from 1 on, and `write` is 0
 *   end     keys · mark · quota
 *
 * `length` counts the bytes behind `before`. A checksum is the CRC-32 of those, gone on with from `before`, which is the
 * checksum of the piece before, 0 for the head and the first behind it: so that of the last piece is the checksum of
 * everything but the head, and a piece that is missing, foreign or out of order does not fit its neighbours.
 * The first three are u32, numbers are varints, and text has its length before it; see `base/bytes.ts`.
 */
import { ByteReader, type ByteWriter } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import { WallTime } from '../base/time.ts';
import { decodeQuota, encodeQuota, type Quota } from './accounts.ts';
import type { CopyCursor } from './moves.ts';

const magic = 'leasehold tenant';
export const tenantFileFormat = 1;
/** Of a piece, before what its length counts. */
export const pieceHeadBytes = 12;

const kinds = { head: 1, items: 2, end: 3 } as const;

/** Where a tenant was exported, and when. */
export interface TenantFileHead {
  readonly tenant: string;
  readonly cluster: string;
  /** What the tenant held when the log time of its group was that. */
  readonly instant: WallTime;
}

/** What the tenant is to be when everything has come. */
export interface TenantFileEnd {
  readonly keys: number;
  /** Of its keyspace, as `Keyspace.mark`. */
  readonly mark: number;
  readonly quota: Quota;
}

/** Where a piece stands: behind which, and what the next one stands behind. The head's number is 0. */
interface Standing {
  readonly number: number;
  readonly before: number;
  readonly checksum: number;
}

export type TenantPiece = Standing &
  (
    | ({ readonly kind: 'head' } & TenantFileHead)
    | { readonly kind: 'items'; readonly records: Uint8Array }
    | ({ readonly kind: 'end' } & TenantFileEnd)
  );

/** Why bytes are no piece. */
export type NoPiece = { readonly kind: 'damaged' } | { readonly kind: 'foreign'; readonly format: number };

/** Begins a piece; `endPiece` follows when what it holds was written. */
export function beginPiece(writer: ByteWriter, kind: keyof typeof kinds, number: number): void {
  writer.skip(pieceHeadBytes);
  writer.u8(kinds[kind]);
  writer.varint(number);
}

/** Ends a piece behind one with that checksum. Returns its own, and its bytes. */
export function endPiece(
  writer: ByteWriter,
  before: number,
  crc32: Crc32,
): { readonly checksum: number; readonly bytes: Uint8Array } {
  const body = writer.peek(pieceHeadBytes);
  const checksum = crc32(body, before);
  writer.patchU32(0, body.length);
  writer.patchU32(4, checksum);
  writer.patchU32(8, before);
  return { checksum, bytes: writer.take() };
}

export function writeHead(writer: ByteWriter, { tenant, cluster, instant }: TenantFileHead): void {
  writer.text(magic);
  writer.varint(tenantFileFormat);
  writer.text(tenant);
  writer.text(cluster);
  writer.varint(instant);
}

export function writeEnd(writer: ByteWriter, { keys, mark, quota }: TenantFileEnd): void {
  writer.varint(keys);
  writer.varint(mark);
  encodeQuota(writer, quota);
}

/** How many bytes a piece has, as its first `pieceHeadBytes` say. */
export function pieceLength(head: Uint8Array): number {
  return pieceHeadBytes + new ByteReader(head).u32();
}

/** Reads one whole piece, and trusts none of it. Records are a view of its bytes, and not looked into. */
export function decodePiece(bytes: Uint8Array, crc32: Crc32): TenantPiece | NoPiece {
  const reader = new ByteReader(bytes);
  const [length, checksum, before] = [reader.u32(), reader.u32(), reader.u32()];
  const kind = reader.u8();
  const number = reader.varint();
  // What another format keeps of this is its beginning: it is recognised whatever follows.
  if (kind === kinds.head) {
    if (reader.text() !== magic) return damaged;
    const format = reader.varint();
    if (!reader.failed && format !== tenantFileFormat) return { kind: 'foreign', format };
  }
  const isWhole = bytes.length === pieceHeadBytes + length;
  if (reader.failed || !isWhole || crc32(bytes.subarray(pieceHeadBytes), before) !== checksum) return damaged;
  const standing = { number, before, checksum };
  const piece = kind === kinds.head ? headOf(reader, standing) : bodyOf(reader, kind, standing);
  return reader.complete && piece !== null ? piece : damaged;
}

const damaged: NoPiece = { kind: 'damaged' };

function headOf(reader: ByteReader, standing: Standing): TenantPiece | null {
  const tenant = reader.text();
  const cluster = reader.text();
  const instant = WallTime(reader.varint());
  const isFirst = standing.number === 0 && standing.before === 0;
  return isFirst ? { ...standing, kind: 'head', tenant, cluster, instant } : null;
}

function bodyOf(reader: ByteReader, kind: number, standing: Standing): TenantPiece | null {
  if (standing.number === 0) return null;
  if (kind === kinds.items) return { ...standing, kind: 'items', records: reader.raw(reader.remaining) };
  if (kind !== kinds.end) return null;
  const keys = reader.varint();
  const mark = reader.varint();
  return { ...standing, kind: 'end', keys, mark, quota: decodeQuota(reader) };
}

/** Where the copy of an import is behind a piece, and where it must be before it. */
export function cursorBehind({ number, checksum }: TenantPiece): CopyCursor {
  return { serial: number, change: checksum, part: null };
}

export function cursorBefore({ number, before }: TenantPiece): CopyCursor {
  return { serial: number - 1, change: before, part: null };
}
