/** One part of the benchmark: what it is told, and what it hands back. */
import type { Goal } from './goals.ts';

export interface PartOptions {
  /** Short, to see that it works: the figures mean little. */
  readonly isQuick: boolean;
  /** Where what is under way is told. */
  readonly progress: (text: string) => void;
}

export interface PartResult {
  /** For people, in the order in which it is to be read. */
  readonly text: string;
  /** For programs: everything that was measured. */
  readonly figures: Readonly<Record<string, unknown>>;
  readonly goals: readonly Goal[];
}

export type Part = (options: PartOptions) => Promise<PartResult>;
