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

const golden = 0x9e3779b9;

/** Streams one after the other, each of which depends on its seed alone (mulberry32). */
export class SeededRandom {
  private state = 0;

  /** From the next draw on, the stream of this seed. */
  begin(seed: number): void {
    this.state = seed >>> 0;
  }

  readonly draw: Random = () => {
    this.state = (this.state + golden) >>> 0;
    const { state } = this;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A stream that depends on the seed alone, for what must be the same on every replica. */
export function seededRandom(seed: number): Random {
  const seeded = new SeededRandom();
  seeded.begin(seed);
  return seeded.draw;
}
