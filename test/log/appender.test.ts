/** The memory that writes are put together in: it serves again, and never while the disk may still read it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from '../../core/base/crc32.ts';
import { GroupId, LogIndex, NodeId, Term } from '../../core/base/ids.ts';
import { emptyLog, LogAppender } from '../../core/log/appender.ts';
import type { LogRecord } from '../../core/log/records.ts';

const identity = { clusterId: 'test', node: NodeId(1) };

function entry(index: number, bytes: number): LogRecord {
  const data = new Uint8Array(bytes).fill(index);
  return {
    kind: 'entries',
    group: GroupId(1),
    entries: [{ index: LogIndex(index), term: Term(1), kind: 'data', data }],
  };
}

test('what is not on disk yet is not written over, whatever is synced when', () => {
  const step = fc.record({ bytes: fc.nat(1000), synced: fc.constantFrom(0, 0, 1, 1, 2) });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 80 }),
      fc.integer({ min: 2000, max: 90_000 }),
      (steps, largest) => {
        const appender = new LogAppender(identity, emptyLog, crc32, largest);
        const waiting: { sequence: number; bytes: Uint8Array; copy: Uint8Array }[] = [];
        for (const [at, { bytes, synced }] of steps.entries()) {
          const chunk = appender.append([entry(at + 1, bytes)]);
          waiting.push({ sequence: appender.lastSequence, bytes: chunk.bytes, copy: chunk.bytes.slice() });
          const done = waiting.splice(0, synced);
          for (const { bytes: read, copy } of done) expect(read).toEqual(copy);
          const last = done.at(-1);
          if (last !== undefined) appender.onSynced(last.sequence);
        }
        for (const { bytes: read, copy } of waiting) expect(read).toEqual(copy);
      },
    ),
  );
});

test('writes that follow one another, one on its way and one waiting, need no new memory', () => {
  const appender = new LogAppender(identity, emptyLog, crc32);
  const memories = new Set<ArrayBufferLike>();
  for (let write = 1; write <= 400; write += 1) {
    memories.add(appender.append([entry(write, 50_000)]).bytes.buffer);
    if (write > 1) appender.onSynced(write - 1);
  }
  expect(memories.size).toBe(2);
});
