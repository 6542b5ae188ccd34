/** The bytes of a tenant outside of any cluster: what is damaged, missing, foreign or out of order is noticed. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfBinary, ByteWriter } from '../../core/base/bytes.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { WallTime } from '../../core/base/time.ts';
import {
  beginPiece,
  cursorBefore,
  cursorBehind,
  decodePiece,
  endPiece,
  type NoPiece,
  pieceHeadBytes,
  pieceLength,
  type TenantPiece,
  writeEnd,
  writeHead,
} from '../../core/wire/tenantFile.ts';
import { copyStart } from '../../core/wire/moves.ts';

const head = { tenant: 'acme', cluster: 'test', instant: WallTime(1_700_000_000_000) };
const end = { keys: 300, mark: 0xffff_ffff, quota: { bytes: 0, keys: 500, operations: 1, bandwidth: 0 } };

function sample(records: readonly string[] = ['records', 'more records', ''], format = 1): readonly Uint8Array[] {
  const writer = new ByteWriter();
  beginPiece(writer, 'head', 0);
  if (format === 1) writeHead(writer, head);
  else {
    writer.text('leasehold tenant');
    writer.varint(format);
    writer.text('whatever a later format says');
  }
  const pieces = [endPiece(writer, 0, crc32).bytes];
  let before = 0;
  for (const [i, text] of records.entries()) {
    beginPiece(writer, 'items', i + 1);
    writer.raw(bytesOfBinary(text));
    const { checksum, bytes } = endPiece(writer, before, crc32);
    before = checksum;
    pieces.push(bytes);
  }
  beginPiece(writer, 'end', records.length + 1);
  writeEnd(writer, end);
  pieces.push(endPiece(writer, before, crc32).bytes);
  return pieces;
}

const decode = (bytes: Uint8Array): TenantPiece | NoPiece => decodePiece(bytes, crc32);

function whole(bytes: Uint8Array | undefined): TenantPiece {
  const piece = decode(bytes ?? new Uint8Array(0));
  if (piece.kind === 'damaged' || piece.kind === 'foreign') throw new Error(piece.kind);
  return piece;
}

test('format 1 is read, and written', () => {
  const fixture = readFileSync(new URL('fixtures/tenant-1.file.hex', import.meta.url), 'utf8');
  const bytes = new Uint8Array(Buffer.from(fixture.replaceAll(/\s/g, ''), 'hex'));
  expect(new Uint8Array(Buffer.concat(sample()))).toEqual(bytes);
  const pieces: TenantPiece[] = [];
  for (let at = 0; at < bytes.length; at += pieceLength(bytes.subarray(at)))
    pieces.push(whole(bytes.subarray(at, at + pieceLength(bytes.subarray(at)))));
  expect(pieces).toMatchObject([
    { kind: 'head', number: 0, ...head },
    { kind: 'items', number: 1, records: bytesOfBinary('records') },
    { kind: 'items', number: 2, records: bytesOfBinary('more records') },
    { kind: 'items', number: 3, records: bytesOfBinary('') },
    { kind: 'end', number: 4, ...end },
  ]);
});

describe('a piece', () => {
  test.each([0, 1, 2, 4])('with a bit that is another is none: piece %i', (number) => {
    const bytes = sample()[number] ?? new Uint8Array(0);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(['damaged', 'foreign']).toContain(decode(flipped).kind);
    }
  });

  test.each([0, 1, 4])('that is cut short, or has something behind it, is none: piece %i', (number) => {
    const bytes = sample()[number] ?? new Uint8Array(0);
    for (let length = 0; length < bytes.length; length += 1)
      expect(decode(bytes.subarray(0, length)).kind).toBe('damaged');
    expect(decode(new Uint8Array([...bytes, 0])).kind).toBe('damaged');
  });

  test('of a later format is known for what it is', () => {
    expect(decode(sample([], 2)[0] ?? new Uint8Array(0))).toEqual({ kind: 'foreign', format: 2 });
    expect(decode(bytesOfBinary('REDIS0011 something else altogether')).kind).toBe('damaged');
  });

  test('may be anything at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(decode(bytes).kind).toBe('damaged');
      }),
    );
  });

  test('says how long it is before it is there', () => {
    for (const bytes of sample()) expect(pieceLength(bytes.subarray(0, pieceHeadBytes))).toBe(bytes.length);
  });
});

test('a piece goes on from the one before it, and from no other', () => {
  const pieces = sample().map(whole);
  const first = pieces[1];
  expect(first === undefined ? null : cursorBefore(first)).toEqual(copyStart);
  for (const [i, piece] of pieces.slice(2).entries()) {
    const before = pieces[i + 1];
    expect(before === undefined ? null : cursorBehind(before)).toEqual(cursorBefore(piece));
  }
  const others = sample(['other records', 'more records', '']).map(whole);
  const [, one, two] = others;
  expect(two === undefined || first === undefined || cursorBefore(two)).not.toEqual(first && cursorBehind(first));
  expect(one?.number).toBe(1);
});
