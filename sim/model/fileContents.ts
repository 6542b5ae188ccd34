/** What stands in pieces of a tenant's file, as its format says: its own reader, which knows no keyspace. */
import { binaryString, ByteReader } from '../../core/base/bytes.ts';
import type { ItemImage } from '../../core/engine/keyspaceCut.ts';
import { ItemLoader } from '../../core/group/state/itemLoader.ts';

export interface FileItem {
  readonly key: string;
  readonly value: string | readonly string[];
  /** Milliseconds since the epoch; 0: never. */
  readonly expiresAt: number;
}

export class FileContents {
  readonly items: FileItem[] = [];
  private readonly loader = new ItemLoader((image) => {
    this.items.push(itemOf(image));
  });

  /** False if the records do not follow. */
  take(records: Uint8Array): boolean {
    const reader = new ByteReader(records);
    while (reader.remaining > 0)
      if (!this.loader.read(reader.u8(), reader, Number.MAX_SAFE_INTEGER) || reader.failed) return false;
    return true;
  }

  get isWhole(): boolean {
    return !this.loader.isPartial;
  }
}

function itemOf({ key, expireAt, value }: ItemImage): FileItem {
  const text = value instanceof Uint8Array ? binaryString(value) : Array.from(value.elements('left'), binaryString);
  return { key, value: text, expiresAt: expireAt ?? 0 };
}
