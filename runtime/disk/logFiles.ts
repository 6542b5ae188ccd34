/**
 * Appends to a node's log: a thin layer under the core's log format. What gathers while a write is under way
 * shares the next one, and every write returns only when it is on disk (`O_DSYNC`: one trip to the thread pool
 * where a write and a sync take two). Zeros are written ahead of the log's end, in the background, so that
 * a write need not change the file's size.
 *
 * Segments that nothing needs any more are deleted in the background, the first first.
 *
 * A write that fails is never tried again: after it nobody knows what is on disk. The node stops.
 */
import { fdatasync, unlink, write, writev } from 'node:fs';
import type { GroupId, WriteId } from '../../core/index.ts';
import type { LogAppender, LogChunk } from '../../core/log/appender.ts';
import type { LogRecord } from '../../core/log/records.ts';
import { closeSegment, openSegmentLater, type SegmentFile, segmentPath } from './segmentFiles.ts';

/** Zeros are written so many at a time: enough to be rare, few enough not to delay the log's own writes. */
const aheadBytes = 1024 * 1024;
const zeros = Buffer.alloc(aheadBytes);

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

/** What of the operating system it uses; tests pass one that fails. */
export interface LogDisk {
  /** Opens a segment, which is made if it is not there: it is for good when it returns. */
  open(directory: string, segment: number, done: (opened: SegmentFile | Error) => void): void;
  /** On disk when it returns. */
  writev(descriptor: number, chunks: readonly Uint8Array[], position: number, done: Done): void;
  /** Zeros at `position`, on disk when it returns. */
  extend(descriptor: number, zeros: Uint8Array, position: number, done: Done): void;
  remove(path: string, done: (error: NodeJS.ErrnoException | null) => void): void;
}

interface QueuedWrite {
  readonly write: WriteId;
  readonly sequence: number;
  readonly chunk: LogChunk;
}

interface OpenSegment extends SegmentFile {
  /** How far it reaches. Behind the log's end there are zeros. */
  size: number;
}

export class LogFiles {
  private readonly directory: string;
  private readonly appender: LogAppender;
  private readonly disk: LogDisk;
  private queue: QueuedWrite[] = [];
  private open: OpenSegment | null;
  private isOpening = false;
  private isWriting = false;
  private isExtending = false;
  private hasFailed = false;
  private onPersisted: (upTo: WriteId) => void = () => undefined;
  private onFailed: (error: Error) => void = () => undefined;
  private onLaggards: (groups: readonly GroupId[]) => void = () => undefined;
  private readonly deletable: number[] = [];
  private isDeleting = false;
  private onIdle: (() => void) | null = null;

  /** `open`: the segment in which the log ends, which it closes in the end. */
  constructor(directory: string, appender: LogAppender, open: SegmentFile, disk: LogDisk) {
    this.directory = directory;
    this.appender = appender;
    this.open = { ...open };
    this.disk = disk;
  }

  /** Who hears of writes that are on disk, of the first that will never be, and of groups that keep the log long. */
  listen(
    onPersisted: (upTo: WriteId) => void,
    onFailed: (error: Error) => void,
    onLaggards: (groups: readonly GroupId[]) => void = () => undefined,
  ): void {
    this.onPersisted = onPersisted;
    this.onFailed = onFailed;
    this.onLaggards = onLaggards;
  }

  persist(id: WriteId, records: readonly LogRecord[]): void {
    const chunk = this.appender.append(records);
    this.queue.push({ write: id, sequence: this.appender.lastSequence, chunk });
    const laggards = this.appender.takeLaggards();
    if (laggards.length > 0) this.onLaggards(laggards);
    this.flush();
  }

  /** Resolves when everything handed over is on disk, or never will be; then closes. */
  async close(): Promise<void> {
    if (this.isBusy) {
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
    }
    this.closeOpen();
  }

  private get isBusy(): boolean {
    return this.isOpening || this.isWriting || this.isExtending;
  }

  private flush(): void {
    const [first] = this.queue;
    if (first === undefined || this.isOpening || this.isWriting || this.hasFailed) {
      if (!this.isBusy) this.onIdle?.();
      return;
    }
    const opened = this.openFor(first.chunk.segment);
    if (opened === null) return;
    const batch = this.takeOf(first.chunk.segment, opened.size);
    const last = batch.at(-1);
    // Beyond the zeros while more are on their way: they would overwrite it.
    if (last === undefined) return;
    const end = last.chunk.offset + last.chunk.bytes.length;
    opened.size = Math.max(opened.size, end);
    this.isWriting = true;
    const chunks = batch.map(({ chunk }) => chunk.bytes);
    this.writeAll(opened.descriptor, chunks, first.chunk.offset, () => {
      this.isWriting = false;
      this.appender.onSynced(last.sequence);
      this.onPersisted(last.write);
      this.deletable.push(...this.appender.takeDeletable());
      this.deleteNext();
      this.flush();
    });
    this.maybeExtend(opened, end);
  }

  /** One at a time: what a crash leaves must not have gaps. One that cannot be deleted is tried again with the next. */
  private deleteNext(): void {
    const [segment] = this.deletable;
    if (segment === undefined || this.isDeleting) return;
    this.isDeleting = true;
    this.disk.remove(segmentPath(this.directory, segment), (error) => {
      this.isDeleting = false;
      if (error !== null && error.code !== 'ENOENT') return;
      this.deletable.shift();
      this.deleteNext();
    });
  }

  /** The writes at the head of the queue that go to one segment and, while zeros are being written, before them. */
  private takeOf(segment: number, size: number): readonly QueuedWrite[] {
    const { queue, isExtending } = this;
    const other = queue.findIndex(
      ({ chunk }) => chunk.segment !== segment || (isExtending && chunk.offset + chunk.bytes.length > size),
    );
    if (other < 0) this.queue = [];
    else this.queue = queue.slice(other);
    return other < 0 ? queue : queue.slice(0, other);
  }

  private writeAll(descriptor: number, chunks: readonly Uint8Array[], position: number, done: () => void): void {
    this.disk.writev(descriptor, chunks, position, (error, written) => {
      if (error !== null) {
        this.fail(error);
        return;
      }
      const rest = dropFirst(chunks, written);
      if (rest.length === 0) done();
      else this.writeAll(descriptor, rest, position + written, done);
    });
  }

  private maybeExtend(opened: OpenSegment, end: number): void {
    if (this.isExtending || opened.size - end > aheadBytes / 2) return;
    this.isExtending = true;
    this.disk.extend(opened.unsynced, zeros, opened.size, (error, written) => {
      this.isExtending = false;
      if (error !== null) {
        this.fail(error);
        return;
      }
      opened.size += written;
      this.flush();
    });
  }

  /** Null while it is being opened, or the segment before it is still being extended. */
  private openFor(segment: number): OpenSegment | null {
    if (this.open?.segment === segment) return this.open;
    if (this.isExtending) return null;
    this.closeOpen();
    this.isOpening = true;
    this.disk.open(this.directory, segment, (opened) => {
      this.isOpening = false;
      if (opened instanceof Error) {
        this.fail(opened);
        return;
      }
      this.open = { ...opened };
      this.flush();
    });
    return null;
  }

  private closeOpen(): void {
    if (this.open !== null) closeSegment(this.open);
    this.open = null;
  }

  private fail(error: Error): void {
    this.isWriting = false;
    if (!this.hasFailed) this.onFailed(error);
    this.hasFailed = true;
    this.flush();
  }
}

export const realDisk: LogDisk = {
  open: (directory, segment, done) => {
    openSegmentLater(directory, segment).then(done, (error: unknown) => {
      done(error instanceof Error ? error : new Error(String(error)));
    });
  },
  remove: (path, done) => {
    unlink(path, done);
  },
  writev: (descriptor, chunks, position, done) => {
    writev(descriptor, chunks, position, done);
  },
  extend: (descriptor, bytes, position, done) => {
    write(descriptor, bytes, 0, bytes.length, position, (error, written) => {
      if (error !== null) done(error, 0);
      else {
        fdatasync(descriptor, (failure) => {
          done(failure, written);
        });
      }
    });
  },
};

/** What is left of the chunks after so many bytes of them. */
function dropFirst(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left < chunk.length) rest.push(left === 0 ? chunk : chunk.subarray(left));
    left = Math.max(0, left - chunk.length);
  }
  return rest;
}
