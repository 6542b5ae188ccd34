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
  /** How many of them were taken. */
  taken: number;
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

  /** Rounds under way, those included whose index is not applied yet. */
  get rounds(): number {
    return this.started.length;
  }

  add(read: WaitingRead): void {
    this.arrived.push(read);
    this.waiting += 1;
  }

  /** Everything that has arrived waits for this round and this index from now on. */
  start(term: Term, round: number, index: LogIndex): void {
    this.started.push({ term, round, index, reads: this.arrived, taken: 0 });
    this.arrived = [];
  }

  /** A read of the oldest round if that is confirmed and `applied` has reached its index; otherwise null. */
  takeReady(applied: LogIndex, isConfirmed: (round: number) => boolean): WaitingRead | null {
    const batch = this.started.peek();
    if (batch === undefined || applied < batch.index || !isConfirmed(batch.round)) return null;
    const read = batch.reads[batch.taken];
    batch.taken += 1;
    this.waiting -= 1;
    if (batch.taken === batch.reads.length) this.started.shift();
    return read ?? null;
  }

  /** The reads of the oldest round if it was started in another term and will never be confirmed; otherwise null. */
  takeStale(term: Term): readonly WaitingRead[] | null {
    const batch = this.started.peek();
    if (batch === undefined || batch.term === term) return null;
    this.started.shift();
    const stale = batch.reads.slice(batch.taken);
    this.waiting -= stale.length;
    return stale;
  }

  /** Leadership is gone: takes out every read, in order of arrival. */
  takeAll(): readonly WaitingRead[] {
    const all: WaitingRead[] = [];
    for (const { reads, taken } of this.started.drain()) all.push(...reads.slice(taken));
    all.push(...this.arrived);
    this.arrived = [];
    this.waiting = 0;
    return all;
  }
}
