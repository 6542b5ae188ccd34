/**
 * The table of the planted bugs: which oracle found each, and how many seeds that took.
 */
import pc from 'picocolors';
import { bugs } from '../bugs/bank.ts';
import { type Hunt, hunt } from './hunt.ts';
import { UsageError } from './arguments.ts';

/** Hunts all bugs, or those whose name contains `only`. Returns whether each was found by its oracle. */
export async function reportBugs(
  jobs: number,
  only: string | null,
  print: (lines: readonly string[]) => void,
): Promise<boolean> {
  const chosen = bugs.filter(({ name }) => only === null || name.includes(only));
  if (chosen.length === 0) throw new UsageError(`no planted bug has '${only ?? ''}' in its name`);
  let next = 0;
  let missed = 0;
  const work = async (): Promise<void> => {
    for (let bug = chosen[next]; bug !== undefined; bug = chosen[next]) {
      next += 1;
      const found = await hunt(bug);
      const isRight = found.rule !== null && bug.oracles.includes(found.rule);
      if (!isRight) missed += 1;
      print([describe(found, isRight, bug.seeds)]);
    }
  };
  print([`${'seeds'.padStart(9)}  ${'time'.padStart(7)}  oracle  bug`]);
  await Promise.all(Array.from({ length: jobs }, work));
  print([
    missed === 0
      ? pc.green(`all ${String(chosen.length)} found`)
      : pc.red(`${String(missed)} of ${String(chosen.length)} not found by their oracle`),
  ]);
  return missed === 0;
}

function describe({ bug, rule, message, seeds, wallMs }: Hunt, isRight: boolean, allowed: number): string {
  const verdict = rule === null ? pc.red('none') : isRight ? pc.green(rule) : pc.red(rule);
  const padding = ' '.repeat(Math.max(0, 6 - (rule ?? 'none').length));
  const time = `${(wallMs / 1000).toFixed(1)} s`;
  return `${`${String(seeds)} of ${String(allowed)}`.padStart(9)}  ${time.padStart(7)}  ${verdict}${padding}  ${bug}${isRight ? '' : `\n    ${message}`}`;
}
