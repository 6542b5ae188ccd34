/**
 * The files of a node's log, `00000001.wal` and so on: which there are, how they are opened, and how their
 * names and ends become durable.
 */
import {
  close,
  closeSync,
  constants,
  fstat,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  open,
  openSync,
  readdirSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { LogPosition } from '../../core/log/appender.ts';

const namePattern = /^([0-9]{8})\.wal$/;
const nameDigits = 8;
const ownerOnly = 0o600;

export function segmentPath(directory: string, segment: number): string {
  return join(directory, `${String(segment).padStart(nameDigits, '0')}.wal`);
}

/** Their numbers, in order. */
export function segmentsIn(directory: string): readonly number[] {
  const numbers: number[] = [];
  for (const name of readdirSync(directory)) {
    const match = namePattern.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}

/** Makes the directory, durably: its entry in its parent too, and so on up to what was there. */
export function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true });
  if (first === undefined) return;
  const there = dirname(resolve(first));
  for (let made = resolve(directory); made !== there; made = dirname(made)) syncDirectory(dirname(made));
}

const { O_RDWR, O_CREAT, O_DSYNC } = constants;
/** Writes return when they are on disk. */
const syncedFlags = O_RDWR | O_CREAT | O_DSYNC;

export interface SegmentFile {
  readonly segment: number;
  /** Writes to it return when they are on disk. */
  readonly descriptor: number;
  /** The same file without `O_DSYNC`. */
  readonly unsynced: number;
  readonly size: number;
}

/** Opens a segment, which is made if it is not there: it is for good when this returns. */
export function openSegment(directory: string, segment: number): SegmentFile {
  const path = segmentPath(directory, segment);
  const descriptor = openSync(path, syncedFlags, ownerOnly);
  syncDirectory(directory);
  const unsynced = openSync(path, 'r+');
  return { segment, descriptor, unsynced, size: fstatSync(descriptor).size };
}

const [opening, syncing, closing, looking] = [promisify(open), promisify(fsync), promisify(close), promisify(fstat)];

/** The same in the background: a directory becomes durable when the disk has done what came before. */
export async function openSegmentLater(directory: string, segment: number): Promise<SegmentFile> {
  const path = segmentPath(directory, segment);
  const descriptor = await opening(path, syncedFlags, ownerOnly);
  const parent = await opening(directory, 'r');
  await syncing(parent);
  await closing(parent);
  const unsynced = await opening(path, 'r+');
  const { size } = await looking(descriptor);
  return { segment, descriptor, unsynced, size };
}

export function closeSegment({ descriptor, unsynced }: SegmentFile): void {
  closeSync(descriptor);
  closeSync(unsynced);
}

/** What lies behind the end could be taken for what is written next: it goes. */
export function cutBehind(directory: string, segments: readonly number[], end: LogPosition): void {
  for (const segment of segments) {
    if (segment > end.segment) unlinkSync(segmentPath(directory, segment));
    else if (segment === end.segment) truncate(segmentPath(directory, segment), end.offset);
  }
  syncDirectory(directory);
}

function truncate(path: string, length: number): void {
  const descriptor = openSync(path, 'r+');
  ftruncateSync(descriptor, length);
  fsyncSync(descriptor);
  closeSync(descriptor);
}

export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
