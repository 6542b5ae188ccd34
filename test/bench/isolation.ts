/**
 * One tenant at full blast, and what another notices: a polite client that says one thing at a time, alone and beside
 * the flood, with its tenant in the flooded group and in another group of the same leader.
 */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { askPort, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';
import { Caller, type Heard } from './caller.ts';
import { atMost, type Goal } from './goals.ts';
import type { Measured } from './load.ts';
import type { PartOptions, PartResult } from './part.ts';
import { digits, table } from './screen.ts';

const flood = 'flood';
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
    const cluster = await startCluster({ isBuilt: true, nodes });
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
          const startedAt = performance.now();
          // An answer is as long whichever it is: OK, or that there is no such key.
          const words = kind === 'SET' ? ['SET', `{${flood}}k`, 'v'] : ['GET', `{${flood}}nothing`];
          const { perSecond } = await flooded(port, connections, seconds, words);
          const doneAt = performance.now();
          rows.push({
            nodes,
            floods: `${String(connections)} × ${kind}`,
            polite: `${command}, ${where}`,
            alone: Caller.heard([caller], aloneAt, startedAt),
            beside: Caller.heard([caller], doneAt - seconds * 1000, doneAt),
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

async function flooded(
  port: number,
  connections: number,
  seconds: number,
  command: readonly string[],
): Promise<Measured> {
  const words = [port, connections, seconds].map(String);
  const { stdout } = await run(process.execPath, ['--import', 'tsx', script, ...words, ...command]);
  return JSON.parse(stdout) as Measured;
}

const run = promisify(execFile);
const script = fileURLToPath(new URL('flood.ts', import.meta.url));

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
