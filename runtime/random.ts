/** Randomness for the core: `alea` generators by purpose, seeded from the operating system once per process. */
import { randomBytes } from 'node:crypto';
import seedrandom from 'seedrandom';
import type { RandomSource } from '../core/index.ts';

const seedBytes = 16;

export function systemRandom(): RandomSource {
  const seed = randomBytes(seedBytes).toString('hex');
  return (label) => {
    const generator = seedrandom.alea(`${seed}/${label}`);
    return () => generator();
  };
}
