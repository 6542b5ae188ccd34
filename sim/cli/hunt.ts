/**
 * Sees what becomes of a planted bug: a process of its own, whose sources are changed as they are loaded, runs seeds
 * until an oracle objects, or a scenario that is known to bring the bug out.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bug } from '../bugs/bug.ts';
import type { Profile, Scenario } from '../scenario/scenario.ts';

/** What is drawn changes with the code: a scenario that brings a bug out by luck may need other luck. */
export const otherNoises = 30;

/** What the process is to do. */
export type Task =
  /** Runs seeds, and makes the scenario that fails as small as it gets in so many runs. */
  | {
      readonly kind: 'hunt';
      readonly profile: Profile;
      readonly from: number;
      readonly seeds: number;
      readonly shrinkRuns: number;
    }
  /** Runs one scenario, and if nobody objects, the same with a few other noises. */
  | { readonly kind: 'replay'; readonly scenario: Scenario; readonly noises: number };

/** What the process prints, as JSON. */
export interface Find {
  /** The oracle that objected; null if none did. */
  readonly rule: string | null;
  readonly message: string;
  /** How many scenarios it took, invalid ones included; without those of the shrinking. */
  readonly tries: number;
  /** What the oracle objected to, as small as it got. */
  readonly scenario: Scenario | null;
  readonly shrinkRuns: number;
}

export interface Hunt extends Find {
  readonly bug: string;
  readonly wallMs: number;
}

/** `shrinkRuns`: how many runs may be spent on making the scenario small. */
export async function hunt(bug: Bug, shrinkRuns = 0): Promise<Hunt> {
  const { profile, from, seeds } = bug;
  return withBug(bug, { kind: 'hunt', profile, from, seeds, shrinkRuns });
}

export async function replayWith(bug: Bug, scenario: Scenario, noises: number): Promise<Hunt> {
  return withBug(bug, { kind: 'replay', scenario, noises });
}

async function withBug(bug: Bug, task: Task): Promise<Hunt> {
  const startedAt = performance.now();
  const preload = new URL('../bugs/register.js', import.meta.url).href;
  const script = fileURLToPath(new URL('./hunter.ts', import.meta.url));
  const args = ['--import', preload, '--import', 'tsx', script, JSON.stringify(task)];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, LEASEHOLD_BUG: JSON.stringify(bug.edits) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) {
        reject(new Error(`the hunt for "${bug.name}" ended with status ${String(code)}: ${errors}`));
        return;
      }
      resolve({ ...(JSON.parse(out) as Find), bug: bug.name, wallMs: performance.now() - startedAt });
    });
  });
}
