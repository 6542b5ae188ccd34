/**
 * Throughput: the same load on Leasehold and, where they are installed, on Redis and etcd, in turns. A ratio is the
 * median of the ratios of the rounds, so that a machine that is slow for a while is slow for both sides of it.
 */
import { expand } from '../../sim/scenario/expand.ts';
import { simulate } from '../../sim/simulate.ts';
import { median } from './figures.ts';
import { atLeast, atMost, type Goal } from './goals.ts';
import type { Measured } from './load.ts';
import type { PartOptions, PartResult } from './part.ts';
import { cpuMicros, endAll } from './processes.ts';
import { table } from './screen.ts';
import { type Case, etcd, leasehold, redis, type System } from './systems.ts';

export interface ThroughputOptions extends PartOptions {
  readonly rounds: number;
  /** Of each case in a round. */
  readonly seconds: number;
}

interface Run extends Measured {
  /** Of all server processes together. */
  readonly cpuMicrosPerOperation: number;
}

interface Row extends Pick<Case, 'system' | 'operation' | 'pipeline'> {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerOperation: number;
  readonly rounds: readonly Run[];
}

const redisPort = 17_500;
const etcdPort = 17_600;
const simulatedSeeds = 12;
/** Of each case. On slow cores V8 takes five seconds to compile the way of a write. */
const warmUpSeconds = 6;
/** CPU time is read around a whole run, whose first part is not counted. */
const runToCounted = 1.25;

const leader = 'leasehold, leader';
const forwarded = 'leasehold, forwarded';
const follower = 'leasehold, follower (READONLY)';
const durableRedis = 'redis, fsync always, WAIT 1';
const plainRedis = 'redis, plain';
const etcdMembers = 'etcd, 3 members';

export async function throughput(options: ThroughputOptions): Promise<PartResult> {
  const rows = await measureAll(options);
  const figures = new Figures(rows);
  const goals = goalsOf(figures);
  const others = lookedAt(figures);
  options.progress('the simulator');
  // Last, in peace, and without having filled the memory of the process that makes the load.
  const simulator = simulatorSpeed();
  const text = [
    tableOf(rows),
    '',
    ...others.map(([name, figure]) => `${name}: ${figure.toFixed(2)}`),
    `simulator: ${Math.round(simulator.perSecond).toLocaleString('en')} events/s over ${String(simulatedSeeds)} mixed seeds, oracles on`,
  ].join('\n');
  return { text, figures: { rows, ratios: Object.fromEntries(others), simulator }, goals };
}

async function measureAll({ rounds, seconds, isQuick, progress }: ThroughputOptions): Promise<readonly Row[]> {
  const systems: System[] = [];
  const warmUp = isQuick ? seconds / 2 : warmUpSeconds;
  try {
    for (const starting of [leasehold(), redis(redisPort), etcd(etcdPort)]) {
      const system = await starting;
      if (system !== null) systems.push(system);
    }
    const cases = systems.flatMap((system) => system.cases);
    const runs = new Map(cases.map((each): [Case, Run[]] => [each, []]));
    // What is compared is measured one right after the other.
    const inTurns = [...cases].sort((a, b) => a.pipeline - b.pipeline || a.operation.localeCompare(b.operation));
    // Round 0 is not counted: page caches and connections settle in it, and V8 compiles what is used much, beside the
    // node on the same cores.
    for (let round = 0; round <= rounds; round += 1) {
      for (const each of inTurns) {
        progress(
          `round ${String(round)}/${String(rounds)}  ${each.system} ${each.operation} ×${String(each.pipeline)}`,
        );
        const run = await runCase(each, round === 0 ? warmUp : seconds);
        if (round > 0) runs.get(each)?.push(run);
      }
    }
    return cases.map((each) => summary(each, runs.get(each) ?? []));
  } finally {
    for (const system of systems) await system.stop();
    await endAll();
  }
}

async function runCase(each: Case, seconds: number): Promise<Run> {
  const before = cpuMicros(each.pids);
  const measured = await each.run(seconds);
  const operations = measured.operations * runToCounted;
  return { ...measured, cpuMicrosPerOperation: (cpuMicros(each.pids) - before) / operations };
}

function summary({ system, operation, pipeline }: Case, rounds: readonly Run[]): Row {
  const of = (pick: (run: Run) => number): number => median(rounds.map(pick));
  return {
    system,
    operation,
    pipeline,
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpuMicrosPerOperation: of(({ cpuMicrosPerOperation }) => cpuMicrosPerOperation),
    rounds,
  };
}

/** What rows say, and what they say of one another; NaN where a system is not here. */
class Figures {
  private readonly rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    this.rows = rows;
  }

  cpu(system: string, operation: string, pipeline: number): number {
    return this.row(system, operation, pipeline)?.cpuMicrosPerOperation ?? Number.NaN;
  }

  ratio(operation: string, pipeline: number, system: string, other: string): number {
    const over = this.row(other, operation, pipeline)?.rounds ?? [];
    const rounds = this.row(system, operation, pipeline)?.rounds ?? [];
    return median(rounds.map(({ perSecond }, round) => perSecond / (over[round]?.perSecond ?? Number.NaN)));
  }

  private row(system: string, operation: string, pipeline: number): Row | undefined {
    return this.rows.find((row) => row.system === system && row.operation === operation && row.pipeline === pipeline);
  }
}

function goalsOf(figures: Figures): readonly Goal[] {
  const ratio = (
    operation: string,
    pipeline: number,
    [system, other]: readonly [string, string],
    goal: number,
  ): Goal => {
    const measured = figures.ratio(operation, pipeline, system, other);
    return atLeast(`${operation}, pipeline ${String(pipeline)}: ${system} to ${other}`, measured, goal, '×');
  };
  const cpu = (pipeline: number, goal: number): Goal => {
    const beside = figures.cpu(plainRedis, 'GET', pipeline).toFixed(1);
    const what = `SET, pipeline ${String(pipeline)}: CPU of three nodes (a GET of plain redis: ${beside})`;
    return atMost(what, figures.cpu(leader, 'SET', pipeline), goal, 'µs');
  };
  return [
    ratio('SET', 1, [leader, etcdMembers], 5),
    ratio('SET', 1, [leader, durableRedis], 1.2),
    ratio('SET', 16, [leader, durableRedis], 1.2),
    ratio('GET', 1, [leader, etcdMembers], 8),
    ratio('GET', 1, [leader, plainRedis], 0.6),
    ratio('GET', 16, [leader, plainRedis], 0.45),
    ratio('SET', 1, [forwarded, leader], 0.8),
    ratio('GET', 1, [forwarded, leader], 0.8),
    ratio('SET', 16, [forwarded, leader], 0.8),
    ratio('GET', 16, [forwarded, leader], 0.8),
    cpu(1, 50),
    cpu(16, 12),
  ];
}

/** Ratios that no goal is set for. */
function lookedAt(figures: Figures): readonly (readonly [string, number])[] {
  const all = [1, 16].flatMap((pipeline): readonly (readonly [string, number])[] => [
    [
      `SET, pipeline ${String(pipeline)}: ${leader} to ${plainRedis}, which keeps nothing`,
      figures.ratio('SET', pipeline, leader, plainRedis),
    ],
    [`GET, pipeline ${String(pipeline)}: ${follower} to ${leader}`, figures.ratio('GET', pipeline, follower, leader)],
  ]);
  return all.filter(([, figure]) => Number.isFinite(figure));
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

function tableOf(rows: readonly Row[]): string {
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
  return table([head, ...cells]);
}
