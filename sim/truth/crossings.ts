/**
 * Which faults struck while a tenant's move was at which step: a fault that never meets a step says nothing about it. A
 * move is at a step from when that is committed until the next is.
 */
import type { MoveId } from '../../core/base/ids.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';
import type { MoveStep } from '../../core/wire/moves.ts';
import type { FaultKind } from '../scenario/scenario.ts';

/** Steps at which a move can be met, in their order. The others end it. */
export const stepsOfMoves = ['start', 'prepare', 'stage', 'freeze', 'seal', 'depart', 'activate'] as const;
export type MetStep = (typeof stepsOfMoves)[number];

/** How often, by fault and step. */
export type CrossingCounts = Readonly<Partial<Record<`${FaultKind} ${MetStep}`, number>>>;

export class Crossings {
  private readonly underWay = new Map<MoveId, MetStep>();
  private readonly counts = new Map<`${FaultKind} ${MetStep}`, number>();

  /** An operation is committed. */
  committed(operation: LoggedOperation): void {
    if (operation.kind !== 'move') return;
    const step = metStep(operation.step.kind);
    if (step === null) this.underWay.delete(operation.move);
    else this.underWay.set(operation.move, step);
  }

  struck(kind: FaultKind): void {
    for (const step of this.underWay.values()) {
      const cell = `${kind} ${step}` as const;
      this.counts.set(cell, (this.counts.get(cell) ?? 0) + 1);
    }
  }

  all(): CrossingCounts {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function metStep(kind: MoveStep['kind']): MetStep | null {
  return stepsOfMoves.find((step) => step === kind) ?? null;
}
