import { describe, expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, MapVersion, type TenantName } from '../../core/base/ids.ts';
import type { NextStep } from '../../core/forward/nextStep.ts';
import { firstStep, nextStep } from '../../core/forward/procedure.ts';
import { dropTenant, ensureTenant } from '../../core/forward/tenancy.ts';
import type { Outcome, TenantPlace } from '../../core/wire/messages.ts';

const tenant = 'acme' as TenantName;
const place: TenantPlace = { tenant, group: GroupId(2), epoch: Epoch(1), incarnation: Incarnation(3) };
const done: Outcome = { kind: 'done', reply: new Uint8Array(0) };
const resolved = (found: TenantPlace | null): Outcome => ({ kind: 'resolved', version: MapVersion(7), tenant: found });
const notOwner = (owned: number, released: number): Outcome => ({
  kind: 'refused',
  refusal: { kind: 'notOwner', owned: owned as Incarnation, released: released as Incarnation },
});

const resolve: NextStep = {
  kind: 'step',
  group: GroupId(0),
  operation: { kind: 'resolveTenant', tenant, create: true, group: null },
  startsOver: false,
};
const lookUp: NextStep = {
  kind: 'step',
  group: GroupId(0),
  operation: { kind: 'resolveTenant', tenant, create: false, group: null },
  startsOver: false,
};
const adopt: NextStep = {
  kind: 'step',
  group: GroupId(2),
  operation: { kind: 'adopt', tenant, incarnation: Incarnation(3), epoch: Epoch(1) },
  startsOver: false,
};
const release: NextStep = {
  kind: 'step',
  group: GroupId(2),
  operation: { kind: 'release', tenant, incarnation: Incarnation(3) },
  startsOver: false,
};
const forget: NextStep = {
  kind: 'step',
  group: GroupId(0),
  operation: { kind: 'dropTenant', tenant, incarnation: Incarnation(3) },
  startsOver: false,
};

/** Again, because the last time was of no use. */
const again = (step: NextStep): NextStep => ({ ...step, startsOver: true }) as NextStep;

function walk(procedure: ReturnType<typeof ensureTenant>, outcomes: readonly Outcome[]): readonly NextStep[] {
  return [firstStep(procedure), ...outcomes.map((outcome) => nextStep(procedure, outcome))];
}

describe('ensure', () => {
  test('resolve, adopt, finished', () => {
    expect(walk(ensureTenant(tenant, true, null), [resolved(place), done])).toEqual([
      resolve,
      adopt,
      { kind: 'finished', place },
    ]);
  });

  test('a tenant that does not exist and may not be created', () => {
    expect(walk(ensureTenant(tenant, false, null), [resolved(null)])).toEqual([
      lookUp,
      { kind: 'finished', place: null },
    ]);
  });

  test('a drop that stopped after its release is completed first', () => {
    const next: TenantPlace = { ...place, group: GroupId(4), incarnation: Incarnation(4) };
    expect(
      walk(ensureTenant(tenant, true, null), [resolved(place), notOwner(0, 3), done, resolved(next), done]),
    ).toEqual([
      resolve,
      adopt,
      forget,
      resolve,
      {
        kind: 'step',
        group: GroupId(4),
        operation: { kind: 'adopt', tenant, incarnation: Incarnation(4), epoch: Epoch(1) },
        startsOver: false,
      },
      { kind: 'finished', place: next },
    ]);
  });

  test('a group that owns another incarnation sends it back to the directory', () => {
    expect(walk(ensureTenant(tenant, true, null), [resolved(place), notOwner(4, 0)])).toEqual([
      resolve,
      adopt,
      again(resolve),
    ]);
  });
});

test('a tenant that has moved on lives where its former group says', () => {
  const refusal = { kind: 'moved', group: GroupId(5), epoch: Epoch(2), incarnation: Incarnation(3) } as const;
  expect(walk(ensureTenant(tenant, true, null), [resolved(place), { kind: 'refused', refusal }])).toEqual([
    resolve,
    adopt,
    { kind: 'finished', place: { tenant, group: GroupId(5), epoch: Epoch(2), incarnation: Incarnation(3) } },
  ]);
});

describe('drop', () => {
  test('look up, release, forget, finished', () => {
    expect(walk(dropTenant(tenant), [resolved(place), done, done])).toEqual([
      lookUp,
      release,
      forget,
      { kind: 'finished', place },
    ]);
  });

  test('the directory forgets only what the group has released', () => {
    expect(walk(dropTenant(tenant), [resolved(place), notOwner(0, 0)])).toEqual([lookUp, release, again(lookUp)]);
  });
});
