/**
 * The death of a leader under load: how long the writes of its group stand still, and what is left of them at the
 * end beside what the clients were told. The clients are those of the soak, with many commands under way.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import seedrandom from 'seedrandom';
import { defaultSettings } from '../../core/index.ts';
import { compare, Worker } from '../soak/worker.ts';
import { infoOf, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';
import { median } from './figures.ts';
import { atMost } from './goals.ts';
import type { PartOptions, PartResult } from './part.ts';
import { digits } from './screen.ts';

const tenant = 'failover';
const clients = 4;
const pipeline = 16;
const loadMs = 1000;
const recoverWithinMs = 30_000;
/** What a client was told nothing of has happened by then, or never will. */
const settleMs = defaultSettings.commandTimeoutMs + 1000;

export async function failover({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const kills = isQuick ? 2 : 10;
  const cluster = await startCluster({ isBuilt: true });
  try {
    const workers = Array.from(
      { length: clients },
      (_, i) => new Worker(i, cluster.ports, [tenant], seedrandom(`failover/${String(i)}`), { pipeline }),
    );
    const working = workers.map(async (worker) => worker.work());
    const gapsMs: number[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      progress(`leader ${String(kill)} of ${String(kills)} is killed`);
      await pause(loadMs);
      gapsMs.push(await killLeader(cluster, workers));
    }
    for (const worker of workers) worker.stop();
    await Promise.all(working);
    progress('what is left is compared with what was said');
    await pause(settleMs);
    return resultOf(gapsMs, workers, await disagreements(cluster, workers));
  } finally {
    await cluster.stop();
  }
}

/** Returns how long it took until a write was acknowledged that was sent after the kill. The node is back then. */
async function killLeader(cluster: Cluster, workers: readonly Worker[]): Promise<number> {
  const [first = 0] = cluster.ports;
  const { leader } = await placeOf(first, tenant);
  const killedAt = performance.now();
  let resumedAt: number | null = null;
  for (const worker of workers) {
    worker.onAcknowledged = (sentAt) => {
      if (sentAt > killedAt) resumedAt ??= performance.now();
    };
  }
  await cluster.kill(leader);
  await until(() => resumedAt !== null, 'writes are acknowledged again', recoverWithinMs);
  cluster.start(leader);
  for (const port of cluster.ports) await until(async () => isWhole(port), 'the node is back', recoverWithinMs);
  return (resumedAt ?? Number.NaN) - killedAt;
}

/** All groups are led, each where it belongs: the next kill meets the same cluster. */
async function isWhole(port: number): Promise<boolean> {
  const info = await infoOf(port, 'replication');
  return info.get('groups_without_leader') === 0 && info.get('groups_away_from_home') === 0;
}

interface Counts {
  readonly lost: number;
  readonly doubled: number;
  readonly strange: number;
}

async function disagreements(cluster: Cluster, workers: readonly Worker[]): Promise<Counts> {
  const redis = new Redis({ port: cluster.ports[0] ?? 0, host: '127.0.0.1' });
  const found = await compare(redis, tenant, workers);
  redis.disconnect();
  const sum = (pick: (each: Counts) => number): number => found.reduce((total, each) => total + pick(each), 0);
  return {
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    strange: sum(({ strange }) => strange),
  };
}

function resultOf(
  gapsMs: readonly number[],
  workers: readonly Worker[],
  { lost, doubled, strange }: Counts,
): PartResult {
  const acknowledged = workers.reduce((sum, worker) => sum + worker.acknowledged, 0);
  const unknown = workers.reduce((sum, worker) => sum + worker.unknown, 0);
  const medianMs = median(gapsMs);
  return {
    text: [
      `from kill -9 to the next acknowledged write, s: ${gapsMs.map((ms) => digits(ms / 1000)).join('  ')}`,
      `${acknowledged.toLocaleString('en')} commands acknowledged, ${String(unknown)} of unknown outcome`,
    ].join('\n'),
    figures: { gapsMs, medianMs, longestMs: Math.max(...gapsMs), acknowledged, unknown, lost, doubled, strange },
    goals: [
      atMost(`median of ${String(gapsMs.length)} kills, until writes are acknowledged`, medianMs / 1000, 1.5, 's'),
      atMost('acknowledged writes lost', lost, 0, ''),
      atMost('writes doubled, or never asked for', doubled + strange, 0, ''),
    ],
  };
}
