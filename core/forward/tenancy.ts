/**
 * Creating a tenant and dropping one, step by step.
 *
 * Create: the metadata group assigns a group and an incarnation, the group adopts it.
 * Drop: the group releases the tenant, which is the commit point; the metadata group forgets it. Only then can
 * the name get its next incarnation, so no two groups own a tenant at a time. Where there is no metadata group, the
 * tenant's home does its part.
 */
import { Epoch, type GroupId, metadataGroup, type TenantName } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import type { Operation, Outcome, Refusal, TenantPlace } from '../wire/messages.ts';
import type { NextStep } from './nextStep.ts';

export interface TenancyProcedure {
  readonly kind: 'ensure' | 'drop';
  readonly tenant: TenantName;
  /** Whether a tenant that does not exist is created, and in which group if not by the policy. */
  readonly create: boolean;
  readonly group: GroupId | null;
  /** The step that is under way. */
  stage: 'resolve' | 'ask' | 'adopt' | 'release' | 'forget';
  place: TenantPlace | null;
}

export function ensureTenant(tenant: TenantName, create: boolean, group: GroupId | null): TenancyProcedure {
  return { kind: 'ensure', tenant, create, group, stage: 'resolve', place: null };
}

export function dropTenant(tenant: TenantName): TenancyProcedure {
  return { kind: 'drop', tenant, create: false, group: null, stage: 'resolve', place: null };
}

export function firstTenancyStep(procedure: TenancyProcedure): NextStep {
  return resolve(procedure, false);
}

/** What follows from the outcome of the step under way. Outcomes that only say "ask elsewhere" do not come here. */
export function nextTenancyStep(procedure: TenancyProcedure, outcome: Outcome): NextStep {
  switch (procedure.stage) {
    case 'resolve':
      if (outcome.kind === 'refused' && outcome.refusal.kind === 'loading')
        return afterLoading(procedure, outcome.refusal);
      if (outcome.kind !== 'resolved') return resolve(procedure, true);
      procedure.place = outcome.tenant;
      if (outcome.tenant === null) return { kind: 'finished', place: null };
      return procedure.kind === 'drop' ? release(procedure, outcome.tenant) : adopt(procedure, outcome.tenant);
    case 'ask':
      return isReleased(procedure, outcome) ? forget(procedure) : { kind: 'loading' };
    case 'adopt':
      return outcome.kind === 'done'
        ? { kind: 'finished', place: procedure.place }
        : afterRefusedAdoption(procedure, outcome);
    case 'release':
      return outcome.kind === 'done' ? forget(procedure) : resolve(procedure, true);
    case 'forget':
      // What stood in the way of an adoption is gone: nothing is to be waited for.
      return procedure.kind === 'drop' ? { kind: 'finished', place: procedure.place } : resolve(procedure, false);
  }
}

/**
 * The group has released this incarnation: a drop stopped half way, and is completed before anything else. Or the
 * tenant has moved on since, and where to is known.
 */
function afterRefusedAdoption(procedure: TenancyProcedure, outcome: Outcome): NextStep {
  if (outcome.kind === 'refused' && outcome.refusal.kind === 'moved') {
    const { group, epoch, incarnation } = outcome.refusal;
    return { kind: 'finished', place: { tenant: procedure.tenant, group, epoch, incarnation } };
  }
  return isReleased(procedure, outcome) ? forget(procedure) : resolve(procedure, true);
}

function isReleased({ place }: TenancyProcedure, outcome: Outcome): boolean {
  if (place === null || outcome.kind !== 'refused' || outcome.refusal.kind !== 'notOwner') return false;
  return outcome.refusal.released >= place.incarnation;
}

function resolve(procedure: TenancyProcedure, startsOver: boolean): NextStep {
  procedure.stage = 'resolve';
  const { tenant, create, group } = procedure;
  const operation: Operation = { kind: 'resolveTenant', tenant, create, group };
  return { kind: 'step', group: metadataGroup, operation, startsOver };
}

function adopt(procedure: TenancyProcedure, place: TenantPlace): NextStep {
  procedure.stage = 'adopt';
  const { tenant, incarnation, epoch } = place;
  return {
    kind: 'step',
    group: place.group,
    operation: { kind: 'adopt', tenant, incarnation, epoch },
    startsOver: false,
  };
}

function release(procedure: TenancyProcedure, place: TenantPlace): NextStep {
  procedure.stage = 'release';
  const { tenant, incarnation } = place;
  return { kind: 'step', group: place.group, operation: { kind: 'release', tenant, incarnation }, startsOver: false };
}

/** Of a tenant that is being imported there is nothing yet but what nobody sees: or, after half a drop, not even that. */
function afterLoading(
  procedure: TenancyProcedure,
  { group, incarnation }: Extract<Refusal, { kind: 'loading' }>,
): NextStep {
  const { tenant } = procedure;
  const place = { tenant, group, epoch: Epoch(1), incarnation };
  procedure.place = place;
  if (procedure.kind === 'drop') return release(procedure, place);
  procedure.stage = 'ask';
  return { kind: 'step', group, operation: { kind: 'inspectTenant', tenant, incarnation }, startsOver: false };
}

function forget(procedure: TenancyProcedure): NextStep {
  const { place, tenant } = procedure;
  invariant(place !== null, 'only a tenant that was found is forgotten', { tenant });
  procedure.stage = 'forget';
  return {
    kind: 'step',
    group: metadataGroup,
    operation: { kind: 'dropTenant', tenant, incarnation: place.incarnation },
    startsOver: false,
  };
}
