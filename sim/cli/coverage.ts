/**
 * What many runs together did not do (S1): marks that none of them hit, and faults that were scheduled and never
 * struck. Such runs pass without testing what they seem to.
 */
import pc from 'picocolors';
import type { FaultKind, Scenario } from '../scenario/scenario.ts';
import type { Statistics } from '../simulate.ts';
import { type Mark, markNames, marks } from '../truth/marks.ts';

/** What one run did. */
export interface Coverage {
  readonly marks: readonly Mark[];
  readonly scheduled: readonly FaultKind[];
  readonly struck: readonly FaultKind[];
}

export interface Gaps {
  readonly marks: readonly Mark[];
  readonly faults: readonly FaultKind[];
}

export function coverageOf({ faults }: Scenario, statistics: Pick<Statistics, 'marks' | 'faults'>): Coverage {
  const scheduled = [...new Set(faults.map((fault) => fault.do))];
  const struck = scheduled.filter((kind) => statistics.faults[kind] !== undefined);
  return { marks: markNames.filter((mark) => statistics.marks[mark] !== undefined), scheduled, struck };
}

export function gapsOf(runs: readonly Coverage[]): Gaps {
  const hit = new Set(runs.flatMap((run) => run.marks));
  const struck = new Set(runs.flatMap((run) => run.struck));
  const scheduled = new Set(runs.flatMap((run) => run.scheduled));
  return {
    marks: markNames.filter((mark) => !hit.has(mark)),
    faults: [...scheduled].filter((kind) => !struck.has(kind)),
  };
}

export function describeGaps(gaps: Gaps): readonly string[] {
  return [
    ...gaps.marks.map((mark) => pc.yellow(`never happened: ${marks[mark]} (${mark})`)),
    ...gaps.faults.map((kind) => pc.yellow(`never struck: ${kind}`)),
  ];
}
