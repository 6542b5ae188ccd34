/**
 * What a group replicates. A machine is driven by the log alone: equal logs make equal machines, on every
 * replica. `judge` is the fast refusal before an operation is proposed; `apply` is the authority.
 */
import { noBytes } from '../base/bytes.ts';
import type { MonoTime, WallTime } from '../base/time.ts';
import type { LoggedItem, LoggedOperation, Terms } from '../wire/operation.ts';
import type { Outcome } from '../wire/messages.ts';
import type { Instant } from './state/format.ts';
import type { StateCut } from './state/stateCut.ts';
import type { StateLoader } from './state/stateLoader.ts';

export interface StateMachine {
  /** Whether the operation changes the machine, as of what is applied now, or only looks at it. */
  accessOf(operation: LoggedOperation): 'read' | 'write';
  /**
   * An answer that needs no log entry: a refusal, or "done before". Null: go on. Asked once for each time an operation
   * is submitted: what it costs its tenant is counted with it.
   */
  judge(item: Judged, now: MonoTime): Outcome | null;
  /** Runs a logged operation on the terms of its entry. `wantsReply` is false where nobody waits for the outcome. */
  apply(item: LoggedItem, terms: Terms, wantsReply: boolean): Applied;
  /** Runs a read beside the log; leadership at this instant has been proven. `now` is never before the last stamp. */
  read(operation: LoggedOperation, now: WallTime): Outcome;
  /** The state as it is now, to be read out while the machine goes on. One at a time. */
  cut(instant: Instant): StateCut;
  /** Takes over, at its end, a state that a cut has told of. */
  loader(): StateLoader;
}

/** What an operation is judged by, whether it is to be logged or not. */
export type Judged = Pick<LoggedItem, 'operation' | 'isRetry'>;

/** What came of a logged operation. `remembered`: it did not run, since it had run before; `reply` is what it answered then. */
export type Applied = Outcome | { readonly kind: 'remembered'; readonly reply: Uint8Array };

/** Executed, with nothing to say. */
export const done: Outcome = { kind: 'done', reply: noBytes };
