import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  type Coverage,
  coverageOf,
  describeGaps,
  describeMatrix,
  emptyCells,
  focusOf,
  gapsOf,
} from '../../sim/cli/coverage.ts';
import { expand } from '../../sim/scenario/expand.ts';
import { type Profile, profiles } from '../../sim/scenario/scenario.ts';
import { simulate } from '../../sim/simulate.ts';

const [from = 1, to = 12] = (process.env['SIM_SEEDS'] ?? '1..12').split('..').map(Number);
const wanted = process.env['SIM_PROFILE'];
/** `bad-clocks` is there to break a rule: see `verdict.test.ts`. */
const harmless = profiles.filter((profile) => profile !== 'bad-clocks');
const chosen: readonly Profile[] = harmless.filter((profile) => wanted === undefined || profile === wanted);
const seeds = Array.from({ length: to - from + 1 }, (_, i) => from + i);

const runs: Coverage[] = [];

describe.each(chosen)('a swarm of %s scenarios', (profile) => {
  it(`breaks no rule with the seeds ${String(from)} to ${String(to)}`, {
    timeout: 20_000 + seeds.length * 10_000,
  }, () => {
    const found = seeds.flatMap((seed) => {
      const scenario = expand(seed, profile);
      const { verdict, statistics } = simulate(scenario);
      runs.push(coverageOf(scenario, statistics));
      if (verdict.kind !== 'violation') return [];
      const replay = `npm run sim -- --seed ${String(seed)} --profile ${profile} --trace`;
      return [`${verdict.rule}, seed ${String(seed)}: ${verdict.message} (${replay})`];
    });
    expect(found).toEqual([]);
  });
});

/** Few seeds, or those of one profile, cannot hit everything. */
const isWhole = wanted === undefined && seeds.length >= 12;

it.runIf(isWhole)('leaves no mark out and no fault, all profiles together (S1)', () => {
  expect(describeGaps(gapsOf(runs))).toEqual([]);
});

it('names marks that were not hit, and faults that were scheduled and did not strike', () => {
  const run: Coverage = { marks: ['leaseRead'], scheduled: ['crash', 'wipe'], struck: ['crash'], crossings: {} };
  const { marks, faults } = gapsOf([run, { ...run, marks: ['followerRead'] }]);
  expect(faults).toEqual(['wipe']);
  expect(marks).not.toContain('leaseRead');
  expect(marks).not.toContain('followerRead');
  expect(marks).toContain('splitVote');
});

it('shows which faults met which steps of moves, and which cells that matter are empty', () => {
  const run: Coverage = { marks: [], scheduled: ['crash'], struck: ['crash', 'hold'], crossings: { 'crash stage': 2 } };
  const focus = focusOf('moves');
  const empty = emptyCells([run, { ...run, crossings: { 'crash stage': 1, 'cut depart': 1 } }], focus);
  expect(empty).toContain('crash depart');
  expect(empty).not.toContain('crash stage');
  expect(empty).not.toContain('cut depart');
  const matrix = describeMatrix([run, run], focus).map((line) => stripVTControlCharacters(line).trim().split(/ +/));
  expect(matrix.find(([fault]) => fault === 'crash')).toEqual(['crash', '·', '·', '4', '·', '·', '·', '·']);
  expect(matrix.find(([fault]) => fault === 'hold')?.length).toBe(8);
});
