/**
 * Keeps a small scenario for each planted bug. One that is stored stays for as long as it brings its bug out and
 * breaks no rule without it; otherwise the bug is hunted again and what finds it is shrunk.
 */
import pc from 'picocolors';
import type { Bug } from '../bugs/bank.ts';
import { readStored, writeStored } from '../bugs/stored.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { hunt, replayWith } from './hunt.ts';
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
  if (known !== null && breachOf(known) === null) {
    const { rule } = await replayWith(bug, known, 0);
    if (rule !== null && bug.oracles.includes(rule)) return stored(bug, known, rule, 'kept');
  }
  const found = await hunt(bug, shrinkRuns);
  const { rule, message, scenario, tries } = found;
  if (rule === null || scenario === null) return failed(bug, `not found in ${String(tries)} seeds`);
  if (!bug.oracles.includes(rule)) return failed(bug, `found by ${rule}: ${message}`);
  const breach = breachOf(scenario);
  if (breach !== null) return failed(bug, `what breaks ${rule} breaks ${breach.rule} without the bug`);
  writeStored(bug, scenario);
  const cost = `seed ${String(tries)}, ${String(found.shrinkRuns)} runs, ${(found.wallMs / 1000).toFixed(1)} s`;
  return stored(bug, scenario, rule, cost);
}

function stored({ name }: Bug, scenario: Scenario, rule: string, how: string): Storing {
  return { isStored: true, line: `${pc.green(rule.padEnd(4))}  ${name}: ${describeSize(scenario)} (${how})` };
}

function failed({ name }: Bug, why: string): Storing {
  return { isStored: false, line: `${pc.red('none')}  ${name}: ${why}` };
}
