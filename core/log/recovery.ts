/**
 * From a log's bytes back to what they say. A torn tail, which was never acknowledged, is cut; damage to what
 * had been durable is reported and never passed over. Only in the last writes that shared a sync do the two
 * look alike, until the next write, at the latest that of the next boot, says that they were on disk.
 */
import type { Crc32 } from '../base/crc32.ts';
import { type GroupId, LogIndex, type ReplicaId, Term } from '../base/ids.ts';
import type { Entry, HardState, LogBase } from '../raft/types.ts';
import { emptyLog, type LogEnd, type LogPosition } from './appender.ts';
import { alignment, decodeFrame, decodeSegmentHeader, type Frame } from './format.ts';
import type { LogIdentity, LogRecord, RestoredGroup, RestoredLog } from './records.ts';
import { Retention } from './retention.ts';

export type Recovery =
  /** The driver truncates the segment of `end` there and deletes later ones, durably, before it writes. `isTorn` if more than zeros goes. */
  | { readonly kind: 'recovered'; readonly log: RestoredLog; readonly end: LogEnd; readonly isTorn: boolean }
  /** `boots`: how many there were at least. */
  | {
      readonly kind: 'damaged';
      readonly segment: number;
      readonly offset: number;
      readonly reason: string;
      readonly boots: number;
    }
  /** Another node's or cluster's log, or of another format. */
  | { readonly kind: 'foreign'; readonly reason: string };

interface RecoveringGroup {
  replica: ReplicaId | 0;
  isRemoved: boolean;
  hardState: HardState;
  base: LogBase;
  chunks: readonly Uint8Array[];
  /** Of a snapshot that is not complete. */
  incomplete: Uint8Array[];
  entries: Entry[];
  /**
   * Nothing of it was in segments that are gone. While that is not known, its records need not follow one another:
   * those that do not are of before its snapshot, which is to come.
   */
  isWhole: boolean;
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
  private isLost = false;
  private end: LogPosition = emptyLog;
  private firstSegment = 0;
  /** Has the first frame that there is; of segments before it nothing is left. */
  private firstRead = 0;
  private lastSegment = 0;
  /** The latest that was recorded: what is needed begins there. */
  private floor = 1;
  private readonly retention = new Retention();
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
    if (this.firstSegment === 0) this.begin(segment);
    if (segment !== this.lastSegment + 1) {
      this.damage({ segment: this.lastSegment + 1, offset: 0 }, missing);
      return;
    }
    this.lastSegment = segment;
    const header = decodeSegmentHeader(bytes, this.identity, segment, this.crc);
    if (header.kind === 'foreign') this.failure = header;
    else if (header.kind === 'valid' && this.continuesAt(bytes, header.end)) this.read(segment, bytes, header.end);
    else this.scan(segment, bytes, 0);
  }

  finish(): Recovery {
    const lost = [...this.groups.values()].some(({ isWhole, base }) => !isWhole && base.index > 0);
    if (this.failure === null && (lost || this.firstRead > this.floor))
      this.damage({ segment: this.floor, offset: 0 }, missing);
    if (this.failure !== null) return this.failure;
    const groups = new Map<GroupId, RestoredGroup>();
    for (const [group, { replica, isRemoved, hardState, base, chunks, entries }] of [...this.groups].sort(
      ([a], [b]) => a - b,
    ))
      groups.set(group, { replica, isRemoved, hardState, base, chunks, entries });
    const { boots, isLost, isTorn, retention, firstSegment: first } = this;
    const end = { ...this.end, first, boots, isLost, retention };
    return { kind: 'recovered', log: { boots, isLost, groups }, end, isTorn };
  }

  /** Segments before the first were deleted once nothing in them was needed: the first there is says where it begins. */
  private begin(segment: number): void {
    this.firstSegment = segment;
    this.firstRead = segment;
    this.lastSegment = segment - 1;
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
        const where = `byte ${String(offset)} of segment ${String(segment)}`;
        this.failure = { kind: 'foreign', reason: `it is of a newer version: the write at ${where} cannot be read` };
        return;
      }
      this.retention.note(segment, frame.records);
      if (!this.replay(frame.records)) {
        this.damage({ segment, offset }, "a group's entries do not follow one another");
        return;
      }
      if (this.end.sequence === 0) this.firstRead = segment;
      this.end = { segment, offset: frame.end, sequence: frame.sequence };
    }
    if (this.end.offset < bytes.length) this.scan(segment, bytes, this.end.offset);
  }

  private nextFrame(bytes: Uint8Array, offset: number): Frame | null {
    const frame = decodeFrame(bytes, offset, this.crc);
    if (frame === 'invalid') return null;
    // Whether nothing is missing before it, the floor tells: a first segment may be left of which nothing came to the disk.
    const isFirst = this.end.sequence === 0 && this.firstSegment > 1;
    return isFirst || frame.sequence === this.end.sequence + 1 ? frame : null;
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
    this.failure = { kind: 'damaged', segment, offset, reason, boots: this.boots };
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
    if (record.kind === 'lost') {
      this.isLost = true;
      return true;
    }
    if (record.kind === 'floor') {
      this.floor = record.segment;
      return true;
    }
    if (record.kind === 'removed') {
      this.groups.set(record.group, { ...pristine(true), replica: record.replica, isRemoved: true });
      return true;
    }
    const group = this.groupOf(record.group);
    if (record.kind === 'hardState') {
      if (record.replica !== 0) group.replica = record.replica;
      group.isRemoved = false;
      group.hardState = record.hardState;
      return true;
    }
    if (record.kind === 'snapshotChunk') return addChunk(group, record.number, record.bytes) || !group.isWhole;
    if (record.kind === 'snapshot') return completeSnapshot(group, record.base, record.chunks) || !group.isWhole;
    return addEntries(group, record.entries);
  }

  private groupOf(id: GroupId): RecoveringGroup {
    const known = this.groups.get(id);
    if (known !== undefined) return known;
    const made = pristine(this.firstSegment === 1);
    this.groups.set(id, made);
    return made;
  }
}

function pristine(isWhole: boolean): RecoveringGroup {
  return {
    replica: 0,
    isRemoved: false,
    hardState: { term: Term(0), votedFor: null },
    base: { index: LogIndex(0), term: Term(0) },
    chunks: [],
    incomplete: [],
    entries: [],
    isWhole,
  };
}

function addEntries(group: RecoveringGroup, entries: readonly Entry[]): boolean {
  const first = entries[0]?.index ?? 0;
  const place = first - group.base.index - 1;
  if (first < 1 || (group.isWhole && (place < 0 || place > group.entries.length))) return false;
  if (place < 0 || place > group.entries.length) {
    group.base = { index: LogIndex(first - 1), term: Term(0) };
    group.entries = [];
  } else group.entries.length = place;
  for (const entry of entries) group.entries.push(entry);
  return true;
}

function addChunk(group: RecoveringGroup, number: number, bytes: Uint8Array): boolean {
  if (number === 0) group.incomplete = [];
  if (number !== group.incomplete.length) return false;
  group.incomplete.push(bytes);
  return true;
}

/** Entries behind the snapshot stay if the log has the one it ends with; otherwise it says more than they do. */
function completeSnapshot(group: RecoveringGroup, base: LogBase, chunks: number): boolean {
  if (group.incomplete.length !== chunks || chunks === 0) return false;
  const place = base.index - group.base.index;
  const isInLog = place === 0 || group.entries[place - 1]?.term === base.term;
  group.entries = isInLog ? group.entries.slice(place) : [];
  group.base = base;
  group.chunks = group.incomplete;
  group.incomplete = [];
  group.isWhole = true;
  return true;
}

const missing = 'the segment is missing';

/** The eight bytes at `offset`, or what there is of them. */
function isZero(bytes: Uint8Array, offset: number): boolean {
  const end = Math.min(offset + alignment, bytes.length);
  for (let at = offset; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
