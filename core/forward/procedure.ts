/**
 * What takes steps in more than one group: creating a tenant and dropping one. Each step repeats safely, and
 * whoever finds a procedure half done completes it, because the groups' own logs say how far it came.
 *
 * Create: the metadata group assigns a group and an incarnation, the group adopts it.
 * Drop: the group releases the tenant, which is the commit point; the metadata group forgets it. Only then can
 * the name get its next incarnation, so no two groups own a tenant at a time.
 */
import { type GroupId, metadataGroup, type TenantName } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import type { Operation, Outcome, TenantPlace } from '../wire/messages.ts';

export interface Procedure {
  readonly kind: 'ensure' | 'drop';
  readonly tenant: TenantName;
  /** Whether a tenant that does not exist is created, and in which group if not by the policy. */
  readonly create: boolean;
  readonly group: GroupId | null;
  /** The step that is under way. */
  stage: 'resolve' | 'adopt' | 'release' | 'forget';
  place: TenantPlace | null;
}

export type NextStep =
  | { readonly kind: 'step'; readonly group: GroupId; readonly operation: Operation }
  /** `place` is null if there is no such tenant. */
  | { readonly kind: 'finished'; readonly place: TenantPlace | null };

export function ensureTenant(tenant: TenantName, create: boolean, group: GroupId | null): Procedure {
  return { kind: 'ensure', tenant, create, group, stage: 'resolve', place: null };
}

export function dropTenant(tenant: TenantName): Procedure {
  return { kind: 'drop', tenant, create: false, group: null, stage: 'resolve', place: null };
}

export function firstStep(procedure: Procedure): NextStep {
  return resolve(procedure);
}

/** What follows from the outcome of the step under way. Outcomes that only say "ask elsewhere" do not come here. */
export function nextStep(procedure: Procedure, outcome: Outcome): NextStep {
  switch (procedure.stage) {
    case 'resolve':
      if (outcome.kind !== 'resolved') return resolve(procedure);
      procedure.place = outcome.tenant;
      if (outcome.tenant === null) return { kind: 'finished', place: null };
      return procedure.kind === 'drop' ? release(procedure, outcome.tenant) : adopt(procedure, outcome.tenant);
    case 'adopt':
      return outcome.kind === 'done'
        ? { kind: 'finished', place: procedure.place }
        : afterRefusedAdoption(procedure, outcome);
    case 'release':
      return outcome.kind === 'done' ? forget(procedure) : resolve(procedure);
    case 'forget':
      return procedure.kind === 'drop' ? { kind: 'finished', place: procedure.place } : resolve(procedure);
  }
}

/** The group has released this incarnation: a drop stopped half way, and is completed before anything else. */
function afterRefusedAdoption(procedure: Procedure, outcome: Outcome): NextStep {
  const { place } = procedure;
  const isReleased =
    outcome.kind === 'refused' &&
    outcome.refusal.kind === 'notOwner' &&
    place !== null &&
    outcome.refusal.released >= place.incarnation;
  return isReleased ? forget(procedure) : resolve(procedure);
}

function resolve(procedure: Procedure): NextStep {
  procedure.stage = 'resolve';
  const { tenant, create, group } = procedure;
  return { kind: 'step', group: metadataGroup, operation: { kind: 'resolveTenant', tenant, create, group } };
}

function adopt(procedure: Procedure, place: TenantPlace): NextStep {
  procedure.stage = 'adopt';
  const { tenant, incarnation, epoch } = place;
  return { kind: 'step', group: place.group, operation: { kind: 'adopt', tenant, incarnation, epoch } };
}

function release(procedure: Procedure, place: TenantPlace): NextStep {
  procedure.stage = 'release';
  const { tenant, incarnation } = place;
  return { kind: 'step', group: place.group, operation: { kind: 'release', tenant, incarnation } };
}

function forget(procedure: Procedure): NextStep {
  const { place, tenant } = procedure;
  invariant(place !== null, 'only a tenant that was found is forgotten', { tenant });
  procedure.stage = 'forget';
  return {
    kind: 'step',
    group: metadataGroup,
    operation: { kind: 'dropTenant', tenant, incarnation: place.incarnation },
  };
}
