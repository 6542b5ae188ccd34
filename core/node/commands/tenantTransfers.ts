/** TENANT EXPORT and TENANT IMPORT: a tenant as a file, piece by piece. */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { crc32 } from '../../base/crc32.ts';
import { type GroupId, MoveId, type TenantName } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { exportTenant } from '../../forward/accountProcedure.ts';
import { type ImportEnding, importPiece, type ImportProcedure } from '../../forward/importProcedure.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { ExportAnswer } from '../../wire/exports.ts';
import { decodePiece, type TenantPiece } from '../../wire/tenantFile.ts';
import { integerOf } from './arguments.ts';
import { begin, isOfFixedTenants, notPlannedHere } from './begin.ts';
import type { NodeCall } from './spec.ts';

/** `TENANT EXPORT <tenant>`, or behind that which piece of which export. */
export function exportOf(call: NodeCall, name: TenantName): void {
  const [, , , id, wanted] = call.args;
  if (id === undefined || wanted === undefined) {
    begin(call, exportTenant(name, { id: null, number: 0 }));
    return;
  }
  const number = integerOf(wanted);
  if (number === null || number < 0) call.reply.error('ERR value is not an integer or out of range');
  else begin(call, exportTenant(name, { id: binaryString(id), number }));
}

/** `TENANT IMPORT <tenant> <first piece>`, or `TENANT IMPORT <tenant> <import> <piece>`. */
export function importOf(call: NodeCall, name: TenantName): void {
  const [, , , first, second] = call.args;
  if (isOfFixedTenants(call)) return;
  if (second === undefined) {
    importTo(call, name, null);
    return;
  }
  const move = integerOf(first ?? noBytes);
  if (move === null || move < 1) call.reply.error('ERR value is not an integer or out of range');
  else withPiece(call, second, (piece) => begin(call, importPiece(name, piece, MoveId(move))));
}

/** Begins an import with its first piece; null: in a group of the cluster's choice. */
export function importTo(call: NodeCall, name: TenantName, group: GroupId | null): void {
  if (isOfFixedTenants(call)) return;
  withPiece(call, call.args[3] ?? noBytes, (piece) => {
    if (piece.kind === 'head') begin(call, importPiece(name, piece, null, group));
    else call.reply.error('ERR not executed: an import begins with the first piece of a file');
  });
}

/** `TENANT IMPORTS`: those that are not whole yet, given up or not, in the order in which they were begun. */
export function listImports(call: NodeCall): void {
  const { reply, node } = call;
  if (isOfFixedTenants(call)) return;
  const imports = node.imports();
  if (imports === null) {
    reply.error(notPlannedHere(node));
    return;
  }
  reply.array(imports.length);
  for (const { tenant, move, to } of imports) {
    reply.map(3);
    reply.bulkText('tenant');
    reply.bulkText(tenant);
    reply.bulkText('import');
    reply.integer(move);
    reply.bulkText('group');
    reply.integer(to);
  }
}

function withPiece({ reply }: NodeCall, bytes: Uint8Array, take: (piece: TenantPiece) => void): void {
  const piece = decodePiece(bytes, crc32);
  if (piece.kind === 'damaged') reply.error('ERR not executed: this is no whole piece of a tenant, or it is damaged');
  else if (piece.kind === 'foreign')
    reply.error(`ERR not executed: format ${String(piece.format)} of a tenant's file is not known here`);
  else take(piece);
}

export function writeExported(reply: ReplyWriter, tenant: string, answer: ExportAnswer): void {
  switch (answer.kind) {
    case 'piece':
      reply.array(3);
      reply.bulkText(answer.id);
      reply.integer(answer.next);
      reply.bulk(answer.bytes);
      return;
    case 'gone':
      reply.error(`TRYAGAIN not executed: that export of tenant '${tenant}' is gone: begin another`);
      return;
    case 'busy':
      reply.error(
        `BUSY not executed: ${String(limits.exportsAtATime)} exports are under way on the node that leads the group of tenant '${tenant}'`,
      );
      return;
  }
}

export function writeImported(
  reply: ReplyWriter,
  { tenant, piece, move }: ImportProcedure,
  ending: ImportEnding,
): void {
  switch (ending.kind) {
    case 'taken':
      reply.array(2);
      reply.integer(ending.move);
      reply.integer(ending.next);
      return;
    case 'refused':
      reply.error(ending.why);
      return;
    case 'unknown':
      reply.error(`ERR not executed: no import ${String(move ?? '')} of tenant '${tenant}' is under way`);
      return;
    case 'misplaced':
      reply.error(
        ending.wanted === piece.number
          ? `ERR not executed: piece ${String(piece.number)} does not follow what was imported of tenant '${tenant}': it is of another file`
          : `ERR not executed: of tenant '${tenant}' piece ${String(ending.wanted)} is wanted`,
      );
      return;
    case 'failed':
      reply.error(`ERR failed: what came does not make tenant '${tenant}' as it was: DROP it and begin again`);
      return;
  }
}
