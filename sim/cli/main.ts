/**
 * `npm run sim`: one seed, many seeds, a saved scenario, or the planted bugs.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unreachable } from '../../core/base/invariant.ts';
import { expand } from '../scenario/expand.ts';
import { parseScenario } from '../scenario/parse.ts';
import type { Profile, Scenario } from '../scenario/scenario.ts';
import { simulate } from '../simulate.ts';
import { parseRequest, type Request, usage, UsageError } from './arguments.ts';
import { describeGaps, gapsOf } from './coverage.ts';
import { reportBugs } from './bugs.ts';
import { runTwice } from './outcome.ts';
import { describeResult, describeVerdict } from './report.ts';
import { runSwarm, summarize } from './swarm.ts';

const exitCode = { clean: 0, violation: 1, usage: 2 } as const;

try {
  process.exitCode = await run(parseRequest(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}\n`);
  process.exitCode = exitCode.usage;
}

async function run(request: Request): Promise<number> {
  switch (request.kind) {
    case 'help':
      print([usage]);
      return exitCode.clean;
    case 'seed':
      return runOne(expand(request.seed, request.profile), request, request.save);
    case 'replay':
      return runOne(readScenario(request.file), request, null);
    case 'swarm':
      return runMany(request);
    case 'bugs':
      return (await reportBugs(request.jobs, request.only, print)) ? exitCode.clean : exitCode.violation;
    default:
      return unreachable(request);
  }
}

function runOne(
  scenario: Scenario,
  { trace, check }: { readonly trace: boolean; readonly check: boolean },
  save: string | null,
): number {
  const startedAt = performance.now();
  const result = trace
    ? simulate(scenario, { trace: (line) => process.stdout.write(`${line}\n`) })
    : check
      ? runTwice(scenario)
      : simulate(scenario);
  print([`scenario   ${scenario.name}`, ...describeResult(result, performance.now() - startedAt)]);
  if (result.verdict.kind !== 'violation') return exitCode.clean;
  if (save !== null) print([`saved as ${saveScenario(save, scenario)}`]);
  return exitCode.violation;
}

async function runMany(request: Extract<Request, { kind: 'swarm' }>): Promise<number> {
  const startedAt = performance.now();
  const outcomes = await runSwarm(request, ({ seed, verdict }) => {
    print([`seed ${String(seed)}: ${describeVerdict(verdict)}`, `  replay: ${replayCommand(seed, request.profile)}`]);
    if (request.save !== null) print([`  saved as ${saveScenario(request.save, expand(seed, request.profile))}`]);
  });
  const gaps = gapsOf(outcomes.map(({ coverage }) => coverage));
  print([...summarize(outcomes, performance.now() - startedAt), ...describeGaps(gaps)]);
  const isBroken = outcomes.some(({ verdict }) => verdict.kind === 'violation');
  const isThin = request.requireMarks && gaps.marks.length + gaps.faults.length > 0;
  return isBroken || isThin ? exitCode.violation : exitCode.clean;
}

function replayCommand(seed: number, profile: Profile): string {
  return `npm run sim -- --seed ${String(seed)} --profile ${profile} --trace`;
}

function readScenario(file: string): Scenario {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`--replay: there is no file '${file}' that can be read`);
  }
  const scenario = parseScenario(text);
  if (typeof scenario === 'string') throw new UsageError(`--replay: '${file}' is no scenario: ${scenario}`);
  return scenario;
}

function saveScenario(directory: string, scenario: Scenario): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${scenario.name.replaceAll(' ', '-')}.scenario.json`);
  writeFileSync(file, `${JSON.stringify(scenario, null, 2)}\n`);
  return file;
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
