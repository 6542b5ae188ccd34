/**
 * Which data directory a node has. What it promised is on its disk: with an empty one in its place it would vote as if
 * it had never promised anything. So a directory is begun on purpose, once, and has an id by which peers know it again.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { StoreIdentity } from '../../core/wire/hello.ts';
import { ConfigError } from '../exitCodes.ts';
import { makeDirectory } from './segmentFiles.ts';
import { readJson, writeWhole } from './wholeFile.ts';

const fileName = 'store.json';
const storeBytes = 8;
/** What a node leaves in its directory from the first start on. */
const traces = ['groups.json', 'log'];

const schema = v.strictObject({
  store: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  began: v.picklist(['new', 'lost', 'joined']),
});

/** Null if nobody has begun it. */
export function readStore(directory: string): StoreIdentity | null {
  return readJson(join(directory, fileName), schema);
}

/** The one of a node that is to run; of a directory that was used before there were ids it makes one. */
export function openStore(directory: string): StoreIdentity {
  const found = readStore(directory);
  if (found !== null) return found;
  if (traces.some((name) => existsSync(join(directory, name)))) return write(directory, 'new');
  throw new ConfigError(
    `data: ${directory} was never begun. If the cluster is new: leasehold init. If this node has run before and its disk is lost: ` +
      'leasehold init --lost, and it gets what it had from the others',
  );
}

/** Begins a directory that has nothing of a node in it. */
export function beginStore(directory: string, began: StoreIdentity['began']): StoreIdentity {
  if ([fileName, ...traces].some((name) => existsSync(join(directory, name))))
    throw new ConfigError(`data: ${directory} is that of a node already: start it, or choose another`);
  makeDirectory(directory);
  return write(directory, began);
}

/**
 * The log in the directory is lost: what goes on there is another, and must not be taken for the one that has promised
 * something. Before the new log begins.
 */
export function renewStore(directory: string): StoreIdentity {
  return write(directory, 'lost');
}

function write(directory: string, began: StoreIdentity['began']): StoreIdentity {
  const identity = { store: randomBytes(storeBytes).toString('hex'), began };
  writeWhole(join(directory, fileName), `${JSON.stringify(identity)}\n`);
  return identity;
}
