/**
 * Groups at rest: what ten thousand of them cost three nodes that have nothing else to do, beside what ten cost; and
 * what becomes of them, and of a tenant that is busy all the while, when a node is killed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { askPort, infoOf, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';
import { Caller, type Heard } from './caller.ts';
import { atMost } from './goals.ts';
import type { PartOptions, PartResult } from './part.ts';
import { cpuMicros, packetsOver, residentBytes } from './processes.ts';
import { digits, table } from './screen.ts';

const fewGroups = 10;
const busyTenant = 'busy';
/** With the machine for themselves ten thousand groups need a few seconds, to go home more. */
const settleWithinMs = 120_000;
const recoverWithinMs = 60_000;

interface Rest {
  readonly groups: number;
  readonly servingAfterMs: number;
  /** Of each node: a share of a core, and what is in memory. */
  readonly cpuShares: readonly number[];
  readonly residentBytes: readonly number[];
  readonly packetsPerSecond: number;
}

interface Loss {
  /** Until the nodes that are left lead every group. */
  readonly ledAgainAfterMs: number;
  readonly orphans: number;
  readonly busyBefore: Heard;
  readonly busyDuring: Heard;
}

export async function idle({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const manyGroups = isQuick ? 1000 : 10_000;
  const restMs = isQuick ? 3000 : 20_000;
  const busyMs = isQuick ? 1000 : 5000;
  const few = await withCluster(fewGroups, progress, async (cluster) => observe(cluster, fewGroups, restMs, progress));
  const { many, loss } = await withCluster(manyGroups, progress, async (cluster) => ({
    many: await observe(cluster, manyGroups, restMs, progress),
    loss: await loseNode(cluster, manyGroups, busyMs, progress),
  }));
  const bytesPerGroup = many.residentBytes.map(
    (bytes, i) => (bytes - (few.residentBytes[i] ?? 0)) / (manyGroups - fewGroups),
  );
  const groups = `${manyGroups.toLocaleString('en')} groups at rest`;
  return {
    text: `${restTable([few, many])}\n\n${lossText(loss, bytesPerGroup)}`,
    figures: { few, many, bytesPerGroup, loss },
    goals: [
      atMost(`${groups}: CPU of the busiest node, of a core`, 100 * Math.max(...many.cpuShares), 2, '%'),
      atMost(
        `${groups}: packets between nodes, to those of ${String(fewGroups)} groups`,
        many.packetsPerSecond / few.packetsPerSecond,
        1.1,
        '×',
      ),
      atMost(`${groups}, a node killed: until all are led again`, loss.ledAgainAfterMs / 1000, 5, 's'),
    ],
  };
}

async function withCluster<T>(
  groups: number,
  progress: PartOptions['progress'],
  use: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  progress(`${String(groups)} groups start`);
  const cluster = await startCluster({ isBuilt: true, groups });
  try {
    return await use(cluster);
  } finally {
    await cluster.stop();
  }
}

async function observe(
  cluster: Cluster,
  groups: number,
  restMs: number,
  progress: PartOptions['progress'],
): Promise<Rest> {
  progress(`${String(groups)} groups come to rest`);
  const isAtRest = async (port: number): Promise<boolean> => {
    const info = await infoOf(port, 'replication');
    return info.get('groups_at_rest') === groups + 1 && info.get('groups_away_from_home') === 0;
  };
  for (const port of cluster.ports) await until(async () => isAtRest(port), 'groups are at rest', settleWithinMs);
  progress(`${String(groups)} groups at rest, looked at for ${String(restMs / 1000)} s`);
  const pids = cluster.ports.map((_, i) => cluster.pidOf(i + 1));
  const cpuBefore = pids.map((pid) => cpuMicros([pid]));
  const packetsBefore = packetsOver(cluster.peerPorts);
  const from = performance.now();
  await pause(restMs);
  const lastedMs = performance.now() - from;
  const packets = packetsOver(cluster.peerPorts) - packetsBefore;
  return {
    groups,
    servingAfterMs: cluster.servingAfterMs,
    cpuShares: pids.map((pid, i) => (cpuMicros([pid]) - (cpuBefore[i] ?? 0)) / 1000 / lastedMs),
    residentBytes: pids.map(residentBytes),
    packetsPerSecond: (packets / lastedMs) * 1000,
  };
}

/** The busy tenant's leader lives on, and so does the node that its client talks to: it only has new neighbours. */
async function loseNode(
  cluster: Cluster,
  groups: number,
  busyMs: number,
  progress: PartOptions['progress'],
): Promise<Loss> {
  const [first = 0] = cluster.ports;
  await askPort(first, 'TENANT', 'CREATE', busyTenant);
  const { leader } = await placeOf(first, busyTenant);
  const victim = (leader % cluster.ports.length) + 1;
  const survivors = cluster.ports.filter((_, i) => i + 1 !== victim);
  const orphans = (await infoOf(cluster.ports[victim - 1] ?? 0, 'replication')).get('groups_led') ?? Number.NaN;
  let calls = 0;
  const caller = await Caller.start(cluster.ports[leader - 1] ?? 0, 0, () => {
    calls += 1;
    return calls % 2 === 0 ? ['GET', `{${busyTenant}}k`] : ['SET', `{${busyTenant}}k`, String(calls)];
  });
  try {
    progress('a tenant is busy');
    const from = performance.now();
    await pause(busyMs);
    progress('a node is killed');
    const killedAt = performance.now();
    await cluster.kill(victim);
    const areAllLed = async (): Promise<boolean> => {
      const infos = await Promise.all(survivors.map(async (port) => infoOf(port, 'replication')));
      return infos.reduce((sum, info) => sum + (info.get('groups_led') ?? 0), 0) === groups + 1;
    };
    await until(areAllLed, 'all groups are led again', recoverWithinMs);
    const ledAgainAt = performance.now();
    return {
      ledAgainAfterMs: ledAgainAt - killedAt,
      orphans,
      busyBefore: Caller.heard([caller], from, killedAt),
      busyDuring: Caller.heard([caller], killedAt, ledAgainAt),
    };
  } finally {
    caller.stop();
  }
}

function restTable(rests: readonly Rest[]): string {
  const each = (figures: readonly number[]): string => figures.map((figure) => figure.toFixed(2)).join(' ');
  return table([
    ['groups', 'serving after s', 'CPU of each node, % of a core', 'memory of each node, MiB', 'packets/s'],
    ...rests.map((rest) => [
      String(rest.groups),
      (rest.servingAfterMs / 1000).toFixed(1),
      each(rest.cpuShares.map((share) => share * 100)),
      rest.residentBytes.map((bytes) => (bytes / 1024 / 1024).toFixed(0)).join(' '),
      rest.packetsPerSecond.toFixed(1),
    ]),
  ]);
}

function lossText(
  { ledAgainAfterMs, orphans, busyBefore, busyDuring }: Loss,
  bytesPerGroup: readonly number[],
): string {
  const busy = ({ p50Ms, p99Ms, maxMs, count, errors }: Heard): string[] =>
    [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2)).concat(String(count), String(errors));
  return [
    `memory per idle group, on each node: ${bytesPerGroup.map((bytes) => `${digits(bytes / 1024)} KiB`).join(', ')}`,
    `a node that led ${String(orphans)} groups is killed: all are led again after ${digits(ledAgainAfterMs / 1000)} s`,
    '',
    table([
      ['a busy tenant meanwhile', 'p50 ms', 'p99 ms', 'max ms', 'commands', 'errors'],
      ['before', ...busy(busyBefore)],
      ['until all are led again', ...busy(busyDuring)],
    ]),
  ].join('\n');
}
