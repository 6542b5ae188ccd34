import { describe, expect, it } from 'vitest';
import { GroupId, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { MonoTime, WallTime } from '../../core/base/time.ts';
import { boundedLoad } from '../../sim/oracles/boundedLoad.ts';
import type { Truth } from '../../sim/oracles/oracle.ts';
import { Commands } from '../../sim/truth/commands.ts';
import { GroupTruth } from '../../sim/truth/groupTruth.ts';

const members = [1, 2, 3].map((n) => ({ node: NodeId(n), replica: ReplicaId(n) }));
const group = new GroupTruth(GroupId(1), members);
group.beginEverywhere();
const heartbeat = { kind: 'heartbeatReply', term: Term(1), round: 1 } as const;

function truthAt(now: number): Truth {
  return {
    now,
    groups: new Map([[group.id, group]]),
    commands: new Commands(),
    leaseReads: false,
    electionMs: 100,
    readonlyConnections: new Set(),
    nodes: [null, null, null],
    hasMetadataNoQuorum: false,
    isMetadataOut: false,
    turn: { mono: MonoTime(now), wall: WallTime(0) },
  };
}

describe('the budget of a run (B2)', () => {
  it('holds messages that nobody asked for', () => {
    const oracle = boundedLoad(truthAt(1_000_000));
    const send = (count: number): void => {
      for (let i = 0; i < count; i += 1) oracle.raftSent?.(group.replica(ReplicaId(1)), ReplicaId(2), heartbeat);
    };
    send(2900);
    expect(() => oracle.checkpoint?.()).not.toThrow();
    send(100);
    expect(() => oracle.checkpoint?.()).toThrow(
      'messages are bounded by what there is to do: messages=3000 budget=2960',
    );
  });

  it('holds the events of a second', () => {
    const oracle = boundedLoad(truthAt(1_000_000));
    const look = (): void => {
      for (let checkpoint = 0; checkpoint < 200; checkpoint += 1) oracle.checkpoint?.();
    };
    expect(look).toThrow('a simulated second takes a bounded number of events');
  });
});
