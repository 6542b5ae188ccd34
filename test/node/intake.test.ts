/** What comes in at once, and who has to wait for whom. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConnId, Incarnation, LaneId, GroupId, NodeId, RequestId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { MonoTime } from '../../core/base/time.ts';
import { openConnection } from '../../core/node/connection.ts';
import { type Arrival, Intake, type IntakeLimits, spokenFor } from '../../core/node/intake.ts';
import { Nodes } from './harness.ts';

const small: IntakeLimits = {
  arrivalsPerTurn: 8,
  arrivalsAlone: 12,
  arrivalBytes: 100,
  arrivalsPerShare: 2,
  operationsPerTenant: 3,
  operationsAlone: 5,
  aboutMs: 1000,
};
const at = (ms: number): MonoTime => MonoTime(ms * 1000);
const names = (letters: string): readonly TenantName[] => Array.from(letters, (letter) => letter as TenantName);

function request(tenant: TenantName, number: number, bytes = 10, from = NodeId(2)): Arrival {
  const operation = { kind: 'release', tenant, incarnation: Incarnation(1) } as const;
  const numbers = { boot: 1, request: RequestId(number), attempt: 1, group: GroupId(1), lane: LaneId(1) };
  const message = { ...numbers, resumes: false, ackBelow: RequestId(0), isRetry: false, operation };
  return { kind: 'request', from, message, bytes };
}

function numberOf(arrival: Arrival): string {
  if (arrival.kind !== 'request') return arrival.kind;
  return `${arrival.message.operation.tenant}${String(arrival.message.request)}`;
}

/** Whether it runs at once; otherwise it waits. */
function comes(intake: Intake, arrival: Arrival): boolean {
  const tenant = arrival.kind === 'request' ? arrival.message.operation.tenant : spokenFor(arrival.connection);
  const isAtOnce = intake.admits(tenant, arrival.bytes);
  if (!isAtOnce) intake.wait(arrival);
  return isAtOnce;
}

/** A turn: what ran of what came, in order. */
function turn(intake: Intake, arrivals: readonly Arrival[], ms = 0): readonly string[] {
  intake.beginTurn(at(ms));
  const ran = arrivals.filter((arrival) => comes(intake, arrival)).map(numberOf);
  for (let next = intake.next(); next !== null; next = intake.next()) ran.push(numberOf(next));
  return ran;
}

/** One of which two tenants have just wanted something. */
function shared(): Intake {
  const intake = new Intake(small);
  turn(intake, [request('b' as TenantName, 0), request('a' as TenantName, 0)]);
  return intake;
}

const many = (letters: string): readonly Arrival[] => names(letters).map((tenant, i) => request(tenant, i + 1));

describe('a turn', () => {
  test('takes what it has room for as it came', () => {
    expect(turn(new Intake(small), many('abab'))).toEqual(['a1', 'b2', 'a3', 'b4']);
  });

  test('is half for who comes first, and half for all who wait, share by share', () => {
    const intake = shared();
    expect(turn(intake, many('aaaaaaaaaab'))).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b11', 'a7']);
    expect(turn(intake, many('bbb'))).toEqual(['a8', 'b1', 'b2', 'a9', 'a10', 'b3']);
    expect(intake.isEmpty).toBe(true);
  });

  test('is longer while a tenant is alone, until another comes', () => {
    const intake = new Intake(small);
    expect(turn(intake, many('a'.repeat(20)))).toHaveLength(12);
    expect(turn(intake, many('b'))).toEqual(['b1', 'a13', 'a14', 'a15', 'a16', 'a17', 'a18', 'a19']);
    expect(turn(intake, many('a'.repeat(20)), 1)).toHaveLength(8);
    expect(turn(intake, [], 1001)).toHaveLength(12);
  });

  test('counts large ones for more, and lets others go before the next of them', () => {
    const intake = shared();
    const arrivals = [...many('aaaa'), request('a' as TenantName, 5, 350), request('a' as TenantName, 6), ...many('b')];
    expect(turn(intake, arrivals)).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
    expect(turn(intake, [])).toEqual(['b1', 'a6']);
  });

  test('takes nothing more of a tenant that has enough under way, and more of it when it is alone', () => {
    const intake = new Intake(small);
    turn(intake, []);
    const [a, b] = names('ab') as [TenantName, TenantName];
    for (let i = 0; i < 5; i += 1) intake.begun(a, true);
    expect([turn(intake, many('aa')), intake.isReady]).toEqual([[], false]);
    intake.begun(b, true);
    intake.ended(a);
    intake.ended(a);
    expect([turn(intake, many('b'), 10), intake.isReady]).toEqual([['b1'], false]);
    intake.ended(a);
    expect(turn(intake, [], 20)).toEqual(['a1', 'a2']);
    intake.begun(a, true);
    expect(turn(intake, many('a'), 30)).toEqual([]);
    expect(turn(intake, [], 1030)).toEqual(['a1']);
  });

  test('is not shared because of what nobody has asked for', () => {
    const intake = new Intake(small);
    turn(intake, many('a'));
    intake.begun('b' as TenantName, false);
    expect(turn(intake, many('a'.repeat(20)))).toHaveLength(12);
  });

  test('has nothing to do with what a connection that is gone has said', () => {
    const intake = new Intake(small);
    const [gone, stays] = [1, 2].map((id) => openConnection(ConnId(id), '', at(0)));
    if (gone === undefined || stays === undefined) throw new Error('there are two');
    const said = [gone, stays, gone].map(
      (connection): Arrival => ({ kind: 'command', connection, args: [], bytes: 1 }),
    );
    intake.beginTurn(at(0));
    expect([...many('a'.repeat(8)), ...said].filter((arrival) => comes(intake, arrival))).toHaveLength(8);
    expect([gone.arrivals, stays.arrivals]).toEqual([2, 1]);
    intake.leave(gone);
    expect([turn(intake, []), gone.arrivals, intake.isEmpty]).toEqual([['command'], 0, true]);
  });

  test('has nothing to do with what came over a link that broke', () => {
    const intake = new Intake(small);
    const theirs = [7, 8].map((number) => request('b' as TenantName, number, 10, NodeId(3)));
    turn(intake, [...many('aaaaaaaaaaaa'), ...theirs]);
    intake.forget(NodeId(2));
    expect(turn(intake, [])).toEqual([]);
    turn(intake, [...many('aaaaaaaaaaaa')]);
    intake.forget(NodeId(3));
    expect(turn(intake, [])).toEqual(['a9', 'a10', 'a11', 'a12']);
  });
});

test('nothing is lost, each tenant keeps its order, and nobody who waits gets less than others', () => {
  const arrivals = fc.array(fc.array(fc.tuple(fc.constantFrom(...names('abc')), fc.nat(400)), { maxLength: 30 }));
  fc.assert(
    fc.property(arrivals, (turns) => {
      const intake = new Intake(small);
      let number = 0;
      const came: string[] = [];
      const ran: string[] = [];
      for (let i = 0; i < turns.length || !intake.isEmpty; i += 1) {
        const arriving = (turns[i] ?? []).map(([tenant, bytes]) => request(tenant, (number += 1), bytes));
        came.push(...arriving.map(numberOf));
        ran.push(...turn(intake, arriving, i));
        expect(i).toBeLessThan(1000);
      }
      for (const letter of 'abc') {
        const ofIt = (all: readonly string[]): readonly string[] => all.filter((each) => each.startsWith(letter));
        expect(ofIt(ran)).toEqual(ofIt(came));
      }
      expect(ran).toHaveLength(came.length);
    }),
  );
});

test('what a connection says waits in one place, whichever tenants it names', () => {
  const intake = new Intake(small);
  const connection = openConnection(ConnId(1), '', at(0));
  const said = (word: string): Arrival => ({ kind: 'command', connection, args: [], bytes: word.length });
  intake.beginTurn(at(0));
  for (let i = 0; i < 8; i += 1) expect(comes(intake, said('x'))).toBe(true);
  expect([comes(intake, said('four')), connection.arrivals, connection.pendingBytes]).toEqual([false, 1, 4]);
  connection.tenant = 'a' as TenantName;
  comes(intake, said('fives'));
  const order = [intake.next(), intake.next(), intake.next()].map((arrival) => arrival?.bytes ?? null);
  expect([order, connection.arrivals, connection.pendingBytes]).toEqual([[4, 5, null], 0, 0]);
});

describe('a flood of one tenant', () => {
  const connections = 8;
  const pipeline = 1000;

  function flooded(size: number): Nodes {
    const nodes = new Nodes(size, 2);
    for (const tenant of ['loud', 'same']) {
      nodes.connect(1, 99);
      nodes.ask(1, 99, 'TENANT', 'CREATE', tenant, 'IN', '1');
    }
    nodes.ask(1, 99, 'TENANT', 'CREATE', 'other', 'IN', '2');
    for (let conn = 1; conn <= connections; conn += 1) nodes.connect(2 > size ? 1 : 2, conn);
    return nodes;
  }

  const answers = (text: string): number => text.match(/\r\n/g)?.length ?? 0;

  /** In how many turns, and behind how much of the flood. */
  test.each([
    [1, 'same', 'GET', 2, 200],
    [1, 'other', 'GET', 2, 200],
    [1, 'same', 'SET', 6, 260],
    [1, 'other', 'SET', 6, 260],
    [3, 'same', 'GET', 6, 330],
    [3, 'other', 'GET', 6, 330],
    [3, 'same', 'SET', 16, 500],
    [3, 'other', 'SET', 16, 500],
  ])('on %d nodes: a client of a tenant in the %s group has its %s soon', (size, tenant, name, turns, behind) => {
    const nodes = flooded(size);
    const polite = 50;
    nodes.connect(1, polite);
    const words = [name, `{${tenant}}k`, ...(name === 'SET' ? ['v'] : [])];
    nodes.ask(1, polite, ...words);
    const hear = (): number => {
      let heard = 0;
      for (let conn = 1; conn <= connections; conn += 1) heard += answers(nodes.replies(conn));
      return heard;
    };
    for (let conn = 1; conn <= connections; conn += 1)
      for (let i = 0; i < pipeline; i += 1) nodes.send(size > 1 ? 2 : 1, conn, 'INCR', '{loud}n');
    let loud = 0;
    while (loud < connections * pipeline) {
      nodes.send(1, polite, ...words);
      let waited = 0;
      let meanwhile = 0;
      for (let heard = ''; heard === ''; heard = nodes.replies(polite)) {
        nodes.pass(1);
        waited += 1;
        meanwhile += hear();
        expect(waited).toBeLessThanOrEqual(turns);
      }
      expect(meanwhile).toBeLessThanOrEqual(behind);
      loud += meanwhile;
    }
    expect(loud).toBe(connections * pipeline);
  });

  test('a turn answers no more than it may', () => {
    const nodes = flooded(1);
    for (let conn = 1; conn <= connections; conn += 1)
      for (let i = 0; i < pipeline; i += 1) nodes.send(1, conn, 'GET', '{loud}n');
    nodes.pass(1);
    let heard = 0;
    for (let conn = 1; conn <= connections; conn += 1) heard += answers(nodes.replies(conn));
    expect(heard).toBeLessThanOrEqual(limits.arrivalsAlone);
  });
});
