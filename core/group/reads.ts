/**
 * Reads on their way past the log (ReadIndex, §6.4): they wait until it is proven that a leader led after they
 * arrived, then until everything committed by then is applied. All reads of a turn share one proof.
 */
import type { LogIndex, Term } from '../base/ids.ts';
import { Queue } from '../base/queue.ts';
import type { ReadPoint } from '../raft/reads.ts';
import type { Submission } from './submission.ts';

export interface WaitingRead {
  readonly submission: Submission;
  /** Sent through the log after all, because a write of its lane came up behind it. */
  isLogged: boolean;
}

interface ReadBatch {
  readonly term: Term;
  readonly point: ReadPoint;
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

  /** Batches under way, those included whose index is not applied yet. */
  get rounds(): number {
    return this.started.length;
  }

  add(read: WaitingRead): void {
    this.arrived.push(read);
    this.waiting += 1;
  }

  /** Everything that has arrived waits for this from now on. */
  start(term: Term, point: ReadPoint): void {
    this.started.push({ term, point, reads: this.arrived, taken: 0 });
    this.arrived = [];
  }

  /** A read of the oldest batch if it is known what must be applied for it, and that is; otherwise null. */
  takeReady(applied: LogIndex, indexOf: (point: ReadPoint) => LogIndex | null): WaitingRead | null {
    const batch = this.started.peek();
    if (batch === undefined) return null;
    const index = indexOf(batch.point);
    if (index === null || applied < index) return null;
    const read = batch.reads[batch.taken];
    batch.taken += 1;
    this.waiting -= 1;
    if (batch.taken === batch.reads.length) this.started.shift();
    return read ?? null;
  }

  /** The reads of the oldest batch if it was started in another term; otherwise null. */
  takeStale(term: Term): readonly WaitingRead[] | null {
    const batch = this.started.peek();
    if (batch === undefined || batch.term === term) return null;
    this.started.shift();
    const stale = batch.reads.slice(batch.taken);
    this.waiting -= stale.length;
    return stale;
  }

  /** They cannot be served here any more: takes out every read, in order of arrival. */
  takeAll(): readonly WaitingRead[] {
    const all: WaitingRead[] = [];
    for (const { reads, taken } of this.started.drain()) all.push(...reads.slice(taken));
    all.push(...this.arrived);
    this.arrived = [];
    this.waiting = 0;
    return all;
  }
}
