/**
 * Is loaded into a node's process beside the program (`--import`) and writes down each turn of its event loop that took a
 * millisecond or more: for how long, by the clock; how much of that the main thread ran, which is work of ours; and
 * how much it waited for a core, which is the machine's. The rest it slept: for the disk, or for a thread that waited.
 *
 * Costs a turn some microseconds. Where the system does not tell of threads (`/proc/self/task`), nothing is written.
 */
import { appendFile, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type LongTurn, watchedBy, watchVariable } from './longTurns.ts';

const leastMs = 1;
const tellEveryMs = 500;
const nanosecondsPerMs = 1_000_000;
const ownSchedule = `/proc/self/task/${String(process.pid)}/schedstat`;

const directory = process.env[watchVariable];
if (directory !== undefined && process.argv[2] === 'node' && existsSync(ownSchedule)) watch(directory);

function watch(into: string): void {
  const schedule = openSync(ownSchedule, 'r');
  const text = Buffer.alloc(128);
  const path = join(into, watchedBy(process.pid));
  let turns: LongTurn[] = [];
  const now = () => {
    // Brings the account of the thread that asks up to date, which is otherwise some milliseconds old.
    process.cpuUsage();
    const [ran, waited] = text.toString('latin1', 0, readSync(schedule, text, 0, text.length, 0)).split(' ');
    const { idle } = performance.eventLoopUtilization();
    return {
      at: performance.now(),
      idle,
      cpuMs: Number(ran) / nanosecondsPerMs,
      waitedMs: Number(waited) / nanosecondsPerMs,
    };
  };
  let before = now();
  const look = (): void => {
    const { at, idle, cpuMs, waitedMs } = now();
    const tookMs = at - before.at - (idle - before.idle);
    if (tookMs >= leastMs) {
      const turn = { cpuMs: cpuMs - before.cpuMs, waitedMs: Math.min(tookMs, waitedMs - before.waitedMs) };
      turns.push({ at: performance.timeOrigin + before.at, tookMs, ...turn });
    }
    before = { at, idle, cpuMs, waitedMs };
    // Does not keep the loop from resting: it comes once after each rest.
    setImmediate(look).unref();
  };
  look();
  setInterval(() => {
    if (turns.length === 0) return;
    // Not in the loop that is watched: the disk is busy.
    appendFile(path, turns.map((turn) => `${JSON.stringify(turn)}\n`).join(''), () => undefined);
    turns = [];
  }, tellEveryMs).unref();
}
