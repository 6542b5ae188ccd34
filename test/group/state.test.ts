/** A group's state as bytes: what a cut tells is what was there when it was made, whatever happens meanwhile. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import {
  Epoch,
  GroupId,
  Incarnation,
  LaneId,
  NodeId,
  RequestId,
  type TenantName,
  unordered,
} from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { encodeNumbered } from '../../core/engine/numbered.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import type { StateMachine } from '../../core/group/machine.ts';
import type { StateCut } from '../../core/group/state/stateCut.ts';
import { unknownConfiguration } from '../../core/raft/configuration.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { LoggedItem, LoggedOperation } from '../../core/wire/operation.ts';

type Step = (at: number) => LoggedOperation;

const large = 'x'.repeat(200_000);
const tenants = fc.constantFrom('acme', 'blue').map((name) => name as TenantName);
const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const values = fc.oneof(
  { weight: 9, arbitrary: fc.string({ maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constant(large) },
);
const indexes = fc.nat(5).map(String);

const words: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.tuple(fc.constant('SET'), keys, values),
  fc.tuple(fc.constant('SET'), keys, values, fc.constant('PX'), fc.constantFrom('2', '50')),
  fc.tuple(fc.constantFrom('DEL', 'PERSIST', 'LPOP', 'RPOP'), keys),
  fc.tuple(fc.constantFrom('APPEND', 'RPUSH', 'LPUSH'), keys, values),
  fc.tuple(fc.constantFrom('RENAME', 'RPOPLPUSH'), keys, keys),
  fc.tuple(fc.constant('LSET'), keys, indexes, values),
  fc.tuple(fc.constant('LTRIM'), keys, indexes, indexes),
  fc.tuple(fc.constant('LREM'), keys, fc.constant('0'), values),
  fc.tuple(fc.constant('LINSERT'), keys, fc.constant('BEFORE'), values, values),
  fc.tuple(fc.constant('PEXPIRE'), keys, fc.constantFrom('1', '30')),
  fc.tuple(fc.constant('SETRANGE'), keys, indexes, values),
  fc.constant(['FLUSHDB']),
);

/** Commands mostly; now and then a tenant may use more or less, leaves, or one comes that was there before or not. */
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.tuple(tenants, words).map(
      ([tenant, args]): Step =>
        () => ({
          kind: 'execute',
          tenant,
          incarnation: Incarnation(1),
          access: 'write',
          protocol: 2,
          args: args.map(bytesOfBinary),
        }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(tenants, fc.nat(3000), fc.constantFrom('bytes', 'keys')).map(
      ([tenant, amount, of]): Step =>
        () => ({ kind: 'setQuota', tenant, incarnation: Incarnation(1), change: { [of]: amount, operations: 5 } }),
    ),
  },
  {
    weight: 1,
    arbitrary: tenants.map(
      (tenant): Step =>
        () => ({ kind: 'release', tenant, incarnation: Incarnation(1) }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant(
      (at: number): LoggedOperation => ({
        kind: 'adopt',
        tenant: `t${String(at)}` as TenantName,
        incarnation: Incarnation(1),
        epoch: Epoch(1),
      }),
    ),
  },
);

function apply(machine: StateMachine, steps: readonly Step[], from: number): void {
  for (const [i, make] of steps.entries()) {
    const at = from + i;
    const operation = make(at);
    const item: LoggedItem = {
      origin: { node: NodeId(1 + (at % 3)), boot: 1 + Math.floor(at / 40), request: RequestId(at) },
      lane: LaneId(1 + (at % 2)),
      ackBelow: RequestId(Math.max(0, at - 5)),
      isRetry: false,
      operation,
    };
    machine.apply(item, { stamp: WallTime(1_000_000 + at), maxValueBytes: 1_000_000 }, true);
  }
}

function tenantMachine(): TenantMachine {
  const machine = new TenantMachine(() => 0);
  const adopt = (tenant: string): Step => {
    const operation = { kind: 'adopt', tenant: tenant as TenantName, incarnation: Incarnation(1), epoch: Epoch(1) };
    return () => operation as LoggedOperation;
  };
  apply(machine, [adopt('acme'), adopt('blue')], 1);
  return machine;
}

function chunksOf(cut: StateCut, bytes: number): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let chunk = cut.next(bytes); chunk !== null; chunk = cut.next(bytes)) chunks.push(chunk);
  return chunks;
}

const stamp = WallTime(1_234);
const instant = { stamp, configuration: unknownConfiguration };

function stateOf(machine: StateMachine): string {
  return Buffer.concat(chunksOf(machine.cut(instant), 1 << 30)).toString('latin1');
}

describe('the state of tenants', () => {
  it('is told as it was when the cut was made, though commands go on', () => {
    const steps = fc.array(step, { maxLength: 60 });
    fc.assert(
      fc.property(steps, steps, fc.integer({ min: 1, max: 300 }), (before, during, bytes) => {
        const [machine, twin] = [tenantMachine(), tenantMachine()];
        apply(machine, before, 10);
        apply(twin, before, 10);
        const cut = machine.cut(instant);
        const told: Uint8Array[] = [];
        for (const [i, each] of during.entries()) {
          // Whoever else reads a tenant out makes no difference.
          if (i % 4 === 1) machine.tenants.get('acme' as TenantName)?.keyspace.beginImage();
          apply(machine, [each], 100 + i);
          const chunk = cut.next(bytes);
          if (chunk !== null) told.push(chunk);
        }
        told.push(...chunksOf(cut, bytes));
        expect(Buffer.concat(told).toString('latin1') === stateOf(twin)).toBe(true);
        apply(twin, during, 100);
        expect(stateOf(machine) === stateOf(twin)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('is told with the writes that were remembered when the cut was made, though others are and these are forgotten', () => {
    const acme = 'acme' as TenantName;
    const words = ['INCR', 'n'].map(bytesOfBinary);
    const write = fc.record({
      node: fc.integer({ min: 1, max: 2 }),
      boot: fc.nat(19).map((n) => (n === 0 ? 2 : 1)),
      lane: fc.integer({ min: 1, max: 3 }),
      token: fc.constantFrom(null, null, null, 'a', 'b'),
      ackBehind: fc.nat(4),
      pauseMs: fc.constantFrom(1, 1, 1, 50_000, 500_000),
    });
    const writes = fc.array(write, { maxLength: 80 }).map((all) => {
      let at = 0;
      return all.map((each, i) => ({ ...each, request: 10 + i, at: (at += each.pauseMs) }));
    });
    type Write = typeof writes extends fc.Arbitrary<readonly (infer One)[]> ? One : never;
    const run = (machine: TenantMachine, all: readonly Write[]): void => {
      for (const { request, at, node, boot, lane, token, ackBehind } of all) {
        const ackBelow = Math.max(0, request - ackBehind);
        const client = { token: token ?? '', number: request, ackBelow, isResumed: false };
        const args = token === null ? words : encodeNumbered(client, words);
        const item: LoggedItem = {
          origin: { node: NodeId(node), boot, request: RequestId(request) },
          lane: token === null ? LaneId(lane) : unordered,
          ackBelow: RequestId(ackBelow),
          isRetry: false,
          operation: { kind: 'execute', tenant: acme, incarnation: Incarnation(1), access: 'write', protocol: 2, args },
        };
        machine.apply(item, { stamp: WallTime(1_000_000 + at), maxValueBytes: 1000 }, true);
      }
    };
    fc.assert(
      fc.property(
        writes,
        fc.nat(80),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        (all, count, bytes, isReadFirst) => {
          const [machine, twin] = [tenantMachine(), tenantMachine()];
          const during = all.slice(count);
          for (const each of [machine, twin]) run(each, all.slice(0, count));
          const cut = machine.cut(instant);
          const told = isReadFirst ? [cut.next(bytes)] : [];
          for (const each of during) {
            run(machine, [each]);
            told.push(cut.next(bytes));
          }
          const whole = Buffer.concat([...told.flatMap((chunk) => chunk ?? []), ...chunksOf(cut, bytes)]);
          expect(whole.toString('latin1') === stateOf(twin)).toBe(true);
          run(twin, during);
          expect(stateOf(machine) === stateOf(twin)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('makes the same state of what was told, whatever it was before', () => {
    const steps = fc.array(step, { maxLength: 80 });
    fc.assert(
      fc.property(steps, steps, steps, (before, other, after) => {
        const [machine, loaded] = [tenantMachine(), tenantMachine()];
        apply(machine, before, 10);
        apply(loaded, other, 10);
        const loader = loaded.loader();
        for (const chunk of chunksOf(machine.cut(instant), 500)) expect(loader.add(chunk)).toBe(true);
        expect(loader.finish()).toBe(true);
        expect(loader.stamp).toBe(stamp);
        expect(stateOf(loaded) === stateOf(machine)).toBe(true);
        apply(machine, after, 200);
        apply(loaded, after, 200);
        expect(stateOf(loaded) === stateOf(machine)).toBe(true);
        for (const [tenant, { keyspace, sessions }] of machine.tenants) {
          expect(loaded.tenants.get(tenant)?.keyspace.digest()).toBe(keyspace.digest());
          expect(loaded.tenants.get(tenant)?.keyspace.bytes).toBe(keyspace.bytes);
          expect(loaded.tenants.get(tenant)?.sessions.digest()).toBe(sessions.digest());
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is cut into chunks between records, each little larger than asked for', () => {
    const machine = tenantMachine();
    const set = (value: string): Step => {
      const args = ['SET', 'a', value].map(bytesOfBinary);
      const tenant = 'acme' as TenantName;
      return () => ({ kind: 'execute', tenant, incarnation: Incarnation(1), access: 'write', protocol: 2, args });
    };
    apply(machine, [set('x'.repeat(900_000))], 10);
    const sizes = chunksOf(machine.cut(instant), 100_000).map(({ length }) => length);
    expect(Math.max(...sizes)).toBeLessThan(200_000);
    expect(sizes.length).toBeGreaterThan(6);
  });

  it('is refused if a byte of it is missing or it is that of another machine', () => {
    const machine = tenantMachine();
    const [whole = new Uint8Array()] = chunksOf(machine.cut(instant), 1 << 20);
    const isTaken = (chunk: Uint8Array, by: StateMachine): boolean => {
      const loader = by.loader();
      return loader.add(chunk) && loader.finish();
    };
    expect(isTaken(whole, tenantMachine())).toBe(true);
    expect(isTaken(whole.subarray(0, -1), tenantMachine())).toBe(false);
    expect(isTaken(whole.subarray(1), tenantMachine())).toBe(false);
    expect(isTaken(whole, new DirectoryMachine([GroupId(1)]))).toBe(false);
  });

  it('whatever bytes come, they are refused or make a state', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(3), (noise, cutAt) => {
        const machine = tenantMachine();
        apply(machine, [() => ({ kind: 'release', tenant: 'blue' as TenantName, incarnation: Incarnation(1) })], 10);
        const [whole = new Uint8Array()] = chunksOf(machine.cut(instant), 1 << 20);
        const loader = tenantMachine().loader();
        expect(typeof (loader.add(whole.subarray(0, whole.length - cutAt)) && loader.add(noise))).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });
});

describe('the directory', () => {
  it('goes on where it was', () => {
    const groups = [GroupId(1), GroupId(2), GroupId(3)];
    const [machine, loaded] = [new DirectoryMachine(groups), new DirectoryMachine(groups)];
    const place = (name: string, group: GroupId | null = null): Step => {
      return () => ({ kind: 'resolveTenant', tenant: name as TenantName, create: true, group });
    };
    const drop: Step = () => ({ kind: 'dropTenant', tenant: 'a' as TenantName, incarnation: Incarnation(1) });
    apply(machine, [place('a'), place('b', GroupId(3)), place('c'), drop], 1);
    const cut = machine.cut(instant);
    const state = cut.next(1);
    apply(machine, [place('a')], 9);
    const loader = loaded.loader();
    for (const chunk of [state ?? new Uint8Array(), ...chunksOf(cut, 10)]) expect(loader.add(chunk)).toBe(true);
    expect(loader.finish()).toBe(true);
    apply(loaded, [place('a')], 9);
    expect(loaded.directory.map.digest).toBe(machine.directory.map.digest);
    expect(stateOf(loaded)).toBe(stateOf(machine));
    expect(loaded.directory.find('a' as TenantName)?.incarnation).toBe(2);
  });
});
