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

const format1: readonly (readonly LogRecord[])[] = [
  [{ kind: 'boot', boot: 1 }],
  [
    { kind: 'hardState', group: GroupId(0), hardState: { term: Term(5), votedFor: null } },
    { kind: 'entries', group: GroupId(0), entries: [noop, first, replaced] },
  ],
  [
    { kind: 'entries', group: GroupId(0), entries: [second] },
    { kind: 'hardState', group: GroupId(0xffff_ffff), hardState: vote },
    { kind: 'entries', group: GroupId(7), entries: [masked] },
  ],
  [{ kind: 'boot', boot: 2 }],
];
const restored: RestoredLog = {
  boots: 2,
  groups: new Map([
    [GroupId(0), { hardState: { term: Term(5), votedFor: null }, entries: [noop, first, second] }],
    [GroupId(7), { hardState: { term: Term(0), votedFor: null }, entries: [masked] }],
    [GroupId(0xffff_ffff), { hardState: vote, entries: [] }],
  ]),
};

function fixture(name: string): Uint8Array {
  const hex = readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8');
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

const stored = new Map([
  [1, fixture('format-1.segment-1')],
  [2, fixture('format-1.segment-2')],
]);

test.each([
  ['the table', crc32],
  ['zlib', zlibCrc32],
])('format 1 is written as it always was, with the checksum of %s', (_, crc) => {
  const appender = new LogAppender(identity, emptyLog, crc, 200);
  const chunks = format1.map((records, i) => {
    if (i === 2) appender.onSynced(1);
    return appender.append(records);
  });
  expect(imageOf(chunks)).toEqual(stored);
});

test('format 1 is read, its groups in order', () => {
  const found = recover(stored);
  expect(found.kind === 'recovered' && [...found.log.groups.keys()]).toEqual([0, 7, 0xffff_ffff]);
  expect(found).toEqual({
    kind: 'recovered',
    log: restored,
    end: { segment: 2, offset: stored.get(2)!.length, sequence: 4 },
    isTorn: false,
  });
});
