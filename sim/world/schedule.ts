/**
 * Virtual time: integer microseconds from the start of the run. Whatever is to happen is a function that waits
 * its turn; ties go by order of cause, or by a key drawn from the scenario's noise.
 */
import { EventHeap } from '../base/eventHeap.ts';
import type { Random } from '../../core/base/random.ts';

export type Happening = () => void;

const tieSpan = 0x1_0000;

export class Schedule {
  private readonly heap = new EventHeap<Happening>();
  private readonly ties: Random | null;
  private clock = 0;

  /** `ties`: null keeps the order of cause. */
  constructor(ties: Random | null) {
    this.ties = ties;
  }

  /** The present instant of true time. */
  get now(): number {
    return this.clock;
  }

  get size(): number {
    return this.heap.size;
  }

  /** Runs `happening` at `at`, or now if that is past. Its place among others of that instant may be random. */
  at(at: number, happening: Happening): void {
    const tie = this.ties === null ? 0 : Math.floor(this.ties() * tieSpan);
    this.heap.push(Math.max(at, this.clock), tie, happening);
  }

  /** As `at`, and among others of its instant always in the order of cause. */
  inOrder(at: number, happening: Happening): void {
    this.heap.push(Math.max(at, this.clock), 0, happening);
  }

  /** Goes to the next instant, if that is before `until`, and runs what is first in it. False: nothing was. */
  advance(until: number): boolean {
    const { nextAt } = this.heap;
    if (nextAt === null || nextAt >= until) return false;
    this.clock = nextAt;
    this.heap.pop()?.();
    return true;
  }
}
