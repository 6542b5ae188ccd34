/** One process per data directory, whatever became of the one before. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockData } from '../../runtime/disk/dataLock.ts';
import { ConfigError } from '../../runtime/exitCodes.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lock-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('a directory that is in use is refused, with by whom; one that was given back is not', () => {
  const data = join(directory, 'made', 'by', 'it');
  const unlock = lockData(data);
  expect(() => lockData(data)).toThrow(new ConfigError(`data: ${data} is in use by process ${String(process.pid)}`));
  unlock();
  lockData(data)();
  expect(readdirSync(data)).toEqual(['lock.2']);
});

test('the lock of a process that died does not count', () => {
  const { pid } = spawnSync('true');
  writeFileSync(join(directory, 'lock.7'), `${String(pid)} 1`);
  lockData(directory);
  expect(readdirSync(directory)).toEqual(['lock.8']);
});

test.runIf(process.platform === 'linux')('nor does that of another process that had our number', () => {
  lockData(directory)();
  writeFileSync(join(directory, 'lock.1'), `${String(process.pid)} 1`);
  lockData(directory);
  expect(readFileSync(join(directory, 'lock.2'), 'utf8')).toMatch(new RegExp(`^${String(process.pid)} [0-9]{2,}$`));
});

test('of processes that follow a dead one only one gets it', () => {
  writeFileSync(join(directory, 'lock.1'), '');
  const outcomes = [1, 2, 3].map(() => {
    try {
      lockData(directory);
      return 'taken';
    } catch {
      return 'refused';
    }
  });
  expect(outcomes).toEqual(['taken', 'refused', 'refused']);
});

test('a directory that cannot be used is the operator’s to mend', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(() => lockData(join(file, 'data'))).toThrow(/^data: cannot use it: ENOTDIR/);
});
