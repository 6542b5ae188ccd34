/**
 * A tenant's move as its two groups log it: what each step does, and that the copy is the original whatever happened
 * meanwhile.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfBinary, ByteWriter } from '../../core/base/bytes.ts';
import { Epoch, GroupId, Incarnation, LaneId, MoveId, type TenantName } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { unknownConfiguration } from '../../core/raft/configuration.ts';
import type { Outcome } from '../../core/wire/messages.ts';
import type { QuotaChange } from '../../core/wire/accounts.ts';
import { copyStart, type CopyCursor, type MoveStep, sameCursor } from '../../core/wire/moves.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';
import { applyTo } from './logged.ts';

const tenant = 'acme' as TenantName;
const incarnation = Incarnation(1);
const [from, to] = [GroupId(1), GroupId(2)];
const move = MoveId(7);
const start: MoveStep = { kind: 'start', incarnation, epoch: Epoch(1), to };
const prepare: MoveStep = { kind: 'prepare', incarnation, epoch: Epoch(1) };

/** One replica of one group, which applies what it is told. */
class Replica {
  machine = new TenantMachine(() => 0);
  private requests = 0;

  apply(
    operation: LoggedOperation,
    now = 1000,
    lane = LaneId(1 + ((this.requests + 1) % 3)),
  ): Outcome | { readonly kind: 'remembered' } {
    this.requests += 1;
    const applied = applyTo(this.machine, operation, this.requests, { now, lane });
    const { held, tenants } = this.machine;
    const counted = { tenants: tenants.size, keys: 0, bytes: 0 };
    for (const { keyspace } of tenants.values()) {
      counted.keys += keyspace.size;
      counted.bytes += keyspace.bytes;
    }
    expect(held, 'kept up as it would be counted').toEqual(counted);
    return applied;
  }

  step(step: MoveStep, id = move): string {
    const outcome = this.apply({ kind: 'move', tenant, move: id, step });
    if (outcome.kind !== 'moving') return outcome.kind;
    return outcome.state.kind === 'staged' && outcome.state.isSealed ? 'sealed' : outcome.state.kind;
  }

  run(words: readonly string[], now?: number, lane?: LaneId): string {
    const args = words.map(bytesOfBinary);
    const outcome = this.apply({ kind: 'execute', tenant, incarnation, access: 'write', protocol: 2, args }, now, lane);
    if (outcome.kind === 'done') return Buffer.from(outcome.reply).toString('latin1');
    return outcome.kind === 'refused' ? outcome.refusal.kind : outcome.kind;
  }

  adopt(): this {
    this.apply({ kind: 'adopt', tenant, incarnation, epoch: Epoch(1) });
    return this;
  }

  get cursor(): CopyCursor {
    const state = this.machine.moves.stateOf(tenant, move);
    return state.kind === 'staged' ? state.cursor : copyStart;
  }

  /** Goes on from what its state says, as after a restart. */
  restart(): void {
    const chunks = this.state();
    const restored = new TenantMachine(() => 0);
    const loader = restored.loader();
    for (const chunk of chunks) expect(loader.add(chunk)).toBe(true);
    expect(loader.finish()).toBe(true);
    this.machine = restored;
    expect(Buffer.concat(this.state()).equals(Buffer.concat(chunks))).toBe(true);
  }

  state(): readonly Uint8Array[] {
    const cut = this.machine.cut({ stamp: WallTime(0), configuration: unknownConfiguration });
    const chunks: Uint8Array[] = [];
    for (let chunk = cut.next(500); chunk !== null; chunk = cut.next(500)) chunks.push(chunk);
    return chunks;
  }
}

/** Sends the next piece; false if there is none. */
function copy(source: Replica, destination: Replica, bytes: number, reader = readerOf(source, destination)): boolean {
  const after = destination.cursor;
  const records = reader?.next(bytes) ?? new Uint8Array(0);
  if (reader === null || sameCursor(reader.cursor, after)) return false;
  expect(destination.step({ kind: 'stage', after, upTo: reader.cursor, records })).toBe('staged');
  return true;
}

function readerOf(source: Replica, destination: Replica) {
  return source.machine.moves.reader(tenant, move, new ByteWriter(), destination.cursor);
}

const nothing = new Uint8Array(0);

function sealed(source: Replica, destination: Replica, withoutLast = false): string {
  const reader = readerOf(source, destination);
  const { cursor } = destination;
  const last = reader?.next(1_000_000) ?? nothing;
  const seal = source.machine.moves.sealOf(tenant, move, new ByteWriter(), cursor, withoutLast ? nothing : last);
  if (seal === null || seal === 'tooLarge') throw new Error('it is not frozen');
  return destination.step(seal);
}

function begun(): readonly [Replica, Replica] {
  const [source, destination] = [new Replica().adopt(), new Replica()];
  source.run(['SET', 'before', '1']);
  expect([source.step(start), destination.step(prepare)]).toEqual(['copying', 'staged']);
  return [source, destination];
}

function frozen(): readonly [Replica, Replica] {
  const [source, destination] = begun();
  copy(source, destination, 1000);
  expect(source.step({ kind: 'freeze' })).toBe('frozen');
  while (copy(source, destination, 1000));
  return [source, destination];
}

describe('the steps', () => {
  test('a tenant that remembers more of its writes than others could bear to take over is not sealed', () => {
    const sealOf = (lanes: number) => {
      const [source, destination] = begun();
      const words = ['GETSET', 'before', 'x'.repeat(200_000)];
      for (let lane = 1; lane <= lanes; lane += 1) source.run(words, 1000, LaneId(100 + lane));
      expect(source.step({ kind: 'freeze' })).toBe('frozen');
      while (copy(source, destination, 100_000));
      return source.machine.moves.sealOf(tenant, move, new ByteWriter(), destination.cursor, nothing);
    };
    expect(sealOf(40)).toMatchObject({ kind: 'seal' });
    expect(sealOf(60)).toBe('tooLarge');
  });

  test('a tenant is served by its source, then by nobody, then by its destination', () => {
    const [source, destination] = begun();
    const served = (): readonly string[] => [source.run(['INCR', 'n']), destination.run(['INCR', 'n'])];
    expect(served()).toEqual([':1\r\n', 'notOwner']);
    while (copy(source, destination, 50));
    expect(source.step({ kind: 'freeze' })).toBe('frozen');
    expect(served()).toEqual(['frozen', 'notOwner']);
    while (copy(source, destination, 50));
    expect(sealed(source, destination)).toBe('sealed');
    expect(served()).toEqual(['frozen', 'frozen']);
    expect(source.step({ kind: 'depart' })).toBe('departed');
    expect(served()).toEqual(['moved', 'frozen']);
    expect(destination.step({ kind: 'activate' })).toBe('active');
    expect(served()).toEqual(['moved', ':2\r\n']);
    expect(source.step({ kind: 'erase' })).toBe('departed');
    expect(destination.machine.tenants.get(tenant)?.epoch).toBe(2);
  });

  test('a value that has come grows by itself', () => {
    const [source, destination] = begun();
    for (const key of ['a', 'b', 'c']) source.run(['SET', key, key.repeat(100)]);
    while (copy(source, destination, 1000));
    source.step({ kind: 'freeze' });
    expect(sealed(source, destination)).toBe('sealed');
    for (const step of ['depart', 'activate'] as const) (step === 'depart' ? source : destination).step({ kind: step });
    const ask = (...words: string[]): string => destination.run(words, 1000, LaneId(9));
    expect([ask('APPEND', 'a', 'more'), ask('SETRANGE', 'b', '98', 'more')]).toEqual([':104\r\n', ':102\r\n']);
    const values = [`${'a'.repeat(100)}more`, `${'b'.repeat(98)}more`, 'c'.repeat(100)];
    expect(ask('MGET', 'a', 'b', 'c')).toBe(
      `*3\r\n${values.map((value) => `$${String(value.length)}\r\n${value}\r\n`).join('')}`,
    );
  });

  test('what it may use goes with it, and cannot be changed while it is frozen', () => {
    const [source, destination] = begun();
    const set = (replica: Replica, change: QuotaChange): string =>
      replica.apply({ kind: 'setQuota', tenant, incarnation, change }).kind;
    expect([set(source, { keys: 1, bandwidth: 9 }), set(destination, { keys: 5 })]).toEqual(['done', 'refused']);
    while (copy(source, destination, 1000));
    source.step({ kind: 'freeze' });
    expect(set(source, { keys: 7 })).toBe('refused');
    expect(sealed(source, destination)).toBe('sealed');
    destination.restart();
    for (const [replica, step] of [
      [source, 'depart'],
      [destination, 'activate'],
    ] as const)
      replica.step({ kind: step });
    expect(destination.machine.tenants.get(tenant)?.quota).toEqual({ bytes: 0, keys: 1, operations: 0, bandwidth: 9 });
    expect(destination.run(['SET', 'another', '1'])).toMatch(/^-OOM/);
  });

  test('whichever comes first of departure and cancellation decides', () => {
    const [source] = frozen();
    expect([source.step({ kind: 'thaw' }), source.step({ kind: 'depart' })]).toEqual(['ended', 'ended']);
    expect(source.run(['INCR', 'n'])).toBe(':1\r\n');
    const [other, destination] = frozen();
    sealed(other, destination);
    expect([other.step({ kind: 'depart' }), other.step({ kind: 'thaw' })]).toEqual(['departed', 'departed']);
    expect(other.run(['INCR', 'n'])).toBe('moved');
  });

  test('what is frozen is cancelled only by somebody who has seen that', () => {
    const [source] = frozen();
    expect([source.step({ kind: 'cancel' }), source.run(['INCR', 'n'])]).toEqual(['frozen', 'frozen']);
    expect([source.step({ kind: 'thaw' }), source.run(['INCR', 'n'])]).toEqual(['ended', ':1\r\n']);
  });

  test('a leader logs no thaw of what it has not seen frozen', () => {
    const [source] = begun();
    const judged = (): unknown => source.machine.moves.judge(tenant, move, { kind: 'thaw' });
    expect(judged()).toMatchObject({ kind: 'copying' });
    source.step({ kind: 'freeze' });
    expect(judged()).toBeNull();
  });

  test('what is over does not begin again', () => {
    const [source, destination] = begun();
    expect([source.step({ kind: 'cancel' }), source.step(start)]).toEqual(['ended', 'ended']);
    expect([destination.step({ kind: 'abandon' }), destination.step(prepare)]).toEqual(['ended', 'ended']);
    expect(source.step(start, MoveId(8))).toBe('copying');
  });

  test('a tenant departs only when it is frozen, and is active only when it is sealed', () => {
    const [source, destination] = begun();
    expect(source.step({ kind: 'depart' })).toBe('copying');
    expect(destination.step({ kind: 'activate' })).toBe('staged');
  });

  test('a piece that does not go on from where the copy is does nothing', () => {
    const [source, destination] = begun();
    const reader = readerOf(source, destination);
    const records = reader?.next(1000) ?? new Uint8Array(0);
    const step: MoveStep = { kind: 'stage', after: copyStart, upTo: reader?.cursor ?? copyStart, records };
    destination.step(step);
    const { cursor } = destination;
    source.run(['SET', 'before', '2']);
    copy(source, destination, 1000);
    destination.step(step);
    expect(destination.cursor).not.toEqual(cursor);
    source.step({ kind: 'freeze' });
    expect(sealed(source, destination)).toBe('sealed');
  });

  test('a copy that is not the original is abandoned', () => {
    const [source, destination] = begun();
    copy(source, destination, 1000);
    source.run(['SET', 'before', '2']);
    source.step({ kind: 'freeze' });
    expect(sealed(source, destination, true)).toBe('ended');
  });

  test('a tenant comes back, and its former group takes it up again', () => {
    const [source, destination] = frozen();
    sealed(source, destination);
    source.step({ kind: 'depart' });
    destination.step({ kind: 'activate' });
    const back = MoveId(8);
    destination.step({ kind: 'start', incarnation, epoch: Epoch(2), to: from }, back);
    const again: MoveStep = { kind: 'prepare', incarnation, epoch: Epoch(2) };
    expect(source.step(again, back)).toBe('none');
    source.step({ kind: 'erase' });
    expect(source.step(again, back)).toBe('staged');
  });

  test('a tenant that is dropped on its way is gone', () => {
    const [source] = begun();
    expect(source.apply({ kind: 'release', tenant, incarnation }).kind).toBe('done');
    expect([source.step({ kind: 'freeze' }), source.step(start)]).toEqual(['ended', 'ended']);
    const [left, destination] = frozen();
    sealed(left, destination);
    left.step({ kind: 'depart' });
    expect(left.apply({ kind: 'release', tenant, incarnation })).toMatchObject({ refusal: { kind: 'moved' } });
  });

  test('one that leaves again before its former self was let go of is seen out, and so is the former', () => {
    const [source, destination] = frozen();
    sealed(source, destination);
    source.step({ kind: 'depart' });
    const [next, second] = [Incarnation(2), MoveId(8)];
    const onTheirWay = (): readonly MoveId[] => Array.from(source.machine.moves.outgoing(), ({ move: id }) => id);
    source.apply({ kind: 'adopt', tenant, incarnation: next, epoch: Epoch(1) });
    expect(onTheirWay()).toEqual([move]);
    source.step({ kind: 'start', incarnation: next, epoch: Epoch(1), to }, second);
    expect(onTheirWay()).toEqual([second, move]);
    source.step({ kind: 'erase' });
    expect(onTheirWay()).toEqual([second]);
    source.apply({ kind: 'release', tenant, incarnation: next });
    expect(onTheirWay()).toEqual([]);
  });

  test('keys do not expire while the tenant is frozen', () => {
    const [source] = begun();
    source.run(['SET', 'short', '1', 'PX', '10']);
    expect(source.machine.nextPurge(WallTime(5000), 10, 10)?.keys.length).toBe(1);
    source.step({ kind: 'freeze' });
    expect(source.machine.nextPurge(WallTime(5000), 10, 10)).toBeNull();
    const purge = { kind: 'purge', tenant, incarnation, keys: [bytesOfBinary('short')] } as const;
    expect(source.apply(purge, 5000)).toMatchObject({ refusal: { kind: 'frozen' } });
  });

  test('a state with moves in every stage is as it was after a restart', () => {
    const [source, destination] = begun();
    const large = 'x'.repeat(300_000);
    for (const words of [
      ['RPUSH', 'list', 'a', large, 'b'],
      ['SET', 'large', large],
      ['DEL', 'before'],
    ])
      source.run(words);
    for (const replica of [source, destination]) replica.restart();
    while (copy(source, destination, 50_000)) for (const replica of [source, destination]) replica.restart();
    source.step({ kind: 'freeze' });
    source.restart();
    expect(sealed(source, destination)).toBe('sealed');
    destination.restart();
    source.step({ kind: 'depart' });
    source.restart();
    destination.step({ kind: 'activate' });
    destination.restart();
    expect(source.step({ kind: 'look' })).toBe('departed');
    expect(destination.step({ kind: 'look' })).toBe('active');
    expect(destination.run(['APPEND', 'large', 'y'])).toBe(':300001\r\n');
  });
});

const key = fc.constantFrom('a', 'b', 'c', 'd', '\x00\xff');
const size = fc.constantFrom(0, 1, 30, 70_000, 200_000);
const written = size.map((length) => 'v'.repeat(length));
const command = fc.oneof(
  fc.tuple(fc.constant('SET'), key, written),
  fc.tuple(fc.constant('SET'), key, written, fc.constant('PX'), fc.constantFrom('5', '5000')),
  fc.tuple(fc.constant('RPUSH'), key, written, fc.constant('x')),
  fc.tuple(fc.constant('LPOP'), key),
  fc.tuple(fc.constant('APPEND'), key, fc.constant('more')),
  fc.tuple(fc.constant('SETRANGE'), key, fc.constant('1'), fc.constant('over')),
  fc.tuple(fc.constant('SETNX'), key, fc.constant('absent')),
  fc.tuple(fc.constant('PERSIST'), key),
  fc.tuple(fc.constant('DEL'), key),
  fc.tuple(fc.constant('RENAME'), key, key),
  fc.constant(['FLUSHALL']),
);
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), command }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('copy' as const), bytes: fc.constantFrom(1, 100, 100_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('newLeader' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), who: fc.boolean() }) },
);

test('whatever is written while it is copied, and by whom, the copy is the original', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 10 }), fc.array(happening, { maxLength: 40 }), (before, happenings) => {
      const [source, destination] = [new Replica().adopt(), new Replica()];
      let now = 1000;
      for (const words of before) source.run(words, (now += 1));
      source.step(start);
      destination.step(prepare);
      let reader = readerOf(source, destination);
      for (const each of happenings) {
        if (each.kind === 'write') source.run(each.command, (now += 1));
        else if (each.kind === 'copy') copy(source, destination, each.bytes, reader);
        else {
          if (each.kind === 'restart') (each.who ? source : destination).restart();
          reader = readerOf(source, destination);
        }
      }
      source.step({ kind: 'freeze' });
      while (copy(source, destination, 1000, reader));
      expect(sealed(source, destination)).toBe('sealed');
      const original = source.machine.tenants.get(tenant);
      source.step({ kind: 'depart' });
      expect(destination.step({ kind: 'activate' })).toBe('active');
      const copied = destination.machine.tenants.get(tenant);
      expect(copied?.keyspace.digest()).toBe(original?.keyspace.digest());
      expect(copied?.keyspace.bytes).toBe(original?.keyspace.bytes);
      expect(copied?.keyspace.versionsImage()).toEqual(original?.keyspace.versionsImage());
      expect(copied?.keyspace.scan(0, 100, WallTime(now))).toMatchObject({
        items: original?.keyspace
          .scan(0, 100, WallTime(now))
          .items.map(({ key: name, serial }) => ({ key: name, serial })),
      });
      expect(copied?.sessions.digest()).toBe(original?.sessions.digest());
    }),
    { numRuns: 300 },
  );
});
