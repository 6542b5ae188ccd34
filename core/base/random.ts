/**
 * Randomness is an input: whoever builds a node hands in one generator per purpose.
 */

/** A stream of numbers in [0, 1), one per call. */
export type Random = () => number;

/** Derives the generator for one purpose, such as `election/3`. The same label yields the same stream. */
export type RandomSource = (label: string) => Random;

/** An integer in [0, bound). */
export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}
