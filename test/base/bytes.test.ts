import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  binaryString,
  ByteReader,
  ByteWriter,
  bytesOfBinary,
  compareBytes,
  equalBytes,
} from '../../core/base/bytes.ts';
import { crc32 } from '../../core/base/crc32.ts';

const integer = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, Number.MAX_SAFE_INTEGER),
);
const field = fc.oneof(
  integer.map((value) => ({ kind: 'varint' as const, value })),
  integer.map((value) => ({ kind: 'u64' as const, value })),
  fc.uint8Array({ maxLength: 600 }).map((value) => ({ kind: 'bytes' as const, value })),
  fc.nat(255).map((value) => ({ kind: 'u8' as const, value })),
  fc.nat(0xffff_ffff).map((value) => ({ kind: 'u32' as const, value })),
);

describe('the cursor pair', () => {
  test('what was written is read back', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), fc.integer({ min: 16, max: 300 }), (fields, chunkBytes) => {
        const writer = new ByteWriter(chunkBytes);
        for (const { kind, value } of fields) {
          if (kind === 'bytes') writer.bytes(value);
          else writer[kind](value);
        }
        const reader = new ByteReader(writer.take());
        for (const { kind, value } of fields) expect(reader[kind]()).toEqual(value);
        expect(reader.complete).toBe(true);
      }),
    );
  });

  test('a source cut short fails instead of inventing', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 10 }), fc.nat(), (fields, cut) => {
        const writer = new ByteWriter();
        for (const { kind, value } of fields) {
          if (kind === 'bytes') writer.bytes(value);
          else writer[kind](value);
        }
        const whole = writer.take();
        const reader = new ByteReader(whole.subarray(0, cut % whole.length));
        for (const { kind } of fields) reader[kind]();
        expect(reader.complete).toBe(false);
      }),
    );
  });

  test('memory serves again only when it is said to, and nothing waits in it to be taken', () => {
    const writer = new ByteWriter(64);
    writer.latin1('one');
    const first = writer.take();
    writer.latin1('two');
    writer.reuse();
    expect(binaryString(writer.take())).toBe('two');
    expect(binaryString(first)).toBe('one');
    writer.reuse();
    writer.latin1('three');
    const third = writer.take();
    expect(third.buffer).toBe(first.buffer);
    expect(third.byteOffset).toBe(first.byteOffset);
  });

  test('memory grows until what is needed at a time fits, and no further', () => {
    const writer = new ByteWriter(64, 256);
    const memories: ArrayBufferLike[] = [];
    for (let round = 0; round < 6; round += 1) {
      for (let i = 0; i < 4; i += 1) {
        writer.raw(new Uint8Array(50));
        memories.push(writer.take().buffer);
      }
      writer.reuse();
    }
    expect(memories.map(({ byteLength }) => byteLength)).toEqual([
      ...[64, 128, 128, 256],
      ...Array.from({ length: 20 }, () => 256),
    ]);
    expect(new Set(memories.slice(4)).size).toBe(1);
  });

  test('what was taken is not written to again', () => {
    const writer = new ByteWriter(64);
    writer.latin1('one');
    const first = writer.take();
    for (let i = 0; i < 100; i += 1) writer.latin1('two');
    expect(binaryString(first)).toBe('one');
    expect(binaryString(writer.take())).toBe('two'.repeat(100));
  });

  test('a count that cannot fit is refused before anybody allocates for it', () => {
    const writer = new ByteWriter();
    writer.varint(1_000_000);
    writer.raw(new Uint8Array(10));
    const reader = new ByteReader(writer.take());
    expect(reader.count(1)).toBe(0);
    expect(reader.failed).toBe(true);
  });

  test('bytes are what was expected of them only if they are the same, and all there', () => {
    const expected = bytesOfBinary('GET');
    fc.assert(
      fc.property(fc.constantFrom('GET', 'GEX', 'GE', 'GETX', ''), fc.nat(5), (text, missing) => {
        const writer = new ByteWriter();
        writer.text(text);
        const whole = writer.take();
        const reader = new ByteReader(whole.subarray(0, Math.max(0, whole.length - missing)));
        const read = reader.bytes(expected);
        expect(reader.failed).toBe(missing > 0);
        expect(read === expected).toBe(missing === 0 && text === 'GET');
        if (missing === 0) expect(binaryString(read)).toBe(text);
        expect(reader.remaining === 0 || reader.failed).toBe(true);
      }),
    );
  });
});

test('binary strings lose nothing, at any length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 10_000 }), (bytes) => equalBytes(bytesOfBinary(binaryString(bytes)), bytes)),
  );
});

test('bytes are ordered as by Buffer.compare', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
    }),
  );
});

test('the checksum is that of zlib, in one piece or continued', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(crc32(a, 0)).toBe(zlibCrc32(a));
      expect(crc32(b, crc32(a, 0))).toBe(zlibCrc32(Buffer.concat([a, b])));
    }),
  );
});
