/**
 * `npm run sim`: one seed, many seeds, a saved scenario, one that is to be smaller, or the planted bugs.
 */
import { unreachable } from '../../core/base/invariant.ts';
import { expand } from '../scenario/expand.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { simulate } from '../simulate.ts';
import { parseRequest, type Request, usage, UsageError } from './arguments.ts';
import { describeGaps, describeMatrix, emptyCells, focusOf, gapsOf } from './coverage.ts';
import { reportBugs, storeBugs } from './bugs.ts';
import { runTwice } from './outcome.ts';
import { describeResult, describeVerdict } from './report.ts';
import { readScenario, saveScenario, saveSmaller } from './saved.ts';
import { shrinkOne } from './shrinking.ts';
import { runSwarm, summarize } from './swarm.ts';

const exitCode = { clean: 0, violation: 1, usage: 2 } as const;

// Who reads it has seen enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

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
      return runOne(readScenario('--replay', request.file), request, null);
    case 'swarm':
      return runMany(request);
    case 'shrink':
      return runShrink(request);
    case 'coverage':
      return showCoverage(request);
    case 'bugs': {
      const isWell = await (request.store ? storeBugs : reportBugs)(request, print);
      return isWell ? exitCode.clean : exitCode.violation;
    }
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
    const which = `--seed ${String(seed)} --profile ${request.profile}`;
    print([
      `seed ${String(seed)}: ${describeVerdict(verdict)}`,
      `  replay: npm run sim -- ${which} --trace`,
      `  shrink: npm run sim -- shrink ${which}`,
    ]);
    if (request.save !== null) print([`  saved as ${saveScenario(request.save, expand(seed, request.profile))}`]);
  });
  const gaps = gapsOf(outcomes.map(({ coverage }) => coverage));
  print([...summarize(outcomes, performance.now() - startedAt), ...describeGaps(gaps)]);
  const isBroken = outcomes.some(({ verdict }) => verdict.kind === 'violation');
  const isThin = request.requireMarks && gaps.marks.length + gaps.faults.length > 0;
  return isBroken || isThin ? exitCode.violation : exitCode.clean;
}

/** What matters and was never met is a failure. */
async function showCoverage(request: Extract<Request, { kind: 'coverage' }>): Promise<number> {
  const startedAt = performance.now();
  const outcomes = await runSwarm(request, ({ seed, verdict }) => {
    print([`seed ${String(seed)}: ${describeVerdict(verdict)}`]);
  });
  const runs = outcomes.map(({ coverage }) => coverage);
  const focus = focusOf(request.profile);
  const empty = emptyCells(runs, focus);
  print([...summarize(outcomes, performance.now() - startedAt), '', ...describeMatrix(runs, focus)]);
  if (empty.length > 0) print(['', `never met: ${empty.join(', ')}`]);
  const isBroken = outcomes.some(({ verdict }) => verdict.kind === 'violation');
  return isBroken || empty.length > 0 ? exitCode.violation : exitCode.clean;
}

/** Says where the smaller scenario is and how to run it. */
function runShrink({ source, runs }: Extract<Request, { kind: 'shrink' }>): number {
  const scenario = 'file' in source ? readScenario('shrink', source.file) : expand(source.seed, source.profile);
  const shrunk = shrinkOne(scenario, runs);
  if (shrunk === null) {
    print([`${scenario.name} breaks no rule: there is nothing to shrink`]);
    return exitCode.clean;
  }
  const file = saveSmaller('file' in source ? source.file : null, shrunk.scenario);
  print([...shrunk.lines, `saved as ${file}`, `  replay: npm run sim -- --replay ${file} --trace`]);
  return exitCode.violation;
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
