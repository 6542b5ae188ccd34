/**
 * Is a history linearizable? A search that knows nothing of logs, terms or replicas: only what was asked, when, and what
 * was answered. It looks for an order of the operations in which each takes effect between its call and its return
 * and a sequential object gives the answers that were given (Wing and Gong, 1993; states once seen with the same
 * operations done are not tried again, Lowe, 2017).
 */

/** `returnedAt` infinite: nobody was told, so it may have taken effect at any time since the call, or never. */
export interface Operation<Request> {
  readonly request: Request;
  readonly calledAt: number;
  readonly returnedAt: number;
  /** Null: nobody was told. */
  readonly answer: string | null;
}

/** A sequential object: the state after a request and its answer. States are values, equal if their text is. */
export interface SequentialObject<Request> {
  readonly first: string;
  step(state: string, request: Request): { readonly state: string; readonly answer: string };
}

export type SearchResult = 'linearizable' | 'not linearizable' | 'undecided';

interface Choice {
  readonly operation: number;
  /** Before it. */
  readonly state: string;
}

/** Gives up after `mostSteps`. */
export function search<Request>(
  history: readonly Operation<Request>[],
  object: SequentialObject<Request>,
  mostSteps = 1_000_000,
): SearchResult {
  const operations = [...history].sort((a, b) => a.calledAt - b.calledAt);
  const owed = operations.filter(({ answer }) => answer !== null).length;
  const isDone = operations.map(() => false);
  const seen = new Set<string>();
  const path: Choice[] = [];
  let state = object.first;
  let isOwed = owed;
  let from = 0;
  for (let steps = 0; steps < mostSteps; steps += 1) {
    if (isOwed === 0) return 'linearizable';
    const found = nextCandidate(operations, isDone, from, (request) => object.step(state, request));
    if (found === null) {
      const last = path.pop();
      if (last === undefined) return 'not linearizable';
      isDone[last.operation] = false;
      if (operations[last.operation]?.answer !== null) isOwed += 1;
      ({ state } = last);
      from = last.operation + 1;
      continue;
    }
    const { operation, after } = found;
    isDone[operation] = true;
    const key = `${doneKey(isDone)}/${after}`;
    if (seen.has(key)) {
      isDone[operation] = false;
      from = operation + 1;
      continue;
    }
    seen.add(key);
    path.push({ operation, state });
    if (operations[operation]?.answer !== null) isOwed -= 1;
    state = after;
    from = 0;
  }
  return 'undecided';
}

/** The first operation from `from` on that may be the next: nothing that is not done returned before its call. */
function nextCandidate<Request>(
  operations: readonly Operation<Request>[],
  isDone: readonly boolean[],
  from: number,
  step: (request: Request) => { readonly state: string; readonly answer: string },
): { readonly operation: number; readonly after: string } | null {
  let earliestReturn = Number.POSITIVE_INFINITY;
  for (const [i, { returnedAt, calledAt }] of operations.entries()) {
    if (calledAt > earliestReturn) break;
    if (isDone[i] !== true) earliestReturn = Math.min(earliestReturn, returnedAt);
  }
  for (let i = from; i < operations.length; i += 1) {
    const operation = operations[i];
    if (operation === undefined || operation.calledAt > earliestReturn) return null;
    if (isDone[i] === true) continue;
    const { state, answer } = step(operation.request);
    if (operation.answer === null || operation.answer === answer) return { operation: i, after: state };
  }
  return null;
}

/** What is done, as runs of the same: mostly one long run and a short tail. */
function doneKey(isDone: readonly boolean[]): string {
  const runs: number[] = [];
  let length = 0;
  let current = true;
  for (const done of isDone) {
    if (done === current) length += 1;
    else {
      runs.push(length);
      length = 1;
      current = done;
    }
  }
  return runs.join(',');
}
