/**
 * A tenant moves from group to group while it is written to: how long that takes, for how long its writes wait when it
 * changes hands, and what another tenant of the same group notices.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { askPort, placeOf } from '../support/asking.ts';
import { startCluster, until } from '../support/cluster.ts';
import { Caller } from './caller.ts';
import { latencyOf } from './figures.ts';
import { atMost } from './goals.ts';
import type { PartOptions, PartResult } from './part.ts';
import { table } from './screen.ts';

const mib = 1024 * 1024;
const valueBytes = 1024;
const keysPerCommand = 64;
const groups = 4;
const writerPauseMs = 1;
const counters = 16;
const lists = 64;
const movedWithinMs = 120_000;
/** So much around a move counts as its time. */
const aroundMs = 50;
/** A tenant has changed hands so long before its place is seen to be another, at most. */
const handOverMs = 150;
const restMs = 500;

interface Move {
  readonly tookMs: number;
  /** The longest that any write waited which was sent meanwhile. */
  readonly longestMs: number;
  /** Of those that were under way when it changed hands. */
  readonly handOverMs: number;
}

export async function moves({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const bytes = (isQuick ? 8 : 100) * mib;
  const count = isQuick ? 3 : 20;
  const cluster = await startCluster({ isBuilt: true, groups });
  try {
    const [port = 0] = cluster.ports;
    await askPort(port, 'TENANT', 'CREATE', 'moving', 'IN', '1');
    await askPort(port, 'TENANT', 'CREATE', 'staying', 'IN', '1');
    const keys = await fill(port, bytes, progress);
    const moving = await Promise.all(
      writersOf(keys).map(async (next, i) =>
        Caller.startTogether(cluster.ports[i % cluster.ports.length] ?? 0, writerPauseMs, next),
      ),
    );
    const staying = [await Caller.start(port, writerPauseMs, () => ['SET', '{staying}k', 'v'])];
    progress('writes without a move');
    const aloneAt = performance.now();
    await pause(isQuick ? 1000 : 5000);
    const movedAt = performance.now();
    const done: Move[] = [];
    for (let n = 1; n <= count; n += 1) {
      progress(`move ${String(n)} of ${String(count)}`);
      const startedAt = performance.now();
      const seenAt = await move(port, 1 + (n % groups));
      const endedAt = performance.now();
      await pause(restMs);
      const { maxMs: longestMs } = Caller.heard(moving, startedAt - aroundMs, endedAt + aroundMs);
      const handOver = Caller.underWay(moving, seenAt - handOverMs, seenAt);
      done.push({ tookMs: endedAt - startedAt, longestMs, handOverMs: handOver.maxMs });
    }
    const endedAt = performance.now();
    const alone = { moving: Caller.heard(moving, aloneAt, movedAt), staying: Caller.heard(staying, aloneAt, movedAt) };
    const during = { moving: Caller.heard(moving, movedAt, endedAt), staying: Caller.heard(staying, movedAt, endedAt) };
    for (const caller of [...moving, ...staying]) caller.stop();
    const stall = latencyOf(done.map(({ longestMs }) => longestMs));
    const handOver = latencyOf(done.map(({ handOverMs: ms }) => ms));
    const took = latencyOf(done.map(({ tookMs }) => tookMs));
    const row = (name: string, { p50Ms, p99Ms, maxMs, errors }: typeof alone.moving): readonly string[] => [
      name,
      ...[p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1)),
      String(errors),
    ];
    return {
      text: [
        `a tenant of ${String(bytes / mib)} MiB in ${String(keys)} keys moved ${String(count)} times, in ${(took.p50Ms / 1000).toFixed(1)} s each (median)`,
        `the longest wait of a write during a move: median ${stall.p50Ms.toFixed(0)} ms, p99 ${stall.p99Ms.toFixed(0)} ms`,
        `of those under way when it changed hands: median ${handOver.p50Ms.toFixed(0)} ms, p99 ${handOver.p99Ms.toFixed(0)} ms`,
        '',
        table([
          ['writes', 'p50 ms', 'p99 ms', 'max ms', 'errors'],
          row('of that tenant, no move', alone.moving),
          row('of that tenant, during moves', during.moving),
          row('of another tenant, no move', alone.staying),
          row('of another tenant, during moves', during.staying),
        ]),
      ].join('\n'),
      figures: { bytes, keys, done, alone, during },
      goals: [
        atMost('longest wait of a write while its tenant changes hands, p99', handOver.p99Ms, 100, 'ms'),
        atMost('longest wait of a write during a move, p99', stall.p99Ms, 100, 'ms'),
        atMost('errors during moves', during.moving.errors + during.staying.errors, 0, ''),
      ],
    };
  } finally {
    await cluster.stop();
  }
}

/** What each of four clients says again and again: counters, lists, transactions, and values that are replaced. */
function writersOf(keys: number): readonly (() => readonly (readonly string[])[])[] {
  let turn = 0;
  const next = (names: number): string => String((turn += 1) % names);
  const value = 'y'.repeat(valueBytes);
  return [
    () => [['INCR', `{moving}counter${next(counters)}`]],
    () => [['RPUSH', `{moving}list${next(lists)}`, 'element']],
    () => [['MULTI'], ['INCR', '{moving}a'], ['RPUSH', `{moving}b${next(lists)}`, 'element'], ['EXEC']],
    () => [['SET', `{moving}${String((turn += 7919) % keys)}`, value]],
  ];
}

/** Returns how many keys there are: their names count up. */
async function fill(port: number, bytes: number, progress: PartOptions['progress']): Promise<number> {
  const redis = new Redis({ port, host: '127.0.0.1' });
  const keys = Math.floor(bytes / valueBytes);
  const value = 'x'.repeat(valueBytes);
  for (let at = 0; at < keys; at += keysPerCommand) {
    const names = Array.from({ length: Math.min(keysPerCommand, keys - at) }, (_, i) => `{moving}${String(at + i)}`);
    await redis.mset(...names.flatMap((name) => [name, value]));
    progress(`filled to ${String(Math.floor((at / keys) * 10) * 10)} %`);
  }
  redis.disconnect();
  return keys;
}

/** Returns when its place was seen to be another. */
async function move(port: number, to: number): Promise<number> {
  await askPort(port, 'TENANT', 'MOVE', 'moving', 'TO', String(to));
  const isThere = async (): Promise<boolean> => {
    await pause(10);
    return (await placeOf(port, 'moving')).group === to;
  };
  await until(isThere, 'the tenant has moved', movedWithinMs);
  const seenAt = performance.now();
  // The metadata group plans one move of a tenant at a time, and notes the end of this one a moment later.
  const isOver = async (): Promise<boolean> => {
    await pause(10);
    return (await askPort(port, 'TENANT', 'MOVE', 'moving', 'STATUS')) instanceof Error;
  };
  await until(isOver, 'the move is over', movedWithinMs);
  return seenAt;
}
