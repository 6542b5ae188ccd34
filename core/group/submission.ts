/** What goes into a group and what comes out of it: each submission ends in exactly one completion. */
import type { TenantName } from '../base/ids.ts';
import type { Origin } from '../node/probe.ts';
import type { Outcome } from '../wire/messages.ts';
import type { LoggedItem } from '../wire/operation.ts';

export interface Submission extends LoggedItem {
  /** As in `ForwardRequest`. */
  readonly attempt: number;
  /** Nothing earlier of its lane is under way. */
  readonly resumes: boolean;
  /** A read that this replica may serve although it does not lead: its client asked for that (`READONLY`). */
  readonly readsHere: boolean;
}

export interface Completion {
  readonly origin: Origin;
  readonly tenant: TenantName;
  readonly attempt: number;
  readonly outcome: Outcome;
}
