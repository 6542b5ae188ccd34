/**
 * One tenant at full blast, and what another notices: a polite client that says one thing at a time, alone and beside
 * the flood, with its tenant in the flooded group and in another group of the same leader. And beside a flood of the same
 * kind on another cluster of the same machine, which is what waiting for the machine takes.
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
  readonly elsewhere: Heard;
  readonly beside: Heard;
  readonly floodPerSecond: number;
}

export async function isolation({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const seconds = isQuick ? 1 : 4;
  const rows: Row[] = [];
  for (const nodes of [1, 3]) {
    progress(`${String(nodes)} nodes`);
    const cluster = await startCluster({ isBuilt: true, nodes });
    const another = await startCluster({ isBuilt: true, nodes });
    try {
      rows.push(...(await rowsOf(cluster, await floodedPort(another), nodes, seconds, progress)));
    } finally {
      await cluster.stop();
      await another.stop();
    }
  }
  return {
    text: table([
      [
        ...['nodes, flood, polite client', 'flood/s', 'alone p50', 'p99', 'elsewhere p50', 'p99'],
        ...['beside p50', 'p99 ms', 'p99 grows', 'to elsewhere'],
      ],
      ...rows.map(textOf),
    ]),
    figures: { rows },
    goals: rows.map(
      (row): Goal => atMost(`p99 beside the flood: ${nameOf(row)}`, row.beside.p99Ms / row.alone.p99Ms, goal, 'times'),
    ),
  };
}

/** Where the group is led that the flood goes to. */
async function floodedPort({ ports }: Cluster): Promise<number> {
  const [first = 0] = ports;
  await askPort(first, 'TENANT', 'CREATE', flood, 'IN', '1');
  const { leader } = await placeOf(first, flood);
  return ports[leader - 1] ?? 0;
}

async function rowsOf(
  cluster: Cluster,
  elsewherePort: number,
  nodes: number,
  seconds: number,
  progress: PartOptions['progress'],
): Promise<readonly Row[]> {
  const port = await floodedPort(cluster);
  const [first = 0] = cluster.ports;
  const other = await anotherGroupOf(first, cluster.ports.indexOf(port) + 1);
  const tenants = new Map([['same group', 1], ...(other === null ? [] : [['other group', other] as const])]);
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
          const alone = Caller.heard([caller], aloneAt, performance.now());
          // An answer is as long whichever it is: OK, or that there is no such key.
          const words = kind === 'SET' ? ['SET', `{${flood}}k`, 'v'] : ['GET', `{${flood}}nothing`];
          const heardBeside = async (
            target: number,
          ): Promise<{ readonly heard: Heard; readonly perSecond: number }> => {
            const { perSecond } = await flooded(target, connections, seconds, words);
            const doneAt = performance.now();
            await pause(settleMs);
            return { heard: Caller.heard([caller], doneAt - seconds * 1000, doneAt), perSecond };
          };
          const elsewhere = await heardBeside(elsewherePort);
          const beside = await heardBeside(port);
          rows.push({
            nodes,
            floods: `${String(connections)} × ${kind}`,
            polite: `${command}, ${where}`,
            alone,
            elsewhere: elsewhere.heard,
            beside: beside.heard,
            floodPerSecond: beside.perSecond,
          });
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
  const { alone, elsewhere, beside, floodPerSecond } = row;
  const ms = [alone, elsewhere, beside].flatMap(({ p50Ms, p99Ms }) => [p50Ms.toFixed(2), p99Ms.toFixed(2)]);
  const grows = [alone, elsewhere].map(({ p99Ms }) => (beside.p99Ms / p99Ms).toFixed(1));
  return [nameOf(row), digits(Math.round(floodPerSecond)), ...ms, ...grows];
}
