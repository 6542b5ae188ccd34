import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DiskSpace } from '../../runtime/disk/diskSpace.ts';

let free: number | null;
let said: boolean[];

beforeEach(() => {
  vi.useFakeTimers();
  free = 1000;
  said = [];
});

afterEach(() => {
  vi.useRealTimers();
});

function watched(leastBytes: number): DiskSpace {
  return new DiskSpace(
    '/data',
    leastBytes,
    (isShort) => said.push(isShort),
    async (directory) => {
      if (free === null) throw new Error(`no ${directory}`);
      return Promise.resolve(free);
    },
  );
}

async function looksWith(bytes: number | null): Promise<readonly boolean[]> {
  free = bytes;
  await vi.advanceTimersByTimeAsync(1000);
  return said;
}

test('says when room gets short, and when there is enough again, which is more', async () => {
  await watched(100).watch();
  expect(said).toEqual([]);
  expect(await looksWith(100)).toEqual([]);
  expect(await looksWith(99)).toEqual([true]);
  expect(await looksWith(110)).toEqual([true]);
  expect(await looksWith(125)).toEqual([true, false]);
  expect(await looksWith(101)).toEqual([true, false]);
});

test('takes a file system that cannot be asked to be as it was', async () => {
  await watched(100).watch();
  await looksWith(10);
  expect(await looksWith(null)).toEqual([true]);
  expect(await looksWith(500)).toEqual([true, false]);
});

test('never says anything when no room is asked for, nor after it has stopped', async () => {
  await watched(0).watch();
  expect(await looksWith(0)).toEqual([]);
  const space = watched(100);
  free = 1000;
  await space.watch();
  space.stop();
  expect(await looksWith(0)).toEqual([]);
});
