/**
 * A tenant that goes out as a file and comes in again: the same, whatever it holds, whatever is written meanwhile, and
 * wherever the group it comes to is restarted.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfBinary, ByteWriter, noBytes } from '../../core/base/bytes.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { Epoch, Incarnation, MoveId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { MonoTime, WallTime } from '../../core/base/time.ts';
import { restOfImport } from '../../core/group/state/importedRest.ts';
import { TenantExports } from '../../core/group/exports.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { OwnedTenant } from '../../core/group/tenants.ts';
import { unknownConfiguration } from '../../core/raft/configuration.ts';
import type { Outcome } from '../../core/wire/messages.ts';
import type { MoveStep } from '../../core/wire/moves.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';
import { cursorBefore, cursorBehind, decodePiece, type TenantPiece } from '../../core/wire/tenantFile.ts';
import { applyTo } from './logged.ts';

const [acme, clone] = ['acme', 'clone'] as TenantName[] as [TenantName, TenantName];
const incarnation = Incarnation(1);
const move = MoveId(3);
const configuration = unknownConfiguration;

/** One replica of a group, which applies what it is told. */
class Replica {
  machine = new TenantMachine(() => 0);
  private requests = 0;

  apply(operation: LoggedOperation, now = 1000): Outcome | { readonly kind: 'remembered' } {
    this.requests += 1;
    return applyTo(this.machine, operation, this.requests, { now });
  }

  run(tenant: TenantName, words: readonly string[], now = 1000): string {
    const args = words.map(bytesOfBinary);
    const outcome = this.apply({ kind: 'execute', tenant, incarnation, access: 'write', protocol: 2, args }, now);
    if (outcome.kind === 'done') return Buffer.from(outcome.reply).toString('latin1');
    return outcome.kind === 'refused' ? outcome.refusal.kind : outcome.kind;
  }

  adopt(tenant: TenantName): string {
    return this.apply({ kind: 'adopt', tenant, incarnation, epoch: Epoch(1) }).kind;
  }

  step(step: MoveStep): string {
    const outcome = this.apply({ kind: 'move', tenant: clone, move, step });
    if (outcome.kind !== 'moving') return outcome.kind;
    return outcome.state.kind === 'staged' && outcome.state.isSealed ? 'sealed' : outcome.state.kind;
  }

  /** Goes on from what its state says. */
  restart(): void {
    const cut = this.machine.cut({ stamp: WallTime(0), configuration });
    const restored = new TenantMachine(() => 0);
    const loader = restored.loader();
    for (let chunk = cut.next(500); chunk !== null; chunk = cut.next(500)) expect(loader.add(chunk)).toBe(true);
    expect(loader.finish()).toBe(true);
    this.machine = restored;
  }

  owned(tenant: TenantName): OwnedTenant {
    const owned = this.machine.tenants.get(tenant);
    if (owned === undefined) throw new Error(`${tenant} is not here`);
    return owned;
  }

  get staged(): number {
    return this.machine.moves.stagedCount;
  }
}

/** All pieces of a new export; between two of them `meanwhile` happens. */
function exported(owned: OwnedTenant, now: number, meanwhile: () => void = () => undefined): readonly Uint8Array[] {
  const exports = new TenantExports('x', 'test', limits.exportPieceBytes);
  const pieces: Uint8Array[] = [];
  for (let number = 0, id: string | null = null; ; ) {
    const answer = exports.answer(acme, owned, { id, number }, WallTime(now));
    if (answer.kind !== 'piece') throw new Error(answer.kind);
    if (answer.bytes.length > 0) pieces.push(answer.bytes);
    if (answer.next === 0) return pieces;
    ({ id, next: number } = answer);
    meanwhile();
  }
}

function decoded(piece: Uint8Array): TenantPiece {
  const found = decodePiece(piece, crc32);
  if (found.kind === 'damaged' || found.kind === 'foreign') throw new Error(found.kind);
  return found;
}

/** What a piece is in the log of the group to which the tenant comes. */
function stepOf(piece: TenantPiece): MoveStep {
  const after = cursorBefore(piece);
  switch (piece.kind) {
    case 'head':
      return { kind: 'prepare', incarnation, epoch: Epoch(0) };
    case 'items':
      return { kind: 'stage', after, upTo: cursorBehind(piece), records: piece.records };
    case 'end': {
      const rest = restOfImport(new ByteWriter(), clone, incarnation, piece);
      return { kind: 'seal', after, records: noBytes, rest, mark: piece.mark };
    }
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd', '\x00\xff');
const written = fc.constantFrom(0, 1, 30, 70_000, 300_000).map((length) => 'v'.repeat(length));
const command = fc.oneof(
  fc.tuple(fc.constant('SET'), key, written),
  fc.tuple(fc.constant('SET'), key, written, fc.constant('PX'), fc.constantFrom('5', '500000')),
  fc.tuple(fc.constantFrom('RPUSH', 'LPUSH'), key, written, fc.constant('x')),
  fc.tuple(fc.constant('LSET'), key, fc.constant('0'), written),
  fc.tuple(fc.constant('LPOP'), key),
  fc.tuple(fc.constant('APPEND'), key, fc.constant('more')),
  fc.tuple(fc.constant('SETRANGE'), key, fc.constant('1'), fc.constant('over')),
  fc.tuple(fc.constant('INCR'), key),
  fc.tuple(fc.constant('PEXPIRE'), key, fc.constantFrom('1', '300000')),
  fc.tuple(fc.constant('PERSIST'), key),
  fc.tuple(fc.constant('DEL'), key),
  fc.tuple(fc.constant('RENAME'), key, key),
  fc.constant(['FLUSHALL']),
);
const some = fc.array(command, { maxLength: 25 });
const happenings = fc.record({ before: some, during: some, restarts: fc.array(fc.boolean(), { maxLength: 8 }) });

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function contents({ keyspace }: OwnedTenant, now: number): readonly unknown[] {
  return Array.from(keyspace.visible(WallTime(now)), ({ key: name, value, expireAt }) => {
    const text = value instanceof Uint8Array ? textOf(value) : Array.from(value.elements('left'), textOf);
    return [name, text, expireAt];
  });
}

test('what comes in is what went out, as it was when that began', () => {
  fc.assert(
    fc.property(happenings, ({ before, during, restarts }) => {
      const [source, destination] = [new Replica(), new Replica()];
      let now = 1000;
      source.adopt(acme);
      for (const words of before) source.run(acme, words, (now += 1));
      const wanted = contents(source.owned(acme), now);
      const meanwhile = during.values();
      const pieces = exported(source.owned(acme), now, () => {
        // A snapshot is read out at the same time now and then.
        const cut = now % 3 === 0 ? source.machine.cut({ stamp: WallTime(0), configuration }) : null;
        for (let i = 0; i < 3; i += 1) source.run(acme, meanwhile.next().value ?? ['DEL', 'none'], (now += 1));
        cut?.close();
      });
      for (const [i, piece] of pieces.entries()) {
        if (restarts[i] === true) destination.restart();
        const step = stepOf(decoded(piece));
        expect(destination.step(step)).toBe(i === pieces.length - 1 ? 'sealed' : 'staged');
        // Once more is as good as once.
        expect(destination.step(step)).toBe(i === pieces.length - 1 ? 'sealed' : 'staged');
        expect(destination.machine.tenants.size).toBe(0);
      }
      expect(destination.adopt(clone)).toBe('done');
      expect(destination.staged).toBe(0);
      expect(contents(destination.owned(clone), 1000 + before.length)).toEqual(wanted);
      const again = exported(destination.owned(clone), 1000 + before.length);
      expect(again.slice(1).map(textOf)).toEqual(pieces.slice(1).map(textOf));
      const { keyspace } = destination.owned(clone);
      destination.restart();
      expect(destination.owned(clone).keyspace.digest()).toBe(keyspace.digest());
      expect(destination.run(clone, ['SET', 'new', '1'])).toBe('+OK\r\n');
    }),
    { numRuns: 150 },
  );
});

describe('a file that is not what it should be', () => {
  const item = (serial: number, name: string, write = 0): readonly number[] => [
    ...[6, name.length, ...Buffer.from(name)],
    ...[serial, 0, write, 0, 1],
    ...[7, 1, 1, 0x78],
  ];

  function staged(records: readonly number[]): readonly [Replica, string] {
    const replica = new Replica();
    replica.step({ kind: 'prepare', incarnation, epoch: Epoch(0) });
    const [after, upTo] = [0, 1].map((serial) => ({ serial, change: 0, part: null })) as [never, never];
    return [replica, replica.step({ kind: 'stage', after, upTo, records: Uint8Array.from(records) })];
  }

  test.each<[string, readonly number[]]>([
    ['is not numbered from 1 on', item(2, 'a')],
    ['leaves a number out', [...item(1, 'a'), ...item(3, 'b')]],
    ['uses a number twice', [...item(1, 'a'), ...item(1, 'b')]],
    ['goes back', [...item(1, 'a'), ...item(2, 'b'), ...item(1, 'c')]],
    ['has a key twice', [...item(1, 'a'), ...item(2, 'a')]],
    ['takes a key away', [...item(1, 'a'), 23, 1, 0x61]],
    ['takes everything away', [...item(1, 'a'), 24]],
    ['is no records', [99, 1, 2, 3]],
    ['ends within a record', item(1, 'a').slice(0, -1)],
  ])('%s: nothing is left of it', (_, records) => {
    const [replica, state] = staged(records);
    expect(state).toBe('ended');
    expect(replica.staged).toBe(0);
    expect(replica.adopt(clone)).toBe('done');
    expect(replica.owned(clone).keyspace.size).toBe(0);
  });

  test('counts of writes that stand in it are not believed', () => {
    const [replica, state] = staged(item(1, 'a', 77));
    expect(state).toBe('staged');
    const [after] = [1].map((serial) => ({ serial, change: 0, part: null })) as [never];
    const quota = { bytes: 0, keys: 0, operations: 0, bandwidth: 0 };
    const of = (keys: number): Uint8Array =>
      restOfImport(new ByteWriter(), clone, incarnation, { keys, mark: 0, quota });
    const seal = (keys: number, mark: number): string =>
      replica.step({ kind: 'seal', after, records: noBytes, rest: of(keys), mark });
    expect(seal(1, 0)).toBe('ended');
  });
});

describe('the group it comes to', () => {
  function begun(): readonly [Replica, readonly TenantPiece[]] {
    const source = new Replica();
    source.adopt(acme);
    source.run(acme, ['SET', 'k', 'v']);
    const pieces = exported(source.owned(acme), 1000).map(decoded);
    const destination = new Replica();
    for (const piece of pieces.slice(0, 2)) destination.step(stepOf(piece));
    return [destination, pieces];
  }

  test('does not own it before it is whole, whoever says that it should', () => {
    const [destination, pieces] = begun();
    expect(destination.adopt(clone)).toBe('refused');
    expect(destination.run(clone, ['SET', 'k', 'w'])).toBe('notOwner');
    for (const piece of pieces.slice(2)) expect(destination.step(stepOf(piece))).toBe('sealed');
    expect(destination.run(clone, ['SET', 'k', 'w'])).toBe('notOwner');
    expect(destination.adopt(clone)).toBe('done');
    expect(destination.run(clone, ['APPEND', 'k', 'w'])).toBe(':2\r\n');
    expect(destination.step({ kind: 'look' })).toBe('active');
  });

  test.each([2, 3])('forgets it when it is dropped behind its piece %i, and takes no more of it', (count) => {
    const [destination, pieces] = begun();
    for (const piece of pieces.slice(2, count)) destination.step(stepOf(piece));
    expect(destination.apply({ kind: 'release', tenant: clone, incarnation }).kind).toBe('done');
    expect([destination.staged, destination.adopt(clone)]).toEqual([0, 'refused']);
    for (const piece of pieces) expect(destination.step(stepOf(piece))).toBe('none');
    expect(destination.staged).toBe(0);
  });

  test('lets go of keys whose time comes', () => {
    const source = new Replica();
    source.adopt(acme);
    source.run(acme, ['SET', 'k', 'v', 'PX', '50']);
    const destination = new Replica();
    for (const piece of exported(source.owned(acme), 1000)) destination.step(stepOf(decoded(piece)));
    destination.adopt(clone);
    expect(destination.machine.nextPurge(WallTime(1050), 10, 10)?.keys).toHaveLength(1);
  });
});

describe('exports', () => {
  test('pieces are as large as they should be, and no larger', () => {
    const source = new Replica();
    source.adopt(acme);
    for (let i = 0; i < 5000; i += 1) source.run(acme, ['SET', `k${String(i)}`, 'v']);
    for (let i = 0; i < 20; i += 1) source.run(acme, ['SET', `large${String(i)}`, 'x'.repeat(50_000)]);
    const lengths = exported(source.owned(acme), 1000).map(({ length }) => length);
    expect(lengths.length).toBeLessThan(12);
    for (const length of lengths) expect(length).toBeLessThan(limits.exportPieceBytes + 100_000);
  });

  test('keys that have expired and are still there are passed over a few at a time', () => {
    const source = new Replica();
    source.adopt(acme);
    const count = 2 * limits.exportLooksAtATime;
    for (let i = 0; i < count; i += 1) source.run(acme, ['SET', `k${String(i)}`, 'v', 'PX', '10']);
    source.run(acme, ['SET', 'last', 'v']);
    const exports = new TenantExports('x', 'test', limits.exportPieceBytes);
    let answer = exports.answer(acme, source.owned(acme), { id: null, number: 0 }, WallTime(5000));
    let empty = 0;
    while (answer.kind === 'piece' && answer.next > 0) {
      const { id, next: number } = answer;
      answer = exports.answer(acme, source.owned(acme), { id, number }, WallTime(5000));
      if (answer.kind === 'piece' && answer.bytes.length === 0) empty += 1;
    }
    expect(empty).toBe(2);
    if (answer.kind !== 'piece') throw new Error(answer.kind);
    expect(decoded(answer.bytes)).toMatchObject({ kind: 'end', number: 2, keys: 1 });
  });

  test('what is changed is not kept for an export that is over, or given up', () => {
    const source = new Replica();
    source.adopt(acme);
    source.run(acme, ['SET', 'k', 'value']);
    const exports = new TenantExports('x', 'test', limits.exportPieceBytes);
    const open = (): unknown => exports.answer(acme, source.owned(acme), { id: null, number: 0 }, WallTime(1000));
    for (let i = 0; i < limits.exportsAtATime; i += 1) expect(open()).toMatchObject({ kind: 'piece' });
    expect(open()).toEqual({ kind: 'busy' });
    const { keyspace } = source.owned(acme);
    const bytesOf = (): unknown => keyspace.stored('k')?.value;
    const before = bytesOf();
    source.run(acme, ['SETRANGE', 'k', '0', 'V']);
    expect(bytesOf()).not.toBe(before);
    for (const at of [0, limits.exportIdleMs * 1000]) exports.sweep(MonoTime(at));
    const after = bytesOf();
    source.run(acme, ['SETRANGE', 'k', '0', 'W']);
    expect(bytesOf()).toBe(after);
    expect(open()).toMatchObject({ kind: 'piece' });
  });
});
