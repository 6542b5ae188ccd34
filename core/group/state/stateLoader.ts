/** Makes a machine's state of the chunks of a cut. Nothing of it is seen before `finish`, and none of it is trusted. */
import { ByteReader } from '../../base/bytes.ts';
import { WallTime } from '../../base/time.ts';
import type { Configuration } from '../../raft/types.ts';
import { type MachineKind, readHeader, record } from './format.ts';

export abstract class StateLoader {
  /** The latest log time of the state. */
  stamp = WallTime(0);
  /** Who belongs to the group; null if the state does not say. */
  configuration: Configuration | null = null;
  private readonly kind: MachineKind;
  private isBegun = false;
  private hasEnd = false;
  private isEnded = false;

  constructor(kind: MachineKind) {
    this.kind = kind;
  }

  /** False if this is not what a cut of this version writes: the loader is of no use any more. */
  add(chunk: Uint8Array): boolean {
    const reader = new ByteReader(chunk);
    if (!this.isBegun && !this.begin(reader)) return false;
    while (reader.remaining > 0) if (!this.readNext(reader) || reader.failed) return false;
    return true;
  }

  /** Replaces the machine's state, if everything was there. */
  finish(): boolean {
    return this.isEnded === this.hasEnd && this.takeOver();
  }

  /** The same, as far as the records say whether they are all. */
  protected abstract takeOver(): boolean;

  /** Reads one record; false if it does not follow. */
  protected abstract read(kind: number, reader: ByteReader): boolean;

  private readNext(reader: ByteReader): boolean {
    const kind = reader.u8();
    if (this.isEnded) return false;
    if (kind !== record.end) return this.read(kind, reader);
    this.isEnded = true;
    return this.hasEnd;
  }

  private begin(reader: ByteReader): boolean {
    const header = readHeader(reader, this.kind);
    if (header === null || reader.failed) return false;
    this.stamp = header.stamp;
    this.configuration = header.configuration;
    this.hasEnd = header.hasEnd;
    this.isBegun = true;
    return true;
  }
}
