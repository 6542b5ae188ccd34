import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { expand } from '../../sim/scenario/expand.ts';
import { profiles } from '../../sim/scenario/scenario.ts';
import { simulate } from '../../sim/simulate.ts';

describe('a scenario', () => {
  it.each(profiles)('is the same for the same seed, and plain JSON (%s)', (profile) => {
    const scenario = expand(5, profile);
    expect(expand(5, profile)).toEqual(scenario);
    expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
    expect(expand(6, profile)).not.toEqual(scenario);
  });

  it.each(profiles)('runs the same twice, traced or not (%s)', (profile) => {
    const scenario = expand(3, profile);
    const first = simulate(scenario);
    const lines: string[] = [];
    expect(simulate(scenario, { trace: (line) => lines.push(line) })).toEqual(first);
    expect(lines.length).toBeGreaterThan(first.statistics.inputs);
  });

  it('runs the same in another process', { timeout: 60_000 }, () => {
    const script = `
      import { expand } from './sim/scenario/expand.ts';
      import { simulate } from './sim/simulate.ts';
      process.stdout.write(simulate(expand(3, 'mixed')).hash);`;
    const out = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    expect(out.toString()).toBe(simulate(expand(3, 'mixed')).hash);
  });

  it('runs otherwise with other noise', () => {
    const scenario = expand(3, 'mixed');
    expect(simulate({ ...scenario, noise: scenario.noise + 1 }).hash).not.toBe(simulate(scenario).hash);
  });
});
