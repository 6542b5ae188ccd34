/** Tenants on their way out of the groups that a node leads: how many at a time, and how fast they are copied together. */
import { describe, expect, test } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { Epoch, GroupId, Incarnation, MoveId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { after, elapsedMs, MonoTime } from '../../core/base/time.ts';
import type { Errand } from '../../core/forward/procedure.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { Departures } from '../../core/migration/departures.ts';
import type { MoveState, MoveStep } from '../../core/wire/moves.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';
import { applyTo } from '../group/logged.ts';

const source = GroupId(1);
const destination = GroupId(2);
const incarnation = Incarnation(1);
const chunkBytes = 1000;
const bytesPerSecond = 100_000;
const tenantOf = (n: number): TenantName => `t${String(n)}` as TenantName;

/** A node that leads the source of these moves, and what it asks of others. */
class Leader {
  readonly asked: Errand[] = [];
  private readonly machine = new TenantMachine(() => 0);
  private readonly departures: Departures;
  private requests = 0;
  private now = MonoTime(0);

  constructor(tenants: number, keys: number) {
    const host = { ask: (errand: Errand) => this.asked.push(errand), onGivenUp: () => undefined };
    this.departures = new Departures(host, { chunkBytes, bytesPerSecond }, this.now);
    for (let n = 1; n <= tenants; n += 1) {
      const tenant = tenantOf(n);
      this.apply({ kind: 'adopt', tenant, incarnation, epoch: Epoch(1) });
      for (let key = 0; key < keys; key += 1) {
        const args = ['SET', `{${tenant}}${String(key)}`, 'x'.repeat(100)].map(bytesOfBinary);
        this.apply({ kind: 'execute', tenant, incarnation, access: 'write', protocol: 2, args });
      }
      const step = { kind: 'start', incarnation, epoch: Epoch(1), to: destination } as const;
      this.apply({ kind: 'move', tenant, move: MoveId(n), step });
    }
  }

  private apply(operation: LoggedOperation): void {
    this.requests += 1;
    applyTo(this.machine, operation, this.requests);
  }

  step(n: number, step: MoveStep): void {
    this.apply({ kind: 'move', tenant: tenantOf(n), move: MoveId(n), step });
  }

  look(isRecovered = false): void {
    this.departures.look([{ id: source, moves: this.machine.moves, isRecovered }], this.now);
  }

  /** What it has asked since somebody looked. */
  get steps(): readonly string[] {
    return this.asked.splice(0).map(stepOf);
  }

  /** The oldest errand is answered so much later. */
  answer(afterMs: number, state: (errand: Errand) => MoveState): Errand {
    const [errand] = this.asked.splice(0, 1);
    if (errand === undefined) throw new Error('nothing was asked');
    this.now = after(this.now, afterMs);
    errand.answer = { kind: 'moving', state: state(errand) };
    this.departures.onAnswered(errand, this.now);
    return errand;
  }

  /** Goes on when it wants to; returns after how long that is. */
  wake(): number {
    const { wakeAt } = this.departures;
    if (wakeAt === null) throw new Error('nothing is waited for');
    const waitedMs = elapsedMs(this.now, wakeAt);
    this.now = wakeAt;
    this.departures.goOn(this.now);
    return waitedMs;
  }
}

/** What a destination says that takes whatever comes. */
function taken({ operation }: Errand): MoveState {
  if (operation.kind !== 'move') throw new Error('the group is asked for a step of a move');
  const { step } = operation;
  const cursor = step.kind === 'stage' ? step.upTo : { serial: 0, change: 0, part: null };
  return { kind: 'staged', cursor, isSealed: false };
}

function stepOf({ group, operation }: Errand): string {
  return operation.kind === 'move' ? `${operation.step.kind} in ${String(group)}` : operation.kind;
}

test('so many tenants are seen out at a time; the next when one of them has left', () => {
  const leader = new Leader(limits.departuresAtATime + 2, 0);
  leader.look();
  expect(leader.asked).toHaveLength(limits.departuresAtATime);
  leader.step(1, { kind: 'cancel' });
  leader.look();
  leader.look();
  expect(leader.asked).toHaveLength(limits.departuresAtATime + 1);
});

describe('pieces of tenants', () => {
  const begin = (tenants: number): Leader => {
    const leader = new Leader(tenants, 100);
    leader.look();
    for (let n = 0; n < tenants; n += 1) leader.answer(0, taken);
    return leader;
  };

  test('that leave together go in turn, at the rate of one', () => {
    const leader = begin(2);
    const order: string[] = [];
    for (let piece = 0; piece < 6; piece += 1) {
      expect(leader.asked).toHaveLength(1);
      order.push(leader.answer(0, taken).tenant);
      expect(leader.wake()).toBeCloseTo(10, 0);
    }
    expect(order).toEqual(['t1', 't2', 't1', 't2', 't1', 't2']);
  });

  test('wait as long as the last one took', () => {
    const leader = begin(1);
    leader.answer(40, taken);
    expect(leader.asked).toEqual([]);
    expect(leader.wake()).toBe(40);
    leader.answer(60_000, taken);
    expect(leader.wake()).toBe(limits.moveRestMs);
  });
});

describe('a tenant that is frozen while its destination does not answer', () => {
  const begin = (isRecovered: boolean): Leader => {
    const leader = new Leader(1, 1);
    leader.step(1, { kind: 'freeze' });
    leader.look(isRecovered);
    expect(leader.steps).toEqual(['look in 2']);
    return leader;
  };

  test('stays, whatever has been asked', () => {
    const leader = begin(false);
    expect(leader.wake()).toBe(limits.frozenMs);
    expect(leader.steps).toEqual(['thaw in 1']);
    expect(() => leader.wake()).toThrow('nothing is waited for');
  });

  test('waits if it may be there already, and the group has lost that', () => {
    const leader = begin(true);
    expect(() => leader.wake()).toThrow('nothing is waited for');
  });

  test('has left if the log of its source says so meanwhile', () => {
    const leader = begin(false);
    leader.step(1, { kind: 'depart' });
    leader.wake();
    expect(leader.steps).toEqual(['look in 2']);
  });
});
