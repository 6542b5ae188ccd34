/** The runtime's files, in a directory of their own, as a `Storage`. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GroupId, WriteId } from '../../../core/base/ids.ts';
import type { Random } from '../../../core/base/random.ts';
import type { LogChunk } from '../../../core/log/appender.ts';
import { alignment } from '../../../core/log/format.ts';
import type { LogRecord } from '../../../core/log/records.ts';
import { type OpenedLog, openLog } from '../../../runtime/disk/openLog.ts';
import { segmentPath, segmentsIn } from '../../../runtime/disk/segmentFiles.ts';
import { randomSource } from '../../../sim/base/random.ts';
import type { CrashKeeps } from '../../../sim/scenario/scenario.ts';
import { type DamageKind, damaged } from '../../../sim/world/damage.ts';
import { HeldDisk } from './heldDisk.ts';
import { identity, type Life, type Storage, type StorageKind, type StorageOptions } from './storage.ts';

export const realStorage: StorageKind = {
  name: 'the files of the runtime',
  canMove: true,
  make: (options) => new RealStorage(options),
};

/** Nobody really loses power here: files in memory do as well, and are quick. */
const inMemory = '/dev/shm';

class RealStorage implements Storage {
  private readonly root = mkdtempSync(join(isWritable(inMemory) ? inMemory : tmpdir(), 'storage-'));
  private readonly directory = join(this.root, 'log');
  private readonly segmentBytes: number;
  private readonly random: Random;
  private disk: HeldDisk;
  private life: RealLife | null = null;
  private hasRun = false;

  constructor({ segmentBytes, seed }: StorageOptions) {
    this.segmentBytes = segmentBytes;
    this.random = randomSource(seed)('held');
    this.disk = new HeldDisk(this.random);
  }

  async begin(own = identity): Promise<Life> {
    const { segmentBytes, random } = this;
    this.disk = new HeldDisk(random);
    const opened = openLog(this.directory, own, this.hasRun, undefined, { segmentBytes, disk: this.disk });
    this.hasRun = true;
    this.life = new RealLife(opened, this.disk);
    return Promise.resolve(this.life);
  }

  async crash(keeps: CrashKeeps): Promise<void> {
    this.life?.end();
    this.disk.crash(keeps);
    await this.life?.files.close();
    this.life = null;
  }

  wipe(): void {
    rmSync(this.directory, { recursive: true });
  }

  damage(kind: DamageKind, random: Random): void {
    const found = damaged(
      kind,
      this.segments().map((segment) => this.written(segment)),
      random,
    );
    for (const { segment, bytes } of found ?? []) {
      const descriptor = openSync(segmentPath(this.directory, segment), 'r+');
      writeSync(descriptor, bytes);
      closeSync(descriptor);
    }
  }

  segments(): readonly number[] {
    return existsSync(this.directory) ? segmentsIn(this.directory) : [];
  }

  failNext(): void {
    this.disk.failNext();
  }

  async remove(): Promise<void> {
    await this.crash('none');
    rmSync(this.root, { recursive: true });
  }

  /** A segment without the zeros behind it. */
  private written(segment: number): LogChunk {
    const bytes = readFileSync(segmentPath(this.directory, segment));
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
    return { segment, offset: 0, bytes: Uint8Array.from(bytes.subarray(0, Math.ceil(end / alignment) * alignment)) };
  }
}

class RealLife implements Life {
  readonly reports: number[] = [];
  readonly failures: string[] = [];
  readonly laggards: (readonly GroupId[])[] = [];
  readonly restored;
  readonly boot;
  readonly files;
  private readonly disk: HeldDisk;

  constructor({ restored, boot, files }: OpenedLog, disk: HeldDisk) {
    this.restored = restored;
    this.boot = boot;
    this.files = files;
    this.disk = disk;
    files.listen(
      (upTo) => this.reports.push(upTo),
      (error) => this.failures.push(error.message),
      (groups) => this.laggards.push(groups),
    );
  }

  persist(write: number, records: readonly LogRecord[]): void {
    this.files.persist(WriteId(write), records);
  }

  async step(): Promise<boolean> {
    return this.disk.step();
  }

  /** A process that is gone hears nothing. */
  end(): void {
    this.files.listen(
      () => undefined,
      () => undefined,
    );
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
