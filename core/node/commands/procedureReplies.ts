/** What a client is told at the end of a procedure that it has begun. */
import type { MoveProcedure } from '../../forward/moveProcedure.ts';
import type { Errand, Procedure } from '../../forward/procedure.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { TenantPlace } from '../../wire/messages.ts';
import type { NodeView } from '../view.ts';
import { configurationFor } from './joining.ts';
import { writeQuota, writeStatistics } from './tenantAccounts.ts';
import { writeExported, writeImported } from './tenantTransfers.ts';
import type { PlannedMove } from '../../wire/moves.ts';

export function writeEnd(reply: ReplyWriter, node: NodeView, procedure: Procedure, place: TenantPlace | null): void {
  const { tenant } = procedure;
  switch (procedure.kind) {
    case 'beginMove':
    case 'pin':
      if (procedure.why === '') reply.ok();
      else reply.error(procedure.why);
      return;
    case 'cancelMove':
      writeCancelled(reply, procedure);
      return;
    case 'showMove':
      if (procedure.planned === null) reply.error(noMove(tenant));
      else writeMove(reply, procedure, procedure.planned);
      return;
    case 'showPin':
      if (procedure.pinned === null) reply.nil();
      else if (procedure.pinned === 'own') reply.bulkText('alone');
      else reply.integer(procedure.pinned);
      return;
    case 'showQuota':
    case 'showStatistics':
      if (place === null || procedure.report === null) break;
      if (procedure.kind === 'showQuota') writeQuota(reply, procedure.report.quota);
      else writeStatistics(reply, procedure.report, place, node);
      return;
    case 'exportTenant':
      if (place === null || procedure.exported === null) break;
      writeExported(reply, tenant, procedure.exported);
      return;
    case 'import':
      if (procedure.ending !== null) writeImported(reply, procedure, procedure.ending);
      return;
    case 'ensure':
      if (place !== null && procedure.group !== null && place.group !== procedure.group) {
        reply.error(`ERR tenant '${tenant}' exists in group ${String(place.group)}`);
        return;
      }
      break;
    case 'errand':
      writeAnswer(reply, node, procedure);
      return;
    case 'drop':
    case 'setQuota':
      break;
  }
  if (place === null) reply.error(`ERR unknown tenant '${tenant}'`);
  else reply.ok();
}

/** What is known of the answer when time is up; false if that is nothing. */
export function writeLate(reply: ReplyWriter, node: NodeView, procedure: Procedure): boolean {
  const { kind } = procedure;
  const isKnown =
    kind === 'cancelMove' ? procedure.stage === 'stay' : kind === 'showMove' && procedure.planned !== null;
  if (isKnown) writeEnd(reply, node, procedure, null);
  return isKnown;
}

/** Of the metadata group, about a node or groups. */
function writeAnswer(reply: ReplyWriter, node: NodeView, { answer, operation }: Errand): void {
  if (answer?.kind === 'made') {
    if (answer.why !== '') reply.error(`ERR not executed: ${answer.why}`);
    else {
      reply.array(answer.groups.length);
      for (const group of answer.groups) reply.integer(group);
    }
    return;
  }
  if (answer?.kind !== 'nodes' || operation.kind !== 'planNode')
    reply.error('ERR the metadata group does not know that');
  else if (answer.why !== '') reply.error(`ERR ${answer.why}`);
  else if (operation.plan.kind === 'join') reply.bulkText(configurationFor(node, answer.node, answer.map));
  else reply.ok();
}

function noMove(tenant: string): string {
  return `ERR no move of tenant '${tenant}' is under way`;
}

function writeCancelled(reply: ReplyWriter, { tenant, planned, source }: MoveProcedure): void {
  if (planned === null) reply.error(noMove(tenant));
  else if (source?.kind === 'departed')
    reply.error(`ERR too late: tenant '${tenant}' has left group ${String(planned.from)}`);
  else reply.ok();
}

function writeMove(reply: ReplyWriter, { source, destination }: MoveProcedure, planned: PlannedMove): void {
  const { move, tenant, from, to } = planned;
  const isCopied = source?.kind === 'copying' || source?.kind === 'frozen';
  const cursor = destination?.kind === 'staged' ? destination.cursor : null;
  reply.map(8);
  reply.bulkText('move');
  reply.integer(move);
  reply.bulkText('tenant');
  reply.bulkText(tenant);
  reply.bulkText('from');
  reply.integer(from);
  reply.bulkText('to');
  reply.integer(to);
  reply.bulkText('source');
  reply.bulkText(source?.kind ?? 'unknown');
  reply.bulkText('destination');
  reply.bulkText(destination?.kind === 'staged' && destination.isSealed ? 'sealed' : (destination?.kind ?? 'unknown'));
  // Serials of keys: how many there were, not how many there are.
  reply.bulkText('copied-serial');
  reply.integer(cursor?.serial ?? 0);
  reply.bulkText('last-serial');
  reply.integer(isCopied ? source.lastSerial : 0);
}
