/**
 * Hunts one planted bug: a process of its own, whose sources are changed as they are loaded, runs seeds until an
 * oracle objects.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bug } from '../bugs/bank.ts';

export interface Hunt {
  readonly bug: string;
  /** The oracle that objected; null if none did within the seeds. */
  readonly rule: string | null;
  readonly message: string;
  /** How many seeds it took, invalid ones included. */
  readonly seeds: number;
  readonly wallMs: number;
}

/** What the hunting process prints, as JSON on its last line. */
export interface Find {
  readonly rule: string | null;
  readonly message: string;
  readonly seeds: number;
}

export async function hunt(bug: Bug): Promise<Hunt> {
  const startedAt = performance.now();
  const preload = new URL('../bugs/register.js', import.meta.url).href;
  const script = fileURLToPath(new URL('./hunter.ts', import.meta.url));
  const args = ['--import', preload, '--import', 'tsx', script, bug.profile, String(bug.from), String(bug.seeds)];
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
      const { rule, message, seeds } = JSON.parse(out) as Find;
      resolve({ bug: bug.name, rule, message, seeds, wallMs: performance.now() - startedAt });
    });
  });
}
