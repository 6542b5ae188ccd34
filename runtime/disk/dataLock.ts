/**
 * One process per data directory. The lock is a file that names its holder; the next holder takes the next
 * number, so that of two processes that find a dead holder's lock only one can follow it.
 */
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../exitCodes.ts';
import { makeDirectory } from './segmentFiles.ts';

const namePattern = /^lock\.([0-9]+)$/;
/** Where /proc/PID/stat says when the process started, counted from behind its name. */
const startField = 19;

/** Takes the directory, or says who has it. Returns what gives it back; death does so too. */
export function lockData(directory: string): () => void {
  try {
    makeDirectory(directory);
    const path = take(directory);
    return () => {
      writeFileSync(path, '');
    };
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(`data: cannot use it: ${(error as Error).message}`);
  }
}

/** The process that uses the directory; null if none does. */
export function userOf(directory: string): number | null {
  const last = existsSync(directory) ? locksIn(directory).at(-1) : undefined;
  const holder = last === undefined ? '' : readHolder(pathOf(directory, last));
  return isAlive(holder) ? Number.parseInt(holder, 10) : null;
}

function take(directory: string): string {
  const candidate = join(directory, `lock.of-${String(process.pid)}`);
  writeFileSync(candidate, nameOf(process.pid));
  try {
    return takeNext(directory, candidate);
  } finally {
    rmSync(candidate);
  }
}

function takeNext(directory: string, candidate: string): string {
  for (;;) {
    const taken = locksIn(directory);
    const last = taken.at(-1) ?? 0;
    const user = userOf(directory);
    if (user !== null) throw new ConfigError(`data: ${directory} is in use by process ${String(user)}`);
    const path = pathOf(directory, last + 1);
    try {
      linkSync(candidate, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      continue; // Another was faster.
    }
    for (const earlier of taken) rmSync(pathOf(directory, earlier), { force: true });
    return path;
  }
}

function pathOf(directory: string, number: number): string {
  return join(directory, `lock.${String(number)}`);
}

function locksIn(directory: string): readonly number[] {
  const numbers: number[] = [];
  for (const name of readdirSync(directory)) {
    const match = namePattern.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}

/** Empty if it was given back or is gone. */
function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function isAlive(holder: string): boolean {
  const pid = Number(holder.split(' ')[0]);
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return nameOf(pid) === holder;
}

/** The process and, where the system tells, when it started: process ids are used again. */
function nameOf(pid: number): string {
  const fields = statusOf(pid);
  // A zombie is dead, but nobody has asked for its exit code.
  return fields === null || fields[0] !== 'Z' ? `${String(pid)} ${fields?.[startField] ?? ''}`.trimEnd() : '';
}

/** What /proc/PID/stat says behind the process's name; null where there is no such thing. */
function statusOf(pid: number): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
