/** Server processes under measurement: started here, ended here, their CPU time read from /proc. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const ticksPerSecond = 100;
const pollMs = 50;
const startWithinMs = 30_000;

const children = new Set<ChildProcess>();

export function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

export function start(program: string, args: readonly string[], cwd?: string): number {
  const child = spawn(program, args, { stdio: 'ignore', ...(cwd === undefined ? {} : { cwd }) });
  children.add(child);
  if (child.pid === undefined) throw new Error(`${program} cannot be started`);
  return child.pid;
}

export async function endAll(): Promise<void> {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(
    [...children].map(async (child) =>
      child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : null,
    ),
  );
  children.clear();
}

/** Microseconds of CPU, user and system, that the processes have used so far. */
export function cpuMicros(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields =
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks / ticksPerSecond) * 1_000_000;
}

/** What of the process is in memory. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

/**
 * Packets with something in them that went over the connections to these ports so far, both ways: each connection on
 * this machine is listed once for either end, with what that end sent. NaN without `ss` (iproute2).
 */
export function packetsOver(ports: readonly number[]): number {
  const ends = ports.flatMap((port) => [`sport = :${String(port)}`, `dport = :${String(port)}`]).join(' or ');
  const { status, stdout } = spawnSync('ss', ['-tinOH', `( ${ends} )`], { encoding: 'utf8' });
  if (status !== 0) return Number.NaN;
  return [...stdout.matchAll(/data_segs_out:(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

export async function untilReady(isReady: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + startWithinMs; Date.now() < deadline; ) {
    if (await isReady().catch(() => false)) return;
    await pause(pollMs);
  }
  throw new Error(`${what} did not start`);
}
