/**
 * What a tenant was asked on this replica, and how fast it may go on. The leader's own: it is in no log, travels with no
 * move, and begins anew with the next leader. Counting costs the same however much was counted, and allocates nothing.
 */
import { elapsedMs, MonoTime } from '../base/time.ts';
import type { Quota } from '../wire/accounts.ts';

const secondMs = 1000;

/**
 * Fills at so much a second and holds what one second brings. Whoever finds one in it may go on and take more than
 * there is: what a command costs is known in full only when it has run, and what was overdrawn fills first.
 */
class TokenBucket {
  private level = 0;
  /** Null: nobody has looked yet. */
  private filledAt: MonoTime | null = null;

  hasOne(rate: number, now: MonoTime): boolean {
    const passedMs = this.filledAt === null ? secondMs : elapsedMs(this.filledAt, now);
    this.level = Math.min(rate, this.level + (rate * passedMs) / secondMs);
    this.filledAt = now;
    return this.level >= 1;
  }

  take(amount: number): void {
    this.level -= amount;
  }
}

export class Account {
  reads = 0;
  writes = 0;
  bytesIn = 0;
  bytesOut = 0;
  refusedFull = 0;
  refusedOperations = 0;
  refusedBandwidth = 0;
  private readonly operations = new TokenBucket();
  private readonly bandwidth = new TokenBucket();
  /** Requests since the instant, and how many a second there were before it. */
  private counted = 0;
  private countedSince = MonoTime(0);
  private rate = 0;

  /** Whether a command may run now: null, or of which quota there is nothing left. */
  judge({ operations, bandwidth }: Quota, now: MonoTime): 'operations' | 'bandwidth' | null {
    if (operations > 0 && !this.operations.hasOne(operations, now)) {
      this.refusedOperations += 1;
      return 'operations';
    }
    if (bandwidth > 0 && !this.bandwidth.hasOne(bandwidth, now)) {
      this.refusedBandwidth += 1;
      return 'bandwidth';
    }
    return null;
  }

  /** A request of so many commands is to run. */
  admit(quota: Quota, access: 'read' | 'write', commands: number, bytes: number, now: MonoTime): void {
    if (access === 'read') this.reads += 1;
    else this.writes += 1;
    this.bytesIn += bytes;
    if (quota.operations > 0) this.operations.take(commands);
    if (quota.bandwidth > 0) this.bandwidth.take(bytes);
    this.look(now);
    this.counted += 1;
  }

  answer(quota: Quota, bytes: number): void {
    this.bytesOut += bytes;
    if (quota.bandwidth > 0) this.bandwidth.take(bytes);
  }

  /** Requests per second, over the last second or somewhat more, as of when it was looked at. */
  get operationsPerSecond(): number {
    return this.rate;
  }

  look(now: MonoTime): void {
    if (elapsedMs(this.countedSince, now) >= secondMs) this.countAnew(now);
  }

  private countAnew(now: MonoTime): void {
    this.rate = Math.round((this.counted * secondMs) / elapsedMs(this.countedSince, now));
    this.counted = 0;
    this.countedSince = now;
  }
}
