/**
 * The process that has a bug: runs what it is told to until an oracle objects, and prints what it found.
 */
import { expand } from '../scenario/expand.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { shrink } from '../shrink/shrink.ts';
import { simulate } from '../simulate.ts';
import type { Find, Task } from './hunt.ts';
import { breachOf } from './outcome.ts';

process.stdout.write(JSON.stringify(perform(JSON.parse(process.argv[2] ?? '') as Task)));

function perform(task: Task): Find {
  switch (task.kind) {
    case 'hunt':
      return search(task.seeds, (n) => expand(task.from + n, task.profile), task.shrinkRuns);
    case 'replay': {
      const { scenario } = task;
      return search(1 + task.noises, (n) => ({ ...scenario, noise: scenario.noise + n }), 0);
    }
  }
}

/** `scenarioOf`: the n-th to be tried, from 0 on. */
function search(count: number, scenarioOf: (n: number) => Scenario, shrinkRuns: number): Find {
  for (let n = 0; n < count; n += 1) {
    const scenario = scenarioOf(n);
    const { verdict } = simulate(scenario);
    if (verdict.kind !== 'violation') continue;
    const { rule, message } = verdict;
    const small = shrinkRuns === 0 ? null : shrink(scenario, { runs: breachOf, mostRuns: shrinkRuns });
    return { rule, message, tries: n + 1, scenario: small?.scenario ?? scenario, shrinkRuns: small?.runs ?? 0 };
  }
  return { rule: null, message: '', tries: count, scenario: null, shrinkRuns: 0 };
}
