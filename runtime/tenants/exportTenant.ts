/** `leasehold tenant export`: writes a tenant to a stream, as it was when that began. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { exitCodes, FatalError } from '../exitCodes.ts';
import { PatientClient } from './patientClient.ts';
import { PieceChecker } from './pieceChecker.ts';
import { Progress } from './progress.ts';

/** What is begun again by whoever asked: what was written cannot be taken back. */
const gone = /^TRYAGAIN /;

export async function exportTenant(tenant: string, from: string, to: Writable): Promise<void> {
  const client = new PatientClient('--from', from);
  const progress = new Progress(`export of ${tenant}`);
  const checker = new PieceChecker();
  let keys = 0;
  const closed = new AbortController();
  to.once('error', (error) => {
    closed.abort(error);
  });
  try {
    for (let which: readonly string[] = [], next = -1; next !== 0; ) {
      const reply = await client.ask(['TENANT', 'EXPORT', tenant, ...which], gone);
      const found = pieceOf(reply);
      ({ next } = found);
      which = [found.id, String(next)];
      if (found.bytes.length === 0) continue;
      const piece = checker.take(found.bytes);
      if (piece.kind === 'end') ({ keys } = piece);
      closed.signal.throwIfAborted();
      if (!to.write(found.bytes)) await once(to, 'drain', { signal: closed.signal });
      progress.add(found.bytes.length);
    }
  } finally {
    client.close();
  }
  progress.end(`${String(keys)} keys`);
}

function pieceOf(reply: unknown): { readonly id: string; readonly next: number; readonly bytes: Uint8Array } {
  if (reply instanceof Error) throw new FatalError(reply.message, exitCodes.unavailable);
  const [id, next, bytes] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
  if (!Buffer.isBuffer(id) || typeof next !== 'number' || !Buffer.isBuffer(bytes))
    throw new FatalError('the node does not know TENANT EXPORT', exitCodes.unavailable);
  return { id: id.toString('latin1'), next, bytes };
}
