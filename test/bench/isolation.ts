/**
 * One tenant at full blast, and what another notices: a polite client that says one thing at a time, alone and beside
 * the flood, with its tenant in the flooded group and in another group of the same leader.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { askPort, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';
import { Caller, type Heard } from './caller.ts';
import { atMost, type Goal } from './goals.ts';
import { encode, measure } from './load.ts';
import type { PartOptions, PartResult } from './part.ts';
import { digits, table } from './screen.ts';

const pipeline = 1000;
const flood = 'flood';
const answerBytes = pipeline * '+OK\r\n'.length;
/** So that the machine has time left: what is looked for is waiting, not what fits. */
const politePauseMs = 2;
const goal = 2;

interface Row {
  readonly nodes: number;
  readonly floods: string;
  readonly polite: string;
  readonly alone: Heard;
  readonly beside: Heard;
  readonly floodPerSecond: number;
}

export async function isolation({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const seconds = isQuick ? 1 : 4;
  const rows: Row[] = [];
  for (const nodes of [1, 3]) {
    progress(`${String(nodes)} nodes`);
    const cluster = await startCluster({ nodes });
    try {
      rows.push(...(await rowsOf(cluster, nodes, seconds, progress)));
    } finally {
      await cluster.stop();
    }
  }
  return {
    text: table([
      ['nodes, flood, polite client', 'flood/s', 'alone p50', 'p99', 'beside p50', 'p99 ms', 'p99 grows'],
      ...rows.map(textOf),
    ]),
    figures: { rows },
    goals: rows.map(
      (row): Goal => atMost(`p99 beside the flood: ${nameOf(row)}`, row.beside.p99Ms / row.alone.p99Ms, goal, 'times'),
    ),
  };
}

async function rowsOf(
  { ports }: Cluster,
  nodes: number,
  seconds: number,
  progress: PartOptions['progress'],
): Promise<readonly Row[]> {
  const [first = 0] = ports;
  await askPort(first, 'TENANT', 'CREATE', flood, 'IN', '1');
  const { leader } = await placeOf(first, flood);
  const elsewhere = await anotherGroupOf(first, leader);
  const port = ports[leader - 1] ?? 0;
  const tenants = new Map([['same group', 1], ...(elsewhere === null ? [] : [['other group', elsewhere] as const])]);
  const rows: Row[] = [];
  for (const [where, group] of tenants) {
    const tenant = `polite${String(group)}`;
    await askPort(first, 'TENANT', 'CREATE', tenant, 'IN', String(group));
    const start = async (args: readonly string[]): Promise<Caller> => Caller.start(port, politePauseMs, () => args);
    for (const command of ['GET', 'SET']) {
      const caller = await start([command, `{${tenant}}k`, ...(command === 'SET' ? ['v'] : [])]);
      for (const kind of ['GET', 'SET']) {
        for (const connections of [1, 8]) {
          progress(`${String(nodes)} nodes: ${String(connections)} floods of ${kind}, ${command} in ${where}`);
          const aloneAt = performance.now();
          await pause(seconds * 1000);
          const besideAt = performance.now();
          const one = kind === 'SET' ? ['SET', `{${flood}}k`, 'v'] : ['GET', `{${flood}}nothing`];
          const request = encode(Array.from({ length: pipeline }, () => one));
          const { perSecond } = await measure({
            ...{ ports: [port], connections, request, answerBytes },
            ...{ operations: pipeline, seconds },
          });
          const doneAt = performance.now();
          rows.push({
            nodes,
            floods: `${String(connections)} × ${kind}`,
            polite: `${command}, ${where}`,
            alone: Caller.heard([caller], aloneAt, besideAt),
            beside: Caller.heard([caller], besideAt, doneAt),
            floodPerSecond: perSecond,
          });
          await pause(settleMs);
        }
      }
      caller.stop();
    }
  }
  return rows;
}

/** What is under way at the end of a flood is not what comes after it. */
const settleMs = 500;

/** A group for tenants beside the flooded one that the same node leads; null if there is none. */
async function anotherGroupOf(port: number, leader: number): Promise<number | null> {
  let found: number | null = null;
  const isFound = async (): Promise<boolean> => {
    for (const group of [2, 3, 4]) {
      const probe = `probe${String(group)}`;
      await askPort(port, 'TENANT', 'CREATE', probe, 'IN', String(group));
      if ((await placeOf(port, probe)).leader === leader) found = group;
    }
    return found !== null;
  };
  await until(isFound, 'another group has the same leader', lookMs).catch(() => undefined);
  return found;
}

const lookMs = 3000;

function nameOf({ nodes, floods, polite }: Row): string {
  return `${String(nodes)} ${nodes === 1 ? 'node' : 'nodes'}, ${floods}, ${polite}`;
}

function textOf(row: Row): readonly string[] {
  const { alone, beside, floodPerSecond } = row;
  const ms = [alone.p50Ms, alone.p99Ms, beside.p50Ms, beside.p99Ms].map((each) => each.toFixed(2));
  return [nameOf(row), digits(Math.round(floodPerSecond)), ...ms, (beside.p99Ms / alone.p99Ms).toFixed(1)];
}
