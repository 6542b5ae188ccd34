/** What is asked of a tenant's group for an export of that tenant, and what is answered. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { sizedBytes, varintBytes } from './fields.ts';

/** Which piece of which export; the first one, of a new export, if there is no id. */
export interface WantedPiece {
  readonly id: string | null;
  readonly number: number;
}

export type ExportAnswer =
  /** `next` is the number to ask for now, 0 behind the last piece. `bytes` is empty while the piece is not ready: it is to be asked for again. */
  | { readonly kind: 'piece'; readonly id: string; readonly next: number; readonly bytes: Uint8Array }
  /** Whoever was asked does not have that export, or not that piece of it: it is to begin anew. */
  | { readonly kind: 'gone' }
  /** The node has as many exports under way as it may. */
  | { readonly kind: 'busy' };

const answer = { piece: 1, gone: 2, busy: 3 } as const;

export function encodeWanted(writer: ByteWriter, { id, number }: WantedPiece): void {
  writer.text(id ?? '');
  writer.varint(number);
}

export function decodeWanted(reader: ByteReader): WantedPiece {
  const id = reader.text();
  return { id: id === '' ? null : id, number: reader.varint() };
}

export function wantedBytes({ id, number }: WantedPiece): number {
  return sizedBytes(id ?? '') + varintBytes(number);
}

export function encodeExportAnswer(writer: ByteWriter, a: ExportAnswer): void {
  writer.u8(answer[a.kind]);
  if (a.kind !== 'piece') return;
  writer.text(a.id);
  writer.varint(a.next);
  writer.bytes(a.bytes);
}

/** Null for an answer that this version does not know. */
export function decodeExportAnswer(reader: ByteReader): ExportAnswer | null {
  switch (reader.u8()) {
    case answer.piece: {
      const id = reader.text();
      const next = reader.varint();
      return { kind: 'piece', id, next, bytes: reader.bytes() };
    }
    case answer.gone:
      return { kind: 'gone' };
    case answer.busy:
      return { kind: 'busy' };
    default:
      return null;
  }
}

export function exportAnswerBytes(a: ExportAnswer): number {
  return a.kind === 'piece' ? 1 + sizedBytes(a.id) + varintBytes(a.next) + sizedBytes(a.bytes) : 1;
}
