/**
 * A group's state as every version wrote it. A fixture is never rewritten: what a node saved once must be read by
 * every later version.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesOfBinary, ByteWriter, noBytes } from '../../core/base/bytes.ts';
import {
  Epoch,
  GroupId,
  Incarnation,
  LaneId,
  MoveId,
  NodeId,
  ReplicaId,
  RequestId,
  type TenantName,
} from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { encodeNumbered } from '../../core/engine/numbered.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import type { StateMachine } from '../../core/group/machine.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { Configuration } from '../../core/raft/types.ts';
import { copyStart, type MoveStep } from '../../core/wire/moves.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';

const [acme, blue] = ['acme', 'blue'] as TenantName[] as [TenantName, TenantName];
const incarnation = Incarnation(3);
const stamp = WallTime(1_700_000_000_000);

const configuration: Configuration = {
  voters: [{ replica: ReplicaId(1), node: NodeId(2) }],
  outgoing: [],
  learners: [{ replica: ReplicaId(300), node: NodeId(3), joins: false, replaces: null }],
  highest: ReplicaId(300),
};

/** What a state of that version could hold. */
function machineWithAll(version: number): TenantMachine {
  const machine = new TenantMachine(() => 0);
  const run = (request: number, operation: LoggedOperation, ackBelow = request): void => {
    const origin = { node: NodeId(2), boot: 7, request: RequestId(request) };
    const item = { origin, lane: LaneId(request % 2), ackBelow: RequestId(ackBelow), isRetry: false, operation };
    machine.apply(item, { stamp, maxValueBytes: 1_000_000 }, true);
  };
  const command = (...words: readonly string[]): LoggedOperation => {
    const args = words.map(bytesOfBinary);
    return { kind: 'execute', tenant: acme, incarnation, access: 'write', protocol: 2, args };
  };
  run(1, { kind: 'adopt', tenant: blue, incarnation, epoch: Epoch(1) });
  run(2, { kind: 'release', tenant: blue, incarnation });
  run(3, { kind: 'adopt', tenant: acme, incarnation, epoch: Epoch(4) });
  run(5, command('SET', 'k', 'v', 'PX', '5000'));
  run(7, command('SET', '\x00\xff', ''));
  run(9, command('RPUSH', 'list', 'a', 'bb', '', 'c'), 7);
  run(11, command('DEL', 'k'), 7);
  run(13, command('SET', 'large', 'x'.repeat(65_537)), 7);
  if (version < 3) return machine;
  const numbered = (token: string, number: number, ...words: readonly string[]): LoggedOperation => {
    const args = encodeNumbered({ token, number, ackBelow: 2, isResumed: false }, words.map(bytesOfBinary));
    return { kind: 'execute', tenant: acme, incarnation, access: 'write', protocol: 2, args };
  };
  run(15, numbered('a.1', 1, 'INCR', 'n'));
  run(17, numbered('b.2', 7, 'INCR', 'n'));
  run(19, numbered('b.2', 300, 'APPEND', 'k2', 'text'));
  if (version < 4) return machine;
  const step = (tenant: TenantName, move: number, taken: MoveStep): LoggedOperation => ({
    kind: 'move',
    tenant,
    move: MoveId(move),
    step: taken,
  });
  // One that has come, one that is coming with a part of a large item, two that have left, and one about to.
  const [here, coming, left, erased] = ['here', 'coming', 'left', 'erased'] as [
    TenantName,
    TenantName,
    TenantName,
    TenantName,
  ];
  const prepare: MoveStep = { kind: 'prepare', incarnation, epoch: Epoch(1) };
  run(21, step(here, 4, prepare));
  run(23, step(here, 4, copyOf(here, 4).seal));
  run(25, step(here, 4, { kind: 'activate' }));
  run(27, step(coming, 5, prepare));
  run(29, step(coming, 5, copyOf(coming, 5).stage));
  for (const [i, tenant] of [left, erased].entries()) {
    const move = 6 + i;
    run(31 + 10 * i, { kind: 'adopt', tenant, incarnation, epoch: Epoch(1) });
    run(33 + 10 * i, step(tenant, move, { kind: 'start', incarnation, epoch: Epoch(1), to: GroupId(2) }));
    run(35 + 10 * i, step(tenant, move, { kind: 'freeze' }));
    run(37 + 10 * i, step(tenant, move, { kind: 'depart' }));
  }
  run(51, step(erased, 7, { kind: 'erase' }));
  run(52, { kind: 'setQuota', tenant: acme, incarnation, change: { keys: 300, operations: 5 } });
  run(53, step(acme, 300, { kind: 'start', incarnation, epoch: Epoch(4), to: GroupId(2) }));
  run(55, command('SET', 'changed', 'v'));
  run(57, command('DEL', 'n'));
  return machine;
}

/** What another group sends of a tenant: all of it, or a piece that ends in the middle of an item. */
function copyOf(tenant: TenantName, number: number): { readonly seal: MoveStep; readonly stage: MoveStep } {
  const move = MoveId(number);
  const source = new TenantMachine(() => 0);
  const origin = { node: NodeId(2), boot: 7, request: RequestId(1) };
  const apply = (operation: LoggedOperation): unknown =>
    source.apply(
      { origin, lane: LaneId(1), ackBelow: RequestId(1), isRetry: false, operation },
      { stamp, maxValueBytes: 1_000_000 },
      true,
    );
  apply({ kind: 'adopt', tenant, incarnation, epoch: Epoch(1) });
  const args = ['RPUSH', 'list', 'a', 'y'.repeat(70_000), 'b'].map(bytesOfBinary);
  apply({ kind: 'execute', tenant, incarnation, access: 'write', protocol: 2, args });
  apply({ kind: 'move', tenant, move, step: { kind: 'start', incarnation, epoch: Epoch(1), to: GroupId(1) } });
  apply({ kind: 'move', tenant, move, step: { kind: 'freeze' } });
  const piece = source.moves.reader(tenant, move, new ByteWriter(), copyStart);
  const records = piece?.next(1000) ?? noBytes;
  const whole = source.moves.reader(tenant, move, new ByteWriter(), copyStart)?.next(1_000_000) ?? noBytes;
  const seal = source.moves.sealOf(tenant, move, new ByteWriter(), copyStart, whole);
  if (piece === null || seal === null || seal === 'tooLarge') throw new Error('it is being copied');
  return { seal, stage: { kind: 'stage', after: copyStart, upTo: piece.cursor, records } };
}

function stateOf(machine: StateMachine): Buffer {
  const cut = machine.cut({ stamp, configuration });
  const chunks: Uint8Array[] = [];
  for (let chunk = cut.next(1000); chunk !== null; chunk = cut.next(1000)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function directoryWithAll(version: number): DirectoryMachine {
  const machine = new DirectoryMachine([GroupId(1), GroupId(2), GroupId(300)]);
  const { directory } = machine;
  directory.place(acme, null);
  directory.place(blue, GroupId(300));
  directory.place('other:tenant@eu-1.example_2' as TenantName, null);
  directory.drop(blue, Incarnation(1));
  directory.drop(acme, Incarnation(1));
  directory.place(acme, null);
  if (version < 4) return machine;
  directory.beginMove(acme, GroupId(300), true, true);
  directory.beginImport('outside' as TenantName, GroupId(2));
  directory.pin('other:tenant@eu-1.example_2' as TenantName, GroupId(2));
  return machine;
}

/** A long run of one byte is written as how often it stands there. */
function fixture(name: string): Buffer {
  const hex = readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8').replaceAll(/\s/g, '');
  return Buffer.from(
    hex.replaceAll(/\((..)\*([0-9]+)\)/g, (_, byte: string, count: string) => byte.repeat(Number(count))),
    'hex',
  );
}

test('state 4 is written as it always was', () => {
  expect(stateOf(machineWithAll(4)).equals(fixture('state-4'))).toBe(true);
});

test('state 4 is read, moves and all', () => {
  const machine = new TenantMachine(() => 0);
  const loader = machine.loader();
  expect(loader.add(fixture('state-4'))).toBe(true);
  expect(loader.finish()).toBe(true);
  expect(stateOf(machine).equals(fixture('state-4'))).toBe(true);
});

test.each([
  [1, null],
  [2, configuration],
  [3, configuration],
  [4, configuration],
])('state %d is read', (version, members) => {
  const machine = new TenantMachine(() => 0);
  const loader = machine.loader();
  expect(loader.add(fixture(`state-${String(version)}`))).toBe(true);
  expect(loader.finish()).toBe(true);
  expect(loader.configuration).toEqual(members);
  const [loaded, made] = [machine.tenants.get(acme), machineWithAll(version).tenants.get(acme)];
  expect(loaded?.keyspace.digest()).toBe(made?.keyspace.digest());
  expect(loaded?.sessions.digest()).toBe(made?.sessions.digest());
  expect(loaded?.clients.image().sessions).toEqual(made?.clients.image().sessions);
  expect(loaded?.epoch).toBe(4);
  expect([...machine.released]).toEqual([[blue, incarnation]]);
});

test('state 4 of the directory is written as it always was', () => {
  expect(stateOf(directoryWithAll(4)).equals(fixture('directory-4'))).toBe(true);
});

test.each([3, 4])('state %d of the directory is read', (version) => {
  const machine = new DirectoryMachine([GroupId(1), GroupId(2), GroupId(300)]);
  const loader = machine.loader();
  expect(loader.add(fixture(`directory-${String(version)}`))).toBe(true);
  expect(loader.finish()).toBe(true);
  expect(loader.configuration).toEqual(configuration);
  const { directory: made } = directoryWithAll(version);
  const { directory } = machine;
  expect([directory.version, directory.map.digest]).toEqual([6, made.map.digest]);
  expect([...directory.map.places()]).toEqual([...made.map.places()]);
  // What is placed next depends on all that was: the group that is next, and incarnations of before.
  for (const tenant of [blue, 'new' as TenantName])
    expect(directory.place(tenant, null)).toEqual(made.place(tenant, null));
  expect(stateOf(machine).equals(stateOf(Object.assign(directoryWithAll(version), { directory: made })))).toBe(true);
});

test('moves that are over stand in a state 4 of the directory, if there are any', () => {
  const made = directoryWithAll(4);
  expect(made.directory.beginMove(acme, GroupId(1), false, true)).toBeNull();
  made.directory.letStay(acme, made.directory.moves.latest);
  expect(stateOf(made).toString('hex')).toBe(fixture('directory-4-left-over').toString('hex'));
  const machine = new DirectoryMachine([GroupId(1), GroupId(2), GroupId(300)]);
  const loader = machine.loader();
  expect(loader.add(fixture('directory-4-left-over')) && loader.finish()).toBe(true);
  expect(machine.directory.moves.leftOver()).toEqual(made.directory.moves.leftOver());
  expect(machine.directory.moves.of(acme)).toBeNull();
});

test.each([
  ['directory-4', new DirectoryMachine([GroupId(1)])],
  ['directory-4-left-over', new DirectoryMachine([GroupId(1)])],
  ['state-4', new TenantMachine(() => 0)],
])('of a state (%s) that is not whole, or more than that, nothing is taken over', (name, machine) => {
  const state = fixture(name);
  const isTakenOver = (bytes: Uint8Array): boolean => {
    const loader = machine.loader();
    return loader.add(bytes) && loader.finish();
  };
  const whole = stateOf(machine);
  // What is cut within the long strings is cut within one of their parts.
  for (let length = 0; length < state.length; length += length > 4000 && length < state.length - 4000 ? 997 : 1)
    expect(isTakenOver(state.subarray(0, length))).toBe(false);
  expect(isTakenOver(Buffer.concat([state, Buffer.of(0)]))).toBe(false);
  expect(stateOf(machine).equals(whole)).toBe(true);
  expect(isTakenOver(state)).toBe(true);
});
