/**
 * Time as the core sees it: two readings, taken once per turn by whoever drives the core.
 * Instants end in `At`, durations in `Ms`.
 */

/** Microseconds of this node's monotonic clock, an integer. Means nothing on another node. */
export type MonoTime = number & { readonly __brand: 'MonoTime' };
/** Milliseconds since the Unix epoch, an integer, as this node believes. May jump. */
export type WallTime = number & { readonly __brand: 'WallTime' };

export const MonoTime = (micros: number): MonoTime => micros as MonoTime;
export const WallTime = (millis: number): WallTime => millis as WallTime;

/** One reading of both clocks. `mono` drives timers; `wall` is stamped into entries by a leader. */
export interface Now {
  readonly mono: MonoTime;
  readonly wall: WallTime;
}

/** The instant `ms` milliseconds after `instant`; `ms` may be a fraction, the result is an integer. */
export function after(instant: MonoTime, ms: number): MonoTime {
  return (instant + Math.round(ms * 1000)) as MonoTime;
}

/** The next instant after `now` that is a multiple of `ms` on its clock: whoever waits for it acts at the same time. */
export function nextMultiple(now: MonoTime, ms: number): MonoTime {
  const us = ms * 1000;
  return MonoTime(now - (now % us) + us);
}

/** Milliseconds from `start` to `end`, with a fraction. */
export function elapsedMs(start: MonoTime, end: MonoTime): number {
  return (end - start) / 1000;
}
