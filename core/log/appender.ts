/**
 * Turns writes into bytes and says where they go. It knows where the log ends and what of it is on disk; the
 * driver writes the chunks in order, may sync several at once, and reports back with `onSynced`. A segment's
 * file is there for good before the next one is written to: a missing one is damage.
 */
import { ByteWriter } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import { encodeFrame, encodeSegmentHeader } from './format.ts';
import type { GroupId } from '../base/ids.ts';
import type { LogIdentity, LogRecord } from './records.ts';
import { Retention } from './retention.ts';

const mib = 1024 * 1024;

/** A write that does not fit begins the next segment. One that fits in none has a segment to itself, as large as it needs. */
export const segmentBytes = 64 * mib;
/** What gathers while a write is under way, at first and at most: more gets memory that does not serve again. */
const writerBytes = 256 * 1024;
const mostWriterBytes = mib;

/** Where the log ends. */
export interface LogPosition {
  /** From 1 on; 0 if there is no segment yet. */
  readonly segment: number;
  readonly offset: number;
  /** Of the last frame; 0 if there is none. */
  readonly sequence: number;
}

/** What recovery knows of a log that goes on. */
export interface LogEnd extends LogPosition {
  /** The first segment there is; 0 if there is none. */
  readonly first: number;
  readonly boots: number;
  /** What was before this log is lost. */
  readonly isLost: boolean;
  /** Groups' records so far; null if there are none. */
  readonly retention: Retention | null;
}

export const emptyLog: Readonly<Omit<LogEnd, 'retention'>> & { readonly retention: null } = {
  segment: 0,
  offset: 0,
  sequence: 0,
  first: 0,
  boots: 0,
  isLost: false,
  retention: null,
};

export interface LogChunk {
  readonly segment: number;
  readonly offset: number;
  /** As they are until they are on disk: their memory is used again then. */
  readonly bytes: Uint8Array;
}

export class LogAppender {
  private readonly identity: LogIdentity;
  private readonly crc: Crc32;
  private readonly largest: number;
  private writer = newWriter();
  /** What it wrote last, up to this frame, may be on its way to the disk while the other writes on. */
  private spare = newWriter();
  private spareSequence = 0;
  private segment: number;
  private offset: number;
  private sequence: number;
  private synced: number;
  private readonly retention: Retention;
  private boots: number;
  private isLost: boolean;
  private first: number;
  /** The floor that the latest segment begins with, and the frame that says so. */
  private floor: number;
  private floorSequence: number;
  private laggards: readonly GroupId[] = [];

  /** Everything before `end` is on disk, and nothing but zeros behind it. Segments are `largest` bytes long at most: small ones let a test fill many. */
  constructor(identity: LogIdentity, end: LogEnd, crc: Crc32, largest: number = segmentBytes) {
    this.identity = identity;
    this.crc = crc;
    this.largest = largest;
    this.segment = end.segment;
    this.offset = end.offset;
    this.sequence = end.sequence;
    this.synced = end.sequence;
    this.boots = end.boots;
    this.isLost = end.isLost;
    this.first = Math.max(end.first, 1);
    this.floor = this.first;
    this.floorSequence = 0;
    this.retention = end.retention ?? new Retention();
  }

  /** The sequence of the last frame that was appended. */
  get lastSequence(): number {
    return this.sequence;
  }

  /** One write, whole or not at all. */
  append(records: readonly LogRecord[]): LogChunk {
    const { writer } = this;
    for (const record of records) {
      if (record.kind === 'boot') this.boots = record.boot;
      else if (record.kind === 'lost') this.isLost = true;
    }
    this.sequence += 1;
    const isFirst = this.segment === 0;
    if (!isFirst) encodeFrame(writer, this.sequence, this.synced, records, this.crc);
    if (isFirst || this.offset + writer.length > this.largest) {
      writer.rewind();
      this.segment += 1;
      this.offset = 0;
      encodeSegmentHeader(writer, this.identity, this.segment, this.crc);
      encodeFrame(writer, this.sequence, this.synced, [...this.preface(), ...records], this.crc);
    }
    this.retention.note(this.segment, records);
    const bytes = writer.take();
    const chunk: LogChunk = { segment: this.segment, offset: this.offset, bytes };
    this.offset += bytes.length;
    return chunk;
  }

  /**
   * Segments that nothing needs any more, in order; each is told once. To be deleted from the first on: the log must
   * not have gaps.
   */
  takeDeletable(): readonly number[] {
    if (this.synced < this.floorSequence) return [];
    const deletable: number[] = [];
    for (; this.first < this.floor; this.first += 1) deletable.push(this.first);
    return deletable;
  }

  /** Groups that keep the log long: they should write a snapshot. Each time they are told once. */
  takeLaggards(): readonly GroupId[] {
    const { laggards } = this;
    this.laggards = [];
    return laggards;
  }

  /** What each segment but the first begins with, so that those before it can go. */
  private preface(): readonly LogRecord[] {
    if (this.segment === 1) return [];
    this.floor = this.retention.floor(this.segment);
    this.floorSequence = this.sequence;
    this.laggards = this.retention.laggards(this.segment, this.largest);
    return [
      ...(this.isLost ? [{ kind: 'lost' } as const] : []),
      { kind: 'boot', boot: this.boots },
      { kind: 'floor', segment: this.floor },
    ];
  }

  /**
   * Every frame up to this one is on disk. When all are, their memory serves for the next; where writes follow one another,
   * the memory of those before last does. So a log that is written to all the time costs the collector nothing.
   */
  onSynced(sequence: number): void {
    if (sequence > this.synced) this.synced = sequence;
    if (this.synced === this.sequence) this.writer.reuse();
    else if (this.synced >= this.spareSequence) this.takeTurns();
  }

  private takeTurns(): void {
    const { writer, spare } = this;
    spare.reuse();
    this.writer = spare;
    this.spare = writer;
    this.spareSequence = this.sequence;
  }
}

function newWriter(): ByteWriter {
  return new ByteWriter(writerBytes, mostWriterBytes);
}
