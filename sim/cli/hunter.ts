/**
 * The process that has a bug: runs what it is told to until an oracle objects, and prints what it found.
 */
import { expand } from '../scenario/expand.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Breach, shrink } from '../shrink/shrink.ts';
import { simulate } from '../simulate.ts';
import type { Find, Task } from './hunt.ts';
import { breachOf } from './outcome.ts';

/** One in so many runs of a scenario that is kept should find the bug. */
const sturdyNoises = 5;

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
    const found = { rule, message, tries: n + 1 };
    if (shrinkRuns === 0) return { ...found, scenario, shrinkRuns };
    const runs = sturdyBreachOf(scenario) === null ? breachOf : sturdyBreachOf;
    const small = shrink(scenario, { runs, mostRuns: shrinkRuns });
    return { ...found, scenario: small?.scenario ?? scenario, shrinkRuns: small?.runs ?? 0 };
  }
  return { rule: null, message: '', tries: count, scenario: null, shrinkRuns: 0 };
}

/** Broken with the noise there is and with another, so that it will be when a change of the code draws other numbers. */
function sturdyBreachOf(scenario: Scenario): Breach | null {
  const breach = breachOf(scenario);
  if (breach === null) return null;
  const others = Array.from({ length: sturdyNoises }, (_, i) => ({ ...scenario, noise: scenario.noise + 1 + i }));
  return others.some((other) => breachOf(other)?.rule === breach.rule) ? breach : null;
}
