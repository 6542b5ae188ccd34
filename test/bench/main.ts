/**
 * `npm run bench`: what Leasehold does under load, at rest, when a node dies, while a state is saved, with many tenants,
 * while one of them moves, while a large cluster is planned for and beside a flooding tenant, beside the goals that are set for it. Prints tables
 * and writes JSON. docs/benchmarks.md says how to read them.
 *
 *   npm run bench -- [throughput|idle|failover|snapshot|maps|moves|placement|isolation]... [--quick] [--rounds 3] [--seconds 2]
 *     [--out FILE]
 *
 * Exit code 0: it ran, whatever the figures are. 2: usage.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { failover } from './failover.ts';
import { type Goal, verdict } from './goals.ts';
import { idle } from './idle.ts';
import { isolation } from './isolation.ts';
import { maps } from './maps.ts';
import { moves } from './moves.ts';
import type { Part, PartResult } from './part.ts';
import { placement } from './placement.ts';
import { clearProgress, digits, showProgress, table } from './screen.ts';
import { snapshot } from './snapshot.ts';
import { throughput } from './throughput.ts';

const partNames = ['throughput', 'idle', 'failover', 'snapshot', 'maps', 'moves', 'placement', 'isolation'] as const;
type PartName = (typeof partNames)[number];

const usage = `usage: npm run bench -- [${partNames.join('|')}]... [--quick] [--rounds 3] [--seconds 2] [--out FILE]\n`;

interface Options {
  readonly parts: readonly PartName[];
  readonly isQuick: boolean;
  /** Of the throughput part. */
  readonly rounds: number;
  readonly seconds: number;
  readonly out: string;
}

function readOptions(): Options | null {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        out: { type: 'string', default: 'bench-results/latest.json' },
      },
    });
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
    const seconds = Number(values.seconds ?? (values.quick ? 0.5 : 2));
    const isKnown = positionals.every((name) => partNames.some((known) => known === name));
    if (!isKnown || !Number.isInteger(rounds) || rounds < 1 || !(seconds > 0)) return null;
    const parts = partNames.filter((name) => positionals.length === 0 || positionals.includes(name));
    return { parts, isQuick: values.quick, rounds, seconds, out: values.out };
  } catch {
    return null;
  }
}

function partsOf({ rounds, seconds }: Options): Readonly<Record<PartName, Part>> {
  return {
    throughput: async (options) => throughput({ ...options, rounds, seconds }),
    idle,
    failover,
    snapshot,
    maps,
    moves,
    placement,
    isolation,
  };
}

function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => [
    goal.what,
    goal.measured === null ? '-' : `${digits(goal.measured)} ${goal.unit}`.trim(),
    `${goal.relation} ${digits(goal.goal)} ${goal.unit}`.trim(),
    verdict(goal),
  ]);
  return table([['', 'measured', 'goal', ''], ...rows]);
}

async function main(options: Options): Promise<void> {
  const { isQuick, rounds, seconds, out } = options;
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? '', node: process.version };
  process.stdout.write(
    `${String(machine.cores)} cores shared by servers and load, ${machine.cpu}, node ${machine.node}; throughput in ${String(rounds)} rounds of ${String(seconds)} s\n`,
  );
  const run = partsOf(options);
  const results: Partial<Record<PartName, Omit<PartResult, 'text'>>> = {};
  for (const name of options.parts) {
    const progress = (text: string): void => showProgress(`${name}: ${text}`);
    const { text, goals, figures } = await run[name]({ isQuick, progress });
    clearProgress();
    process.stdout.write(`\n${name}\n\n${text}\n\n${goalTable(goals)}\n`);
    results[name] = { goals, figures };
  }
  mkdirSync(dirname(out), { recursive: true });
  const measuredAt = new Date().toISOString();
  writeFileSync(out, `${JSON.stringify({ measuredAt, machine, isQuick, rounds, seconds, ...results }, null, 2)}\n`);
}

const options = readOptions();
if (options === null) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  await main(options);
  process.exit(0);
}
