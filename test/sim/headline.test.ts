import fc from 'fast-check';
import { expect, it } from 'vitest';
import { simulate } from '../../sim/simulate.ts';
import { drawnScenario } from './drawnScenario.ts';

const runs = 60;
const seed = process.env['FC_SEED'];

it('X1: whatever the schedule of faults, no command executes on a non-leader, and no other rule breaks', () => {
  fc.assert(
    fc.property(drawnScenario, (scenario) => {
      const { verdict } = simulate(scenario);
      expect(verdict.kind === 'violation' ? `${verdict.rule}: ${verdict.message}` : 'no violation').toBe(
        'no violation',
      );
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  );
});
