/**
 * Randomness of the simulated world: one independent stream per purpose, derived from the scenario's noise and
 * a label. The same noise and label yield the same numbers on every machine.
 */
import seedrandom from 'seedrandom';
import { invariant } from '../../core/base/invariant.ts';
import type { Random, RandomSource } from '../../core/base/random.ts';

/** The streams of one seed. A seed is never defaulted: an undefined one would be a fixed stream in disguise. */
export function randomSource(seed: number | string): RandomSource {
  invariant(isSeed(seed), 'a seed is given', { seed: String(seed) });
  return (label) => makeStream(`${String(seed)}/${label}`);
}

function isSeed(seed: unknown): boolean {
  return typeof seed === 'string' ? seed.length > 0 : Number.isSafeInteger(seed);
}

function makeStream(label: string): Random {
  const stream = seedrandom.alea(label);
  return () => stream();
}

/** An integer from `from` to `to`, both included. */
export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

/** True `permille` times of a thousand. */
export function chance(random: Random, permille: number): boolean {
  return random() * 1000 < permille;
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  invariant(item !== undefined, 'there is something to pick', { items: items.length });
  return item;
}

/** An exponentially distributed delay from one draw, cut at `limitInMeans` means so that it stays bounded. */
export function exponential(draw: number, mean: number, limitInMeans: number): number {
  return Math.min(-Math.log(1 - draw), limitInMeans) * mean;
}
