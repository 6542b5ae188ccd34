/** Follows the pieces of a tenant's file and says at the first that does not fit. */
import { crc32 } from 'node:zlib';
import { decodePiece, type TenantPiece } from '../../core/index.ts';
import { exitCodes, FatalError } from '../exitCodes.ts';

export class PieceChecker {
  private last: TenantPiece | null = null;

  get isComplete(): boolean {
    return this.last?.kind === 'end';
  }

  /** Throws unless the piece is whole and comes behind the one before it. */
  take(bytes: Uint8Array): TenantPiece {
    const { last } = this;
    const piece = decodePiece(bytes, crc32);
    const number = last === null ? 0 : last.number + 1;
    if (piece.kind === 'foreign') throw broken(`its format is ${String(piece.format)}, which is not known here`);
    if (piece.kind === 'damaged')
      throw broken(number === 0 ? 'it is none' : `piece ${String(number)} is damaged, or the file was cut off there`);
    const before = last === null || last.kind === 'head' ? 0 : last.checksum;
    if (this.isComplete || piece.number !== number || piece.before !== before)
      throw broken(`piece ${String(piece.number)} does not follow the one before it`);
    this.last = piece;
    return piece;
  }
}

export function broken(why: string): FatalError {
  return new FatalError(`this is no whole file of a tenant: ${why}`, exitCodes.data);
}
