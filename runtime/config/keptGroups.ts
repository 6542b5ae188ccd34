/**
 * What a data directory was made for. Who replicates a group is part of what makes its log mean something: a node
 * that starts on the same log with other replicas could elect a leader that lacks what was acknowledged.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Topology } from '../../core/index.ts';
import { ConfigError } from '../exitCodes.ts';

/** Writes it down at the first start, compares it at every other. */
export function keepGroups(directory: string, { groups }: Topology): void {
  const path = join(directory, 'groups.json');
  const members = groups.map(({ group, replicas }) => [group, replicas.map(({ node }) => node).sort((a, b) => a - b)]);
  const own = JSON.stringify(members);
  const kept = readIfThere(path);
  if (kept === null) writeWhole(path, own);
  else if (kept !== own) {
    throw new ConfigError(
      `groups: ${directory} was made for other groups or replicas, and they cannot be changed yet: expects ${kept}`,
    );
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A crash leaves all of it or nothing. */
function writeWhole(path: string, text: string): void {
  const draft = `${path}.new`;
  const descriptor = openSync(draft, 'w');
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draft, path);
}
