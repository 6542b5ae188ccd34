/**
 * One tenant as it was at an instant, written out piece by piece while commands go on changing it. Keys whose time had
 * come by then are left out. Items are numbered anew, so that equal data are equal pieces, whatever they went through.
 */
import { ByteWriter } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import type { Incarnation, TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { WallTime } from '../base/time.ts';
import { markOfImage } from '../engine/keyspace.ts';
import type { KeyspaceCut } from '../engine/keyspaceCut.ts';
import { beginPiece, endPiece, type TenantFileHead, writeEnd, writeHead } from '../wire/tenantFile.ts';
import { pieceBytes, type Records } from './state/format.ts';
import { itemRecords } from './state/tenantRecords.ts';
import type { OwnedTenant } from './tenants.ts';

export class TenantExport {
  readonly tenant: TenantName;
  /** The latest whole piece, and its number: it may be asked for again. */
  number = 0;
  bytes: Uint8Array;
  /** That is the last one. */
  isDone = false;
  private readonly owned: OwnedTenant;
  private readonly instant: WallTime;
  private readonly pieceBytes: number;
  private readonly writer: ByteWriter;
  private readonly image: KeyspaceCut;
  private readonly items: Records;
  private isReadOut = false;
  /** Of the pieces so far: the checksum, and of their items how many there are and the sum of their marks. */
  private checksum = 0;
  private keys = 0;
  private mark = 0;
  /** Of the piece that is being written: where its items begin, and how many it has. Null while none is. */
  private begun: { readonly at: number; items: number } | null = null;

  /** The head's instant is the log time, at least. */
  constructor(tenant: TenantName, owned: OwnedTenant, head: TenantFileHead, bytes: number) {
    this.tenant = tenant;
    this.owned = owned;
    this.instant = head.instant;
    this.pieceBytes = bytes;
    this.writer = new ByteWriter(bytes + 2 * pieceBytes);
    this.image = owned.keyspace.beginImage();
    this.items = this.everyItem();
    beginPiece(this.writer, 'head', 0);
    writeHead(this.writer, head);
    this.bytes = endPiece(this.writer, 0, crc32).bytes;
  }

  get incarnation(): Incarnation {
    return this.owned.incarnation;
  }

  /** Writes on, for as long as others may wait. Returns whether there is another whole piece. */
  goOn(): boolean {
    const { writer } = this;
    if (!this.isReadOut) {
      const begun = this.begun ?? this.beginItems();
      this.readOn(begun);
      if (!this.isReadOut && !this.isFull(begun)) return false;
      this.begun = null;
      if (writer.length > begun.at) {
        this.finish();
        return true;
      }
      writer.rewind();
    }
    beginPiece(writer, 'end', this.number + 1);
    writeEnd(writer, { keys: this.keys, mark: this.mark >>> 0, quota: this.owned.quota });
    this.finish();
    this.isDone = true;
    return true;
  }

  /** What is changed is not to be kept for it any more. */
  close(): void {
    this.isReadOut = true;
    this.owned.keyspace.endImage(this.image);
  }

  private beginItems(): { readonly at: number; items: number } {
    beginPiece(this.writer, 'items', this.number + 1);
    this.begun = { at: this.writer.length, items: 0 };
    return this.begun;
  }

  private readOn(begun: { readonly items: number }): void {
    for (let looks = 0; looks < limits.exportLooksAtATime && !this.isFull(begun); looks += 1) {
      if (this.items.next().done !== true) continue;
      this.close();
      return;
    }
  }

  private isFull({ items }: { readonly items: number }): boolean {
    return this.writer.length >= this.pieceBytes || items >= limits.exportPieceItems;
  }

  private finish(): void {
    const { checksum, bytes } = endPiece(this.writer, this.checksum, crc32);
    this.checksum = checksum;
    this.bytes = bytes;
    this.number += 1;
  }

  private *everyItem(): Records {
    for (let item = this.image.next(); item !== null; item = this.image.next()) {
      if (item.expireAt !== null && item.expireAt <= this.instant) {
        yield;
        continue;
      }
      this.keys += 1;
      const numbered = { ...item, serial: this.keys, write: 0 };
      this.mark = (this.mark + markOfImage(numbered)) | 0;
      if (this.begun !== null) this.begun.items += 1;
      yield* itemRecords(this.writer, numbered);
    }
  }
}
