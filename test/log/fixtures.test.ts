/**
 * Logs of every format that was ever written. A fixture is never rewritten: what a node wrote once must be read
 * by every later version; a new format gets a fixture of its own.
 */
import { readFileSync } from 'node:fs';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { crc32 } from '../../core/base/crc32.ts';
import { GroupId, LogIndex, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { emptyLog, LogAppender } from '../../core/log/appender.ts';
import type { LogRecord, RestoredLog } from '../../core/log/records.ts';
import { encodeConfiguration } from '../../core/wire/configuration.ts';
import { identity, imageOf, onDisk, recover } from './history.ts';

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const noop = { index: LogIndex(1), term: Term(5), kind: 'noop' as const, data: ascii('') };
const first = { index: LogIndex(2), term: Term(5), kind: 'data' as const, data: ascii('first') };
const replaced = { index: LogIndex(3), term: Term(5), kind: 'data' as const, data: ascii('replaced') };
const second = { index: LogIndex(3), term: Term(6), kind: 'data' as const, data: ascii('second') };
/** It holds what looks like the start of a frame at each place where one could be. */
const masked = { index: LogIndex(1), term: Term(300), kind: 'data' as const, data: ascii('LHLF '.repeat(8)) };
const members = {
  index: LogIndex(1),
  term: Term(1),
  kind: 'configuration' as const,
  data: encodeConfiguration({
    voters: [
      { replica: ReplicaId(2), node: NodeId(1) },
      { replica: ReplicaId(300), node: NodeId(65_535) },
    ],
    outgoing: [{ replica: ReplicaId(2), node: NodeId(1) }],
    learners: [{ replica: ReplicaId(301), node: NodeId(3), joins: true, replaces: ReplicaId(2) }],
    highest: ReplicaId(301),
  }),
};
const vote = { term: Term(2 * 0x1_0000_0000), votedFor: ReplicaId(3) };

const beginning = { replica: 0 as const, isRemoved: false, base: { index: LogIndex(0), term: Term(0) }, chunks: [] };
const restored: RestoredLog = {
  boots: 2,
  isLost: false,
  groups: new Map([
    [GroupId(0), { ...beginning, hardState: { term: Term(5), votedFor: null }, entries: [noop, first, second] }],
    [GroupId(7), { ...beginning, hardState: { term: Term(0), votedFor: null }, entries: [masked] }],
    [GroupId(0xffff_ffff), { ...beginning, hardState: vote, entries: [] }],
  ]),
};

/**
 * As format 1, but the first group writes a snapshot twice, and then needs nothing of the first segment any more.
 * Nothing says which replica it is.
 */
const base = { index: LogIndex(2), term: Term(5) };
const piece = (number: number): LogRecord => {
  return { kind: 'snapshotChunk', group: GroupId(0), number, bytes: ascii(`piece ${String(number)}`) };
};
const restored2: RestoredLog = {
  boots: 2,
  isLost: false,
  groups: new Map([
    [
      GroupId(0),
      { ...beginning, hardState: vote, base, chunks: [ascii('piece 0'), ascii('piece 1')], entries: [second] },
    ],
    [GroupId(7), { ...beginning, hardState: { term: Term(0), votedFor: null }, entries: [masked] }],
  ]),
};

/** As format 2, but the replica is named, and the second group's replica leaves and another begins. */
const replica = ReplicaId(4);
const format3: readonly (readonly LogRecord[])[] = [
  [
    { kind: 'boot', boot: 1 },
    { kind: 'entries', group: GroupId(0), entries: [noop, first, replaced] },
  ],
  [{ kind: 'hardState', group: GroupId(0), replica, hardState: { term: Term(5), votedFor: null } }, piece(0)],
  [piece(0), { kind: 'entries', group: GroupId(0), entries: [second] }],
  [{ kind: 'hardState', group: GroupId(0), replica, hardState: vote }, piece(1)],
  [{ kind: 'snapshot', group: GroupId(0), base, chunks: 2 }],
  [{ kind: 'entries', group: GroupId(7), entries: [masked] }],
  [
    { kind: 'removed', group: GroupId(7), replica: ReplicaId(2) },
    { kind: 'hardState', group: GroupId(7), replica: ReplicaId(300), hardState: { term: Term(0), votedFor: null } },
    { kind: 'entries', group: GroupId(7), entries: [members] },
  ],
  [{ kind: 'removed', group: GroupId(8), replica: ReplicaId(1) }],
  [{ kind: 'boot', boot: 2 }],
];
const restored3: RestoredLog = {
  boots: 2,
  isLost: false,
  groups: new Map([
    [
      GroupId(0),
      { ...beginning, replica, hardState: vote, base, chunks: [ascii('piece 0'), ascii('piece 1')], entries: [second] },
    ],
    [
      GroupId(7),
      {
        ...beginning,
        replica: ReplicaId(300),
        hardState: { term: Term(0), votedFor: null },
        entries: [members],
      },
    ],
    [
      GroupId(8),
      {
        ...beginning,
        replica: ReplicaId(1),
        isRemoved: true,
        hardState: { term: Term(0), votedFor: null },
        entries: [],
      },
    ],
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
    end: { segment: 2, offset: fixtures(1, 2).get(2)!.length, sequence: 4, first: 1, boots: 2, isLost: false },
    isTorn: false,
  });
});

test.each([
  ['the table', crc32],
  ['zlib', zlibCrc32],
])('format 3 is written as it always was, with the checksum of %s', (_, crc) => {
  const appender = new LogAppender(identity, emptyLog, crc, 150);
  const chunks = format3.map((records) => {
    const chunk = onDisk(appender.append(records));
    appender.onSynced(appender.lastSequence);
    return chunk;
  });
  expect(imageOf(chunks)).toEqual(fixtures(3, 6));
  expect(appender.takeDeletable()).toEqual([1]);
});

test('format 2 is read, with or without the segment that is not needed', () => {
  const whole = fixtures(2, 5);
  const end = { segment: 5, sequence: 7, boots: 2 };
  expect(recover(whole)).toMatchObject({ kind: 'recovered', log: restored2, end: { ...end, first: 1 } });
  whole.delete(1);
  expect(recover(whole)).toMatchObject({ kind: 'recovered', log: restored2, end: { ...end, first: 2 } });
  whole.delete(2);
  expect(recover(whole)).toMatchObject({ kind: 'damaged', segment: 2, offset: 0, reason: 'the segment is missing' });
});

test('format 3 is read', () => {
  const end = { segment: 6, sequence: 9, boots: 2 };
  expect(recover(fixtures(3, 6))).toMatchObject({ kind: 'recovered', log: restored3, end: { ...end, first: 1 } });
});
