import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Incarnation, LaneId, NodeId, RequestId, type TenantName } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { decodeEntryBatch, encodeEntryBatch, type LoggedItem } from '../../core/wire/operation.ts';
import { items, stamp } from './arbitraries.ts';
import { sampleBatch } from './samples.ts';

const batch = fc.record({ stamp, maxValueBytes: fc.nat(512 * 1024 * 1024), items });
const whole = encodeEntryBatch(sampleBatch);

describe('an entry', () => {
  test('holds what was proposed', () => {
    fc.assert(
      fc.property(batch, (any) => {
        expect(decodeEntryBatch(encodeEntryBatch(any))).toEqual(any);
      }),
    );
  });

  test('takes the memory it needs', () => {
    fc.assert(
      fc.property(batch, (any) => {
        const data = encodeEntryBatch(any);
        expect(data.buffer.byteLength - data.length).toBeLessThanOrEqual(16 + any.items.length);
      }),
    );
  });

  test("does not repeat a tenant's name", () => {
    const item = (name: string): LoggedItem => ({
      origin: { node: NodeId(1), boot: 1, request: RequestId(1) },
      lane: LaneId(1),
      ackBelow: RequestId(1),
      isRetry: false,
      operation: { kind: 'release', tenant: name as TenantName, incarnation: Incarnation(1) },
    });
    const size = (...names: readonly string[]): number =>
      encodeEntryBatch({ stamp: WallTime(0), maxValueBytes: 1, items: names.map(item) }).length;
    const [a, b] = ['a'.repeat(100), 'b'.repeat(100)];
    expect(size(a, a) - size(a)).toBe(9);
    expect(size(a, b) - size(a)).toBe(109);
    expect(size(a, b, a) - size(a, b)).toBe(109);
  });

  test('is malformed wherever it is cut short, and with anything behind it', () => {
    for (let cut = 0; cut < whole.length; cut += 1) expect(decodeEntryBatch(whole.subarray(0, cut))).toBe('malformed');
    expect(decodeEntryBatch(new Uint8Array([...whole, 0]))).toBe('malformed');
  });

  test.each<[string, readonly number[]]>([
    ['of another version', [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['with more items than bytes', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]],
    ['whose first item has no tenant', [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 3, 0, 1]],
    ['of a node that is none', [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 3, 1, 97, 1]],
    ['with an operation of an unknown kind', [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 99, 1, 97, 1]],
  ])('%s is malformed', (_, data) => {
    expect(decodeEntryBatch(Uint8Array.from(data))).toBe('malformed');
  });

  test('of any bytes is malformed or can be written again', () => {
    const edit = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const data = whole.slice();
        for (const { at, byte } of edits) data[at % data.length] = byte;
        const decoded = decodeEntryBatch(data);
        if (decoded === 'malformed') return;
        expect(decodeEntryBatch(encodeEntryBatch(decoded))).toEqual(decoded);
      }),
      { numRuns: 2000 },
    );
  });
});
