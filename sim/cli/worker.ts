/**
 * A process of the swarm: runs the seeds it is sent, one at a time, and sends back what came of each.
 */
import type { Profile } from '../scenario/scenario.ts';
import { runSeed } from './outcome.ts';

export interface Job {
  readonly seed: number;
  readonly profile: Profile;
  readonly check: boolean;
}

process.on('message', ({ seed, profile, check }: Job) => {
  process.send?.(runSeed(seed, profile, check));
});
