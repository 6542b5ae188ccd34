/**
 * What many runs together did not do (S1): marks that none of them hit, and faults that were scheduled and never
 * struck. Such runs pass without testing what they seem to.
 */
import pc from 'picocolors';
import type { FaultKind, Profile, Scenario } from '../scenario/scenario.ts';
import type { Statistics } from '../simulate.ts';
import { type CrossingCounts, type MetStep, stepsOfClusters, stepsOfMoves } from '../truth/crossings.ts';
import { type Mark, markNames, marks } from '../truth/marks.ts';

/** What one run did. */
export interface Coverage {
  readonly marks: readonly Mark[];
  readonly scheduled: readonly FaultKind[];
  readonly struck: readonly FaultKind[];
  /** How often each fault met a move at each of its steps. */
  readonly crossings: CrossingCounts;
}

export interface Gaps {
  readonly marks: readonly Mark[];
  readonly faults: readonly FaultKind[];
}

export function coverageOf(
  { faults }: Scenario,
  statistics: Pick<Statistics, 'marks' | 'faults' | 'crossings'>,
): Coverage {
  const scheduled = [...new Set(faults.map((fault) => fault.do))];
  const struck = scheduled.filter((kind) => statistics.faults[kind] !== undefined);
  const hit = markNames.filter((mark) => statistics.marks[mark] !== undefined);
  return { marks: hit, scheduled, struck, crossings: statistics.crossings };
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

/** Faults that something must have met at each of its steps before it can be said to bear them. */
export interface Focus {
  readonly faults: readonly FaultKind[];
  readonly steps: readonly MetStep[];
}

export function focusOf(profile: Profile): Focus {
  if (profile === 'metadata-down') return { faults: ['quorumDown', 'quorumCut', 'quorumDeaf'], steps: stepsOfMoves };
  if (profile === 'scale-out')
    return { faults: ['crash', 'cut', 'pause', 'slow', 'transfer', 'die'], steps: stepsOfClusters };
  return { faults: ['crash', 'cut', 'pause', 'transfer', 'slow', 'reset'], steps: stepsOfMoves };
}

/** Cells of the matrix that matter and are empty. */
export function emptyCells(runs: readonly Coverage[], { faults, steps }: Focus): readonly string[] {
  const counts = crossingsOf(runs);
  return faults.flatMap((fault) =>
    steps.filter((step) => count(counts, fault, step) === 0).map((step) => `${fault} ${step}`),
  );
}

/** Every fault that struck, and at which steps of what was under way then. */
export function describeMatrix(runs: readonly Coverage[], { faults, steps }: Focus): readonly string[] {
  const counts = crossingsOf(runs);
  const struck = new Set<FaultKind>([...faults, ...runs.flatMap((run) => run.struck)]);
  const widest = Math.max(...[...struck].map((fault) => fault.length));
  const head = `${'fault'.padEnd(widest)}  ${steps.map((step) => step.padStart(columnWidth)).join('')}`;
  const rows = [...struck]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((fault) => {
      const matters = faults.includes(fault);
      const cells = steps.map((step) => {
        const met = count(counts, fault, step);
        const text = (met === 0 ? '·' : String(met)).padStart(columnWidth);
        return met === 0 && matters ? pc.red(text) : text;
      });
      return `${fault.padEnd(widest)}  ${cells.join('')}`;
    });
  return [pc.bold(head), ...rows];
}

const columnWidth = 10;

function crossingsOf(runs: readonly Coverage[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { crossings } of runs)
    for (const [cell, met] of Object.entries(crossings)) counts.set(cell, (counts.get(cell) ?? 0) + met);
  return counts;
}

function count(counts: ReadonlyMap<string, number>, fault: FaultKind, step: MetStep): number {
  return counts.get(`${fault} ${step}`) ?? 0;
}
