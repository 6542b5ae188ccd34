/** A group that keeps the entries of tenants whose home it is, beside the tenants that it owns. */
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import {
  Epoch,
  GroupId,
  Incarnation,
  LaneId,
  MoveId,
  NodeId,
  RequestId,
  type TenantName,
} from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { MonoTime, WallTime } from '../../core/base/time.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { agreementOn, homesIn } from '../../core/metadata/homes.ts';
import { unknownConfiguration } from '../../core/raft/configuration.ts';
import type { LoggedItem, LoggedOperation } from '../../core/wire/operation.ts';

const ids = [1, 2, 3].map(GroupId);
const groups = ids.map((group) => ({ group }));
const homeOf = homesIn('gossip', groups);
const home = GroupId(2);
const many = Array.from({ length: 300 }, (_, i) => `tenant-${String(i)}` as TenantName);
const [acme, blue] = many.filter((tenant) => homeOf(tenant) === home) as [TenantName, TenantName];
const stamp = WallTime(1_700_000_000_000);
const origin = { node: NodeId(2), boot: 7, request: RequestId(1) };

let machine: TenantMachine;

beforeEach(() => {
  machine = machineOf(home);
});

function machineOf(group: GroupId): TenantMachine {
  return new TenantMachine(() => 0, undefined, undefined, new DirectoryMachine(ids, [], group));
}

function itemOf(operation: LoggedOperation): LoggedItem {
  return { origin, lane: LaneId(0), ackBelow: origin.request, isRetry: false, operation };
}

function run(operation: LoggedOperation, on = machine): unknown {
  return on.apply(itemOf(operation), { stamp, maxValueBytes: 1000 }, true);
}

const resolve = (tenant: TenantName, create: boolean, group: GroupId | null = null): LoggedOperation => ({
  kind: 'resolveTenant',
  tenant,
  create,
  group,
});
const move = (tenant: TenantName, to: number): LoggedOperation => ({
  kind: 'planMove',
  tenant,
  plan: { kind: 'begin', to: GroupId(to), alone: false, isPlanners: false },
});

function stateOf(of: TenantMachine): Buffer {
  const cut = of.cut({ stamp, configuration: unknownConfiguration });
  const chunks: Uint8Array[] = [];
  for (let chunk = cut.next(100); chunk !== null; chunk = cut.next(100)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function fillWithAll(): void {
  run({ kind: 'adopt', tenant: acme, incarnation: Incarnation(1), epoch: Epoch(1) });
  run(resolve(acme, true));
  run(resolve(blue, true, GroupId(3)));
  run({ kind: 'dropTenant', tenant: blue, incarnation: Incarnation(1) });
  run(resolve(blue, true, GroupId(1)));
  run(move(acme, 3));
}

test('homes are spread, follow from names and groups, and stay where they are when others come', () => {
  const homes = many.map(homeOf);
  for (const group of ids) expect(homes.filter((other) => other === group).length).toBeGreaterThan(60);
  const withAnother = homesIn('static', [...groups, { group: GroupId(4) }]);
  expect(many.every((tenant, i) => [homes[i], 4].includes(withAnother(tenant)))).toBe(true);
  expect(many.map(homesIn('raft', groups)).every((group) => group === 0)).toBe(true);
});

test('nodes with other groups, or another mode, have other words for it', () => {
  const said = [agreementOn('raft', groups), agreementOn('static', groups), agreementOn('gossip', groups)];
  expect(new Set([...said, agreementOn('gossip', groups.slice(1))]).size).toBe(4);
  expect(agreementOn('raft', groups.slice(1))).toBe(said[0]);
});

test('a home creates its tenants where it is told, or where it is itself', () => {
  const place = { epoch: 1, incarnation: 1 };
  expect(run(resolve(acme, false))).toMatchObject({ kind: 'resolved', tenant: null });
  expect(run(resolve(acme, true))).toMatchObject({ kind: 'resolved', tenant: { ...place, group: home } });
  expect(run(resolve(blue, true, GroupId(3)))).toMatchObject({ kind: 'resolved', tenant: { ...place, group: 3 } });
  expect(run(resolve(blue, true, GroupId(1)))).toMatchObject({ kind: 'resolved', tenant: { ...place, group: 3 } });
  expect(machine.read(resolve(blue, false), stamp)).toMatchObject({ tenant: { group: 3 } });
  expect([resolve(acme, true), resolve(acme, false)].map((one) => machine.accessOf(one))).toEqual(['read', 'read']);
});

test('a leader whose home the tenant has not does not create it', () => {
  const refusal = { kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: 0 } };
  for (const tenant of many)
    expect(machine.judge(itemOf(resolve(tenant, true)), MonoTime(0))).toEqual(homeOf(tenant) === home ? null : refusal);
  expect(new TenantMachine(() => 0).judge(itemOf(resolve(acme, true)), MonoTime(0))).toEqual(refusal);
});

test('what nodes are asked for has no place here', () => {
  const plan = { kind: 'drain', node: NodeId(1) } as const;
  const refusal = { kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: 0 } };
  expect(machine.judge(itemOf({ kind: 'planNode', tenant: acme, plan }), MonoTime(0))).toEqual(refusal);
  expect(run({ kind: 'planNode', tenant: acme, plan })).toEqual(refusal);
});

test('no two homes number a move alike, and the numbers of each grow', () => {
  const numbers = ids.flatMap((group) => {
    const other = machineOf(group);
    const homed = many.filter((tenant) => homeOf(tenant) === group).slice(0, 3);
    for (const tenant of homed) run(resolve(tenant, true, GroupId(1)), other);
    const planned = homed.map((tenant) => run(move(tenant, 2), other) as { readonly move: { readonly move: MoveId } });
    const own = planned.map(({ move: begun }) => begun.move);
    expect(own).toEqual([...own].sort((a, b) => a - b));
    expect(own.every((number) => number % limits.groupIds === group)).toBe(true);
    return own;
  });
  expect(new Set(numbers).size).toBe(9);
});

test('its state holds both, and goes on as it was', () => {
  fillWithAll();
  const [first] = machine.home?.directory.moves.list() ?? [];
  run({ kind: 'planMove', tenant: acme, plan: { kind: 'stay', move: first?.move ?? MoveId(0) } });
  run(move(acme, 2));
  const state = stateOf(machine);
  const loaded = machineOf(home);
  const loader = loaded.loader();
  expect(loader.add(state) && loader.finish()).toBe(true);
  expect(stateOf(loaded).equals(state)).toBe(true);
  expect([...loaded.tenants.keys()]).toEqual([acme]);
  expect(loaded.home?.directory.moves.list()).toEqual(machine.home?.directory.moves.list());
  expect(loaded.home?.directory.moves.leftOver()).toEqual([first]);
  const next = run(resolve(blue, true));
  expect(run(resolve(blue, true), loaded)).toEqual(next);
});

test('a state without entries is none for a home, and one with entries is for nobody else', () => {
  fillWithAll();
  const alone = new TenantMachine(() => 0).loader();
  expect(alone.add(stateOf(machine)) && alone.finish()).toBe(false);
  const loader = machine.loader();
  expect(loader.add(stateOf(new TenantMachine(() => 0))) && loader.finish()).toBe(false);
});

test('state 4 of a home is written as it always was', () => {
  fillWithAll();
  const hex = readFileSync(new URL('fixtures/home-4.hex', import.meta.url), 'utf8').replaceAll(/\s/g, '');
  expect(stateOf(machine).toString('hex')).toBe(hex);
});
