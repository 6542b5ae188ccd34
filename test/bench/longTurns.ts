/** What `loopWatch.ts` has written down of the loops of a cluster's nodes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface LongTurn {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** By the clock. */
  readonly tookMs: number;
  /** For which the main thread ran. */
  readonly cpuMs: number;
  /** For which it could have run, and waited for a core. */
  readonly waitedMs: number;
}

/** Where the watch writes. */
export const watchVariable = 'LEASEHOLD_LOOP_WATCH';

export function watchedBy(pid: number): string {
  return `loop-${String(pid)}.jsonl`;
}

/** The environment of a cluster whose nodes are watched. */
export function watching(directory: string): Readonly<Record<string, string>> {
  const watch = fileURLToPath(new URL('./loopWatch.ts', import.meta.url));
  return { [watchVariable]: directory, NODE_OPTIONS: `--import ${import.meta.resolve('tsx')} --import ${watch}` };
}

export interface LongestTurn {
  /** NaN where the system does not tell. */
  readonly cpuMs: number;
  /** What is left of the longest without its waits for a core. */
  readonly heldMs: number;
  readonly tookMs: number;
  /** Turns of 10 ms and more of CPU, and by the clock. */
  readonly longCpu: number;
  readonly long: number;
}

const longMs = 10;

/** Of the turns of a process that began in a time, in milliseconds since 1970. */
export function longestTurn(directory: string, pid: number, from: number, to: number): LongestTurn {
  const path = join(directory, watchedBy(pid));
  if (!existsSync(path)) return { cpuMs: Number.NaN, heldMs: Number.NaN, tookMs: Number.NaN, longCpu: 0, long: 0 };
  const turns = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LongTurn)
    .filter(({ at }) => at >= from && at < to);
  const most = (of: (turn: LongTurn) => number): number => turns.reduce((so, turn) => Math.max(so, of(turn)), 0);
  return {
    cpuMs: most(({ cpuMs }) => cpuMs),
    heldMs: most(({ tookMs, waitedMs }) => tookMs - waitedMs),
    tookMs: most(({ tookMs }) => tookMs),
    longCpu: turns.filter(({ cpuMs }) => cpuMs >= longMs).length,
    long: turns.filter(({ tookMs }) => tookMs >= longMs).length,
  };
}
