/**
 * The table of the planted bugs: which oracle found each, and how many seeds that took; or which scenario is kept for
 * each.
 */
import pc from 'picocolors';
import { bugs } from '../bugs/bank.ts';
import type { Bug } from '../bugs/bug.ts';
import { readStored } from '../bugs/stored.ts';
import { type Hunt, hunt, otherNoises, replayWith } from './hunt.ts';
import { UsageError } from './arguments.ts';
import { store } from './store.ts';

export interface BugsRequest {
  readonly jobs: number;
  /** A part of the names of those that are meant; null for all. */
  readonly only: string | null;
}

type Print = (lines: readonly string[]) => void;

/** Hunts the bugs. Returns whether each was found by its oracle. */
export async function reportBugs(request: BugsRequest, print: Print): Promise<boolean> {
  print([`${'seeds'.padStart(9)}  ${'time'.padStart(7)}  oracle  bug`]);
  return forEachBug(request, 'found by their oracle', print, async (bug) => {
    const kept = bug.seeds === 0 ? readStored(bug) : null;
    const found = kept === null ? await hunt(bug) : await replayWith(bug, kept, otherNoises);
    const isRight = found.rule !== null && bug.oracles.includes(found.rule);
    print([describe(found, isRight, bug.seeds)]);
    return isRight;
  });
}

/** Keeps a scenario for each of the bugs. Returns whether there is one for each. */
export async function storeBugs(request: BugsRequest, print: Print): Promise<boolean> {
  return forEachBug(request, 'have their scenario', print, async (bug) => {
    const { isStored, line } = await store(bug);
    print([line]);
    return isStored;
  });
}

/** Several at a time. Returns whether all were well. */
async function forEachBug(
  { jobs, only }: BugsRequest,
  good: string,
  print: Print,
  isWell: (bug: Bug) => Promise<boolean>,
): Promise<boolean> {
  const chosen = bugs.filter(({ name }) => only === null || name.includes(only));
  if (chosen.length === 0) throw new UsageError(`no planted bug has '${only ?? ''}' in its name`);
  let next = 0;
  let well = 0;
  const work = async (): Promise<void> => {
    for (let bug = chosen[next]; bug !== undefined; bug = chosen[next]) {
      next += 1;
      if (await isWell(bug)) well += 1;
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const isAll = well === chosen.length;
  print([(isAll ? pc.green : pc.red)(`${String(well)} of ${String(chosen.length)} ${good}`)]);
  return isAll;
}

function describe({ bug, rule, message, tries, wallMs }: Hunt, isRight: boolean, allowed: number): string {
  const verdict = rule === null ? pc.red('none') : isRight ? pc.green(rule) : pc.red(rule);
  const padding = ' '.repeat(Math.max(0, 6 - (rule ?? 'none').length));
  const time = `${(wallMs / 1000).toFixed(1)} s`;
  return `${`${String(tries)} of ${String(allowed)}`.padStart(9)}  ${time.padStart(7)}  ${verdict}${padding}  ${bug}${isRight ? '' : `\n    ${message}`}`;
}
