/**
 * From a log's bytes back to what they say. A torn tail, which was never acknowledged, is cut; damage to what
 * had been durable is reported and never passed over.
 */
import type { Crc32 } from '../base/crc32.ts';
import { type GroupId, LogIndex, Term } from '../base/ids.ts';
import type { Entry, HardState } from '../raft/types.ts';
import { emptyLog, type LogPosition } from './appender.ts';
import { alignment, decodeFrame, decodeSegmentHeader, type Frame, padded } from './format.ts';
import type { LogIdentity, LogRecord, RestoredGroup, RestoredLog } from './records.ts';

export type Recovery =
  /** The driver truncates the segment of `end` there and deletes later ones, before it writes. */
  | { readonly kind: 'recovered'; readonly log: RestoredLog; readonly end: LogPosition; readonly isTorn: boolean }
  | { readonly kind: 'damaged'; readonly segment: number; readonly offset: number; readonly reason: string }
  /** Another node's or cluster's log, or of another format. */
  | { readonly kind: 'foreign'; readonly reason: string };

interface RecoveringGroup {
  hardState: HardState;
  entries: Entry[];
}

/** Give it the segments in order, one at a time; then `finish`. */
export class LogRecovery {
  private readonly identity: LogIdentity;
  private readonly crc: Crc32;
  private readonly groups = new Map<GroupId, RecoveringGroup>();
  private boots = 0;
  private end: LogPosition = emptyLog;
  private lastSegment = 0;
  /** Where reading stopped; later frames decide whether it was torn or damaged. */
  private stop: { readonly segment: number; readonly offset: number; readonly isTorn: boolean } | null = null;
  private failure: Exclude<Recovery, { kind: 'recovered' }> | null = null;

  constructor(identity: LogIdentity, crc: Crc32) {
    this.identity = identity;
    this.crc = crc;
  }

  add(segment: number, bytes: Uint8Array): void {
    if (this.failure !== null) return;
    if (segment !== this.lastSegment + 1) {
      this.failure = { kind: 'damaged', segment: this.lastSegment + 1, offset: 0, reason: 'the segment is missing' };
      return;
    }
    this.lastSegment = segment;
    const header = decodeSegmentHeader(bytes, this.identity, segment, this.crc);
    if (header.kind === 'foreign') this.failure = { kind: 'foreign', reason: header.reason };
    else if (this.stop !== null) this.lookBehind(bytes, 0);
    else if (header.kind === 'valid') this.read(segment, bytes, header.end);
    else this.stopAt(segment, 0, bytes, header.kind === 'invalid');
  }

  finish(): Recovery {
    if (this.failure !== null) return this.failure;
    const groups = new Map<GroupId, RestoredGroup>([...this.groups].sort(([a], [b]) => a - b));
    return { kind: 'recovered', log: { boots: this.boots, groups }, end: this.end, isTorn: this.stop?.isTorn ?? false };
  }

  private read(segment: number, bytes: Uint8Array, start: number): void {
    let offset = start;
    for (;;) {
      const frame = decodeFrame(bytes, offset, this.crc);
      if (frame === 'end' || frame === 'invalid' || frame.sequence !== this.end.sequence + 1) {
        const isLastFrameHere = frame === 'end' && offset >= bytes.length;
        if (!isLastFrameHere) this.stopAt(segment, offset, bytes, frame !== 'end');
        else if (this.end.segment !== segment) this.end = { segment, offset, sequence: this.end.sequence };
        return;
      }
      if (!this.replay(frame)) {
        this.failure = { kind: 'damaged', segment, offset, reason: "a group's entries do not follow one another" };
        return;
      }
      offset = frame.end;
      this.end = { segment, offset, sequence: frame.sequence };
    }
  }

  /** Nothing valid follows here. What lies behind tells whether something was lost that had been on disk. */
  private stopAt(segment: number, offset: number, bytes: Uint8Array, isTorn: boolean): void {
    this.stop = { segment, offset, isTorn };
    if (offset > 0 && this.end.segment !== segment) this.end = { segment, offset, sequence: this.end.sequence };
    this.lookBehind(bytes, padded(offset));
  }

  private lookBehind(bytes: Uint8Array, start: number): void {
    for (let offset = start; offset < bytes.length; offset += alignment) {
      if (isZeroWord(bytes, offset)) continue;
      const frame = decodeFrame(bytes, offset, this.crc);
      if (frame === 'end' || frame === 'invalid') continue;
      if (frame.synced > this.end.sequence) this.damage();
      else if (this.stop !== null) this.stop = { ...this.stop, isTorn: true };
      if (this.failure !== null) return;
      offset = frame.end - alignment;
    }
  }

  private damage(): void {
    const { segment, offset } = this.stop ?? { segment: this.lastSegment, offset: 0 };
    this.failure = {
      kind: 'damaged',
      segment,
      offset,
      reason: 'what was durable cannot be read, and later writes follow it',
    };
  }

  private replay(frame: Frame): boolean {
    for (const record of frame.records) if (!this.apply(record)) return false;
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
    const first = record.entries[0]?.index ?? LogIndex(0);
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

function isZeroWord(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === 0 && bytes[offset + 1] === 0 && bytes[offset + 2] === 0 && bytes[offset + 3] === 0;
}
