/** A piece of a tenant that is imported, step by step: what is asked of whom, and what its sender is told. */
import { describe, expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, MapVersion, MoveId, type TenantName } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { type ImportEnding, importPiece } from '../../core/forward/importProcedure.ts';
import type { NextStep } from '../../core/forward/nextStep.ts';
import { firstStep, nextStep, type Procedure } from '../../core/forward/procedure.ts';
import { dropTenant, ensureTenant } from '../../core/forward/tenancy.ts';
import type { Outcome } from '../../core/wire/messages.ts';
import type { CopyCursor, MoveState } from '../../core/wire/moves.ts';
import type { TenantPiece } from '../../core/wire/tenantFile.ts';

const tenant = 'acme' as TenantName;
const [incarnation, move, group] = [Incarnation(3), MoveId(12), GroupId(2)];
const done: Outcome = { kind: 'done', reply: new Uint8Array(0) };
const underWay = { move, tenant, incarnation, epoch: Epoch(0), from: GroupId(0), to: group, isPlanners: false };
const planned: Outcome = { kind: 'planned', move: underWay, pin: null, why: '' };
const nothingPlanned: Outcome = { kind: 'planned', move: null, pin: null, why: '' };
const loading: Outcome = { kind: 'refused', refusal: { kind: 'loading', group, incarnation } };
const released: Outcome = { kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: incarnation } };
const unknown: Outcome = { kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: Incarnation(2) } };
const moving = (state: MoveState): Outcome => ({ kind: 'moving', state });
const at = (serial: number, change: number): CopyCursor => ({ serial, change, part: null });
const staged = (serial: number, change: number, isSealed = false): Outcome =>
  moving({ kind: 'staged', cursor: at(serial, change), isSealed });

const head: TenantPiece = {
  ...{ kind: 'head', number: 0, before: 0, checksum: 9 },
  ...{ tenant: 'blue', cluster: 'other', instant: WallTime(1) },
};
const items: TenantPiece = { kind: 'items', number: 2, before: 70, checksum: 80, records: Uint8Array.of(1) };
const quota = { bytes: 0, keys: 0, operations: 0, bandwidth: 0 };
const end: TenantPiece = { kind: 'end', number: 3, before: 80, checksum: 90, keys: 5, mark: 7, quota };

/** What is asked of which group, one after the other, and what comes of it. */
function walk(procedure: Procedure, outcomes: readonly Outcome[]): readonly unknown[] {
  const steps: NextStep[] = [firstStep(procedure)];
  for (const outcome of outcomes) steps.push(nextStep(procedure, outcome));
  return steps.map((step) => {
    if (step.kind === 'loading') return 'loading';
    if (step.kind === 'finished') return procedure.kind === 'import' ? procedure.ending : 'finished';
    const { operation } = step;
    const what =
      operation.kind === 'move'
        ? operation.step.kind
        : operation.kind === 'planMove'
          ? operation.plan.kind
          : operation.kind;
    return `${String(step.group)} ${what}${step.startsOver ? ' again' : ''}`;
  });
}

const taken = (next: number): ImportEnding => ({ kind: 'taken', move, next });

test.each<[string, Procedure, readonly Outcome[], readonly unknown[]]>([
  ['the first piece', importPiece(tenant, head, null), [planned, staged(0, 0)], ['0 import', '2 prepare', taken(1)]],
  [
    'the first piece of one that goes on',
    importPiece(tenant, head, null),
    [planned, staged(4, 8)],
    ['0 import', '2 prepare', taken(5)],
  ],
  [
    'a name that is taken',
    importPiece(tenant, head, null),
    [{ kind: 'planned', move: null, pin: null, why: 'ERR x' }],
    ['0 import', { kind: 'refused', why: 'ERR x' }],
  ],
  ['a piece', importPiece(tenant, items, move), [planned, staged(2, 80)], ['0 look', '2 stage', taken(3)]],
  [
    'a piece that came before',
    importPiece(tenant, items, move),
    [planned, staged(4, 99)],
    ['0 look', '2 stage', taken(5)],
  ],
  [
    'a piece that comes too early',
    importPiece(tenant, items, move),
    [planned, staged(0, 0)],
    ['0 look', '2 stage', { kind: 'misplaced', wanted: 1 }],
  ],
  [
    'a piece of another file',
    importPiece(tenant, items, move),
    [planned, staged(1, 71)],
    ['0 look', '2 stage', { kind: 'misplaced', wanted: 2 }],
  ],
  [
    'a piece in the place of another',
    importPiece(tenant, items, move),
    [planned, staged(2, 81)],
    ['0 look', '2 stage', { kind: 'misplaced', wanted: 3 }],
  ],
  ['a piece of no import', importPiece(tenant, items, move), [nothingPlanned], ['0 look', { kind: 'unknown' }]],
  ['a piece of an earlier import', importPiece(tenant, items, MoveId(11)), [planned], ['0 look', { kind: 'unknown' }]],
  [
    'a piece that makes no tenant',
    importPiece(tenant, items, move),
    [planned, moving({ kind: 'ended' }), planned],
    ['0 look', '2 stage', '0 look', { kind: 'failed' }],
  ],
  [
    'the last piece',
    importPiece(tenant, end, move),
    [planned, staged(2, 80, true), nothingPlanned, done],
    ['0 look', '2 seal', '0 end', '2 adopt', taken(0)],
  ],
  [
    'the last piece too early',
    importPiece(tenant, end, move),
    [planned, staged(1, 70)],
    ['0 look', '2 seal', { kind: 'misplaced', wanted: 2 }],
  ],
  [
    'the last piece once more',
    importPiece(tenant, end, move),
    [
      nothingPlanned,
      { kind: 'resolved', version: MapVersion(1), tenant: { tenant, group, epoch: Epoch(1), incarnation } },
      moving({ kind: 'active' }),
    ],
    ['0 look', '0 resolveTenant', '2 look', taken(0)],
  ],
  [
    'the last piece of a tenant that was dropped',
    importPiece(tenant, end, move),
    [nothingPlanned, { kind: 'resolved', version: MapVersion(1), tenant: null }],
    ['0 look', '0 resolveTenant', { kind: 'unknown' }],
  ],
])('%s', (_, procedure, outcomes, steps) => {
  expect(walk(procedure, outcomes)).toEqual(steps);
});

describe('where a drop stopped half way', () => {
  const none = moving({ kind: 'none' });

  test('the first piece completes it, and begins anew', () => {
    expect(walk(importPiece(tenant, head, null), [planned, none, released, done])).toEqual([
      ...['0 import', '2 prepare', '2 inspectTenant', '0 dropTenant', '0 import'],
    ]);
  });

  test('any other completes it, and is of no import', () => {
    expect(walk(importPiece(tenant, items, move), [planned, none, released, done])).toEqual([
      ...['0 look', '2 stage', '2 inspectTenant', '0 dropTenant', { kind: 'unknown' }],
    ]);
  });

  test('so does whoever asks for the tenant, which may be created then', () => {
    expect(walk(ensureTenant(tenant, true, null), [loading, released, done])).toEqual([
      ...['0 resolveTenant', '2 inspectTenant', '0 dropTenant', '0 resolveTenant'],
    ]);
  });
});

describe('where it was whole, and is not there any more', () => {
  test('the first piece begins anew', () => {
    expect(walk(importPiece(tenant, head, null), [planned, moving({ kind: 'ended' }), nothingPlanned])).toEqual([
      ...['0 import', '2 prepare', '0 look', '0 import'],
    ]);
  });

  test('any other is of no import', () => {
    expect(walk(importPiece(tenant, items, move), [planned, moving({ kind: 'ended' }), nothingPlanned])).toEqual([
      ...['0 look', '2 stage', '0 look', { kind: 'unknown' }],
    ]);
  });
});

test('a former tenant of that name is waited for', () => {
  expect(walk(importPiece(tenant, head, null), [planned, moving({ kind: 'none' }), unknown])).toEqual([
    ...['0 import', '2 prepare', '2 inspectTenant', '0 import again'],
  ]);
});

test('a tenant that is being imported is loading, and may be dropped', () => {
  expect(walk(ensureTenant(tenant, true, null), [loading, unknown])).toEqual([
    ...['0 resolveTenant', '2 inspectTenant', 'loading'],
  ]);
  expect(walk(dropTenant(tenant), [loading, done, done])).toEqual([
    ...['0 resolveTenant', '2 release', '0 dropTenant', 'finished'],
  ]);
});
