/** What the core relies on from the links between nodes, asked of the simulated network and of real sockets. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { GroupId, Incarnation, LaneId, MapVersion, NodeId, RequestId } from '../../../core/base/ids.ts';
import { parseTenantName } from '../../../core/base/tenantName.ts';
import type { Input } from '../../../core/node/door.ts';
import type { PeerMessage } from '../../../core/wire/messages.ts';
import { messages as anyMessages } from '../../wire/arbitraries.ts';
import { sampleMessages } from '../../wire/samples.ts';
import { breaks, type Links } from './links.ts';
import { realLinks } from './realLinks.ts';
import { encodedLinks, simulatedLinks } from './simulatedLinks.ts';

const kinds = [simulatedLinks, encodedLinks, realLinks];
const [one, two, three] = [NodeId(1), NodeId(2), NodeId(3)];
const kib = 1024;
const mib = 1024 * kib;
const tenant = parseTenantName('tenant')!;

let links: Links | null = null;

afterEach(() => {
  links?.close();
  links = null;
});

function version(number: number): PeerMessage {
  return { kind: 'mapVersion', version: MapVersion(number), digest: 0 };
}

/** A message of at least so many bytes. */
function large(number: number, bytes: number): PeerMessage {
  const args = [new Uint8Array(bytes).fill(number)];
  return {
    kind: 'request',
    boot: 1,
    request: RequestId(number),
    attempt: 1,
    group: GroupId(1),
    lane: LaneId(1),
    resumes: false,
    ackBelow: RequestId(0),
    isRetry: false,
    operation: { kind: 'execute', tenant, incarnation: Incarnation(1), access: 'write', protocol: 2, args },
  };
}

function numberOf(message: PeerMessage): number {
  if (message.kind === 'mapVersion') return message.version;
  return message.kind === 'request' ? message.request : 0;
}

/** Turns of a few messages each, numbered from `first` to `last`. */
function turns(first: number, last: number, make = version): readonly (readonly PeerMessage[])[] {
  const made: PeerMessage[][] = [];
  for (let number = first; number <= last; ) {
    const messages = Math.min(1 + (number % 3), last - number + 1);
    made.push(Array.from({ length: messages }, (_, i) => make(number + i)));
    number += messages;
  }
  return made;
}

function count(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** All messages from one node, in order. */
function messagesFrom(from: NodeId, inputs: readonly Input[]): readonly PeerMessage[] {
  return inputs.flatMap((input) => (input.kind === 'peerMessages' && input.from === from ? input.messages : []));
}

/** What became of the link to one peer, and the numbers that came from it. */
function told(peer: NodeId, inputs: readonly Input[]): readonly (number | 'up' | 'down')[] {
  return inputs.flatMap((input): readonly (number | 'up' | 'down')[] => {
    if (input.kind === 'peerMessages') return input.from === peer ? input.messages.map(numberOf) : [];
    if ((input.kind !== 'peerUp' && input.kind !== 'peerDown') || input.peer !== peer) return [];
    return [input.kind === 'peerUp' ? 'up' : 'down'];
  });
}

describe.each(kinds)('$name', (kind) => {
  const seeds = kind === realLinks ? [1] : count(1, 20);

  async function make(nodes: number, seed: number): Promise<Links> {
    links?.close();
    links = await kind.make(nodes, seed);
    return links;
  }

  /** These nodes run, and each has a link to each other. */
  async function linked(nodes: readonly NodeId[], seed = 1): Promise<Links> {
    const made = await make(nodes.length, seed);
    for (const node of nodes) await made.start(node);
    const isLinked = (node: NodeId): boolean => made.heard(node).length >= nodes.length - 1;
    await made.until(() => nodes.every(isLinked), 'the links');
    return made;
  }

  function sendAll(made: Links, from: NodeId, to: NodeId, all: readonly (readonly PeerMessage[])[]): void {
    for (const messages of all) made.send(from, to, messages);
  }

  /** Everything `to` was told of `from`, once this message, the last, has come. */
  async function untilTold(made: Links, to: NodeId, from: NodeId, last: number): Promise<ReturnType<typeof told>> {
    await made.until(() => told(from, made.heard(to)).at(-1) === last, `message ${last}`);
    return told(from, made.heard(to));
  }

  describe('a link', () => {
    test('is one, though both ends dial at once, and is told at both before anything comes over it', async () => {
      for (const seed of seeds) {
        const made = await make(2, seed);
        made.greet(one, [version(1)]);
        made.greet(two, [version(2)]);
        await Promise.all([made.start(one), made.start(two)]);
        await made.until(() => [one, two].every((node) => made.heard(node).length > 1), 'the greetings');
        made.send(one, two, [version(3)]);
        made.send(two, one, [version(4)]);
        expect(await untilTold(made, two, one, 3)).toEqual(['up', 1, 3]);
        expect(await untilTold(made, one, two, 4)).toEqual(['up', 2, 4]);
      }
    });

    test('carries turns in order, each whole and once, in both directions', async () => {
      for (const seed of seeds) {
        const made = await linked([one, two], seed);
        const there = turns(1, 60);
        const back = turns(101, 160);
        for (let i = 0; i < there.length; i += 1) {
          made.send(one, two, there[i] ?? []);
          made.send(two, one, back[i] ?? []);
        }
        expect(await untilTold(made, two, one, 60)).toEqual(['up', ...count(1, 60)]);
        expect(await untilTold(made, one, two, 160)).toEqual(['up', ...count(101, 160)]);
      }
    });

    test('carries each kind of message as it was sent', async () => {
      const made = await linked([one, two]);
      made.send(one, two, sampleMessages);
      for (const message of sampleMessages) made.send(one, two, [message]);
      const sent = [...sampleMessages, ...sampleMessages];
      await made.until(() => messagesFrom(one, made.heard(two)).length === sent.length, 'the samples');
      expect(messagesFrom(one, made.heard(two))).toStrictEqual(sent);
    });

    test('carries any messages as they were sent', async () => {
      const made = await linked([one, two]);
      const sent: PeerMessage[] = [];
      await fc.assert(
        fc.asyncProperty(fc.array(anyMessages, { maxLength: 6 }), async (all) => {
          const before = sent.length;
          sendAll(made, one, two, all);
          sent.push(...all.flat());
          await made.until(() => messagesFrom(one, made.heard(two)).length >= sent.length, 'the messages');
          expect(messagesFrom(one, made.heard(two)).slice(before)).toEqual(sent.slice(before));
        }),
        { numRuns: 60, seed: 1 },
      );
      // Still: nobody has written to their bytes since.
      expect(messagesFrom(one, made.heard(two))).toEqual(sent);
    });

    test('carries messages and turns of several MiB, between others', async () => {
      const made = await linked([one, two]);
      const sent = [
        [version(1), large(2, 5 * mib), version(3)],
        [version(4)],
        [large(5, 700 * kib), large(6, 700 * kib), version(7), large(8, 3 * mib), version(9)],
        [version(10)],
      ];
      sendAll(made, one, two, sent);
      made.send(two, one, [large(20, 2 * mib)]);
      expect(await untilTold(made, two, one, 10)).toEqual(['up', ...count(1, 10)]);
      expect(await untilTold(made, one, two, 20)).toEqual(['up', 20]);
      const arrived = messagesFrom(one, made.heard(two));
      expect(arrived.every((message, i) => isSame(message, sent.flat()[i]))).toBe(true);
    });

    test('keeps the order of each sender, however many there are, and mixes none up', async () => {
      for (const seed of seeds) {
        const made = await linked([one, two, three], seed);
        const [ofOne, ofThree] = [turns(1, 40), turns(201, 240)];
        for (let i = 0; i < ofOne.length; i += 1) {
          made.send(one, two, ofOne[i] ?? []);
          made.send(three, two, ofThree[i] ?? []);
        }
        expect(await untilTold(made, two, one, 40)).toEqual(['up', ...count(1, 40)]);
        expect(await untilTold(made, two, three, 240)).toEqual(['up', ...count(201, 240)]);
      }
    });
  });

  describe('a link that breaks', () => {
    test.each(breaks)('first at %s loses a suffix, is told at both ends, and is there again', async (first) => {
      for (const seed of seeds) {
        const made = await linked([one, two], seed);
        sendAll(
          made,
          one,
          two,
          turns(1, 30, (number) => large(number, 64 * kib)),
        );
        sendAll(
          made,
          two,
          one,
          turns(101, 130, (number) => large(number, 64 * kib)),
        );
        await made.until(() => made.heard(two).length > 1, 'a first part');
        await made.break(one, two, first);
        // Whoever has not heard of it goes on.
        made.send(one, two, [version(31)]);
        made.send(two, one, [version(131)]);
        await made.until(() => areUpAgain(made, one, two), 'the link again');
        made.send(one, two, [version(40)]);
        made.send(two, one, [version(140)]);
        expectPrefixes(await untilTold(made, two, one, 40), count(1, 31), [31, 40]);
        expectPrefixes(await untilTold(made, one, two, 140), count(101, 131), [131, 140]);
      }
    });

    test.each(breaks)('first at %s is the end of what was on its way', async (first) => {
      for (const seed of seeds) {
        const made = await linked([one, two], seed);
        made.hold(two, one);
        sendAll(made, two, one, turns(1, 20));
        await made.break(one, two, first);
        await made.until(() => areUpAgain(made, one, two), 'the link again');
        made.release(two, one);
        sendAll(made, two, one, turns(21, 25));
        expect(await untilTold(made, one, two, 25)).toEqual(['up', 'down', 'up', ...count(21, 25)]);
      }
    });

    test('leaves others alone', async () => {
      for (const seed of seeds) {
        const made = await linked([one, two, three], seed);
        sendAll(made, one, three, turns(1, 10));
        await made.break(one, two, 'both ends');
        sendAll(made, one, three, turns(11, 20));
        await made.until(() => areUpAgain(made, one, two), 'the link again');
        expect(await untilTold(made, three, one, 20)).toEqual(['up', ...count(1, 20)]);
        expect(told(two, made.heard(three))).toEqual(['up']);
      }
    });
  });

  describe('a node that ends', () => {
    test('breaks its links, and has new ones when it is back', async () => {
      for (const [stopped, other] of [
        [one, two],
        [two, one],
      ] as const) {
        const made = await linked([one, two]);
        made.stop(stopped);
        await made.until(() => told(stopped, made.heard(other)).at(-1) === 'down', 'the loss');
        await made.start(stopped);
        await made.until(() => areUpAgain(made, other, stopped, 1), 'the link again');
        made.send(other, stopped, [version(1)]);
        made.send(stopped, other, [version(2)]);
        expect(await untilTold(made, stopped, other, 1)).toEqual(['up', 1]);
        expect(await untilTold(made, other, stopped, 2)).toEqual(['up', 'down', 'up', 2]);
      }
    });

    test('hears in its next life nothing that was sent to the one before', async () => {
      for (const seed of seeds) {
        const made = await linked([one, two], seed);
        made.hold(two, one);
        sendAll(made, two, one, turns(1, 20));
        made.stop(one);
        await made.until(() => told(one, made.heard(two)).at(-1) === 'down', 'the loss');
        await made.start(one);
        await made.until(() => made.heard(one).length > 0, 'the link again');
        made.release(two, one);
        await made.until(() => told(one, made.heard(two)).at(-1) === 'up', 'the link at its other end');
        made.send(two, one, [version(21)]);
        expect(await untilTold(made, one, two, 21)).toEqual(['up', 21]);
      }
    });
  });

  describe('what is sent where there is no link', () => {
    test('is lost, and says no more than that', async () => {
      const made = await make(2, 1);
      await made.start(two);
      sendAll(made, two, one, turns(1, 5));
      expect(told(one, made.heard(two)).filter((each) => each !== 'down')).toEqual([]);
      await made.start(one);
      await made.until(() => told(one, made.heard(two)).at(-1) === 'up', 'the link');
      await made.until(() => made.heard(one).length > 0, 'the link at its other end');
      made.send(two, one, [version(6)]);
      expect(await untilTold(made, one, two, 6)).toEqual(['up', 6]);
    });

    test.runIf(kind.reportsEveryDrop)('is told each time', async () => {
      const made = await linked([one, two]);
      made.stop(one);
      await made.until(() => told(one, made.heard(two)).at(-1) === 'down', 'the loss');
      made.send(two, one, [version(1), version(2)]);
      made.send(two, one, [version(3)]);
      expect(told(one, made.heard(two))).toEqual(['up', 'down', 'down', 'down']);
    });
  });
});

/** Both ends were told of a second link, or, at `b`, of as many as that. */
function areUpAgain(made: Links, a: NodeId, b: NodeId, upsAtB = 2): boolean {
  return isUp(told(b, made.heard(a)), 2) && isUp(told(a, made.heard(b)), upsAtB);
}

function isUp(all: ReturnType<typeof told>, times: number): boolean {
  const states = all.filter((each) => each === 'up' || each === 'down');
  return states.at(-1) === 'up' && states.filter((each) => each === 'up').length >= times;
}

/**
 * A first part of `before`, a break, and what came after it: the last of `after`, and the first if it was sent on the
 * new link already.
 */
function expectPrefixes(all: ReturnType<typeof told>, before: readonly number[], after: readonly number[]): void {
  const down = all.indexOf('down');
  const first = all.slice(1, down);
  expect(all[0]).toBe('up');
  expect(first).toEqual(before.slice(0, first.length));
  const [again, ...rest] = all.slice(all.lastIndexOf('up'));
  expect(again).toBe('up');
  expect(all.slice(down, all.lastIndexOf('up')).every((each) => each === 'down')).toBe(true);
  expect([after, after.slice(1)]).toContainEqual(rest);
}

function isSame(message: PeerMessage, other: PeerMessage | undefined): boolean {
  if (message.kind !== 'request' || other?.kind !== 'request') return message.kind === other?.kind;
  const [a, b] = [message.operation, other.operation];
  return a.kind === 'execute' && b.kind === 'execute' && Buffer.compare(a.args[0]!, b.args[0]!) === 0;
}
