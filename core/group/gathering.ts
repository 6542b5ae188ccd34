/**
 * How long operations gather before they become an entry. Each entry costs every replica a write, a sync, a message and
 * an answer, whatever it carries, and clients that are answered come again at once: an entry that waits for them saves all
 * that (`docs/decisions/0016`, `0030`). Behind a small entry nothing waits.
 */
import { after, elapsedMs, MonoTime } from '../base/time.ts';

export interface GatheringLimits {
  /** Behind an entry of so many operations the next gathers, and for so long at most. */
  readonly gatherFrom: number;
  readonly gatherMs: number;
}

/** Of those that were answered so many have to come again, or the wait was in vain: the last may take long. */
const share = 7 / 8;
/** However often it was in vain, one wait in so many is tried: those who came one by one may come together by now. */
const mostSkipped = 127;

export class Gathering {
  private readonly limits: GatheringLimits;
  private proposedAt = MonoTime(0);
  private until = MonoTime(0);
  /** How many operations there are when enough of those that were answered have come again; 0: they are not waited for. */
  private expected = 0;
  /** Behind so many entries nobody is waited for … */
  private skips = 0;
  /** … and behind so many after the next wait in vain. */
  private nextSkips = 1;

  constructor(limits: GatheringLimits) {
    this.limits = limits;
  }

  /** An entry of so many operations is on its way. */
  onProposed(count: number, now: MonoTime): void {
    if (this.expected > 0) this.learn(count >= this.expected);
    this.expected = 0;
    this.proposedAt = now;
    this.until = count < this.limits.gatherFrom ? now : after(now, this.limits.gatherMs);
  }

  /** So many operations of an entry were answered while `gathered` waited. They have twice as long as the entry took. */
  onAnswered(count: number, gathered: number, now: MonoTime): void {
    const { gatherFrom, gatherMs } = this.limits;
    if (count < gatherFrom) return;
    if (this.skips > 0) {
      this.skips -= 1;
      return;
    }
    this.expected = gathered + Math.ceil(count * share);
    this.until = after(now, Math.min(2 * elapsedMs(this.proposedAt, now), gatherMs));
  }

  /** `awaitsFollowers`: one that keeps up has not answered for the last entry. */
  isWaiting(gathered: number, awaitsFollowers: boolean, now: MonoTime): boolean {
    return now < this.until && (this.expected > 0 ? gathered < this.expected : awaitsFollowers);
  }

  /** Until when what is gathered may wait; null: no longer. */
  deadlineAt(now: MonoTime): MonoTime | null {
    return now < this.until ? this.until : null;
  }

  private learn(wasWorthwhile: boolean): void {
    this.skips = wasWorthwhile ? 0 : this.nextSkips;
    this.nextSkips = wasWorthwhile ? 1 : Math.min(2 * this.nextSkips, mostSkipped);
  }
}
