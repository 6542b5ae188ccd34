/**
 * What takes steps in more than one group, or is asked of one until that answers. Each step repeats safely, and whoever
 * finds a procedure half done completes it, because the groups' own logs say how far it came.
 */
import type { GroupId, TenantName } from '../base/ids.ts';
import type { Operation, Outcome } from '../wire/messages.ts';
import { type AccountProcedure, firstAccountStep, nextAccountStep } from './accountProcedure.ts';
import { firstImportStep, type ImportProcedure, nextImportStep } from './importProcedure.ts';
import { firstMoveStep, type MoveProcedure, nextMoveStep } from './moveProcedure.ts';
import type { NextStep } from './nextStep.ts';
import { firstTenancyStep, nextTenancyStep, type TenancyProcedure } from './tenancy.ts';

export type Procedure = TenancyProcedure | MoveProcedure | AccountProcedure | ImportProcedure | Errand;

/** One operation, for the sake of its answer. */
export interface Errand {
  readonly kind: 'errand';
  readonly tenant: TenantName;
  readonly group: GroupId;
  readonly operation: Operation;
  answer: Outcome | null;
}

export function errand(group: GroupId, operation: Operation): Errand {
  return { kind: 'errand', tenant: operation.tenant, group, operation, answer: null };
}

/** Whether anything is different once it has run: otherwise it makes no difference whether it has. */
export function changesSomething(operation: Operation): boolean {
  switch (operation.kind) {
    case 'resolveTenant':
      return operation.create;
    case 'planMove':
      return operation.plan.kind !== 'look';
    case 'move':
      return operation.step.kind !== 'look';
    case 'inspectTenant':
      return false;
    case 'execute':
      return operation.access === 'write';
    default:
      return true;
  }
}

export function firstStep(procedure: Procedure): NextStep {
  switch (procedure.kind) {
    case 'ensure':
    case 'drop':
      return firstTenancyStep(procedure);
    case 'setQuota':
    case 'showQuota':
    case 'showStatistics':
    case 'exportTenant':
      return firstAccountStep(procedure);
    case 'import':
      return firstImportStep(procedure);
    case 'errand':
      return { kind: 'step', group: procedure.group, operation: procedure.operation, startsOver: false };
    default:
      return firstMoveStep(procedure);
  }
}

/** What follows from the outcome of the step under way. Outcomes that only say "ask elsewhere" do not come here. */
export function nextStep(procedure: Procedure, outcome: Outcome): NextStep {
  switch (procedure.kind) {
    case 'ensure':
    case 'drop':
      return nextTenancyStep(procedure, outcome);
    case 'setQuota':
    case 'showQuota':
    case 'showStatistics':
    case 'exportTenant':
      return nextAccountStep(procedure, outcome);
    case 'import':
      return nextImportStep(procedure, outcome);
    case 'errand':
      procedure.answer = outcome;
      return { kind: 'finished', place: null };
    default:
      return nextMoveStep(procedure, outcome);
  }
}
