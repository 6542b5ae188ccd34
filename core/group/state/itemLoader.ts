/**
 * Makes items of their records, whether those are of a saved state or of a copy that is on its way from another group.
 * An item may be large and come in many pieces, of which the last are still to come. It trusts none of them.
 */
import { type ByteReader, noBytes } from '../../base/bytes.ts';
import { WallTime } from '../../base/time.ts';
import { isList } from '../../engine/keyspace.ts';
import type { ItemImage } from '../../engine/keyspaceCut.ts';
import { ListValue } from '../../engine/listValue.ts';
import { ValueMemory } from '../../engine/valueMemory.ts';
import { record } from './format.ts';

/** An item whose contents follow. */
interface LoadingItem {
  readonly image: ItemImage;
  /** Byte strings it has. */
  readonly count: number;
  /** Those that are missing, the one in parts included. */
  left: number;
  large: { readonly bytes: Uint8Array; filled: number } | null;
  contents: Uint8Array;
}

/** An item that is not complete, as it was. Nobody changes it. */
export interface PartialItem {
  readonly image: ItemImage;
  readonly count: number;
  readonly large: { readonly length: number; readonly bytes: Uint8Array } | null;
}

/** What a value may be announced to take before any of it has come: as the protocol bounds it. */
const mostBytes = 512 * 1024 * 1024;

export class ItemLoader {
  private onItem: (image: ItemImage) => void;
  private item: LoadingItem | null = null;
  private readonly memory = new ValueMemory();

  constructor(onItem: (image: ItemImage) => void) {
    this.onItem = onItem;
  }

  /** From now on, complete items go there. */
  goesTo(onItem: (image: ItemImage) => void): void {
    this.onItem = onItem;
  }

  get isPartial(): boolean {
    return this.item !== null;
  }

  /** Reads one record of an item; false if it does not follow. No item has a higher serial than `mostSerial`. */
  read(kind: number, reader: ByteReader, mostSerial: number): boolean {
    switch (kind) {
      case record.item:
        return this.startItem(reader, mostSerial);
      case record.values:
        return this.addValues(reader);
      case record.large:
        return this.startLarge(reader);
      case record.part:
        return this.addPart(reader);
      default:
        return false;
    }
  }

  /** What has come of the item that is not complete is of no use. */
  abandon(): void {
    this.item = null;
  }

  /** The item that is not complete; null if there is none. */
  partial(): PartialItem | null {
    if (this.item === null) return null;
    const { image, count, large } = this.item;
    const value = isList(image.value) ? image.value.frozen() : noBytes;
    const filled = large?.bytes.subarray(0, large.filled) ?? noBytes;
    return {
      image: { ...image, value },
      count,
      large: large === null ? null : { length: large.bytes.length, bytes: filled },
    };
  }

  private startItem(reader: ByteReader, mostSerial: number): boolean {
    const key = reader.text();
    const serial = reader.varint();
    const expireAt = reader.varint();
    const write = reader.varint();
    const kind = reader.u8();
    const count = reader.varint();
    if (this.item !== null || kind > 1 || count === 0 || (kind === 0 && count > 1) || serial > mostSerial) return false;
    const value = kind === 0 ? noBytes : new ListValue();
    const image = { key, serial, expireAt: expireAt === 0 ? null : WallTime(expireAt), write, value };
    this.item = { image, count, left: count, large: null, contents: noBytes };
    return true;
  }

  private addValues(reader: ByteReader): boolean {
    const { item } = this;
    const count = reader.varint();
    if (item === null || item.large !== null || count > item.left) return false;
    for (let i = 0; i < count && !reader.failed; i += 1) this.addContent(item, this.memory.copy(reader.bytes()));
    return true;
  }

  private startLarge(reader: ByteReader): boolean {
    const { item } = this;
    const length = reader.varint();
    if (item === null || item.large !== null || length > mostBytes) return false;
    item.large = { bytes: new Uint8Array(length), filled: 0 };
    return true;
  }

  private addPart(reader: ByteReader): boolean {
    const large = this.item?.large ?? null;
    const part = reader.bytes();
    if (this.item === null || large === null || large.filled + part.length > large.bytes.length) return false;
    large.bytes.set(part, large.filled);
    large.filled += part.length;
    if (large.filled < large.bytes.length) return true;
    this.item.large = null;
    this.addContent(this.item, large.bytes);
    return true;
  }

  private addContent(item: LoadingItem, content: Uint8Array): void {
    const { image } = item;
    if (isList(image.value)) image.value.push('right', content);
    else item.contents = content;
    item.left -= 1;
    if (item.left > 0) return;
    const value = isList(image.value) ? image.value : item.contents;
    this.item = null;
    this.onItem({ ...image, value });
  }
}
