/**
 * `npm run bench`: the same load on Leasehold and, where they are installed, on Redis and etcd, in turns, in one
 * run. Prints a table and writes JSON. Quote ratios: the machine sets the numbers.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { expand } from '../../sim/scenario/expand.ts';
import { simulate } from '../../sim/simulate.ts';
import type { Measured } from './load.ts';
import { cpuMicros, endAll } from './processes.ts';
import { type Case, etcd, leasehold, redis, type System } from './systems.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string', default: 'bench-results/latest.json' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const redisPort = 17_500;
const etcdPort = 17_600;
const simulatedSeeds = 12;

interface Row {
  readonly system: string;
  readonly operation: string;
  readonly pipeline: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all server processes together. */
  readonly cpuMicrosPerOperation: number;
}

async function runCase(each: Case): Promise<Measured & { readonly cpuMicrosPerOperation: number }> {
  const before = cpuMicros(each.pids);
  const measured = await each.run(seconds);
  // The warm-up is in the CPU time and not in the count: it is a fixed share of both.
  const whole = measured.operations * 1.25;
  return { ...measured, cpuMicrosPerOperation: (cpuMicros(each.pids) - before) / whole };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function summary(each: Case, runs: readonly Awaited<ReturnType<typeof runCase>>[]): Row {
  const { system, operation, pipeline } = each;
  const of = (pick: (run: Awaited<ReturnType<typeof runCase>>) => number): number => median(runs.map(pick));
  return {
    system,
    operation,
    pipeline,
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpuMicrosPerOperation: of(({ cpuMicrosPerOperation }) => cpuMicrosPerOperation),
  };
}

/** Of a process that has warmed up, as one that runs a swarm soon has. */
function simulatorSpeed(): { readonly events: number; readonly perSecond: number } {
  let events = 0;
  let startedAt = 0;
  for (let seed = 1 - simulatedSeeds; seed <= simulatedSeeds; seed += 1) {
    if (seed === 1) startedAt = performance.now();
    const { statistics } = simulate(expand(Math.abs(seed), 'mixed'));
    if (seed >= 1) events += statistics.events;
  }
  return { events, perSecond: (events / (performance.now() - startedAt)) * 1000 };
}

function table(rows: readonly Row[]): string {
  const head = ['system', 'op', 'pipeline', 'ops/s', 'p50 ms', 'p99 ms', 'server CPU µs/op'];
  const cells = rows.map((row) => [
    row.system,
    row.operation,
    String(row.pipeline),
    Math.round(row.perSecond).toLocaleString('en'),
    row.p50Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    row.cpuMicrosPerOperation.toFixed(1),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  return [head, ...cells]
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}

/** What the figures say of one another: the part worth quoting. */
function ratios(rows: readonly Row[]): readonly (readonly [string, number])[] {
  const rate = (system: string, operation: string, pipeline: number): number =>
    rows.find((row) => row.system === system && row.operation === operation && row.pipeline === pipeline)?.perSecond ??
    Number.NaN;
  const all: (readonly [string, number])[] = [];
  for (const pipeline of [1, 16]) {
    const p = `pipeline ${String(pipeline)}`;
    all.push([
      `SET, leasehold to redis with WAIT 1, ${p}`,
      rate('leasehold, leader', 'SET', pipeline) / rate('redis, fsync always, WAIT 1', 'SET', pipeline),
    ]);
    all.push([
      `GET, leasehold to plain redis, ${p}`,
      rate('leasehold, leader', 'GET', pipeline) / rate('redis, plain', 'GET', pipeline),
    ]);
    for (const operation of ['SET', 'GET']) {
      all.push([
        `${operation}, forwarded to leader's own, ${p}`,
        rate('leasehold, forwarded', operation, pipeline) / rate('leasehold, leader', operation, pipeline),
      ]);
    }
  }
  for (const operation of ['SET', 'GET']) {
    all.push([
      `${operation}, leasehold to etcd, pipeline 1`,
      rate('leasehold, leader', operation, 1) / rate('etcd, 3 members', operation, 1),
    ]);
  }
  return all.filter(([, ratio]) => Number.isFinite(ratio));
}

async function main(): Promise<void> {
  process.stdout.write(
    `${String(rounds)} rounds of ${String(seconds)} s each after one that is not counted, ${String(cpus().length)} cores, node ${process.version}\n`,
  );
  const systems: System[] = [];
  try {
    for (const starting of [leasehold(), redis(redisPort), etcd(etcdPort)]) {
      const system = await starting;
      if (system !== null) systems.push(system);
    }
    const cases = systems.flatMap((system) => system.cases);
    const runs = cases.map((): Awaited<ReturnType<typeof runCase>>[] => []);
    // Round 0 is not counted: compilers at run time, page caches and connections settle in it.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [i, each] of cases.entries()) {
        process.stderr.write(
          `\rround ${String(round)}/${String(rounds)}  ${each.system} ${each.operation} ×${String(each.pipeline)}`.padEnd(
            78,
          ),
        );
        const measured = await runCase(each);
        if (round > 0) runs[i]?.push(measured);
      }
    }
    process.stderr.write('\r'.padEnd(79) + '\r');
    const rows = cases.map((each, i) => summary(each, runs[i] ?? []));
    const quoted = ratios(rows);
    process.stdout.write(
      `${table(rows)}\n\n${quoted.map(([name, ratio]) => `${name}: ${ratio.toFixed(2)}`).join('\n')}\n`,
    );
    for (const system of systems.splice(0)) await system.stop();
    await endAll();
    // Last, in peace, and without having filled the memory of the process that makes the load.
    const simulator = simulatorSpeed();
    process.stdout.write(
      `simulator: ${Math.round(simulator.perSecond).toLocaleString('en')} events/s over ${String(simulatedSeeds)} mixed seeds, oracles on\n`,
    );
    mkdirSync(new URL('../../bench-results/', import.meta.url), { recursive: true });
    writeFileSync(
      values.out,
      `${JSON.stringify({ rounds, seconds, simulator, rows, ratios: Object.fromEntries(quoted) }, null, 2)}\n`,
    );
  } finally {
    for (const system of systems) await system.stop();
    await endAll();
  }
}

await main();
process.exit(0);
