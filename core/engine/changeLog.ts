/**
 * Which keys were changed since a tenant began to move, in the order of their latest changes: what was copied before
 * is copied again. Changes are numbered, so a number tells up to where a copy has followed. It is part of the
 * replicated state: whoever leads next goes on with it.
 */
import { CreationOrder, type Ordered } from './creationOrder.ts';

export interface Change extends Ordered {
  readonly key: string;
}

/** As it was. Nobody changes it. */
export interface ChangeLogImage {
  readonly count: number;
  readonly clearedAt: number;
  readonly clearedSerial: number;
  readonly changes: readonly { readonly key: string; readonly serial: number }[];
}

export class ChangeLog {
  /** The number of the latest change. */
  count = 0;
  /** The number of the latest change that removed everything, 0 if none did, and the last item's serial then. */
  clearedAt = 0;
  clearedSerial = 0;
  private readonly latest = new Map<string, Change>();
  private readonly order = new CreationOrder<Change>();

  note(key: string): void {
    const before = this.latest.get(key);
    if (before !== undefined) this.order.remove(before);
    this.count += 1;
    this.add(key, this.count);
  }

  clear(lastSerial: number): void {
    this.count += 1;
    this.clearedAt = this.count;
    this.clearedSerial = lastSerial;
    this.latest.clear();
    this.order.clear();
  }

  /** The oldest change from this number on that is the latest of its key; null if there is none. */
  firstFrom(number: number): Change | null {
    return this.order.firstFrom(number);
  }

  image(): ChangeLogImage {
    const { count, clearedAt, clearedSerial } = this;
    return { count, clearedAt, clearedSerial, changes: [...this.order] };
  }

  /** Puts back what an image has told of: the counts, and then each change. */
  restore(count: number, clearedAt: number, clearedSerial: number): void {
    this.count = count;
    this.clearedAt = clearedAt;
    this.clearedSerial = clearedSerial;
  }

  restoreChange(key: string, number: number): void {
    this.add(key, number);
  }

  private add(key: string, serial: number): void {
    const change: Change = { key, serial, place: -1 };
    this.latest.set(key, change);
    this.order.add(change);
  }
}
