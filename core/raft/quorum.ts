/**
 * Majorities, and nothing else.
 */

/** How many of `voters` are needed so that any two such sets share a member. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The highest value that a majority has reached, given one value per voter. */
export function reachedByMajority(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => b - a);
  return sorted[majority(sorted.length) - 1] ?? 0;
}
