/** `leasehold tenant import`: makes a tenant of a stream, or goes on with one that is half there. */
import type { Readable } from 'node:stream';
import { pieceHeadBytes, pieceLength } from '../../core/index.ts';
import { exitCodes, FatalError } from '../exitCodes.ts';
import { PatientClient } from './patientClient.ts';
import { broken, PieceChecker } from './pieceChecker.ts';
import { Progress } from './progress.ts';

export interface ImportOptions {
  readonly tenant: string;
  readonly to: string;
  /** Where it is to live; null: the cluster chooses. */
  readonly group: number | null;
}

/** More than any piece has: a key may be as large as a value. */
const mostPieceBytes = 640 * 1024 * 1024;

export async function importTenant({ tenant, to, group }: ImportOptions, from: Readable): Promise<void> {
  const client = new PatientClient('--to', to);
  const progress = new Progress(`import of ${tenant}`);
  const checker = new PieceChecker();
  let move = '';
  let next = 0;
  let keys = 0;
  try {
    for await (const bytes of piecesOf(from)) {
      const piece = checker.take(bytes);
      if (piece.kind === 'end') ({ keys } = piece);
      // What was imported before is only looked at.
      if (piece.number >= next) {
        const args = piece.number > 0 ? [move, bytes] : group === null ? [bytes] : [bytes, 'IN', String(group)];
        ({ move, next } = takenOf(await client.ask(['TENANT', 'IMPORT', tenant, ...args]), tenant));
        if (piece.number === 0 && next > 1) process.stderr.write(`goes on with piece ${String(next)}\n`);
      }
      progress.add(bytes.length);
    }
    if (!checker.isComplete) throw broken('it was cut off');
  } catch (error) {
    if (error instanceof FatalError && move !== '')
      throw new FatalError(`${error.message}\n${halfThere(tenant)}`, error.exitCode);
    throw error;
  } finally {
    client.close();
  }
  progress.end(`${String(keys)} keys`);
}

function halfThere(tenant: string): string {
  return `Nobody sees tenant '${tenant}': the same file goes on where this one stopped, and TENANT DROP gives it up.`;
}

function takenOf(reply: unknown, tenant: string): { readonly move: string; readonly next: number } {
  if (reply instanceof Error) throw new FatalError(reply.message, exitCodes.unavailable);
  const [move, next] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
  if (typeof move !== 'number' || typeof next !== 'number')
    throw new FatalError(`the node does not know TENANT IMPORT '${tenant}'`, exitCodes.unavailable);
  return { move: String(move), next };
}

/** Cuts a stream into pieces, without looking into them. What is left at its end comes as it is. */
async function* piecesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  let wanted = pieceHeadBytes;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    held.push(chunk);
    bytes += chunk.length;
    while (bytes >= wanted) {
      const joined = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
      const length = pieceLength(joined);
      if (length > mostPieceBytes) throw broken('it is none, or it is damaged');
      held = [joined];
      wanted = length;
      if (bytes < wanted) break;
      yield joined.subarray(0, length);
      held = [joined.subarray(length)];
      bytes -= length;
      wanted = pieceHeadBytes;
    }
  }
  if (bytes > 0) yield Buffer.concat(held);
}
