/**
 * Scenarios in files.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScenario } from '../scenario/parse.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { UsageError } from './arguments.ts';

const ending = '.scenario.json';

/** `flag`: what named the file, for the operator. */
export function readScenario(flag: string, file: string): Scenario {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`${flag}: there is no file '${file}' that can be read`);
  }
  const scenario = parseScenario(text);
  if (typeof scenario === 'string') throw new UsageError(`${flag}: '${file}' is no scenario: ${scenario}`);
  return scenario;
}

/** Returns the file. */
export function saveScenario(directory: string, scenario: Scenario): string {
  mkdirSync(directory, { recursive: true });
  return write(join(directory, `${scenario.name.replaceAll(' ', '-')}${ending}`), scenario);
}

/** Beside the file it came from, or, if that is null, here. Returns the file. */
export function saveSmaller(file: string | null, scenario: Scenario): string {
  const from = file ?? scenario.name.replaceAll(' ', '-');
  return write(`${from.replace(/(\.scenario)?\.json$/, '')}.small${ending}`, scenario);
}

function write(file: string, scenario: Scenario): string {
  writeFileSync(file, `${JSON.stringify(scenario, null, 2)}\n`);
  return file;
}
