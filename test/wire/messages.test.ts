import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../core/base/bytes.ts';
import { decodeMessages, encodeMessages } from '../../core/wire/codec.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { message, payloadOf } from './arbitraries.ts';
import { sampleMessages } from './samples.ts';

/** The bytes of one message, without its length. */
function bodyOf(each: PeerMessage): Uint8Array {
  const writer = new ByteWriter();
  encodeMessages(writer, [each]);
  return writer.take().slice(8);
}

function decode(...bodies: readonly Uint8Array[]): readonly PeerMessage[] | 'malformed' {
  return decodeMessages(payloadOf(bodies));
}

/** In the middle of a large varint. */
const ones = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const [before, after] = [sampleMessages[0]!, sampleMessages.at(-1)!];

describe('a message', () => {
  test('is malformed wherever it is cut short', () => {
    fc.assert(
      fc.property(message, fc.nat(), (each, cut) => {
        const body = bodyOf(each);
        expect(decode(body.subarray(0, cut % body.length))).toBe('malformed');
      }),
      { numRuns: 500 },
    );
  });

  test('may have fields behind those we know', () => {
    fc.assert(
      fc.property(message, fc.uint8Array({ minLength: 1, maxLength: 20 }), (each, tail) => {
        const longer = new Uint8Array(Buffer.concat([bodyOf(each), tail]));
        expect(decode(bodyOf(before), longer, bodyOf(after))).toEqual([before, each, after]);
      }),
    );
  });

  test.each<[string, readonly number[]]>([
    ['message', [99, 1, 2, 3]],
    ['message of Raft', [1, 1, 1, 2, 99, 1]],
    ['operation', [2, 1, 1, 1, 1, 1, 0, 0, 99, 1, 97, 5]],
    ['outcome', [3, 1, 1, 1, 99, 5]],
    ['refusal', [3, 1, 1, 1, 3, 99]],
    ['change of the map', [5, 1, 1, 99, 1, 97, 1]],
  ])('is skipped if it holds an unknown kind of %s', (_, body) => {
    expect(decode(bodyOf(before), Uint8Array.from(body), bodyOf(after))).toEqual([before, after]);
  });

  test.each<[string, readonly number[]]>([
    ['nothing', []],
    ['a group beyond 32 bits', [1, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 2, 7, 1]],
    ['a replica that is none', [1, 1, 0, 2, 7, 1]],
    ['a term beyond 53 bits', [1, 1, 1, 2, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['an entry of an unknown kind', [1, 1, 1, 2, 3, 1, 0, 0, 0, 0, 1, 1, 1, 9, 0]],
    ['entries that do not follow the one before', [1, 1, 1, 2, 3, 1, 5, 1, 0, 0, 1, 7, 1, 0, 0]],
    [
      'entries beyond the last index',
      [
        ...[1, 1, 1, 2, 3, 1],
        ...[0xfe, ...ones, 0x0f],
        ...[0, 0, 1, 2],
        ...[0xff, ...ones, 0x0f],
        ...[1, 0, 0, 1, 0, 0],
      ],
    ],
    ['a change of a tenant with a name that is none', [5, 1, 1, 1, 1, 32, 1, 1, 1]],
    ['a command without a name', [2, 1, 1, 1, 1, 1, 0, 0, 1, 1, 97, 0, 1, 0]],
    ['a tenant without a name', [2, 1, 1, 1, 1, 1, 0, 0, 3, 0, 1]],
    ['a tenant with a name that is none', [2, 1, 1, 1, 1, 1, 0, 0, 3, 1, 32, 1]],
    ['an incarnation that is none', [2, 1, 1, 1, 1, 1, 0, 0, 3, 1, 97, 0]],
    ['a purge', [2, 1, 1, 1, 1, 1, 0, 0, 6, 1, 97, 1, 0]],
    ['a node beyond 16 bits', [3, 1, 1, 1, 3, 1, 0x80, 0x80, 4, 1]],
    ['the next request of none', [13, 0, 1, 1, 65]],
    ['the next reply of none', [14, 1, 65]],
  ])('is malformed if it holds %s', (_, body) => {
    expect(decode(Uint8Array.from(body))).toBe('malformed');
  });

  test.each<[string, readonly number[]]>([
    ['no arguments', [13, 0, 0]],
    ['answers to later requests', [13, 7, 1, 1, 65]],
  ])('is malformed if it is a next request with %s', (_, body) => {
    const first = [2, 1, 5, 1, 1, 1, 0, 0, 1, 1, 97, 0, 1, 1, 1, 65];
    expect(decode(Uint8Array.from(first))).toHaveLength(1);
    expect(decode(Uint8Array.from(first), Uint8Array.of(13, 6, 1, 1, 65))).toHaveLength(2);
    expect(decode(Uint8Array.from(first), Uint8Array.from(body))).toBe('malformed');
  });

  test('that says the next of one that is not known is malformed', () => {
    expect(decode(Uint8Array.of(99), Uint8Array.of(13, 0, 1, 1, 65))).toBe('malformed');
  });
});

test('bytes behind the last message are malformed', () => {
  const payload = payloadOf([bodyOf(before)]);
  expect(decodeMessages(payload)).toEqual([before]);
  expect(decodeMessages(new Uint8Array([...payload, 0]))).toBe('malformed');
});

test('whatever a peer sends is malformed or can be sent on', () => {
  const edit = fc.record({ at: fc.nat(), byte: fc.nat(255) });
  fc.assert(
    fc.property(message, fc.array(edit, { minLength: 1, maxLength: 3 }), (each, edits) => {
      const body = bodyOf(each);
      for (const { at, byte } of edits) body[at % body.length] = byte;
      const decoded = decode(body);
      if (decoded === 'malformed') return;
      const frames = encodeFrames(decoded, crc32);
      expect(new FrameReader(crc32).read(frames[0]!)).toEqual(decoded);
    }),
    { numRuns: 2000 },
  );
});
