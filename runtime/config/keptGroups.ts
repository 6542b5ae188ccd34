/**
 * What a data directory was made for. Who replicates a group is part of what makes its log mean something: a node
 * that starts on the same log with other replicas could elect a leader that lacks what was acknowledged.
 */
import { join } from 'node:path';
import type { Topology } from '../../core/index.ts';
import { readIfThere, writeWhole } from '../disk/wholeFile.ts';
import { ConfigError } from '../exitCodes.ts';

const fileName = 'groups.json';

/** Compares with what was written down at the first start. Returns whether there was one, so that there must be a log. */
export function checkGroups(directory: string, topology: Topology): boolean {
  const own = textOf(topology);
  const kept = readIfThere(join(directory, fileName))?.toString() ?? null;
  if (kept !== null && kept !== own)
    throw new ConfigError(`groups: ${directory} was made for other groups or replicas: expects ${kept}`);
  return kept !== null;
}

/** Writes it down, when there is a log. */
export function keepGroups(directory: string, topology: Topology): void {
  writeWhole(join(directory, fileName), textOf(topology));
}

function textOf({ groups }: Topology): string {
  const members = groups.map(({ group, replicas }) => [group, replicas.map(({ node }) => node).sort((a, b) => a - b)]);
  return JSON.stringify(members);
}
