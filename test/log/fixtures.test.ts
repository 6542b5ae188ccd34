/**
 * Logs of every format that was ever written. A fixture is never rewritten: what a node wrote once must be read
 * by every later version; a new format gets a fixture of its own.
 */
import { readFileSync } from 'node:fs';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { crc32 } from '../../core/base/crc32.ts';
import { GroupId, LogIndex, ReplicaId, Term } from '../../core/base/ids.ts';
import { emptyLog, LogAppender } from '../../core/log/appender.ts';
import type { LogRecord, RestoredLog } from '../../core/log/records.ts';
import { identity, imageOf, recover } from './history.ts';

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const noop = { index: LogIndex(1), term: Term(5), kind: 'noop' as const, data: ascii('') };
const first = { index: LogIndex(2), term: Term(5), kind: 'data' as const, data: ascii('first') };
const replaced = { index: LogIndex(3), term: Term(5), kind: 'data' as const, data: ascii('replaced') };
const second = { index: LogIndex(3), term: Term(6), kind: 'data' as const, data: ascii('second') };
/** It holds what looks like the start of a frame at each place where one could be. */
const masked = { index: LogIndex(1), term: Term(300), kind: 'data' as const, data: ascii('LHLF '.repeat(8)) };
const vote = { term: Term(2 * 0x1_0000_0000), votedFor: ReplicaId(3) };

const beginning = { base: { index: LogIndex(0), term: Term(0) }, chunks: [] };
const restored: RestoredLog = {
  boots: 2,
  groups: new Map([
    [GroupId(0), { ...beginning, hardState: { term: Term(5), votedFor: null }, entries: [noop, first, second] }],
    [GroupId(7), { ...beginning, hardState: { term: Term(0), votedFor: null }, entries: [masked] }],
    [GroupId(0xffff_ffff), { ...beginning, hardState: vote, entries: [] }],
  ]),
};

/** As format 1, but the first group writes a snapshot twice, and then needs nothing of the first segment any more. */
const base = { index: LogIndex(2), term: Term(5) };
const piece = (number: number): LogRecord => {
  return { kind: 'snapshotChunk', group: GroupId(0), number, bytes: ascii(`piece ${String(number)}`) };
};
const format2: readonly (readonly LogRecord[])[] = [
  [
    { kind: 'boot', boot: 1 },
    { kind: 'entries', group: GroupId(0), entries: [noop, first, replaced] },
  ],
  [{ kind: 'hardState', group: GroupId(0), hardState: { term: Term(5), votedFor: null } }, piece(0)],
  [piece(0), { kind: 'entries', group: GroupId(0), entries: [second] }],
  [{ kind: 'hardState', group: GroupId(0), hardState: vote }, piece(1)],
  [{ kind: 'snapshot', group: GroupId(0), base, chunks: 2 }],
  [{ kind: 'entries', group: GroupId(7), entries: [masked] }],
  [{ kind: 'boot', boot: 2 }],
];
const restored2: RestoredLog = {
  boots: 2,
  groups: new Map([
    [GroupId(0), { hardState: vote, base, chunks: [ascii('piece 0'), ascii('piece 1')], entries: [second] }],
    [GroupId(7), { ...beginning, hardState: { term: Term(0), votedFor: null }, entries: [masked] }],
  ]),
};

/** The segments of a format, those that are missing aside. */
function fixtures(format: number, segments: number): Map<number, Uint8Array> {
  const stored = new Map<number, Uint8Array>();
  for (let segment = 1; segment <= segments; segment += 1) {
    const name = `fixtures/format-${String(format)}.segment-${String(segment)}.hex`;
    const hex = readFileSync(new URL(name, import.meta.url), 'utf8');
    stored.set(segment, new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')));
  }
  return stored;
}

test('format 1 is read, its groups in order', () => {
  const found = recover(fixtures(1, 2));
  expect(found.kind === 'recovered' && [...found.log.groups.keys()]).toEqual([0, 7, 0xffff_ffff]);
  expect(found).toMatchObject({
    kind: 'recovered',
    log: restored,
    end: { segment: 2, offset: fixtures(1, 2).get(2)!.length, sequence: 4, first: 1, boots: 2 },
    isTorn: false,
  });
});

test.each([
  ['the table', crc32],
  ['zlib', zlibCrc32],
])('format 2 is written as it always was, with the checksum of %s', (_, crc) => {
  const appender = new LogAppender(identity, emptyLog, crc, 150);
  const chunks = format2.map((records) => {
    const chunk = appender.append(records);
    appender.onSynced(appender.lastSequence);
    return chunk;
  });
  expect(imageOf(chunks)).toEqual(fixtures(2, 5));
  expect(appender.takeDeletable()).toEqual([1]);
});

test('format 2 is read, with or without the segment that is not needed', () => {
  const whole = fixtures(2, 5);
  const end = { segment: 5, sequence: 7, boots: 2 };
  expect(recover(whole)).toMatchObject({ kind: 'recovered', log: restored2, end: { ...end, first: 1 } });
  whole.delete(1);
  expect(recover(whole)).toMatchObject({ kind: 'recovered', log: restored2, end: { ...end, first: 2 } });
  whole.delete(2);
  expect(recover(whole)).toEqual({ kind: 'damaged', segment: 2, offset: 0, reason: 'the segment is missing' });
});
