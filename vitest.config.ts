import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Long enough for a machine that is busy with something else; no test waits this long for what it expects. */
const patienceMs = 120_000;

/** Tests on real processes come last and one at a time: they would disturb, and be disturbed. */
export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: patienceMs,
    hookTimeout: patienceMs,
    projects: [
      {
        extends: true,
        test: {
          name: 'code',
          include: ['test/**/*.test.ts'],
          exclude: ['test/cluster/**'],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
