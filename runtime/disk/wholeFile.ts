/** Small files beside the log that are replaced as a whole: a crash leaves the one before or the one after. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './segmentFiles.ts';

export function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function writeWhole(path: string, text: string): void {
  const descriptor = openSync(draftOf(path), 'w');
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draftOf(path), path);
  syncDirectory(dirname(path));
}

/** The same of a larger one, chunk by chunk; `next` is asked for one when the one before it is written, and yields null at the end. */
export async function writeWholeInChunks(path: string, next: () => Uint8Array | null): Promise<void> {
  const file = await open(draftOf(path), 'w');
  try {
    for (let chunk = next(); chunk !== null; chunk = next()) await file.write(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draftOf(path), path);
}

function draftOf(path: string): string {
  return `${path}.new`;
}
