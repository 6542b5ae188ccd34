/**
 * The files of a node's log, `00000001.wal` and so on: which there are, how they are opened, and how their
 * names and ends become durable.
 */
import { closeSync, constants, fsyncSync, ftruncateSync, mkdirSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
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

/** Opens a segment for writes that return when they are on disk; creates it if it is not there. */
export function openSynced(directory: string, segment: number): number {
  const { O_RDWR, O_CREAT, O_DSYNC } = constants;
  const descriptor = openSync(segmentPath(directory, segment), O_RDWR | O_CREAT | O_DSYNC, ownerOnly);
  syncDirectory(directory);
  return descriptor;
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
