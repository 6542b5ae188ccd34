/**
 * One run as a process tells it to another.
 */
import { expand } from '../scenario/expand.ts';
import type { Profile, Scenario } from '../scenario/scenario.ts';
import type { Breach } from '../shrink/shrink.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { simulate, type Result, type Verdict } from '../simulate.ts';

export interface Outcome {
  readonly seed: number;
  readonly verdict: Verdict;
  readonly hash: string;
  readonly events: number;
  readonly simulatedUs: number;
  readonly forwards: number;
  readonly staleForwards: number;
  readonly elections: number;
  readonly snapshots: number;
  readonly installed: number;
  readonly commands: number;
  readonly faults: number;
  readonly coverage: Coverage;
  readonly wallMs: number;
}

export function runSeed(seed: number, profile: Profile, check: boolean): Outcome {
  const scenario = expand(seed, profile);
  const startedAt = performance.now();
  const result = check ? runTwice(scenario) : simulate(scenario);
  const { statistics: s, verdict, hash } = result;
  const faults = Object.values(s.faults).reduce((sum, count) => sum + count, 0);
  return {
    seed,
    verdict,
    hash,
    events: s.events,
    simulatedUs: s.simulatedUs,
    forwards: s.forwards,
    staleForwards: s.staleForwards,
    elections: s.elections,
    snapshots: s.snapshots,
    installed: s.installed,
    commands: s.commands,
    faults,
    coverage: coverageOf(scenario, s),
    wallMs: performance.now() - startedAt,
  };
}

/** The second run must be the first again; where they part is a violation of its own. */
export function runTwice(scenario: Scenario): Result {
  const first = simulate(scenario);
  const second = simulate(scenario);
  if (first.hash === second.hash && JSON.stringify(first.verdict) === JSON.stringify(second.verdict)) return first;
  const at = first.checkpoints.findIndex((digest, i) => digest !== second.checkpoints[i]);
  const where = at < 0 ? 'after the last checkpoint' : `before checkpoint ${String(at + 1)}`;
  const message = `two runs of one scenario differ ${where}: ${first.hash} and ${second.hash}`;
  return { ...first, verdict: { kind: 'violation', rule: 'determinism', message, atUs: first.statistics.simulatedUs } };
}

/** Which rule a scenario breaks; null for none. */
export function breachOf(scenario: Scenario): Breach | null {
  const { verdict } = simulate(scenario);
  return verdict.kind === 'violation' ? { rule: verdict.rule, atUs: verdict.atUs } : null;
}
