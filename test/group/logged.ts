/** An operation as a machine gets it from its group's log. */
import { LaneId, NodeId, RequestId } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import type { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';

/** Asked for once, on a lane that has heard everything before. Times in milliseconds. */
export function applyTo(
  machine: TenantMachine,
  operation: LoggedOperation,
  request: number,
  { now = 1000, lane = LaneId(1) } = {},
): ReturnType<TenantMachine['apply']> {
  const id = RequestId(request);
  const origin = { node: NodeId(1), boot: 1, request: id };
  const item = { origin, lane, ackBelow: id, isRetry: false, operation };
  return machine.apply(item, { stamp: WallTime(now), maxValueBytes: 1_000_000 }, true);
}
