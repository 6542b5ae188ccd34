/**
 * What an operator asks of a tenant's account: to show its quota or its figures, or to set its quota. Who keeps its entry
 * says where the tenant lives, and its group is asked; if it lives elsewhere by then, from the beginning.
 */
import { metadataGroup, type TenantName } from '../base/ids.ts';
import type { QuotaChange, TenantReport } from '../wire/accounts.ts';
import type { Outcome, TenantPlace } from '../wire/messages.ts';
import type { NextStep } from './nextStep.ts';

export interface AccountProcedure {
  readonly kind: 'setQuota' | 'showQuota' | 'showStatistics';
  readonly tenant: TenantName;
  /** Empty unless the quota is set. */
  readonly change: QuotaChange;
  stage: 'resolve' | 'ask';
  /** What the group has said; null while it has not, and if the quota was set. */
  report: TenantReport | null;
  place: TenantPlace | null;
}

export function setQuota(tenant: TenantName, change: QuotaChange): AccountProcedure {
  return procedure('setQuota', tenant, change);
}

export function showQuota(tenant: TenantName): AccountProcedure {
  return procedure('showQuota', tenant, {});
}

export function showStatistics(tenant: TenantName): AccountProcedure {
  return procedure('showStatistics', tenant, {});
}

export function firstAccountStep(procedure: AccountProcedure, startsOver = false): NextStep {
  procedure.stage = 'resolve';
  const { tenant } = procedure;
  const operation = { kind: 'resolveTenant', tenant, create: false, group: null } as const;
  return { kind: 'step', group: metadataGroup, operation, startsOver };
}

export function nextAccountStep(procedure: AccountProcedure, outcome: Outcome): NextStep {
  if (procedure.stage === 'resolve') {
    if (outcome.kind !== 'resolved') return firstAccountStep(procedure, true);
    procedure.place = outcome.tenant;
    return outcome.tenant === null ? { kind: 'finished', place: null } : ask(procedure, outcome.tenant);
  }
  if (outcome.kind === 'inspected') procedure.report = outcome.report;
  else if (outcome.kind !== 'done') return firstAccountStep(procedure, true);
  return { kind: 'finished', place: procedure.place };
}

function procedure(kind: AccountProcedure['kind'], tenant: TenantName, change: QuotaChange): AccountProcedure {
  return { kind, tenant, change, stage: 'resolve', report: null, place: null };
}

function ask(procedure: AccountProcedure, { group, tenant, incarnation }: TenantPlace): NextStep {
  procedure.stage = 'ask';
  const { kind, change } = procedure;
  return {
    kind: 'step',
    group,
    operation:
      kind === 'setQuota'
        ? { kind: 'setQuota', tenant, incarnation, change }
        : { kind: 'inspectTenant', tenant, incarnation },
    startsOver: false,
  };
}
