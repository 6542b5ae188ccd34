/**
 * Keeps a small scenario for each planted bug. One that is stored stays for as long as it brings its bug out, with its
 * noise or another, and breaks no rule without it; otherwise the bug is hunted again and what finds it is shrunk.
 */
import pc from 'picocolors';
import { invariant } from '../../core/base/invariant.ts';
import type { Bug } from '../bugs/bug.ts';
import { readStored, writeStored } from '../bugs/stored.ts';
import { type Hunt, hunt, otherNoises, replayWith } from './hunt.ts';
import { breachOf } from './outcome.ts';
import { describeSize } from './shrinking.ts';

/** Enough for what takes luck; most are as small as they get in half of it. */
const shrinkRuns = 300;

export interface Storing {
  readonly isStored: boolean;
  readonly line: string;
}

export async function store(bug: Bug): Promise<Storing> {
  const known = readStored(bug);
  if (known !== null) {
    const again = await replayWith(bug, known, otherNoises);
    if (problemOf(bug, again) === null)
      return keep(bug, again, again.tries === 1 ? 'kept' : 'kept, with another noise');
  }
  const found = await hunt(bug, shrinkRuns);
  const problem = problemOf(bug, found);
  if (problem !== null) return { isStored: false, line: `${pc.red('none')}  ${bug.name}: ${problem}` };
  const { tries, shrinkRuns: runs, wallMs } = found;
  return keep(bug, found, `seed ${String(tries)}, ${String(runs)} runs, ${(wallMs / 1000).toFixed(1)} s`);
}

/** Why a find is not worth keeping; null if it is. */
function problemOf({ oracles }: Bug, { rule, message, scenario, tries }: Hunt): string | null {
  if (rule === null || scenario === null) return `not found in ${String(tries)} seeds`;
  if (!oracles.includes(rule)) return `found by ${rule}: ${message}`;
  const breach = breachOf(scenario);
  return breach === null ? null : `what breaks ${rule} breaks ${breach.rule} without the bug`;
}

function keep(bug: Bug, { rule, scenario }: Hunt, how: string): Storing {
  invariant(rule !== null && scenario !== null, 'only what was found is kept', { bug: bug.name });
  writeStored(bug, scenario);
  return { isStored: true, line: `${pc.green(rule.padEnd(4))}  ${bug.name}: ${describeSize(scenario)} (${how})` };
}
