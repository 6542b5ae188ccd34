/**
 * The scenario that is kept for each planted bug: a small one in which its oracle objects if the bug is there.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseScenario } from '../scenario/parse.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Bug } from './bug.ts';

export const storedIn = new URL('../../test/sim/bugs/', import.meta.url);

/** Null if there is none, or only one of an earlier format. */
export function readStored(bug: Bug): Scenario | null {
  const file = fileOf(bug);
  if (!existsSync(file)) return null;
  const scenario = parseScenario(readFileSync(file, 'utf8'));
  return typeof scenario === 'string' ? null : scenario;
}

export function writeStored(bug: Bug, scenario: Scenario): void {
  mkdirSync(storedIn, { recursive: true });
  writeFileSync(fileOf(bug), `${JSON.stringify(scenario, null, 2)}\n`);
}

function fileOf({ name }: Bug): string {
  const slug = name
    .toLowerCase()
    .replaceAll("'", '')
    .replaceAll(/[^a-z0-9]+/g, '-');
  return fileURLToPath(new URL(`${slug}.scenario.json`, storedIn));
}
