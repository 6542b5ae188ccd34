/**
 * The calls of a node that have no answer yet, found by request. Requests are numbered one after the other, so the
 * calls stand in a window that moves with the oldest: no hashing, and the order of creation, which is the order of
 * deadlines too, is the order they stand in. An old call holds the window open until its deadline at most.
 */
import { Queue } from '../base/queue.ts';
import { RequestId } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import type { Call } from './call.ts';

export class Calls {
  /** Null where a call has ended. The first is a call, unless there is none at all. */
  private readonly window = new Queue<Call | null>();
  private count = 0;
  private lastRequest = 0;

  get size(): number {
    return this.count;
  }

  /** What the next call is to be numbered. */
  get nextRequest(): RequestId {
    return RequestId(this.lastRequest + 1);
  }

  get oldest(): Call | null {
    return this.window.peek() ?? null;
  }

  add(call: Call): void {
    invariant(call.request === this.lastRequest + 1, 'calls are numbered one after the other', {
      request: call.request,
    });
    this.lastRequest = call.request;
    this.window.push(call);
    this.count += 1;
  }

  /** Numbers a call that has ended already. */
  pass(): void {
    this.lastRequest += 1;
    if (this.window.length > 0) this.window.push(null);
  }

  get(request: RequestId): Call | undefined {
    return this.window.at(this.placeOf(request)) ?? undefined;
  }

  delete(request: RequestId): void {
    const place = this.placeOf(request);
    if ((this.window.at(place) ?? null) === null) return;
    this.window.set(place, null);
    this.count -= 1;
    while (this.window.peek() === null) this.window.shift();
  }

  /** The oldest first. Calls may end on the way; those that are added are not seen. */
  *[Symbol.iterator](): IterableIterator<Call> {
    const last = this.lastRequest;
    for (let request = this.oldest?.request ?? last + 1; request <= last; request += 1) {
      const call = this.get(RequestId(request));
      if (call !== undefined) yield call;
    }
  }

  private placeOf(request: RequestId): number {
    return request - (this.lastRequest - this.window.length + 1);
  }
}
