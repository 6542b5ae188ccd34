/**
 * What becomes of bytes that were on disk, while nobody looks: a byte is another, a write had landed somewhere else
 * in the log, sectors are as they were before they were written. It takes a log as it was written and returns it as
 * it is found; what recovery makes of it is not known here.
 */
import { crc32 } from 'node:zlib';
import type { Random } from '../../core/base/random.ts';
import type { LogChunk } from '../../core/log/appender.ts';
import { alignment, decodeFrame } from '../../core/log/format.ts';
import { between, chance, pick } from '../base/random.ts';

export const damageKinds = ['flip', 'misdirected', 'stale'] as const;
export type DamageKind = (typeof damageKinds)[number];

/** What a disk writes at once, whatever else is lost. */
export const sectorBytes = 512;

/** Sectors that are stale together, at most. */
const mostSectors = 4;

/** One write: where it is, and when it came in the order of all. The first of a segment begins with its header. */
interface Piece {
  readonly segment: number;
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  /** Up to which write it says that everything is on disk. */
  readonly synced: number;
}

type Segments = ReadonlyMap<number, Uint8Array>;

/** Null if there is nothing to be damaged. */
export function damaged(kind: DamageKind, chunks: readonly LogChunk[], random: Random): readonly LogChunk[] | null {
  if (chunks.length === 0) return null;
  if (kind === 'flip') return flipped(chunks, random);
  const segments = segmentsOf(chunks);
  const pieces = piecesOf(segments);
  if (pieces.length === 0) return null;
  const found = kind === 'misdirected' ? misdirected(segments, pieces, random) : stale(segments, pieces, random);
  return [...found].map(([segment, bytes]) => ({ segment, offset: 0, bytes }));
}

/** The bytes of each segment; what was never written in between is zero. */
export function segmentsOf(chunks: readonly LogChunk[]): Segments {
  const lengths = new Map<number, number>();
  for (const { segment, offset, bytes } of chunks)
    lengths.set(segment, Math.max(lengths.get(segment) ?? 0, offset + bytes.length));
  const segments = new Map(
    [...lengths].map(([segment, length]): [number, Uint8Array] => [segment, new Uint8Array(length)]),
  );
  for (const { segment, offset, bytes } of chunks) segments.get(segment)?.set(bytes, offset);
  return segments;
}

/** The highest write of which anything that can be read, wherever it is, says that it was on disk. */
export function declaredBy(chunks: readonly LogChunk[]): number {
  return piecesOf(segmentsOf(chunks)).reduce((highest, { synced }) => Math.max(highest, synced), 0);
}

function flipped(chunks: readonly LogChunk[], random: Random): readonly LogChunk[] | null {
  const victim = chunks[between(random, 0, chunks.length - 1)];
  if (victim === undefined) return null;
  const at = between(random, 0, victim.bytes.length - 1);
  const bytes = victim.bytes.slice();
  bytes[at] = (bytes[at] ?? 0) ^ (1 << between(random, 0, 7));
  return chunks.map((chunk) => (chunk === victim ? { ...chunk, bytes } : chunk));
}

/** Whatever was written later over the wrong place is there. */
function misdirected(segments: Segments, pieces: readonly Piece[], random: Random): Segments {
  const victim = pick(random, pieces);
  const other = pick(random, pieces);
  const sector = between(random, 0, Math.floor((segments.get(other.segment)?.length ?? 0) / sectorBytes)) * sectorBytes;
  const offset = chance(random, 500) ? other.from : sector;
  const bytes = bytesOf(segments, victim).slice();
  const found = new Map(segments);
  const home = segments.get(victim.segment)?.slice() ?? new Uint8Array();
  home.fill(0, victim.from, victim.to);
  found.set(victim.segment, home);
  const before = found.get(other.segment) ?? new Uint8Array();
  const after = new Uint8Array(Math.max(before.length, offset + bytes.length));
  after.set(before);
  after.set(bytes, offset);
  for (const later of pieces)
    if (later.segment === other.segment && later.sequence > victim.sequence)
      after.set(bytesOf(segments, later), later.from);
  found.set(other.segment, after);
  return found;
}

/** A write never came to the disk; or some sectors are as they were after an earlier one. */
function stale(segments: Segments, pieces: readonly Piece[], random: Random): Segments {
  const victim = pick(random, pieces);
  const wasDropped = chance(random, 300);
  const first = Math.floor(between(random, victim.from, victim.to - 1) / sectorBytes) * sectorBytes;
  const end = first + between(random, 1, mostSectors) * sectorBytes;
  const [from, to] = wasDropped ? [victim.from, victim.to] : [first, end];
  const bytes = segments.get(victim.segment)?.slice() ?? new Uint8Array();
  for (const piece of pieces) {
    if (piece.segment !== victim.segment || piece.sequence < victim.sequence) continue;
    bytes.fill(0, Math.max(from, piece.from), Math.max(from, Math.min(to, piece.to)));
  }
  return new Map(segments).set(victim.segment, bytes);
}

function bytesOf(segments: Segments, { segment, from, to }: Piece): Uint8Array {
  return segments.get(segment)?.subarray(from, to) ?? new Uint8Array();
}

function piecesOf(segments: Segments): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const [segment, bytes] of segments) {
    let from = 0;
    for (let offset = 0; offset < bytes.length; offset += alignment) {
      const frame = decodeFrame(bytes, offset, (data, seed) => crc32(data, seed));
      if (frame === 'invalid') continue;
      const { sequence, synced } = frame;
      pieces.push({ segment, from: from === 0 ? 0 : offset, to: frame.end, sequence, synced });
      from = frame.end;
      offset = frame.end - alignment;
    }
  }
  return pieces;
}
