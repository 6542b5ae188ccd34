/** Small files beside the log that are replaced as a whole: a crash leaves the one before or the one after. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { ConfigError } from '../exitCodes.ts';
import { syncDirectory } from './segmentFiles.ts';

export function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Null if there is no such file; one that is not what the schema says is the operator's to look at. */
export function readJson<Schema extends v.GenericSchema>(path: string, schema: Schema): v.InferOutput<Schema> | null {
  const file = readIfThere(path);
  if (file === null) return null;
  try {
    return v.parse(schema, JSON.parse(file.toString()));
  } catch (error) {
    throw new ConfigError(`data: ${path} cannot be read: ${(error as Error).message}`);
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
