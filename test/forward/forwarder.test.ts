/** What the forwarder makes of answers that come late, come twice, or never come. */
import { beforeEach, describe, expect, test } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import {
  ConnId,
  Epoch,
  GroupId,
  Incarnation,
  metadataGroup,
  NodeId,
  ReplicaId,
  type TenantName,
  Term,
} from '../../core/base/ids.ts';
import { MonoTime } from '../../core/base/time.ts';
import type { Call, CommandCall } from '../../core/forward/call.ts';
import { type Ending, Forwarder, type ProcedureEnding, type RetryTimer } from '../../core/forward/forwarder.ts';
import { ensureTenant } from '../../core/forward/tenancy.ts';
import { GroupMap } from '../../core/routing/groupMap.ts';
import { Router } from '../../core/routing/router.ts';
import type { Outcome } from '../../core/wire/messages.ts';

const [one, two, three] = [NodeId(1), NodeId(2), NodeId(3)] as const;
const group = GroupId(1);
const tenant = 'acme' as TenantName;
const now = MonoTime(1_000_000);
const notLeader: Outcome = { kind: 'refused', refusal: { kind: 'notLeader', leader: null, term: Term(0) } };
const done: Outcome = { kind: 'done', reply: bytesOfBinary('+OK\r\n') };

let sent: { readonly to: NodeId; readonly call: Call; readonly attempt: number }[];
let ended: Ending[];
let procedures: ProcedureEnding[];
let pauses: RetryTimer[];
let router: Router;
let forwarder: Forwarder;
let call: CommandCall;
let canReadHere: boolean;
/** What a group here says to a read as it comes. */
let saysAtOnce: Outcome | null;

beforeEach(() => {
  sent = [];
  ended = [];
  procedures = [];
  pauses = [];
  canReadHere = false;
  saysAtOnce = null;
  router = new Router(
    one,
    new GroupMap(
      [metadataGroup, group].map((id) => ({
        group: id,
        replicas: [one, two, three].map((node) => ({ replica: ReplicaId(node), node })),
      })),
    ),
  );
  router.shards.learn({ tenant, group, epoch: Epoch(1), incarnation: Incarnation(1) });
  for (const peer of [two, three]) router.linkUp(peer, 'store');
  router.leaders.learn(group, two, Term(4));
  const host = {
    send: (to: NodeId, _group: GroupId, asked: Call) => sent.push({ to, call: asked, attempt: asked.attempts }),
    finished: (_call: CommandCall, ending: Ending) => {
      _call.reply = new Uint8Array();
      ended.push(ending);
    },
    procedureFinished: (_procedure: unknown, ending: ProcedureEnding) => procedures.push(ending),
    readAtOnce: () => saysAtOnce,
    canReadHere: () => canReadHere,
    misrouted: () => undefined,
    schedule: (timer: RetryTimer) => pauses.push(timer),
  };
  const options = {
    self: one,
    commandTimeoutMs: 1000,
    commandsInFlight: 4,
    requestsPerPeer: 3,
    autoCreateTenants: true,
    fixedTenants: null,
  };
  forwarder = new Forwarder(host, router, () => 0, options);
  const lane = forwarder.openLane(ConnId(1), tenant);
  call = forwarder.command(lane, 'write', 2, [bytesOfBinary('INCR'), bytesOfBinary('n')], now);
  forwarder.pump(lane, now);
});

function sentTo(): readonly (readonly [NodeId, number])[] {
  return sent.map(({ to, attempt }) => [to, attempt]);
}

function resume(): void {
  for (const { retry } of pauses.splice(0)) forwarder.retryHeld(retry, now);
}

describe('a write that was sent', () => {
  test('and whose link broke is sent again; an answer to the first sending is none to the second', () => {
    forwarder.onLinkDown(two, now);
    resume();
    expect(sentTo()).toEqual([
      [two, 1],
      [two, 2],
    ]);
    forwarder.onOutcome(two, call.request, 1, notLeader, now);
    expect(ended).toEqual([]);
    forwarder.onOutcome(two, call.request, 2, done, now);
    expect(ended).toEqual([{ kind: 'executed', reply: bytesOfBinary('+OK\r\n') }]);
  });

  test('to a leader that has a successor is sent to that, and says that it may have run', () => {
    router.leaders.learn(group, three, Term(5));
    expect(router.leaders.takeNews()).toBe(group);
    forwarder.onLeader(group, three, now);
    resume();
    expect(sentTo()).toEqual([
      [two, 1],
      [three, 2],
    ]);
    expect(call.mayHaveRun).toBe(true);
    forwarder.onOutcome(two, call.request, 1, done, now);
    expect(ended).toEqual([]);
  });

  test('to the leader there still is waits for its answer', () => {
    forwarder.onLeader(group, two, now);
    expect(sentTo()).toEqual([[two, 1]]);
    expect(pauses).toEqual([]);
  });

  test('is unknown at its deadline, and an answer after that is not heard', () => {
    forwarder.expire(MonoTime(now + 1_000_000));
    expect(ended).toEqual([{ kind: 'unknown', reason: 'deadline' }]);
    forwarder.onOutcome(two, call.request, 1, done, now);
    expect(ended).toHaveLength(1);
  });
});

describe('reads of a READONLY connection', () => {
  const read = (): CommandCall => {
    const asked = forwarder.command(call.lane, 'read', 2, [bytesOfBinary('GET'), bytesOfBinary('n')], now);
    forwarder.pump(call.lane, now);
    return asked;
  };

  beforeEach(() => {
    canReadHere = true;
    call.lane.readsHere = true;
  });

  test('wait for the write before them, and go to the replica here', () => {
    read();
    expect(sentTo()).toEqual([[two, 1]]);
    forwarder.onOutcome(two, call.request, 1, done, now);
    expect(sentTo()).toEqual([
      [two, 1],
      [one, 1],
    ]);
  });

  test('go to the leader behind a write of which nobody knows whether it is still to come, until that answers', () => {
    forwarder.expire(MonoTime(now + 1_000_000));
    expect(ended).toEqual([{ kind: 'unknown', reason: 'deadline' }]);
    const first = read();
    forwarder.onOutcome(two, first.request, 1, done, now);
    read();
    expect(sentTo()).toEqual([
      [two, 1],
      [two, 1],
      [one, 1],
    ]);
  });

  test('are for the replica here only if they went there for its sake, not as to the leader', () => {
    forwarder.expire(MonoTime(now + 1_000_000));
    router.leaders.learn(group, one, Term(5));
    const asked = read();
    expect(sent.at(-1)?.to).toBe(one);
    expect(asked.readsHere).toBe(false);
    forwarder.onOutcome(one, asked.request, 1, done, now);
    expect(read().readsHere).toBe(true);
  });

  test('go to the leader where there is no replica here that could serve them', () => {
    forwarder.onOutcome(two, call.request, 1, done, now);
    canReadHere = false;
    read();
    expect(sent.at(-1)?.to).toBe(two);
  });
});

describe('a read as it comes', () => {
  const get = [bytesOfBinary('GET'), bytesOfBinary('n')];
  const readAtOnce = (): Ending | null => forwarder.readAtOnce(call.lane, 2, get);

  beforeEach(() => {
    router.leaders.learn(group, one, Term(5));
    saysAtOnce = done;
  });

  test('waits for the write before it, and then is no call: its number is that of none', () => {
    expect(readAtOnce()).toBe(null);
    forwarder.onOutcome(two, call.request, 1, done, now);
    const { nextRequest } = forwarder;
    expect(readAtOnce()).toEqual({ kind: 'executed', reply: bytesOfBinary('+OK\r\n') });
    expect(forwarder.nextRequest).toBe(nextRequest + 1);
    expect(sent).toHaveLength(1);
    expect(forwarder.inFlight).toBe(0);
  });

  test('is sent where this node does not lead', () => {
    forwarder.onOutcome(two, call.request, 1, done, now);
    router.leaders.learn(group, two, Term(6));
    expect(readAtOnce()).toBe(null);
  });

  test('is sent behind a write of which nobody knows whether it is still to come', () => {
    forwarder.expire(MonoTime(now + 1_000_000));
    expect(readAtOnce()).toBe(null);
  });

  test.each<Outcome | null>([null, notLeader])(
    'is sent if the group here says %j, and its number is not used',
    (says) => {
      forwarder.onOutcome(two, call.request, 1, done, now);
      saysAtOnce = says;
      const { nextRequest } = forwarder;
      expect(readAtOnce()).toBe(null);
      expect(forwarder.nextRequest).toBe(nextRequest);
    },
  );

  test('is not executed if its tenant has had its share', () => {
    forwarder.onOutcome(two, call.request, 1, done, now);
    saysAtOnce = { kind: 'refused', refusal: { kind: 'quota', what: 'operations' } };
    expect(readAtOnce()).toEqual({ kind: 'notExecuted', reason: 'busy', what: 'operations' });
  });

  test('leaves calls before and behind it where they are found', () => {
    const other = forwarder.openLane(ConnId(2), tenant);
    expect(forwarder.readAtOnce(other, 2, get)).not.toBe(null);
    const later = forwarder.command(other, 'write', 2, get, now);
    forwarder.pump(other, now);
    forwarder.onOutcome(two, call.request, 1, done, now);
    forwarder.onOutcome(one, later.request, 1, done, now);
    expect(ended).toHaveLength(2);
    expect(forwarder.inFlight).toBe(0);
  });
});

describe('more than may be under way', () => {
  const busy: Ending = { kind: 'notExecuted', reason: 'busy', what: 'too many commands under way' };

  /** Another command of the same lane, with the first one under way. */
  function another(): CommandCall {
    const asked = forwarder.command(call.lane, 'write', 2, [bytesOfBinary('INCR'), bytesOfBinary('n')], now);
    forwarder.pump(call.lane, now);
    return asked;
  }

  test('at one peer is refused, until that answers', () => {
    const second = another();
    another();
    expect(ended).toEqual([]);
    another();
    expect(ended.splice(0)).toEqual([busy]);
    expect(sent).toHaveLength(3);
    forwarder.onOutcome(two, second.request, 1, done, now);
    another();
    expect(ended).toEqual([{ kind: 'executed', reply: bytesOfBinary('+OK\r\n') }]);
    expect(sent).toHaveLength(4);
  });

  test('on this node is refused, whoever is asked', () => {
    forwarder.onOutcome(two, call.request, 1, done, now);
    router.leaders.learn(group, one, Term(5));
    ended = [];
    for (let i = 0; i < 4; i += 1) another();
    expect(ended).toEqual([]);
    another();
    expect(ended).toEqual([busy]);
    expect(forwarder.inFlight).toBe(4);
  });

  test('is not refused if it may have run', () => {
    another();
    another();
    forwarder.onLinkDown(two, now);
    const other = forwarder.openLane(ConnId(2), tenant);
    for (let i = 0; i < 2; i += 1)
      forwarder.command(other, 'write', 2, [bytesOfBinary('INCR'), bytesOfBinary('n')], now);
    forwarder.pump(other, now);
    resume();
    expect(ended).toEqual([busy]);
    expect(sent.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 2, 2, 2]);
  });
});

describe('a tenant whose name is not taken', () => {
  const refused: Outcome = { kind: 'refused', refusal: { kind: 'quota', what: 'names' } };
  const busy = { kind: 'notExecuted', reason: 'busy', what: 'names' };
  const fresh = 'fresh' as TenantName;

  beforeEach(() => {
    router.leaders.learn(metadataGroup, three, Term(2));
    sent = [];
  });

  function answer(outcome: Outcome): void {
    const [last] = sent.slice(-1);
    if (last !== undefined) forwarder.onOutcome(last.to, last.call.request, last.attempt, outcome, now);
  }

  test('is not created, and the commands of all who wait for it are not executed', () => {
    for (const conn of [2, 3]) {
      const lane = forwarder.openLane(ConnId(conn), fresh);
      forwarder.command(lane, 'write', 2, [bytesOfBinary('INCR'), bytesOfBinary('n')], now);
      forwarder.pump(lane, now);
    }
    expect(sentTo()).toEqual([[three, 1]]);
    answer(refused);
    expect(ended).toEqual([busy, busy]);
    forwarder.start(ensureTenant(fresh, true, null), now);
    answer(refused);
    expect(procedures).toEqual([busy]);
    expect(pauses).toEqual([]);
  });

  test('may be created all the same if that was asked before, and nobody knows what became of it', () => {
    forwarder.start(ensureTenant(fresh, true, null), now);
    forwarder.onLinkDown(three, now);
    resume();
    answer(refused);
    expect(procedures).toEqual([]);
    forwarder.expire(MonoTime(now + 1_000_000));
    expect(procedures).toEqual([{ kind: 'deadline', group: metadataGroup, mayHaveRun: true }]);
  });
});
