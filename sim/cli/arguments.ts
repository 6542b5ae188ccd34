/**
 * The command line of the simulator: what is asked for, or which flag is wrong.
 */
import { parseArgs } from 'node:util';
import { type Profile, profiles } from '../scenario/scenario.ts';

export type Request =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'seed';
      readonly seed: number;
      readonly profile: Profile;
      readonly trace: boolean;
      readonly check: boolean;
      readonly save: string | null;
    }
  | {
      readonly kind: 'swarm';
      readonly from: number;
      readonly to: number;
      readonly jobs: number;
      readonly profile: Profile;
      readonly check: boolean;
      /** Marks that no run hits, and faults that never strike, are a failure. */
      readonly requireMarks: boolean;
      readonly save: string | null;
    }
  | { readonly kind: 'replay'; readonly file: string; readonly trace: boolean; readonly check: boolean }
  | {
      readonly kind: 'shrink';
      readonly source: { readonly file: string } | { readonly seed: number; readonly profile: Profile };
      readonly runs: number;
    }
  | {
      readonly kind: 'coverage';
      readonly from: number;
      readonly to: number;
      readonly jobs: number;
      readonly profile: Profile;
      readonly check: boolean;
    }
  | { readonly kind: 'bugs'; readonly jobs: number; readonly only: string | null; readonly store: boolean };

/** The operator asked for something there is not. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `Usage:
  npm run sim -- --seed 42 [--profile P] [--trace] [--check] [--save DIR]
  npm run sim -- --seeds 1..500 [--jobs 2] [--profile P] [--check] [--save DIR]
                 [--require-marks]
  npm run sim -- --replay FILE [--trace] [--check]
  npm run sim -- shrink FILE [--runs 500]
  npm run sim -- shrink --seed 42 [--profile P] [--runs 500]
  npm run sim -- bugs [NAME] [--store] [--jobs 2]
  npm run sim -- coverage [--seeds 1..400] [--jobs 2] [--profile moves]

  --seed N        runs one scenario and prints its verdict, statistics and hash
  --seeds A..B    runs many
  --jobs N        in that many processes
  --profile P     ${profiles.join(' | ')} (default: mixed)
  --replay FILE   runs a scenario that was saved
  --trace         prints a line per event
  --check         runs everything twice: verdict and hash must agree
  --save DIR      saves the scenarios that fail
  --require-marks what never happened in all the runs, or never struck, is a failure
  shrink          makes a scenario that breaks a rule as small as it gets, and saves it
  --runs N        runs no more scenarios than that to find out
  bugs            plants each known bug in turn and shows which oracle finds it
  coverage        runs many and shows which faults met moves of tenants at which step
  --store         keeps a small scenario for each in which it is found

Exit status: 0 clean, 1 a rule was broken or marks are missing, 2 wrong usage.`;

export function parseRequest(words: readonly string[]): Request {
  const { values, positionals } = parse(words);
  if (values.help === true) return { kind: 'help' };
  const profile = profileOf(values.profile ?? 'mixed');
  const trace = values.trace ?? false;
  const check = values.check ?? false;
  const save = values.save ?? null;
  const requireMarks = values['require-marks'] ?? false;
  const jobs = integerOf('--jobs', values.jobs ?? '2', 1);
  const [command, operand] = positionals;
  if (command === 'coverage')
    return {
      kind: 'coverage',
      ...rangeOf(values.seeds ?? '1..400'),
      jobs,
      profile: profileOf(values.profile ?? 'moves'),
      check,
    };
  if (command === 'bugs') return { kind: 'bugs', jobs, only: operand ?? null, store: values.store ?? false };
  if (command === 'shrink') {
    const runs = integerOf('--runs', values.runs ?? '500', 1);
    if (operand !== undefined) return { kind: 'shrink', source: { file: operand }, runs };
    if (values.seed === undefined) throw new UsageError('shrink needs a file, or a --seed');
    return { kind: 'shrink', source: { seed: integerOf('--seed', values.seed, 0), profile }, runs };
  }
  if (command !== undefined)
    throw new UsageError(`'${command}' is no command: there are 'shrink', 'bugs' and 'coverage'`);
  if (values.replay !== undefined) return { kind: 'replay', file: values.replay, trace, check };
  if (values.seeds !== undefined) {
    if (trace) throw new UsageError('--trace goes with --seed or --replay, not with --seeds');
    return { kind: 'swarm', ...rangeOf(values.seeds), jobs, profile, check, requireMarks, save };
  }
  if (requireMarks) throw new UsageError('--require-marks goes with --seeds: one run cannot hit them all');
  if (values.seed === undefined)
    throw new UsageError('one of --seed, --seeds, --replay, shrink, bugs or coverage is needed');
  return { kind: 'seed', seed: integerOf('--seed', values.seed, 0), profile, trace, check, save };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        jobs: { type: 'string' },
        profile: { type: 'string' },
        replay: { type: 'string' },
        save: { type: 'string' },
        runs: { type: 'string' },
        store: { type: 'boolean' },
        trace: { type: 'boolean' },
        check: { type: 'boolean' },
        'require-marks': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function profileOf(text: string): Profile {
  const found = profiles.find((profile) => profile === text);
  if (found === undefined) throw new UsageError(`--profile is one of ${profiles.join(', ')}, not '${text}'`);
  return found;
}

function integerOf(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`${flag} takes an integer from ${String(least)} on, not '${text}'`);
  }
  return value;
}

function rangeOf(text: string): { readonly from: number; readonly to: number } {
  const [first = '', last, ...rest] = text.split('..');
  if (last === undefined || rest.length > 0)
    throw new UsageError(`--seeds takes a range such as 1..500, not '${text}'`);
  const from = integerOf('--seeds', first, 0);
  const to = integerOf('--seeds', last, 0);
  if (to < from) throw new UsageError(`--seeds takes a range that grows, not '${text}'`);
  return { from, to };
}
