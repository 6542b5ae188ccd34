/**
 * Elections of a node's groups: some at a time, the others in the order in which they asked. Thousands that begin at
 * once, when a node dies or a cluster starts, would keep votes waiting until they come too late, and begin again; so
 * the next begins when one is over, and a slow machine holds fewer in a second instead of none.
 *
 * An election that finds no majority does not end by itself: after a while it is not counted any more.
 */
import { elapsedMs, type MonoTime } from '../base/time.ts';

export class Elections<G> {
  private readonly atATime: number;
  private readonly countedMs: number;
  /** When they began, the oldest first. */
  private readonly underWay = new Map<G, MonoTime>();
  private readonly waiting = new Set<G>();

  constructor(atATime: number, countedMs: number) {
    this.atATime = atATime;
    this.countedMs = countedMs;
  }

  get isIdle(): boolean {
    return this.underWay.size === 0 && this.waiting.size === 0;
  }

  /** The group would begin one. If it may not, it waits to be taken. */
  begin(group: G, now: MonoTime): boolean {
    if (this.waiting.has(group)) return false;
    this.underWay.delete(group);
    if (!this.hasRoom(now)) {
      this.waiting.add(group);
      return false;
    }
    this.underWay.set(group, now);
    return true;
  }

  /** It is elected, or hears a leader, or has left. */
  forget(group: G): void {
    this.underWay.delete(group);
    this.waiting.delete(group);
  }

  isWaiting(group: G): boolean {
    return this.waiting.has(group);
  }

  /** The one that has waited longest, if there is room: it begins now. */
  takeWaiting(now: MonoTime): G | null {
    if (this.waiting.size === 0 || !this.hasRoom(now)) return null;
    const [group] = this.waiting;
    if (group === undefined) return null;
    this.waiting.delete(group);
    this.underWay.set(group, now);
    return group;
  }

  private hasRoom(now: MonoTime): boolean {
    for (const [group, begunAt] of this.underWay) {
      if (elapsedMs(begunAt, now) < this.countedMs) break;
      this.underWay.delete(group);
    }
    return this.underWay.size < this.atATime;
  }
}
