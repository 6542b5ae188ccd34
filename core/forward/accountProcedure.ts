/**
 * What an operator asks of a tenant: to show its quota or its figures, to set its quota, to hand out a piece of all that it
 * has. Who keeps its entry says where the tenant lives, and its group is asked; if it lives elsewhere by then, from the
 * beginning.
 */
import { type Incarnation, metadataGroup, type TenantName } from '../base/ids.ts';
import type { QuotaChange, TenantReport } from '../wire/accounts.ts';
import type { ExportAnswer, WantedPiece } from '../wire/exports.ts';
import type { Operation, Outcome, TenantPlace } from '../wire/messages.ts';
import type { NextStep } from './nextStep.ts';

export interface AccountProcedure {
  readonly kind: 'setQuota' | 'showQuota' | 'showStatistics' | 'exportTenant';
  readonly tenant: TenantName;
  /** Empty unless the quota is set. */
  readonly change: QuotaChange;
  /** Of no meaning unless a piece is asked for. */
  readonly piece: WantedPiece;
  stage: 'resolve' | 'ask';
  /** What the group has said; null while it has not, and if that was not the question. */
  report: TenantReport | null;
  exported: ExportAnswer | null;
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

export function exportTenant(tenant: TenantName, piece: WantedPiece): AccountProcedure {
  return procedure('exportTenant', tenant, {}, piece);
}

export function firstAccountStep(procedure: AccountProcedure, startsOver = false): NextStep {
  procedure.stage = 'resolve';
  const { tenant } = procedure;
  const operation = { kind: 'resolveTenant', tenant, create: false, group: null } as const;
  return { kind: 'step', group: metadataGroup, operation, startsOver };
}

export function nextAccountStep(procedure: AccountProcedure, outcome: Outcome): NextStep {
  if (procedure.stage === 'resolve') {
    if (outcome.kind === 'refused' && outcome.refusal.kind === 'loading') return { kind: 'loading' };
    if (outcome.kind !== 'resolved') return firstAccountStep(procedure, true);
    procedure.place = outcome.tenant;
    return outcome.tenant === null ? { kind: 'finished', place: null } : ask(procedure, outcome.tenant);
  }
  if (outcome.kind === 'inspected') procedure.report = outcome.report;
  else if (outcome.kind === 'exported') procedure.exported = outcome.answer;
  else if (outcome.kind !== 'done') return firstAccountStep(procedure, true);
  return { kind: 'finished', place: procedure.place };
}

const firstPiece: WantedPiece = { id: null, number: 0 };

function procedure(
  kind: AccountProcedure['kind'],
  tenant: TenantName,
  change: QuotaChange,
  piece = firstPiece,
): AccountProcedure {
  return { kind, tenant, change, piece, stage: 'resolve', report: null, exported: null, place: null };
}

function ask(procedure: AccountProcedure, { group, tenant, incarnation }: TenantPlace): NextStep {
  procedure.stage = 'ask';
  return { kind: 'step', group, operation: operationOf(procedure, tenant, incarnation), startsOver: false };
}

function operationOf(
  { kind, change, piece }: AccountProcedure,
  tenant: TenantName,
  incarnation: Incarnation,
): Operation {
  if (kind === 'setQuota') return { kind, tenant, incarnation, change };
  return kind === 'exportTenant'
    ? { kind, tenant, incarnation, piece }
    : { kind: 'inspectTenant', tenant, incarnation };
}
