/** What a procedure wants done next. */
import type { GroupId } from '../base/ids.ts';
import type { Operation, TenantPlace } from '../wire/messages.ts';

export type NextStep =
  /** `startsOver`: it was of no use so far, and is not to begin again at once. */
  | { readonly kind: 'step'; readonly group: GroupId; readonly operation: Operation; readonly startsOver: boolean }
  /** `place` is null if there is no such tenant, or if that was not the question. */
  | { readonly kind: 'finished'; readonly place: TenantPlace | null }
  /** The tenant is being imported: nothing is done with it before it is whole. */
  | { readonly kind: 'loading' };
