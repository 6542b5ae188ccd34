import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupId, LogIndex, MapVersion, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { randomSource } from '../../sim/base/random.ts';
import { expand } from '../../sim/scenario/expand.ts';
import type { NetworkKnobs } from '../../sim/scenario/scenario.ts';
import { Network } from '../../sim/world/network.ts';
import { Schedule } from '../../sim/world/schedule.ts';

const one = NodeId(1);
const two = NodeId(2);
const knobs: NetworkKnobs = {
  ...expand(1, 'calm').network,
  baseUs: 100,
  jitterUs: 500,
  tailPermille: 100,
  datagrams: false,
  reconnectMs: 1,
  breakAfterMs: 50,
  halfOpenMs: 5,
};

/** Two nodes that write down what they hear. */
class Pair {
  readonly schedule = new Schedule(null);
  readonly heard: (number | 'up' | 'down')[] = [];
  readonly network: Network;

  constructor(changes: Partial<NetworkKnobs>, seed: number) {
    const silent = { isRunning: true, knows: () => true, onMessages: () => undefined, onLink: () => undefined };
    const listener = {
      isRunning: true,
      knows: () => true,
      onMessages: (_from: NodeId, messages: readonly PeerMessage[]) => {
        for (const message of messages) this.heard.push(numberOf(message));
      },
      onLink: (_peer: NodeId, isUp: boolean) => this.heard.push(isUp ? 'up' : 'down'),
    };
    this.network = new Network(this.schedule, { ...knobs, ...changes }, [silent, listener], null, randomSource(seed));
    this.network.onStart(one);
    this.run();
  }

  run(forUs = Number.POSITIVE_INFINITY): void {
    const until = this.schedule.now + forUs;
    while (this.schedule.advance(until)) continue;
  }

  /** Messages `first` to `last`. */
  send(first: number, last: number, make: (number: number) => PeerMessage = mapVersion): void {
    for (let number = first; number <= last; number += 1) this.network.send(one, two, [make(number)]);
  }
}

function mapVersion(number: number): PeerMessage {
  return { kind: 'mapVersion', version: MapVersion(number), digest: 0 };
}

function heartbeat(round: number): PeerMessage {
  const message = { kind: 'heartbeat', term: Term(1), commit: LogIndex(0), round } as const;
  return { kind: 'raft', group: GroupId(1), from: ReplicaId(1), to: ReplicaId(2), message };
}

function numberOf(message: PeerMessage): number {
  if (message.kind === 'mapVersion') return message.version;
  return message.kind === 'raft' && message.message.kind === 'heartbeat' ? message.message.round : 0;
}

const seeds = fc.nat(1000);

describe('a stream', () => {
  it('loses a suffix when it breaks, and both ends hear of it before it is up again', () => {
    fc.assert(
      fc.property(seeds, fc.nat(2000), (seed, afterUs) => {
        const pair = new Pair({}, seed);
        pair.send(1, 20);
        pair.run(afterUs);
        pair.network.break(one, two);
        pair.run();
        const heard = pair.heard.filter((each) => typeof each === 'number');
        expect(heard).toEqual(Array.from({ length: heard.length }, (_, i) => i + 1));
        expect(pair.heard.filter((each) => typeof each !== 'number')).toEqual(['up', 'down', 'up']);
      }),
    );
  });

  it.each(['hold', 'cut'] as const)('keeps back what is under way or sent during a %s, in order', (fault) => {
    const pair = new Pair({ jitterUs: 5000 }, 7);
    pair.send(1, 10);
    pair.run(4000);
    expect(pair.heard.length).toBeLessThan(11);
    if (fault === 'hold') pair.network.hold(one, two);
    else pair.network.cut(one, two);
    const before = pair.heard.length;
    pair.send(11, 20);
    pair.run(2000);
    expect(pair.heard).toHaveLength(before);
    if (fault === 'hold') pair.network.unhold(one, two);
    else pair.network.uncut(one, two);
    pair.run();
    expect(pair.heard).toEqual(['up', ...Array.from({ length: 20 }, (_, i) => i + 1)]);
  });

  it('breaks when it is cut for too long, and comes back after the cut', () => {
    const pair = new Pair({}, 8);
    pair.network.cut(one, two);
    pair.run(60_000);
    pair.send(1, 3);
    expect(pair.heard).toEqual(['up', 'down']);
    pair.network.uncut(one, two);
    pair.run();
    expect(pair.heard).toEqual(['up', 'down', 'up']);
  });
});

describe('datagrams', () => {
  it('are lost, doubled and overtaken, each by its own knob', () => {
    const count = 200;
    const all = Array.from({ length: count }, (_, i) => i + 1);
    const heardWith = (changes: Partial<NetworkKnobs>): readonly number[] => {
      const pair = new Pair(
        {
          datagrams: true,
          jitterUs: 0,
          tailPermille: 0,
          lossPermille: 0,
          duplicatePermille: 0,
          reorderPermille: 0,
          ...changes,
        },
        9,
      );
      pair.send(1, count, heartbeat);
      pair.run();
      return pair.heard.filter((each) => typeof each === 'number');
    };
    expect(heardWith({})).toEqual(all);
    expect(heardWith({ lossPermille: 300 }).length).toBeLessThan(count);
    expect(heardWith({ duplicatePermille: 300 }).length).toBeGreaterThan(count);
    const reordered = heardWith({ reorderPermille: 300 });
    expect(reordered).not.toEqual(all);
    expect([...reordered].sort((a, b) => a - b)).toEqual(all);
  });
});
