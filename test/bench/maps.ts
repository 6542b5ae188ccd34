/**
 * The map of tenants as it grows: what it takes of memory, how long a look-up takes, how soon a node that knows nothing
 * has all of it, and how soon nine nodes know of a change. Each size has a process of its own (`mapProcess.ts`), so that
 * none is measured among the remains of another.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atMost } from './goals.ts';
import type { PartOptions, PartResult } from './part.ts';
import { digits, table } from './screen.ts';

/** Of a map of one size. */
export interface MapFigures {
  readonly tenants: number;
  readonly bytesPerTenant: number;
  /** Of names that are there, and of names that are not. */
  readonly lookUpNs: number;
  readonly missNs: number;
  /** Until a node has all, and the longest that one message of it kept either side busy. */
  readonly coldMs: number;
  readonly longestTurnMs: number;
  /** From the command that creates a tenant until nine nodes know where it is. */
  readonly changeMs: number;
  /** The kept map: to write out, the longest chunk of it, to read, and its size. */
  readonly writeMs: number;
  readonly longestChunkMs: number;
  readonly readMs: number;
  readonly fileBytes: number;
}

const sizes = [10_000, 100_000, 1_000_000];
const quickSizes = [1_000, 10_000];

export async function maps({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const figures: MapFigures[] = [];
  for (const tenants of isQuick ? quickSizes : sizes) {
    progress(`${tenants.toLocaleString('en')} tenants`);
    figures.push(measure(tenants));
  }
  const largest = figures.at(-1);
  const of = `${(largest?.tenants ?? 0).toLocaleString('en')} tenants`;
  return Promise.resolve({
    text: figureTable(figures),
    figures: { sizes: figures },
    goals: [
      atMost(`${of}: memory of a node's map, a tenant`, largest?.bytesPerTenant ?? Number.NaN, 150, 'bytes'),
      atMost(`${of}: a look-up`, largest?.lookUpNs ?? Number.NaN, 500, 'ns'),
      atMost(`${of}: until a node that knows nothing has all`, (largest?.coldMs ?? Number.NaN) / 1000, 5, 's'),
      atMost(`${of}: until nine nodes know of a change`, (largest?.changeMs ?? Number.NaN) / 1000, 1, 's'),
    ],
  });
}

function measure(tenants: number): MapFigures {
  const program = fileURLToPath(new URL('mapProcess.ts', import.meta.url));
  const ran = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', program, String(tenants)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (ran.status !== 0) throw new Error(`the map of ${String(tenants)} tenants was not measured`);
  return JSON.parse(ran.stdout) as MapFigures;
}

function figureTable(figures: readonly MapFigures[]): string {
  return table([
    [
      'tenants',
      'bytes each',
      'look-up ns',
      'not there ns',
      'all of it ms',
      'longest turn ms',
      'change ms',
      'kept: MiB',
      'write ms',
      'longest ms',
      'read ms',
    ],
    ...figures.map((each) => [
      each.tenants.toLocaleString('en'),
      digits(each.bytesPerTenant),
      digits(each.lookUpNs),
      digits(each.missNs),
      digits(each.coldMs),
      digits(each.longestTurnMs),
      digits(each.changeMs),
      (each.fileBytes / 1024 / 1024).toFixed(1),
      digits(each.writeMs),
      digits(each.longestChunkMs),
      digits(each.readMs),
    ]),
  ]);
}
