import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseScenario } from '../../sim/scenario/parse.ts';
import { simulate } from '../../sim/simulate.ts';

const folder = new URL('./corpus/', import.meta.url);

it.each(readdirSync(folder))('a scenario that once broke a rule breaks none: %s', (file) => {
  const scenario = parseScenario(readFileSync(new URL(file, folder), 'utf8'));
  if (typeof scenario === 'string') throw new Error(scenario);
  const { verdict } = simulate(scenario);
  expect(verdict).toEqual({ kind: 'clean' });
});
