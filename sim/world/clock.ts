/**
 * A node's clocks over true time, which nobody in the core can see: a monotonic clock that is affine in true
 * time, with a rate that may change, and a wall clock that may also jump. True time is in microseconds.
 */
import { MonoTime, type Now, WallTime } from '../../core/base/time.ts';

const million = 1_000_000;

/** When the simulated world begins, on a correct wall clock. */
const epochMs = 1_700_000_000_000;

export class Clock {
  private rate: number;
  /** The clock shows `shown` at true time `since`. */
  private since = 0;
  private shown = 0;
  private wallOffsetMs: number;

  /** `ratePpm`: how much faster than true time, in millionths. */
  constructor(ratePpm: number, wallOffsetMs: number) {
    this.rate = 1 + ratePpm / million;
    this.wallOffsetMs = wallOffsetMs;
  }

  read(at: number): Now {
    return { mono: this.mono(at), wall: this.wall(at) };
  }

  mono(at: number): MonoTime {
    return MonoTime(Math.floor(this.shown + (at - this.since) * this.rate));
  }

  wall(at: number): WallTime {
    return WallTime(epochMs + this.wallOffsetMs + Math.floor(this.mono(at) / 1000));
  }

  /** The first true microsecond, from `at` on, at which the monotonic clock shows `mono` or more. */
  whenShows(mono: number, at: number): number {
    let when = Math.max(at, Math.floor(this.since + (mono - this.shown) / this.rate));
    while (this.mono(when) < mono) when += 1;
    return when;
  }

  setRate(ratePpm: number, at: number): void {
    this.shown = this.mono(at);
    this.since = at;
    this.rate = 1 + ratePpm / million;
  }

  jumpWall(ms: number): void {
    this.wallOffsetMs += ms;
  }
}
