/** Waits for a condition, with a bound: what tests use in the place of sleeping. */
import { setTimeout as pause } from 'node:timers/promises';

const patienceMs = 20_000;
const pollMs = 5;

export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + patienceMs; !condition(); ) {
    if (performance.now() > deadline) throw new Error(`it never came: ${what}`);
    await pause(pollMs);
  }
}
