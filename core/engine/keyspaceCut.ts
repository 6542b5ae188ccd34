/**
 * A keyspace as it stood at one instant, read out little by little while commands go on changing it. What is about
 * to change and was not read out yet is kept as it was; the rest is read where it is. So a cut costs nothing when
 * it is made, and later only what changes under it.
 */
import { MinHeap } from '../base/minHeap.ts';
import type { WallTime } from '../base/time.ts';
import type { CreationOrder } from './creationOrder.ts';
import type { Item, Value } from './keyspace.ts';
import type { VersionsImage } from './versions.ts';

/** Shared by all keyspaces of a group: which cut is being read out, if one is. */
export interface CutClock {
  current: object | null;
}

/** An item as it was. Nobody changes it. */
export interface ItemImage {
  readonly key: string;
  readonly serial: number;
  readonly expireAt: WallTime | null;
  readonly write: number;
  readonly value: Value;
}

export class KeyspaceCut {
  /** Of the cut's last item, or of one that was removed before. */
  readonly lastSerial: number;
  readonly versions: VersionsImage;
  private readonly order: CreationOrder<Item>;
  /** Items that were changed since, by serial. */
  private readonly kept = new Map<number, ItemImage>();
  private readonly keptSerials = new MinHeap();
  /** Items up to this serial were read out, or are being. */
  private passed = 0;

  /** `order` belongs to the cut if the keyspace is cleared, and is shared with it until then. */
  constructor(order: CreationOrder<Item>, lastSerial: number, versions: VersionsImage) {
    this.order = order;
    this.lastSerial = lastSerial;
    this.versions = versions;
  }

  /** The item, if there is one, may be changed or removed after this. */
  keep(item: Item | undefined): void {
    if (item === undefined) return;
    const { serial } = item;
    if (serial <= this.passed || serial > this.lastSerial || this.kept.has(serial)) return;
    this.kept.set(serial, imageOf(item));
    this.keptSerials.push(serial);
  }

  /** The cut's next item in the order of creation; null behind the last. */
  next(): ItemImage | null {
    const kept = this.keptSerials.peek() ?? Infinity;
    const live = this.order.firstFrom(this.passed + 1);
    const isKept = kept <= (live?.serial ?? Infinity);
    const image = isKept ? (this.kept.get(kept) ?? null) : live === null ? null : imageOf(live);
    if (image === null || image.serial > this.lastSerial) {
      this.passed = this.lastSerial;
      return null;
    }
    if (isKept) {
      this.keptSerials.shift();
      this.kept.delete(kept);
    }
    this.passed = image.serial;
    return image;
  }
}

function imageOf({ key, serial, expireAt, write, value }: Item): ItemImage {
  return { key, serial, expireAt, write, value: value instanceof Uint8Array ? value : value.frozen() };
}
