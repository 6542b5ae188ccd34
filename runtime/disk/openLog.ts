/**
 * Opens a node's log: recovers what it says, cuts a torn tail, and records a new life of the node, all before
 * the node is made.
 */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { LogAppender } from '../../core/log/appender.ts';
import type { LogIdentity, RestoredLog } from '../../core/log/records.ts';
import { LogRecovery } from '../../core/log/recovery.ts';
import { ConfigError, exitCodes, FatalError } from '../exitCodes.ts';
import { plainBytes } from '../plainBytes.ts';
import { LogFiles } from './logFiles.ts';
import { cutBehind, makeDirectory, openSynced, segmentPath, segmentsIn } from './segmentFiles.ts';

export interface OpenedLog {
  readonly restored: RestoredLog;
  /** The number of this life, already on disk. */
  readonly boot: number;
  /** The end was cut off, as by a crash. Nothing of it had been acknowledged. */
  readonly isTorn: boolean;
  readonly files: LogFiles;
}

/** Throws a `ConfigError` for another's log, a `FatalError` for a damaged one. */
export function openLog(directory: string, identity: LogIdentity): OpenedLog {
  makeDirectory(directory);
  const recovery = new LogRecovery(identity, crc32);
  const segments = segmentsIn(directory);
  for (const segment of segments) recovery.add(segment, plainBytes(readFileSync(segmentPath(directory, segment))));
  const found = recovery.finish();
  if (found.kind === 'foreign') throw new ConfigError(`data: the log in ${directory} cannot be used: ${found.reason}`);
  if (found.kind === 'damaged') {
    const where = `${segmentPath(directory, found.segment)} at byte ${String(found.offset)}`;
    throw new FatalError(`the log is damaged: ${where}: ${found.reason}`, exitCodes.damagedLog);
  }
  cutBehind(directory, segments, found.end);
  const boot = found.log.boots + 1;
  const appender = new LogAppender(identity, found.end, crc32);
  recordBoot(directory, appender, boot);
  return { restored: found.log, boot, isTorn: found.isTorn, files: new LogFiles(directory, appender) };
}

function recordBoot(directory: string, appender: LogAppender, boot: number): void {
  const { segment, offset, bytes } = appender.append([{ kind: 'boot', boot }]);
  const descriptor = openSynced(directory, segment);
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, offset + written);
  }
  closeSync(descriptor);
  appender.onSynced(appender.lastSequence);
}
