/**
 * What every version of the peer protocol and of an entry looked like. A fixture is never rewritten: a new
 * version gets fixtures of its own.
 */
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { unordered } from '../../core/base/ids.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';
import { decodeHello, encodeHello, protocolVersion } from '../../core/wire/hello.ts';
import { decodeEntryBatch, encodeEntryBatch } from '../../core/wire/operation.ts';
import {
  asBefore6,
  messagesOfVersion3,
  messagesOfVersion4,
  messagesOfVersion5,
  sampleBatch,
  sampleHello,
  sampleMessages,
  sampleMoveBatch,
} from './samples.ts';

function fixture(name: string): Uint8Array {
  const hex = readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8');
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

test.each([1, 2, 3, 4])('version %i of the handshake is understood, so that it can be refused', (version) => {
  const bytes = fixture(`version-${String(version)}.hello`);
  expect(decodeHello(bytes, crc32)).toMatchObject({
    hello: { ...sampleHello, version, electionMs: 0, leaseReads: false, store: '', began: 'new', metadata: '' },
  });
});

test('version 5 of the handshake is understood, so that it can be refused', () => {
  const hello = { ...sampleHello, version: 5, store: '', began: 'new', metadata: '' };
  expect(decodeHello(fixture('version-5.hello'), crc32)).toMatchObject({ hello });
});

test('version 6 of the handshake', () => {
  const bytes = fixture('version-6.hello');
  expect(sampleHello.version).toBe(protocolVersion);
  expect(new Uint8Array(encodeHello(sampleHello, crc32))).toEqual(bytes);
  expect(decodeHello(bytes, crc32)).toEqual({ hello: sampleHello, rest: new Uint8Array(0) });
});

test.each([
  [3, messagesOfVersion3],
  [4, messagesOfVersion4],
  [5, messagesOfVersion5],
])('version %i of every message is read', (version, known) => {
  const bytes = fixture(`version-${String(version)}.frame`);
  expect(new FrameReader(crc32).read(bytes)).toEqual(sampleMessages.slice(0, known).map(asBefore6));
});

test('version 6 of every message', () => {
  const bytes = fixture('version-6.frame');
  expect(encodeFrames(sampleMessages, crc32)).toEqual([bytes]);
  expect(new FrameReader(crc32).read(bytes)).toEqual(sampleMessages);
});

test('version 1 of an entry, which knew no sessions and said nothing of sizes', () => {
  const items = sampleBatch.items.map((item) => ({
    ...item,
    lane: unordered,
    ackBelow: item.origin.request,
    isRetry: false,
  }));
  const batch = { ...sampleBatch, items, maxValueBytes: 64 * 1024 * 1024 };
  expect(decodeEntryBatch(fixture('version-1.entry'))).toEqual(batch);
});

test('version 2 of an entry', () => {
  const bytes = fixture('version-2.entry');
  expect(encodeEntryBatch(sampleBatch)).toEqual(bytes);
  expect(decodeEntryBatch(bytes)).toEqual(sampleBatch);
});

test('version 2 of an entry with steps of moves, plans of nodes, quotas and imports', () => {
  const bytes = fixture('version-2-moves.entry');
  expect(encodeEntryBatch(sampleMoveBatch)).toEqual(bytes);
  expect(decodeEntryBatch(bytes)).toEqual(sampleMoveBatch);
});
