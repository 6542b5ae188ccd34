/**
 * Writes to a log and what it says after each, kept the obvious way: the model that recovery is compared with.
 * A history also knows the bytes of each write, so that a test can damage them and say what must come of it.
 */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { GroupId, LogIndex, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { emptyLog, LogAppender, type LogChunk, type LogPosition } from '../../core/log/appender.ts';
import type { LogIdentity, LogRecord, RestoredGroup, RestoredLog } from '../../core/log/records.ts';
import { LogRecovery, type Recovery } from '../../core/log/recovery.ts';
import type { Entry } from '../../core/raft/types.ts';

export const identity: LogIdentity = { clusterId: 'test-cluster', node: NodeId(3) };
export const noLog: RestoredLog = { boots: 0, isLost: false, groups: new Map() };

/** The bytes of a log, by segment. */
export type Image = ReadonlyMap<number, Uint8Array>;

/** Something to write that makes sense whatever was written before. */
export type Intent =
  | { readonly kind: 'boot' }
  | { readonly kind: 'hardState'; readonly group: number; readonly term: number; readonly vote: number }
  /** Entries that replace the last `back` of the group's log, or as many as there are. */
  | { readonly kind: 'entries'; readonly group: number; readonly back: number; readonly data: readonly Uint8Array[] }
  /** Pieces of the state as of an entry `back` before the last, beside what it does not stand for. */
  | { readonly kind: 'begin'; readonly group: number; readonly back: number; readonly pieces: readonly Uint8Array[] }
  /** Completes what was begun last, if anything was. */
  | { readonly kind: 'complete'; readonly group: number }
  /** The replica leaves; whatever comes next is of another. */
  | { readonly kind: 'remove'; readonly group: number };

/** The four bytes every frame begins with. */
export const marker = Uint8Array.of(0x4c, 0x48, 0x4c, 0x46);

const value = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  // What looks like the start of a frame, wherever it falls.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(9), fc.integer({ min: 1, max: 6 }))
      .map(
        ([shift, times]) =>
          new Uint8Array(Buffer.concat([Buffer.alloc(shift), ...Array.from({ length: times }, () => marker)])),
      ),
  },
);
const group = fc.nat(2);
const intent: fc.Arbitrary<Intent> = fc.oneof(
  fc.constant({ kind: 'boot' as const }),
  fc.record({ kind: fc.constant('hardState' as const), group, term: fc.maxSafeNat(), vote: fc.nat(3) }),
  fc.record({
    kind: fc.constant('entries' as const),
    group,
    back: fc.nat(3),
    data: fc.array(value, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('begin' as const),
    group,
    back: fc.nat(2),
    pieces: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('complete' as const), group }),
  fc.record({ kind: fc.constant('remove' as const), group }),
);
export const write = fc.array(intent, { minLength: 1, maxLength: 4 });
export const writes = fc.array(write, { maxLength: 12 });

/** A log, and the snapshots that were begun in it. */
export interface Planned {
  readonly log: RestoredLog;
  readonly begun: ReadonlyMap<GroupId, Pick<RestoredGroup, 'base' | 'chunks'>>;
}

export const nothingPlanned: Planned = { log: noLog, begun: new Map() };

const pristine: RestoredGroup = {
  replica: 0,
  isRemoved: false,
  hardState: { term: Term(0), votedFor: null },
  base: { index: LogIndex(0), term: Term(0) },
  chunks: [],
  entries: [],
};

/** The records of a write, and the log behind it. */
export function plan(
  before: Planned,
  intents: readonly Intent[],
): { readonly records: readonly LogRecord[]; readonly after: Planned } {
  const groups = new Map(before.log.groups);
  const begun = new Map(before.begun);
  let { boots } = before.log;
  const records = intents.flatMap((each): readonly LogRecord[] => {
    if (each.kind === 'boot') {
      boots += 1;
      return [{ kind: 'boot', boot: boots }];
    }
    const id = GroupId(each.group);
    const found = groups.get(id) ?? pristine;
    if (each.kind === 'remove') {
      const replica = ReplicaId(Math.max(1, found.replica));
      groups.set(id, { ...pristine, replica, isRemoved: true });
      begun.delete(id);
      return [{ kind: 'removed', group: id, replica }];
    }
    const next = ReplicaId(found.isRemoved ? found.replica + 1 : Math.max(1, found.replica));
    const known = found.isRemoved ? { ...pristine, replica: next } : found;
    const first: readonly LogRecord[] = found.isRemoved
      ? [{ kind: 'hardState', group: id, replica: next, hardState: pristine.hardState }]
      : [];
    if (each.kind === 'hardState') {
      const hardState = { term: Term(each.term), votedFor: each.vote === 0 ? null : ReplicaId(each.vote) };
      groups.set(id, { ...known, replica: next, hardState });
      return [{ kind: 'hardState', group: id, replica: next, hardState }];
    }
    if (each.kind === 'begin') return begin(id, known, each, begun);
    if (each.kind === 'complete') return complete(id, known, groups, begun);
    // What a snapshot stands for, begun or complete, is committed: it is never replaced.
    const committed = (begun.get(id)?.base.index ?? 0) - known.base.index;
    const kept = known.entries.slice(0, Math.max(0, committed, known.entries.length - each.back));
    const entries = each.data.map((data, i): Entry => {
      const index = LogIndex(known.base.index + kept.length + 1 + i);
      return { index, term: Term(data.length), kind: data.length === 0 ? 'noop' : 'data', data };
    });
    groups.set(id, { ...known, entries: [...kept, ...entries] });
    return [...first, { kind: 'entries', group: id, entries }];
  });
  const sorted = new Map([...groups].sort(([a], [b]) => a - b));
  return { records, after: { log: { boots, isLost: false, groups: sorted }, begun } };
}

/** The first piece comes with the hard state and the entries behind the base: nothing written before is needed. */
function begin(
  group: GroupId,
  { replica, hardState, base, entries }: RestoredGroup,
  { back, pieces }: Extract<Intent, { kind: 'begin' }>,
  begun: Map<GroupId, Pick<RestoredGroup, 'base' | 'chunks'>>,
): readonly LogRecord[] {
  const least = Math.max(0, (begun.get(group)?.base.index ?? 0) - base.index);
  const place = Math.max(least, entries.length - back);
  const at = entries[place - 1] ?? base;
  if (at.index === 0) return [];
  begun.set(group, { base: { index: at.index, term: at.term }, chunks: pieces });
  const tail = entries.slice(place);
  return [
    { kind: 'snapshotChunk', group, number: 0, bytes: pieces[0] ?? new Uint8Array() },
    { kind: 'hardState', group, replica, hardState },
    ...(tail.length === 0 ? [] : [{ kind: 'entries' as const, group, entries: tail }]),
    ...pieces.slice(1).map((bytes, i) => ({ kind: 'snapshotChunk' as const, group, number: i + 1, bytes })),
  ];
}

function complete(
  group: GroupId,
  known: RestoredGroup,
  groups: Map<GroupId, RestoredGroup>,
  begun: Map<GroupId, Pick<RestoredGroup, 'base' | 'chunks'>>,
): readonly LogRecord[] {
  const snapshot = begun.get(group);
  if (snapshot === undefined) return [];
  begun.delete(group);
  const entries = known.entries.slice(snapshot.base.index - known.base.index);
  groups.set(group, { ...known, ...snapshot, entries });
  return [{ kind: 'snapshot', group, base: snapshot.base, chunks: snapshot.chunks.length }];
}

/** A write that reached the appender. */
export interface Written {
  readonly chunk: LogChunk;
  /** The highest write that was known to be on disk then; they count from 1. */
  readonly synced: number;
  readonly after: RestoredLog;
}

export interface History {
  readonly start: RestoredLog;
  readonly written: readonly Written[];
}

/** As the disk has it: the appender uses the memory again. */
export function onDisk(chunk: LogChunk): LogChunk {
  return { ...chunk, bytes: chunk.bytes.slice() };
}

/** Appends every write; `syncs(i)` says whether what was written so far is on disk before write `i`. */
export function record(
  all: readonly (readonly Intent[])[],
  options: { readonly largest?: number; readonly syncs?: (i: number) => boolean } = {},
): History {
  const appender = new LogAppender(identity, emptyLog, crc32, options.largest);
  const written: Written[] = [];
  let planned = nothingPlanned;
  let synced = 0;
  for (const [i, intents] of all.entries()) {
    if (options.syncs?.(i) ?? true) {
      synced = appender.lastSequence;
      appender.onSynced(synced);
    }
    const { records, after } = plan(planned, intents);
    written.push({ chunk: onDisk(appender.append(records)), synced, after: after.log });
    planned = after;
  }
  return { start: noLog, written };
}

/** What a disk holds after these writes; `slack` zeros lie behind each segment. */
export function imageOf(chunks: readonly LogChunk[], slack = 0): Map<number, Uint8Array> {
  const image = new Map<number, Uint8Array>();
  for (const { segment, offset, bytes } of chunks) {
    const end = offset + bytes.length;
    const old = image.get(segment) ?? new Uint8Array(0);
    const grown = new Uint8Array(Math.max(old.length, end + slack));
    grown.set(old);
    grown.set(bytes, offset);
    image.set(segment, grown);
  }
  return image;
}

export function imageOfHistory(history: History, slack = 0): Map<number, Uint8Array> {
  return imageOf(
    history.written.map(({ chunk }) => chunk),
    slack,
  );
}

export function recover(image: Image, own: LogIdentity = identity): Recovery {
  const recovery = new LogRecovery(own, crc32);
  for (const [segment, bytes] of [...image].sort(([a], [b]) => a - b)) recovery.add(segment, bytes);
  return recovery.finish();
}

/** Where each write ends, with its number. */
export function endOf(history: History, count: number): LogPosition {
  const last = history.written[count - 1];
  if (last === undefined) return { segment: 0, offset: 0, sequence: 0 };
  const { segment, offset, bytes } = last.chunk;
  return { segment, offset: offset + bytes.length, sequence: count };
}

export function logAfter(history: History, count: number): RestoredLog {
  return history.written[count - 1]?.after ?? history.start;
}

const prefixBytes = 12;
const magic = [0x4c, 0x48, 0x4c, 0x53];

/** The first chunk of a segment begins with its header. */
export function headerBytesOf({ offset, bytes }: LogChunk): number {
  const isFirst = offset === 0 && magic.every((byte, i) => bytes[i] === byte);
  return isFirst ? Math.ceil((prefixBytes + lengthAt(bytes, 0)) / 8) * 8 : 0;
}

export function lengthAt(bytes: Uint8Array, offset: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(offset + 4);
}

/**
 * How many writes recovery must find in an image of this history that was damaged in any way: those before the
 * first whose bytes are not what was written. `null` if one behind it shows that it had been on disk.
 */
export function survivors(history: History, image: Image): number | null {
  const isWhole = history.written.map(({ chunk }) => isUnchanged(chunk, image, headerBytesOf(chunk)));
  const hasHeader = new Set<number>();
  for (const { chunk } of history.written) {
    const header = headerBytesOf(chunk);
    if (header > 0 && isSame(chunk.bytes.subarray(0, prefixBytes + lengthAt(chunk.bytes, 0)), image, chunk, 0)) {
      hasHeader.add(chunk.segment);
    }
  }
  const first = history.written.findIndex(({ chunk }, i) => !isWhole[i] || !hasHeader.has(chunk.segment));
  if (first < 0) return history.written.length;
  const isDamaged = history.written.some(({ synced }, i) => i >= first && isWhole[i] === true && synced > first);
  return isDamaged ? null : first;
}

/** Whether a write's frame, without the padding behind it, is on disk as it was written. */
function isUnchanged(chunk: LogChunk, image: Image, header: number): boolean {
  const end = header + prefixBytes + lengthAt(chunk.bytes, header);
  return isSame(chunk.bytes.subarray(header, end), image, chunk, header);
}

function isSame(part: Uint8Array, image: Image, { segment, offset }: LogChunk, skip: number): boolean {
  const start = offset + skip;
  const stored = image.get(segment)?.subarray(start, start + part.length) ?? new Uint8Array(0);
  return Buffer.compare(stored, part) === 0;
}
