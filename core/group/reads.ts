/**
 * Reads on their way past the log (ReadIndex, §6.4): they wait for a quorum round that started after they
 * arrived, then until everything committed by then is applied. All reads of a turn share one round.
 */
import type { LogIndex, Term } from '../base/ids.ts';
import { Queue } from '../base/queue.ts';
import type { Submission } from './submission.ts';

export interface WaitingRead {
  readonly submission: Submission;
  /** Sent through the log after all, because a write of its lane came up behind it. */
  isLogged: boolean;
}

interface ReadBatch {
  readonly term: Term;
  readonly round: number;
  readonly index: LogIndex;
  readonly reads: readonly WaitingRead[];
}

export class ReadQueue {
  private arrived: WaitingRead[] = [];
  private readonly started = new Queue<ReadBatch>();
  private waiting = 0;

  /** How many reads wait, those included that went to the log since. */
  get length(): number {
    return this.waiting;
  }

  get hasArrivals(): boolean {
    return this.arrived.length > 0;
  }

  /** A round is under way, or what it covers is not applied yet. */
  get hasStarted(): boolean {
    return this.started.length > 0;
  }

  add(read: WaitingRead): void {
    this.arrived.push(read);
    this.waiting += 1;
  }

  /** Everything that has arrived waits for this round and this index from now on. */
  start(term: Term, round: number, index: LogIndex): void {
    this.started.push({ term, round, index, reads: this.arrived });
    this.arrived = [];
  }

  /** The reads of the oldest round if it is confirmed and `applied` has reached its index; otherwise null. */
  takeReady(applied: LogIndex, isConfirmed: (round: number) => boolean): readonly WaitingRead[] | null {
    const batch = this.started.peek();
    if (batch === undefined || applied < batch.index || !isConfirmed(batch.round)) return null;
    return this.takeOldest();
  }

  /** The reads of the oldest round if it was started in another term and will never be confirmed; otherwise null. */
  takeStale(term: Term): readonly WaitingRead[] | null {
    const batch = this.started.peek();
    if (batch === undefined || batch.term === term) return null;
    return this.takeOldest();
  }

  /** Leadership is gone: takes out every read, in order of arrival. */
  takeAll(): readonly WaitingRead[] {
    const all: WaitingRead[] = [];
    for (const batch of this.started.drain()) all.push(...batch.reads);
    all.push(...this.arrived);
    this.arrived = [];
    this.waiting = 0;
    return all;
  }

  private takeOldest(): readonly WaitingRead[] | null {
    const reads = this.started.shift()?.reads ?? null;
    if (reads !== null) this.waiting -= reads.length;
    return reads;
  }
}
