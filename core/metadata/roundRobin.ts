/**
 * The first placement policy: each new tenant goes to the next group, in order of id. The counter is part of
 * the metadata group's replicated state, so that every replica places the same tenant in the same group.
 */
import type { GroupId } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';

/** The group for the tenant that is placed as number `placed` (from 0 on). `groups` is sorted and not empty. */
export function roundRobin(groups: readonly GroupId[], placed: number): GroupId {
  const group = groups[placed % groups.length];
  invariant(group !== undefined, 'there is a group for tenants', { groups: groups.length });
  return group;
}
