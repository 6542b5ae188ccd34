/**
 * Shrinks a scenario while somebody watches: on a terminal a line says how small it is already.
 */
import type { Scenario } from '../scenario/scenario.ts';
import { shrink } from '../shrink/shrink.ts';
import { breachOf } from './outcome.ts';

/** Null if the scenario breaks no rule. */
export function shrinkOne(
  scenario: Scenario,
  mostRuns: number,
): { readonly scenario: Scenario; readonly lines: readonly string[] } | null {
  const isWatched = process.stderr.isTTY;
  const shrunk = shrink(scenario, {
    runs: breachOf,
    mostRuns,
    onRun: (runs, smallest) => {
      if (isWatched) process.stderr.write(`\r\u001b[K${String(runs)} runs: ${describeSize(smallest)}`);
    },
  });
  if (isWatched) process.stderr.write('\r\u001b[K');
  if (shrunk === null) return null;
  const lines = [
    `breaks     ${shrunk.rule}, with ${String(shrunk.runs)} runs to shrink it`,
    `before     ${describeSize(scenario)}`,
    `after      ${describeSize(shrunk.scenario)}`,
  ];
  return { scenario: shrunk.scenario, lines };
}

export function describeSize({ nodes, groups, faults, faultyMs, workload }: Scenario): string {
  const { clients } = workload;
  return `${counted(faults.length, 'fault')} in ${String(faultyMs)} ms, ${counted(nodes, 'node')}, ${counted(groups.length, 'group')}, ${counted(clients, 'client')}`;
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
