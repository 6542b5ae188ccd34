/**
 * What became of a tenant's move when an operation was applied: a step in one of its two groups, or what the metadata group
 * keeps of it.
 */
import type { MoveStep } from '../../core/wire/moves.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';

export type MoveEvent = Exclude<MoveStep['kind'], 'look'> | 'begin' | 'stay' | 'end';

export function moveEventOf(operation: LoggedOperation): MoveEvent | null {
  if (operation.kind === 'move') return operation.step.kind === 'look' ? null : operation.step.kind;
  if (operation.kind !== 'planMove') return null;
  const { kind } = operation.plan;
  return kind === 'begin' || kind === 'stay' || kind === 'end' ? kind : null;
}
