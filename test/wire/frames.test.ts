import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter, equalBytes } from '../../core/base/bytes.ts';
import { Epoch, GroupId, Incarnation, LaneId, LogIndex, MapVersion, RequestId, Term } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { parseTenantName } from '../../core/base/tenantName.ts';
import { membersOf } from '../../core/raft/configuration.ts';
import { encodeMessages, messageBytes } from '../../core/wire/codec.ts';
import { encodeFrames, FrameReader, maxFrameBytes } from '../../core/wire/frames.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { frameOf, message, messages, payloadOf } from './arbitraries.ts';
import { sampleMessages } from './samples.ts';

const mib = 1024 * 1024;
const largest = Number.MAX_SAFE_INTEGER;
const sample = encodeFrames(sampleMessages, crc32)[0]!;

/** Everything that comes out of these pieces, or that they are malformed. */
function readAll(pieces: readonly Uint8Array[]): readonly PeerMessage[] | 'malformed' {
  const reader = new FrameReader(crc32);
  const all: PeerMessage[] = [];
  for (const piece of pieces) {
    const read = reader.read(piece);
    if (read === 'malformed') return 'malformed';
    all.push(...read);
  }
  return all;
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function write(request: number, ...args: readonly Uint8Array[]): PeerMessage {
  return {
    kind: 'request',
    boot: 1,
    request: RequestId(request),
    attempt: 1,
    group: GroupId(1),
    lane: LaneId(0),
    resumes: false,
    ackBelow: RequestId(request),
    isRetry: false,
    operation: {
      kind: 'execute',
      tenant: parseTenantName('acme')!,
      incarnation: Incarnation(1),
      access: 'write',
      protocol: 2,
      args,
    },
  };
}

/** `toEqual` takes its time over megabytes. */
function sameWrites(received: readonly PeerMessage[] | 'malformed', sent: readonly PeerMessage[]): boolean {
  const values = (all: readonly PeerMessage[]): Uint8Array =>
    join(
      all.flatMap((each) => (each.kind === 'request' && each.operation.kind === 'execute' ? each.operation.args : [])),
    );
  return received !== 'malformed' && received.length === sent.length && equalBytes(values(received), values(sent));
}

/** How much of the memory outside the heap `work` has taken. */
function taken(work: () => void): number {
  const before = process.memoryUsage().arrayBuffers;
  work();
  return process.memoryUsage().arrayBuffers - before;
}

describe('what was sent is received', () => {
  test('in one piece, byte by byte, and however it is cut', () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 3 }), fc.array(fc.nat(), { maxLength: 8 }), (turns, cuts) => {
        const sent = turns.flat();
        const bytes = join(turns.flatMap((turn) => encodeFrames(turn, crc32)));
        expect(readAll([bytes])).toEqual(sent);
        expect(readAll(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(sent);
        expect(readAll(cutAt(bytes, cuts))).toEqual(sent);
      }),
    );
  });

  test('as soon as its frame is complete', () => {
    const reader = new FrameReader(crc32);
    expect(reader.read(sample.subarray(0, -1))).toEqual([]);
    expect(reader.read(join([sample.subarray(-1), sample, sample.subarray(0, 5)]))).toEqual([
      ...sampleMessages,
      ...sampleMessages,
    ]);
    expect(reader.read(sample.subarray(5))).toEqual(sampleMessages);
  });

  test('as views of the frame', () => {
    const received = new FrameReader(crc32).read(sample);
    const done = received === 'malformed' ? undefined : received.find((each) => each.kind === 'reply');
    expect(done?.kind === 'reply' && done.outcome.kind === 'done' && done.outcome.reply.buffer).toBe(sample.buffer);
  });

  test('in several frames if one would grow large', () => {
    const sent = Array.from({ length: 10 }, (_, i) => write(i, new Uint8Array(0.3 * mib).fill(i)));
    const frames = encodeFrames(sent, crc32);
    expect(frames.map((frame) => Math.round(frame.length / (0.3 * mib)))).toEqual([4, 4, 2]);
    expect(sameWrites(readAll(frames), sent)).toBe(true);
  });

  test('in many pieces if it is large', () => {
    const sent = [write(1, new Uint8Array(2 * mib).fill(1))];
    const frame = join(encodeFrames(sent, crc32));
    const pieces = cutAt(
      frame,
      Array.from({ length: 20_000 }, (_, i) => i * 100),
    );
    expect(sameWrites(readAll(pieces), sent)).toBe(true);
  });

  test('though nothing was said', () => {
    const frames = encodeFrames([], crc32);
    expect(frames.map((frame) => frame.length)).toEqual([12]);
    expect(readAll(frames)).toEqual([]);
  });

  test('without the one that fits in no frame', () => {
    const part = new Uint8Array(64 * mib);
    const small = write(1, new Uint8Array(10));
    const large = write(2, ...Array<Uint8Array>(17).fill(part));
    expect(17 * part.length).toBeGreaterThan(maxFrameBytes);
    expect(readAll(encodeFrames([small, large, small], crc32))).toEqual([small, small]);
  });
});

test('a frame gets as many bytes as it needs, and few more', () => {
  fc.assert(
    fc.property(message, (each) => {
      const writer = new ByteWriter();
      encodeMessages(writer, [each]);
      const entries = each.kind === 'raft' && each.message.kind === 'append' ? each.message.entries.length : 0;
      const changes = each.kind === 'mapChanges' || each.kind === 'mapPiece' ? each.changes.length : 0;
      const spare = 4 + messageBytes(each) - writer.length;
      expect(spare).toBeGreaterThanOrEqual(0);
      const groups = each.kind === 'groups' ? each.groups : [];
      const led = each.kind === 'leads' ? each.groups.length : 0;
      const members = groups.flatMap(({ configuration }) => membersOf(configuration)).length;
      const described = 32 * groups.length + 3 * 24 * members + 13 * led;
      expect(spare).toBeLessThanOrEqual(100 + 16 * entries + 32 * changes + described);
    }),
    { numRuns: 500 },
  );
});

test.each<[string, PeerMessage]>([
  [
    'entries',
    {
      ...(sampleMessages[0] as PeerMessage & { kind: 'raft' }),
      message: {
        kind: 'append',
        term: Term(largest),
        prevIndex: LogIndex(largest - 1000),
        prevTerm: Term(largest),
        commit: LogIndex(largest),
        round: largest,
        entries: Array.from({ length: 100 }, (_, i) => ({
          index: LogIndex(largest - 999 + i),
          term: Term(largest),
          kind: 'data',
          data: new Uint8Array(200),
        })),
      },
    },
  ],
  [
    'changes',
    {
      kind: 'mapChanges',
      since: MapVersion(largest - 100),
      changes: Array.from({ length: 100 }, () => ({
        kind: 'placed',
        tenant: parseTenantName('t'.repeat(128))!,
        group: GroupId(limits.groupIds - 1),
        epoch: Epoch(largest),
        incarnation: Incarnation(largest),
      })),
      digest: largest,
      latest: MapVersion(largest),
    },
  ],
])('a frame is large enough for many %s with the largest numbers', (_, each) => {
  const writer = new ByteWriter();
  encodeMessages(writer, [each]);
  expect(writer.length).toBeLessThanOrEqual(4 + messageBytes(each));
  expect(readAll(encodeFrames([each], crc32))).toEqual([each]);
});

describe('what was damaged is not received', () => {
  test('whichever bit was flipped', () => {
    for (let bit = 0; bit < sample.length * 8; bit += 1) {
      const flipped = sample.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // A length that has grown waits for what does not come.
      expect(['malformed', []]).toContainEqual(readAll([flipped]));
      expect(['malformed', []]).toContainEqual(readAll([flipped, sample]));
    }
  });

  test('nor anything behind it', () => {
    const reader = new FrameReader(crc32);
    const wrong = sample.slice();
    wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1;
    expect(reader.read(wrong)).toBe('malformed');
    expect(reader.read(sample)).toBe('malformed');
  });

  test.each([0, 3, maxFrameBytes + 1, 0xffff_ffff])('with a length of %i, as soon as it is seen', (length) => {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(length);
    expect(readAll([header])).toBe('malformed');
    expect(readAll(Array.from(header, (byte) => Uint8Array.of(byte)))).toBe('malformed');
  });
});

describe('a stranger cannot make it allocate', () => {
  test('by announcing a length', () => {
    const header = Buffer.alloc(100);
    header.writeUInt32BE(maxFrameBytes);
    const readers = Array.from({ length: 100 }, () => new FrameReader(crc32));
    const bytes = taken(() => {
      for (const reader of readers) expect(reader.read(header)).toEqual([]);
    });
    expect(bytes).toBeLessThan(100 * 8192);
  });

  test.each([
    ['messages', Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
    ['entries', payloadOf([Uint8Array.of(1, 1, 1, 1, 3, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 1)])],
    ['arguments', payloadOf([Uint8Array.of(2, 1, 1, 1, 1, 1, 0, 0, 1, 1, 97, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x7f)])],
    ['changes', payloadOf([Uint8Array.of(5, 0, 0xff, 0xff, 0xff, 0xff, 0x7f)])],
    ['bytes', payloadOf([Uint8Array.of(3, 1, 1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x7f)])],
  ])('by announcing %s', (_, payload) => {
    const frame = frameOf(payload);
    const bytes = taken(() => {
      expect(readAll([frame])).toBe('malformed');
    });
    expect(bytes).toBeLessThan(mib);
  });
});
