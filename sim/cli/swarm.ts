/**
 * Many seeds in several processes, with a bar that shows how far it is and a summary of what came of them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import type { Profile } from '../scenario/scenario.ts';
import type { Outcome } from './outcome.ts';
import { describeVerdict } from './report.ts';
import type { Job } from './worker.ts';

export interface SwarmRequest {
  readonly from: number;
  readonly to: number;
  readonly jobs: number;
  readonly profile: Profile;
  readonly check: boolean;
}

/** One run in this many is executed twice even if nobody asked. */
const checkEvery = 25;
const barWidth = 32;

/** Runs them all; `onFailure` hears of each violation as it comes. */
export async function runSwarm(
  request: SwarmRequest,
  onFailure: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const total = request.to - request.from + 1;
  const bar = new Bar(total);
  let next = request.from;
  const nextJob = (): Job | null => {
    if (next > request.to) return null;
    const seed = next;
    next += 1;
    return { seed, profile: request.profile, check: request.check || seed % checkEvery === 0 };
  };
  const onOutcome = (outcome: Outcome): void => {
    outcomes.push(outcome);
    if (outcome.verdict.kind === 'violation') {
      bar.clear();
      onFailure(outcome);
    }
    bar.show(outcomes);
  };
  await Promise.all(Array.from({ length: Math.min(request.jobs, total) }, async () => runWorker(nextJob, onOutcome)));
  bar.clear();
  return outcomes.sort((a, b) => a.seed - b.seed);
}

export function summarize(outcomes: readonly Outcome[], wallMs: number): readonly string[] {
  const sum = (pick: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const violations = outcomes.filter(({ verdict }) => verdict.kind === 'violation');
  const invalid = outcomes.filter(({ verdict }) => verdict.kind === 'invalid');
  const clean = outcomes.length - violations.length - invalid.length;
  const events = sum(({ events }) => events);
  const busyMs = sum(({ wallMs }) => wallMs);
  return [
    `${String(outcomes.length)} runs: ${pc.green(`${String(clean)} clean`)}, ${String(invalid.length)} invalid, ${violations.length === 0 ? '0' : pc.red(String(violations.length))} violations`,
    `commands ${String(sum(({ commands }) => commands))}, forwards ${String(sum(({ forwards }) => forwards))}, to the wrong place ${String(sum(({ staleForwards }) => staleForwards))}, elections ${String(sum(({ elections }) => elections))}, snapshots ${String(sum(({ snapshots }) => snapshots))} (${String(sum(({ installed }) => installed))} installed), faults ${String(sum(({ faults }) => faults))}`,
    `${(sum(({ simulatedUs }) => simulatedUs) / 1_000_000).toFixed(0)} s simulated in ${(wallMs / 1000).toFixed(1)} s; ${String(events)} events, ${String(Math.round((events / busyMs) * 1000))} per second and process`,
    ...invalid.map(({ seed, verdict }) => `  seed ${String(seed)}: ${describeVerdict(verdict)}`),
  ];
}

async function runWorker(nextJob: () => Job | null, onOutcome: (outcome: Outcome) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker: ChildProcess = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const give = (): void => {
      const job = nextJob();
      if (job === null) worker.disconnect();
      else worker.send(job);
    };
    worker.on('message', (outcome: Outcome) => {
      onOutcome(outcome);
      give();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with status ${String(code)}`));
    });
    give();
  });
}

/** On a terminal a bar that moves; elsewhere nothing. */
class Bar {
  private readonly total: number;
  private readonly startedAt = performance.now();

  constructor(total: number) {
    this.total = total;
  }

  show(outcomes: readonly Outcome[]): void {
    if (!process.stderr.isTTY) return;
    const done = outcomes.length / this.total;
    const filled = Math.round(done * barWidth);
    const failed = outcomes.filter(({ verdict }) => verdict.kind === 'violation').length;
    const leftS = Math.round((((performance.now() - this.startedAt) / done) * (1 - done)) / 1000);
    const text = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${String(outcomes.length)}/${String(this.total)}`;
    process.stderr.write(
      `\r${text}  ${failed === 0 ? pc.green('no violation') : pc.red(`${String(failed)} violations`)}  ${String(leftS)} s left  `,
    );
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}
