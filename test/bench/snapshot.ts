/**
 * A large state is saved while its group is used: what other commands of that group notice, for how long the node of its
 * leader works on one thing, and for how long it answers nobody, which on a busy machine is something else.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import seedrandom from 'seedrandom';
import { askPort, fieldsOf, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';
import { Caller, type Heard } from './caller.ts';
import { atMost } from './goals.ts';
import { type LongestTurn, longestTurn, watching } from './longTurns.ts';
import type { PartOptions, PartResult } from './part.ts';
import { residentBytes } from './processes.ts';
import { digits, table } from './screen.ts';

const mib = 1024 * 1024;
const tenant = 'large';
/** Values of 1 to 10 KiB. */
const leastValueBytes = 1024;
const mostValueBytes = 10 * 1024;
const keysPerCommand = 32;
const fillers = 4;
const callersEach = 4;
/** So that the machine has time left: what is looked for is waiting, not what fits. */
const callerPauseMs = 4;
const pingPauseMs = 1;
const savedWithinMs = 240_000;
/** A replica that has not begun another save by then will not. */
const quietMs = 500;
/** Until what was seen is written. */
const watchMs = 1000;

export async function snapshot({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const stateBytes = (isQuick ? 64 : 1024) * mib;
  const aloneMs = isQuick ? 2000 : 10_000;
  const watched = mkdtempSync(join(tmpdir(), 'loops-'));
  const cluster = await startCluster({ isBuilt: true, environment: watching(watched) });
  try {
    const [first = 0] = cluster.ports;
    await askPort(first, 'TENANT', 'CREATE', tenant);
    const { group, leader } = await placeOf(first, tenant);
    const port = cluster.ports[leader - 1] ?? 0;
    const keys = await fill(port, stateBytes, progress);
    progress('saves that the filling has begun come to an end');
    await untilQuiet(cluster, group);
    const random = seedrandom('snapshot');
    const key = (): string => `{${tenant}}${String(Math.floor(random() * keys))}`;
    const start = async (pauseMs: number, next: () => readonly string[]): Promise<Caller> =>
      Caller.start(port, pauseMs, next);
    const others = await Promise.all(
      Array.from({ length: callersEach }, () => [
        start(callerPauseMs, () => ['SET', key(), valueOf(random)]),
        start(callerPauseMs, () => ['GET', key()]),
      ]).flat(),
    );
    const pinging = await start(pingPauseMs, () => ['PING']);
    progress('commands without a save');
    const pid = cluster.pidOf(leader);
    const aloneAt = performance.now();
    await pause(aloneMs);
    const residentBefore = residentBytes(pid);
    const savedAt = performance.now();
    const highest = await save(port, group, pid, progress);
    const doneAt = performance.now();
    for (const caller of [...others, pinging]) caller.stop();
    await pause(watchMs);
    const { timeOrigin } = performance;
    const turns = (node: number, from: number, to: number): LongestTurn =>
      longestTurn(watched, cluster.pidOf(node), timeOrigin + from, timeOrigin + to);
    const nodes = cluster.ports.map((_, at) => at + 1);
    return resultOf({
      stateBytes,
      keys,
      tookMs: doneAt - savedAt,
      alone: Caller.heard(others, aloneAt, savedAt),
      during: Caller.heard(others, savedAt, doneAt),
      pingsAlone: Caller.heard([pinging], aloneAt, savedAt),
      pingsDuring: Caller.heard([pinging], savedAt, doneAt),
      turnsAlone: turns(leader, aloneAt, savedAt),
      turnsDuring: turns(leader, savedAt, doneAt),
      turnsOfOthers: nodes.filter((node) => node !== leader).map((node) => turns(node, savedAt, doneAt)),
      leaderResidentBytes: { before: residentBefore, highest },
    });
  } finally {
    await cluster.stop();
    rmSync(watched, { recursive: true, force: true });
  }
}

const bytes = 'x'.repeat(mostValueBytes);

function valueOf(random: () => number): string {
  return bytes.slice(0, leastValueBytes + Math.floor(random() * (mostValueBytes - leastValueBytes)));
}

/** Returns how many keys there are: their names count up. */
async function fill(port: number, stateBytes: number, progress: PartOptions['progress']): Promise<number> {
  const random = seedrandom('fill');
  let keys = 0;
  let filled = 0;
  await Promise.all(
    Array.from({ length: fillers }, async () => {
      const redis = new Redis({ port, host: '127.0.0.1' });
      while (filled < stateBytes) {
        const pairs: string[] = [];
        for (let i = 0; i < keysPerCommand; i += 1) {
          const value = valueOf(random);
          pairs.push(`{${tenant}}${String(keys)}`, value);
          keys += 1;
          filled += value.length;
        }
        await redis.mset(...pairs);
        progress(`filled to ${String(Math.min(100, Math.floor((filled / stateBytes) * 10) * 10))} %`);
      }
      redis.disconnect();
    }),
  );
  return keys;
}

interface Replica {
  readonly activity: string;
  readonly snapshotIndex: number;
}

async function replicaOn(port: number, group: number): Promise<Replica> {
  const fields = fieldsOf(await askPort(port, 'GROUP', 'INFO', String(group)));
  return { activity: String(fields.get('snapshot-activity')), snapshotIndex: Number(fields.get('snapshot-index')) };
}

/** No replica saves, and none is about to. */
async function untilQuiet({ ports }: Cluster, group: number): Promise<void> {
  const areAllQuiet = async (): Promise<boolean> => {
    const replicas = await Promise.all(ports.map(async (port) => replicaOn(port, group)));
    return replicas.every(({ activity }) => activity === 'none');
  };
  const isQuiet = async (): Promise<boolean> => {
    if (!(await areAllQuiet())) return false;
    await pause(quietMs);
    return areAllQuiet();
  };
  await until(isQuiet, 'no replica saves its state', savedWithinMs);
}

/** Has the state saved. Returns what the node had in memory when it had most. */
async function save(port: number, group: number, pid: number, progress: PartOptions['progress']): Promise<number> {
  const { snapshotIndex: before } = await replicaOn(port, group);
  progress('a save is under way');
  let highest = residentBytes(pid);
  await askPort(port, 'GROUP', 'SNAPSHOT', String(group));
  const isSaved = async (): Promise<boolean> => {
    highest = Math.max(highest, residentBytes(pid));
    await pause(quietMs);
    const { activity, snapshotIndex } = await replicaOn(port, group);
    return activity === 'none' && snapshotIndex > before;
  };
  await until(isSaved, 'the state is saved', savedWithinMs);
  return highest;
}

interface Saved {
  readonly stateBytes: number;
  readonly keys: number;
  readonly tookMs: number;
  readonly alone: Heard;
  readonly during: Heard;
  readonly pingsAlone: Heard;
  readonly pingsDuring: Heard;
  readonly turnsAlone: LongestTurn;
  readonly turnsDuring: LongestTurn;
  readonly turnsOfOthers: readonly LongestTurn[];
  readonly leaderResidentBytes: { readonly before: number; readonly highest: number };
}

function resultOf(saved: Saved): PartResult {
  const { stateBytes, keys, tookMs, alone, during, pingsAlone, pingsDuring, leaderResidentBytes } = saved;
  const { turnsAlone, turnsDuring, turnsOfOthers } = saved;
  const row = (name: string, { p50Ms, p99Ms, maxMs, count, errors }: Heard): readonly string[] => [
    name,
    ...[p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2)),
    String(count),
    String(errors),
  ];
  const turnRow = (name: string, { cpuMs, heldMs, tookMs, longCpu, long }: LongestTurn): readonly string[] => [
    name,
    ...[cpuMs, heldMs, tookMs].map((ms) => ms.toFixed(1)),
    ...[longCpu, long].map(String),
  ];
  const { before, highest } = leaderResidentBytes;
  return {
    text: [
      `a state of ${String(stateBytes / mib)} MiB in ${String(keys)} keys was saved in ${(tookMs / 1000).toFixed(1)} s`,
      `the leader's node had ${digits(before / mib)} MiB in memory before, ${digits(highest / mib)} at most meanwhile`,
      '',
      table([
        ['', 'p50 ms', 'p99 ms', 'max ms', 'commands', 'errors'],
        row('SET and GET, no save', alone),
        row('SET and GET, during the save', during),
        row('PING, no save', pingsAlone),
        row('PING, during the save', pingsDuring),
      ]),
      '',
      table([
        ['longest turns of a loop', 'CPU ms', 'without waits for a core', 'by the clock', '10 ms CPU', '10 ms'],
        turnRow('leader, no save', turnsAlone),
        turnRow('leader, during the save', turnsDuring),
        ...turnsOfOthers.map((turns) => turnRow('another node, meanwhile', turns)),
      ]),
    ].join('\n'),
    figures: { ...saved },
    goals: [
      atMost('p99 of SET and GET during the save, to that without', during.p99Ms / alone.p99Ms, 2, '×'),
      atMost('longest turn of the leader during the save, CPU', turnsDuring.cpuMs, 10, 'ms'),
    ],
  };
}
