/** What a tenant remembers of its writes: each runs once, however often and in whatever life it is asked for. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { binaryString, bytesOfBinary } from '../../core/base/bytes.ts';
import { Incarnation, LaneId, NodeId, RequestId, type TenantName, Epoch } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import type { Applied } from '../../core/group/machine.ts';
import { ClientSessions } from '../../core/engine/clientSessions.ts';
import type { CutClock } from '../../core/engine/keyspaceCut.ts';
import { ReplyMemory } from '../../core/engine/replyMemory.ts';
import { Sessions } from '../../core/group/sessions.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { LoggedItem, LoggedOperation } from '../../core/wire/operation.ts';

const tenant = 'acme' as TenantName;
const incarnation = Incarnation(1);
const minute = 60_000;

interface Asked {
  readonly request: number;
  readonly lane?: number;
  readonly boot?: number;
  readonly node?: number;
  readonly ackBelow?: number;
  readonly isRetry?: boolean;
}

function item(asked: Asked, ...words: readonly string[]): LoggedItem {
  const { request, lane = 1, boot = 1, node = 1, ackBelow = 0, isRetry = false } = asked;
  const args = words.map((word) => bytesOfBinary(word));
  const operation: LoggedOperation = { kind: 'execute', tenant, incarnation, access: 'write', protocol: 2, args };
  return {
    origin: { node: NodeId(node), boot, request: RequestId(request) },
    lane: LaneId(lane),
    ackBelow: RequestId(ackBelow),
    isRetry,
    operation,
  };
}

let machine: TenantMachine;
let now: number;

beforeEach(() => {
  machine = new TenantMachine(() => 0);
  now = 1_000_000;
  const adopt: LoggedOperation = { kind: 'adopt', tenant, incarnation, epoch: Epoch(1) };
  machine.apply({ ...item({ request: 1 }), operation: adopt }, { stamp: WallTime(now), maxValueBytes: 1 }, true);
});

function apply(asked: Asked, ...words: readonly string[]): Applied {
  return machine.apply(item(asked, ...words), { stamp: WallTime(now), maxValueBytes: 1_000_000 }, true);
}

function told(applied: Applied): string {
  return 'reply' in applied ? `${applied.kind} ${binaryString(applied.reply).trim()}` : applied.kind;
}

describe('a write that is asked for again', () => {
  it('answers what it answered and does not run', () => {
    expect(told(apply({ request: 5 }, 'INCR', 'n'))).toBe('done :1');
    expect(told(apply({ request: 6 }, 'INCR', 'n'))).toBe('done :2');
    expect(told(apply({ request: 5, isRetry: true }, 'INCR', 'n'))).toBe('remembered :1');
    expect(told(apply({ request: 7 }, 'INCR', 'n'))).toBe('done :3');
  });

  it('runs if it never had', () => {
    expect(told(apply({ request: 5, isRetry: true }, 'INCR', 'n'))).toBe('done :1');
  });

  it('is another if its lane, its node or its life is', () => {
    for (const other of [{ lane: 2 }, { node: 2 }, { boot: 2 }]) apply({ request: 5, ...other }, 'INCR', 'n');
    expect(told(apply({ request: 6, boot: 2 }, 'INCR', 'n'))).toBe('done :4');
  });

  it('of an earlier life of its ingress never runs', () => {
    apply({ request: 5, boot: 2 }, 'INCR', 'n');
    expect(apply({ request: 9, boot: 1 }, 'INCR', 'n')).toEqual({ kind: 'forgotten', isSure: false });
  });

  it('never runs once its ingress has said that it has the answer', () => {
    for (const request of [1, 2, 3]) apply({ request }, 'INCR', 'n');
    apply({ request: 4, ackBelow: 3 }, 'INCR', 'n');
    expect(told(apply({ request: 2, isRetry: true }, 'INCR', 'n'))).toBe('forgotten');
    expect(told(apply({ request: 3, isRetry: true }, 'INCR', 'n'))).toBe('remembered :3');
  });

  it('is known to have run even if its reply was too large to keep', () => {
    apply({ request: 1 }, 'SET', 'k', 'x'.repeat(300_000));
    apply({ request: 2 }, 'GETDEL', 'k');
    expect(apply({ request: 2, isRetry: true }, 'GETDEL', 'k')).toEqual({ kind: 'forgotten', isSure: true });
  });

  it('after its session was forgotten may have run; what is newer than all that was forgotten has not', () => {
    apply({ request: 5 }, 'INCR', 'n');
    now += 16 * minute;
    apply({ request: 8, lane: 2 }, 'INCR', 'n');
    expect(told(apply({ request: 5, isRetry: true }, 'INCR', 'n'))).toBe('forgotten');
    expect(told(apply({ request: 9, lane: 3, isRetry: true }, 'INCR', 'n'))).toBe('done :3');
  });

  it('keeps no more memory than its reply needs', () => {
    apply({ request: 1 }, 'INCR', 'n');
    const applied = apply({ request: 1, isRetry: true }, 'INCR', 'n');
    expect('reply' in applied && applied.reply.buffer.byteLength).toBe(4);
  });
});

it('sessions are bounded: those used least lately go first', () => {
  const sessions = new Sessions(WallTime(0));
  const reply = new Uint8Array(0);
  const most = 16_384;
  for (let lane = 1; lane <= most + 1; lane += 1)
    sessions.remember(item({ request: lane, lane }, 'x'), reply, WallTime(lane));
  expect(sessions.size).toBeLessThanOrEqual(most);
  expect(sessions.size).toBeGreaterThan(most / 2);
  expect(sessions.recall(item({ request: 1, lane: 1, isRetry: true }, 'x'))).toBe('forgotten');
  expect(sessions.recall(item({ request: most, lane: most, isRetry: true }, 'x'))).toMatchObject({ number: most });
});

it('while a cut is read out, a write copies what its own session remembers and no other', () => {
  const clock: CutClock = { current: null };
  const sessions = new Sessions(WallTime(0), clock);
  const clients = new ClientSessions(WallTime(0), clock);
  const write = (sender: number, request: number): void => {
    sessions.remember(item({ request, lane: sender }, 'x'), new Uint8Array(0), WallTime(1));
    clients.remember(String(sender), request, 0, new Uint8Array(0), WallTime(1));
  };
  for (let sender = 1; sender <= 20; sender += 1) write(sender, 1);
  clock.current = {};
  const copied = vi.spyOn(ReplyMemory.prototype, 'image');
  for (let request = 2; request <= 9; request += 1) write(7, request);
  expect(copied).toHaveBeenCalledTimes(2);
  const images = [...(clients.partOfCut(clock.current)?.sessions ?? [])];
  expect(images.map(([token, { last }]) => [token, last])).toEqual(images.map((_, i) => [String(i + 1), 1]));
  expect(images).toHaveLength(20);
  copied.mockRestore();
});

it('what was asked for last is forgotten with its ingress, or when it is too old, like any other', () => {
  const sessions = new Sessions(WallTime(0));
  const reply = bytesOfBinary(':1\r\n');
  sessions.remember(item({ request: 1 }, 'x'), reply, WallTime(1));
  sessions.remember(item({ request: 1, boot: 2, lane: 2 }, 'x'), reply, WallTime(1));
  sessions.recall(item({ request: 1, boot: 2, lane: 2 }, 'x'));
  sessions.remember(item({ request: 1, boot: 3, lane: 2 }, 'x'), reply, WallTime(1));
  expect(sessions.recall(item({ request: 1, boot: 2, lane: 2, isRetry: true }, 'x'))).toBe('forgotten');
  expect(sessions.recall(item({ request: 1, boot: 3, lane: 2 }, 'x'))).toMatchObject({ number: 1 });
  sessions.remember(item({ request: 2, node: 2 }, 'x'), reply, WallTime(30 * minute));
  expect(sessions.recall(item({ request: 1, boot: 3, lane: 2, isRetry: true }, 'x'))).toBe('forgotten');
  expect(sessions.size).toBe(1);
});

it('whatever is lost and asked for again, in order, every write runs exactly once', () => {
  const step = fc.record({ lane: fc.integer({ min: 1, max: 3 }), again: fc.nat(3), acks: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      machine = new TenantMachine(() => 0);
      const adopt: LoggedOperation = { kind: 'adopt', tenant, incarnation, epoch: Epoch(1) };
      machine.apply({ ...item({ request: 1 }), operation: adopt }, { stamp: WallTime(1), maxValueBytes: 1 }, true);
      const acked = new Map<number, number>();
      const sent = new Map<number, { request: number; reply: string }[]>();
      let request = 0;
      for (const { lane, again, acks } of steps) {
        request += 1;
        const ackBelow = acked.get(lane) ?? 0;
        const reply = told(apply({ request, lane, ackBelow }, 'INCR', 'n'));
        expect(reply).toBe(`done :${String(request)}`);
        const before = sent.get(lane) ?? [];
        before.push({ request, reply: reply.slice('done '.length) });
        sent.set(lane, before);
        for (const known of before.slice(-again))
          if (known.request >= ackBelow)
            expect(told(apply({ request: known.request, lane, ackBelow, isRetry: true }, 'INCR', 'n'))).toBe(
              `remembered ${known.reply}`,
            );
        if (acks) acked.set(lane, request);
      }
    }),
    { numRuns: 200 },
  );
});
