/**
 * Opens a node's log: recovers what it says, cuts a torn tail, begins anew where it is lost, and records a new life of
 * the node, all before the node is made.
 */
import { existsSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { emptyLog, LogAppender, segmentBytes } from '../../core/log/appender.ts';
import type { LogIdentity, LogRecord, RestoredLog } from '../../core/log/records.ts';
import { LogRecovery } from '../../core/log/recovery.ts';
import { ConfigError } from '../exitCodes.ts';
import { plainBytes } from '../plainBytes.ts';
import { type LogDisk, LogFiles, realDisk } from './logFiles.ts';
import { cutBehind, makeDirectory, openSegment, type SegmentFile, segmentPath, segmentsIn } from './segmentFiles.ts';

export interface OpenedLog {
  readonly restored: RestoredLog;
  /** The number of this life, already on disk. */
  readonly boot: number;
  /** The end was cut off, as by a crash. Nothing of it had been acknowledged. */
  readonly isTorn: boolean;
  /** What there was is lost, just now; null if nothing is. Why, and where what is left of it was put. */
  readonly loss: string | null;
  readonly files: LogFiles;
}

/** Tests fill short segments, and hold the disk in their hand. */
export interface LogOptions {
  readonly segmentBytes: number;
  readonly disk: LogDisk;
}

const usual: LogOptions = { segmentBytes, disk: realDisk };

/**
 * A log that cannot be read, or is not there although the node `hasRun`, is a loss: a new one begins, which remembers
 * that, and what is left of the old is put aside. `onLoss` is called before it begins. Throws a `ConfigError` for another's
 * log.
 */
export function openLog(
  directory: string,
  identity: LogIdentity,
  hasRun = false,
  onLoss: () => void = () => undefined,
  options = usual,
): OpenedLog {
  makeDirectory(directory);
  const recovery = new LogRecovery(identity, crc32);
  const segments = segmentsIn(directory);
  for (const segment of segments) recovery.add(segment, plainBytes(readFileSync(segmentPath(directory, segment))));
  const found = recovery.finish();
  if (found.kind === 'foreign') throw new ConfigError(`data: the log in ${directory} cannot be used: ${found.reason}`);
  if (found.kind === 'damaged') {
    onLoss();
    const where = `${segmentPath(directory, found.segment)} at byte ${String(found.offset)}`;
    const aside = setAside(directory);
    const loss = `the log is damaged: ${where}: ${found.reason}; it is in ${aside}`;
    return beginAnew(directory, identity, options, found.boots, loss);
  }
  if (hasRun && found.log.boots === 0) {
    onLoss();
    const aside = segments.length === 0 ? '' : `; what there was is in ${setAside(directory)}`;
    return beginAnew(directory, identity, options, 0, `there is no log in ${directory}, where there was one${aside}`);
  }
  cutBehind(directory, segments, found.end);
  const boot = found.log.boots + 1;
  const appender = new LogAppender(identity, found.end, crc32, options.segmentBytes);
  const open = record(directory, appender, [{ kind: 'boot', boot }]);
  const files = new LogFiles(directory, appender, open, options.disk);
  return { restored: found.log, boot, isTorn: found.isTorn, loss: null, files };
}

/** No earlier life, known or not, had the number of this one: it counts on from the minutes of the calendar. */
function beginAnew(
  directory: string,
  identity: LogIdentity,
  options: LogOptions,
  boots: number,
  loss: string,
): OpenedLog {
  const minutes = Math.floor((Date.now() - firstMinute) / millisPerMinute);
  const boot = Math.max(boots, mostBoots + minutes) + 1;
  const appender = new LogAppender(identity, emptyLog, crc32, options.segmentBytes);
  const open = record(directory, appender, [{ kind: 'lost' }, { kind: 'boot', boot }]);
  const restored = { boots, isLost: true, groups: new Map() };
  return { restored, boot, isTorn: false, loss, files: new LogFiles(directory, appender, open, options.disk) };
}

const firstMinute = Date.UTC(2026);
const millisPerMinute = 60_000;
/** More lives than a node begins before its disk fails. */
const mostBoots = 65_536;

/** Moves the directory away and makes it anew. Returns where it is. */
function setAside(directory: string): string {
  for (let n = 1; ; n += 1) {
    const aside = `${directory}.damaged-${String(n)}`;
    if (existsSync(aside)) continue;
    renameSync(directory, aside);
    makeDirectory(directory);
    return aside;
  }
}

/** Returns the segment that it wrote to. */
function record(directory: string, appender: LogAppender, records: readonly LogRecord[]): SegmentFile {
  const { segment, offset, bytes } = appender.append(records);
  const { descriptor, unsynced, size } = openSegment(directory, segment);
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, offset + written);
  }
  appender.onSynced(appender.lastSequence);
  return { segment, descriptor, unsynced, size: Math.max(size, offset + bytes.length) };
}
