/**
 * The node's log in files: a thin layer under the core's log format. Everything that gathers while a sync runs
 * shares the next one. Segments are extended with zeros ahead of time, so that a sync need not update their size.
 *
 * A write or sync that fails is never tried again: after it nobody knows what is on disk.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { WriteId } from '../../core/index.ts';
import { LogAppender, type LogChunk, type LogPosition } from '../../core/log/appender.ts';
import type { LogIdentity, LogRecord, RestoredLog } from '../../core/log/records.ts';
import { LogRecovery } from '../../core/log/recovery.ts';
import { ConfigError, exitCodes, FatalError } from '../exitCodes.ts';

const aheadBytes = 8 * 1024 * 1024;
const zeros = Buffer.alloc(aheadBytes);

interface QueuedWrite {
  readonly write: WriteId;
  readonly sequence: number;
  readonly chunk: LogChunk;
}

interface OpenSegment {
  readonly segment: number;
  readonly descriptor: number;
  /** How far it has been extended. */
  size: number;
}

export interface OpenedLog {
  readonly restored: RestoredLog;
  /** The number of this life, already on disk. */
  readonly boot: number;
  readonly isTorn: boolean;
  readonly files: LogFiles;
}

/** Recovers the log in `directory`, cuts a torn tail, and records a new life of the node. */
export function openLog(directory: string, identity: LogIdentity): OpenedLog {
  mkdirSync(directory, { recursive: true });
  const recovery = new LogRecovery(identity, crc32);
  const segments = segmentsIn(directory);
  for (const segment of segments) recovery.add(segment, readFileSync(pathOf(directory, segment)));
  const found = recovery.finish();
  if (found.kind === 'foreign') throw new ConfigError(`the log in ${directory} cannot be used: ${found.reason}`);
  if (found.kind === 'damaged') {
    const where = `${pathOf(directory, found.segment)} at byte ${String(found.offset)}`;
    throw new FatalError(`the log is damaged: ${where}: ${found.reason}`, exitCodes.damagedLog);
  }
  cutBehind(directory, segments, found.end);
  const boot = found.log.boots + 1;
  const appender = new LogAppender(identity, found.end, crc32);
  writeFirst(directory, appender, boot);
  return { restored: found.log, boot, isTorn: found.isTorn, files: new LogFiles(directory, appender) };
}

export class LogFiles {
  private readonly directory: string;
  private readonly appender: LogAppender;
  private queue: QueuedWrite[] = [];
  private isBusy = false;
  private open: OpenSegment | null = null;
  private onPersisted: (upTo: WriteId) => void = () => undefined;
  private onFailed: (error: Error) => void = () => undefined;
  private onIdle: (() => void) | null = null;

  constructor(directory: string, appender: LogAppender) {
    this.directory = directory;
    this.appender = appender;
  }

  /** Who hears of writes that are on disk, and of the first that will never be. */
  listen(onPersisted: (upTo: WriteId) => void, onFailed: (error: Error) => void): void {
    this.onPersisted = onPersisted;
    this.onFailed = onFailed;
  }

  persist(id: WriteId, records: readonly LogRecord[]): void {
    const chunk = this.appender.append(records);
    this.queue.push({ write: id, sequence: this.appender.lastSequence, chunk });
    if (!this.isBusy) this.flush();
  }

  /** Resolves when everything handed over is on disk; then closes. */
  async close(): Promise<void> {
    if (this.isBusy) {
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
    }
    if (this.open !== null) closeSync(this.open.descriptor);
    this.open = null;
  }

  private flush(): void {
    const last = this.queue.at(-1);
    if (last === undefined) {
      this.isBusy = false;
      this.onIdle?.();
      return;
    }
    this.isBusy = true;
    const { segment } = this.queue[0]?.chunk ?? last.chunk;
    const batch = this.takeOf(segment);
    const end = batch.at(-1);
    const start = batch[0]?.chunk.offset ?? 0;
    if (end === undefined) return;
    try {
      const opened = this.openFor(segment, end.chunk.offset + end.chunk.bytes.length);
      const bytes = batch.length === 1 ? end.chunk.bytes : Buffer.concat(batch.map(({ chunk }) => chunk.bytes));
      this.writeAll(opened.descriptor, bytes, start, () => {
        fdatasync(opened.descriptor, (error) => {
          if (error !== null) {
            this.onFailed(error);
            return;
          }
          this.appender.onSynced(end.sequence);
          this.onPersisted(end.write);
          this.flush();
        });
      });
    } catch (error) {
      this.onFailed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The writes at the head of the queue that go to one segment. */
  private takeOf(segment: number): readonly QueuedWrite[] {
    const other = this.queue.findIndex(({ chunk }) => chunk.segment !== segment);
    const batch = other < 0 ? this.queue : this.queue.slice(0, other);
    this.queue = other < 0 ? [] : this.queue.slice(other);
    return batch;
  }

  private writeAll(descriptor: number, bytes: Uint8Array, position: number, done: () => void): void {
    write(descriptor, bytes, 0, bytes.length, position, (error, written) => {
      if (error !== null) this.onFailed(error);
      else if (written < bytes.length) this.writeAll(descriptor, bytes.subarray(written), position + written, done);
      else done();
    });
  }

  private openFor(segment: number, end: number): OpenSegment {
    if (this.open?.segment !== segment) {
      if (this.open !== null) closeSync(this.open.descriptor);
      const isNew = !segmentsIn(this.directory).includes(segment);
      const descriptor = openSync(pathOf(this.directory, segment), isNew ? 'w+' : 'r+');
      if (isNew) syncDirectory(this.directory);
      this.open = { segment, descriptor, size: isNew ? 0 : fstatSync(descriptor).size };
    }
    while (this.open.size < end) {
      writeSync(this.open.descriptor, zeros, 0, aheadBytes, this.open.size);
      this.open.size += aheadBytes;
    }
    return this.open;
  }
}

const namePattern = /^([0-9]{8})\.wal$/;

function segmentsIn(directory: string): readonly number[] {
  const numbers: number[] = [];
  for (const name of readdirSync(directory)) {
    const match = namePattern.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}

function pathOf(directory: string, segment: number): string {
  return join(directory, `${String(segment).padStart(8, '0')}.wal`);
}

/** What lies behind the end could be taken for what is written next: it goes. */
function cutBehind(directory: string, segments: readonly number[], end: LogPosition): void {
  for (const segment of segments) {
    if (segment > end.segment) unlinkSync(pathOf(directory, segment));
    else if (segment === end.segment) {
      const descriptor = openSync(pathOf(directory, segment), 'r+');
      ftruncateSync(descriptor, end.offset);
      fsyncSync(descriptor);
      closeSync(descriptor);
    }
  }
  syncDirectory(directory);
}

function writeFirst(directory: string, appender: LogAppender, boot: number): void {
  const { segment, offset, bytes } = appender.append([{ kind: 'boot', boot }]);
  const descriptor = openSync(pathOf(directory, segment), offset === 0 ? 'w+' : 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  fdatasyncSync(descriptor);
  closeSync(descriptor);
  syncDirectory(directory);
  appender.onSynced(appender.lastSequence);
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
