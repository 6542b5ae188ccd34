/**
 * From a log's bytes back to what they say. A torn tail, which was never acknowledged, is cut; damage to what
 * had been durable is reported and never passed over. Only in the last writes that shared a sync do the two
 * look alike, until the next write, at the latest that of the next boot, says that they were on disk.
 */
import type { Crc32 } from '../base/crc32.ts';
import { type GroupId, Term } from '../base/ids.ts';
import type { Entry, HardState } from '../raft/types.ts';
import { emptyLog, type LogPosition } from './appender.ts';
import { alignment, decodeFrame, decodeSegmentHeader, type Frame } from './format.ts';
import type { LogIdentity, LogRecord, RestoredGroup, RestoredLog } from './records.ts';

export type Recovery =
  /** The driver truncates the segment of `end` there and deletes later ones, durably, before it writes. `isTorn` if more than zeros goes. */
  | { readonly kind: 'recovered'; readonly log: RestoredLog; readonly end: LogPosition; readonly isTorn: boolean }
  | { readonly kind: 'damaged'; readonly segment: number; readonly offset: number; readonly reason: string }
  /** Another node's or cluster's log, or of another format. */
  | { readonly kind: 'foreign'; readonly reason: string };

interface RecoveringGroup {
  hardState: HardState;
  entries: Entry[];
}

interface Place {
  readonly segment: number;
  readonly offset: number;
}

/**
 * Give it the segments in order, one at a time; then `finish`. The data of the entries are views of the
 * segments' bytes, which must not be written to: a log that stays in memory needs nearly all of them anyway.
 */
export class LogRecovery {
  private readonly identity: LogIdentity;
  private readonly crc: Crc32;
  private readonly groups = new Map<GroupId, RecoveringGroup>();
  private boots = 0;
  private end: LogPosition = emptyLog;
  private lastSegment = 0;
  /** Where reading stopped, unless the next frame is the first of the next segment. */
  private stop: Place | null = null;
  /** There is more than zeros behind `end`. */
  private isTorn = false;
  private failure: Exclude<Recovery, { kind: 'recovered' }> | null = null;

  constructor(identity: LogIdentity, crc: Crc32) {
    this.identity = identity;
    this.crc = crc;
  }

  add(segment: number, bytes: Uint8Array): void {
    if (this.failure !== null) return;
    if (segment !== this.lastSegment + 1) {
      this.damage({ segment: this.lastSegment + 1, offset: 0 }, 'the segment is missing');
      return;
    }
    this.lastSegment = segment;
    const header = decodeSegmentHeader(bytes, this.identity, segment, this.crc);
    if (header.kind === 'foreign') this.failure = header;
    else if (header.kind === 'valid' && this.continuesAt(bytes, header.end)) this.read(segment, bytes, header.end);
    else this.scan(segment, bytes, 0);
  }

  finish(): Recovery {
    if (this.failure !== null) return this.failure;
    const groups = new Map<GroupId, RestoredGroup>([...this.groups].sort(([a], [b]) => a - b));
    return { kind: 'recovered', log: { boots: this.boots, groups }, end: this.end, isTorn: this.isTorn };
  }

  /** A full segment ends in zeros written ahead: that nothing is missing between two is told by the sequence. */
  private continuesAt(bytes: Uint8Array, offset: number): boolean {
    return this.stop === null || this.nextFrame(bytes, offset) !== null;
  }

  private read(segment: number, bytes: Uint8Array, start: number): void {
    this.stop = null;
    this.isTorn = false;
    this.end = { segment, offset: start, sequence: this.end.sequence };
    for (;;) {
      const { offset } = this.end;
      const frame = this.nextFrame(bytes, offset);
      if (frame === null) break;
      if (frame.records === null) {
        this.damage({ segment, offset }, 'a write is whole, but this version cannot read it');
        return;
      }
      if (!this.replay(frame.records)) {
        this.damage({ segment, offset }, "a group's entries do not follow one another");
        return;
      }
      this.end = { segment, offset: frame.end, sequence: frame.sequence };
    }
    if (this.end.offset < bytes.length) this.scan(segment, bytes, this.end.offset);
  }

  private nextFrame(bytes: Uint8Array, offset: number): Frame | null {
    const frame = decodeFrame(bytes, offset, this.crc);
    return frame !== 'invalid' && frame.sequence === this.end.sequence + 1 ? frame : null;
  }

  /** What lies behind the stop tells whether something was lost that had been on disk. */
  private scan(segment: number, bytes: Uint8Array, start: number): void {
    this.stop ??= { segment, offset: start };
    for (let offset = start; offset < bytes.length; offset += alignment) {
      if (isZero(bytes, offset)) continue;
      this.isTorn = true;
      const frame = decodeFrame(bytes, offset, this.crc);
      if (frame === 'invalid' || frame.synced <= this.end.sequence) continue;
      this.damage(this.stop, 'what was durable cannot be read, and later writes follow it');
      return;
    }
  }

  private damage({ segment, offset }: Place, reason: string): void {
    this.failure = { kind: 'damaged', segment, offset, reason };
  }

  private replay(records: readonly LogRecord[]): boolean {
    for (const record of records) if (!this.apply(record)) return false;
    return true;
  }

  private apply(record: LogRecord): boolean {
    if (record.kind === 'boot') {
      this.boots = record.boot;
      return true;
    }
    const group = this.groupOf(record.group);
    if (record.kind === 'hardState') {
      group.hardState = record.hardState;
      return true;
    }
    const first = record.entries[0]?.index ?? 0;
    if (first < 1 || first > group.entries.length + 1) return false;
    group.entries.length = first - 1;
    for (const entry of record.entries) group.entries.push(entry);
    return true;
  }

  private groupOf(id: GroupId): RecoveringGroup {
    const known = this.groups.get(id);
    if (known !== undefined) return known;
    const made: RecoveringGroup = { hardState: { term: Term(0), votedFor: null }, entries: [] };
    this.groups.set(id, made);
    return made;
  }
}

/** The eight bytes at `offset`, or what there is of them. */
function isZero(bytes: Uint8Array, offset: number): boolean {
  const end = Math.min(offset + alignment, bytes.length);
  for (let at = offset; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
