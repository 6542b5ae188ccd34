/**
 * A piece of a tenant that is imported, on its way into the group where the tenant is to live. The metadata group reserves
 * the name; the group stages the pieces as those of a move; when the last one has come and everything fits, the metadata
 * group places the tenant, which is the commit point, and its group adopts what was staged. Any piece may come again, or
 * through another node.
 */
import { ByteWriter, noBytes } from '../base/bytes.ts';
import { Epoch, type GroupId, metadataGroup, type MoveId, type TenantName } from '../base/ids.ts';
import { restOfImport } from '../group/state/importedRest.ts';
import type { Outcome, TenantPlace } from '../wire/messages.ts';
import {
  isFromOutside,
  type MovePlan,
  type MoveState,
  type MoveStep,
  type PlannedMove,
  sameCursor,
} from '../wire/moves.ts';
import { cursorBefore, cursorBehind, type TenantPiece } from '../wire/tenantFile.ts';
import type { NextStep } from './nextStep.ts';

export type ImportEnding =
  /** `next`: the number of the piece that is wanted now, 0 if the tenant is whole. */
  | { readonly kind: 'taken'; readonly move: MoveId; readonly next: number }
  /** None may begin; `why` is what the client is told. */
  | { readonly kind: 'refused'; readonly why: string }
  /** No import of that number is under way. */
  | { readonly kind: 'unknown' }
  /** It goes on elsewhere: with that piece, or, if it is that one, behind another than the one that came. */
  | { readonly kind: 'misplaced'; readonly wanted: number }
  /** What came does not make a tenant: nothing is left of it but the name. */
  | { readonly kind: 'failed' };

export interface ImportProcedure {
  readonly kind: 'import';
  readonly tenant: TenantName;
  readonly piece: TenantPiece;
  /** The import that it belongs to; null for the first piece, which begins one or finds the one under way. */
  readonly move: MoveId | null;
  /** Where it is to live, as far as the first piece is concerned; null: by the policy. */
  readonly group: GroupId | null;
  stage: 'plan' | 'prepare' | 'stage' | 'place' | 'adopt' | 'resolve' | 'look' | 'ask' | 'forget' | 'confirm';
  planned: PlannedMove | null;
  ending: ImportEnding | null;
}

export function importPiece(
  tenant: TenantName,
  piece: TenantPiece,
  move: MoveId | null,
  group: GroupId | null = null,
): ImportProcedure {
  return { kind: 'import', tenant, piece, move, group, stage: 'plan', planned: null, ending: null };
}

export function firstImportStep(procedure: ImportProcedure, startsOver = false): NextStep {
  const { move, group } = procedure;
  procedure.stage = 'plan';
  return plan(procedure, move === null ? { kind: 'import', to: group } : { kind: 'look' }, startsOver);
}

export function nextImportStep(procedure: ImportProcedure, outcome: Outcome): NextStep {
  switch (procedure.stage) {
    case 'plan':
      return outcome.kind === 'planned' ? planned(procedure, outcome) : firstImportStep(procedure, true);
    case 'prepare':
    case 'stage':
      return outcome.kind === 'moving' ? staged(procedure, outcome.state) : firstImportStep(procedure, true);
    case 'place':
      return outcome.kind === 'planned' ? adopt(procedure) : firstImportStep(procedure, true);
    case 'adopt':
      // Placed is placed: if it was dropped or moved since, that came later.
      return taken(procedure, 0, outcome.kind === 'done' ? placeOf(procedure) : null);
    case 'resolve':
      return outcome.kind === 'resolved' && outcome.tenant !== null
        ? look(procedure, outcome.tenant)
        : end(procedure, { kind: 'unknown' });
    case 'ask':
      return isReleased(procedure, outcome) ? forget(procedure) : firstImportStep(procedure, true);
    case 'forget':
      return afterItsEnd(procedure);
    case 'confirm':
      if (outcome.kind !== 'planned') return firstImportStep(procedure, true);
      return outcome.move?.move === procedure.planned?.move
        ? end(procedure, { kind: 'failed' })
        : afterItsEnd(procedure);
    case 'look':
      return outcome.kind === 'moving' && outcome.state.kind === 'active'
        ? taken(procedure, 0)
        : end(procedure, { kind: 'unknown' });
  }
}

function planned(procedure: ImportProcedure, { move, why }: Extract<Outcome, { kind: 'planned' }>): NextStep {
  if (why !== '') return end(procedure, { kind: 'refused', why });
  if (move !== null && isFromOutside(move) && (procedure.move ?? move.move) === move.move) {
    procedure.planned = move;
    const { piece } = procedure;
    return piece.kind === 'head' ? prepare(procedure, move) : stage(procedure, piece, move);
  }
  // The last piece may be the one whose answer was lost.
  if (procedure.piece.kind !== 'end') return end(procedure, { kind: 'unknown' });
  procedure.stage = 'resolve';
  const operation = { kind: 'resolveTenant', tenant: procedure.tenant, create: false, group: null } as const;
  return { kind: 'step', group: metadataGroup, operation, startsOver: false };
}

function prepare(procedure: ImportProcedure, move: PlannedMove): NextStep {
  procedure.stage = 'prepare';
  const { incarnation, epoch } = move;
  return step(procedure, move.to, move.move, { kind: 'prepare', incarnation, epoch });
}

function stage(
  procedure: ImportProcedure,
  piece: Exclude<TenantPiece, { kind: 'head' }>,
  { to, move, incarnation }: PlannedMove,
): NextStep {
  procedure.stage = 'stage';
  const after = cursorBefore(piece);
  if (piece.kind === 'items')
    return step(procedure, to, move, { kind: 'stage', after, upTo: cursorBehind(piece), records: piece.records });
  const rest = restOfImport(new ByteWriter(), procedure.tenant, incarnation, piece);
  return step(procedure, to, move, { kind: 'seal', after, records: noBytes, rest, mark: piece.mark });
}

/** How far its group is, behind the piece. */
function staged(procedure: ImportProcedure, state: MoveState): NextStep {
  const { piece } = procedure;
  if (state.kind === 'ended') return confirm(procedure);
  if (state.kind === 'active') return taken(procedure, 0);
  if (state.kind !== 'staged') return ask(procedure);
  const { cursor, isSealed } = state;
  const wanted = cursor.serial + 1;
  switch (piece.kind) {
    case 'head':
      return taken(procedure, wanted);
    case 'items':
      return cursor.serial > piece.number || sameCursor(cursor, cursorBehind(piece))
        ? taken(procedure, wanted)
        : end(procedure, { kind: 'misplaced', wanted });
    case 'end':
      return isSealed && sameCursor(cursor, cursorBefore(piece))
        ? place(procedure)
        : end(procedure, { kind: 'misplaced', wanted });
  }
}

/** The group has done with it: because of what came, unless the tenant was whole and is dropped or elsewhere by now. */
function confirm(procedure: ImportProcedure): NextStep {
  procedure.stage = 'confirm';
  return plan(procedure, { kind: 'look' }, false);
}

/** It is not under way any more. */
function afterItsEnd(procedure: ImportProcedure): NextStep {
  return procedure.piece.kind === 'head' ? firstImportStep(procedure) : end(procedure, { kind: 'unknown' });
}

/**
 * The group has no room for it. Either a former tenant of that name is about to go, or this one was dropped: then whoever
 * did that may have stopped half way, and it is completed.
 */
function ask(procedure: ImportProcedure): NextStep {
  procedure.stage = 'ask';
  const { planned: move, tenant } = procedure;
  if (move === null) return firstImportStep(procedure, true);
  const { to: group, incarnation } = move;
  return { kind: 'step', group, operation: { kind: 'inspectTenant', tenant, incarnation }, startsOver: false };
}

function isReleased({ planned: move }: ImportProcedure, outcome: Outcome): boolean {
  if (move === null || outcome.kind !== 'refused' || outcome.refusal.kind !== 'notOwner') return false;
  return outcome.refusal.released >= move.incarnation;
}

function forget(procedure: ImportProcedure): NextStep {
  procedure.stage = 'forget';
  const { planned: move, tenant } = procedure;
  if (move === null) return firstImportStep(procedure, true);
  const operation = { kind: 'dropTenant', tenant, incarnation: move.incarnation } as const;
  return { kind: 'step', group: metadataGroup, operation, startsOver: false };
}

function place(procedure: ImportProcedure): NextStep {
  procedure.stage = 'place';
  const { planned: move } = procedure;
  if (move === null) return firstImportStep(procedure, true);
  return plan(procedure, { kind: 'end', move: move.move, hasDeparted: true }, false);
}

function adopt(procedure: ImportProcedure): NextStep {
  procedure.stage = 'adopt';
  const placed = placeOf(procedure);
  if (placed === null) return firstImportStep(procedure, true);
  const { group, tenant, incarnation, epoch } = placed;
  return { kind: 'step', group, operation: { kind: 'adopt', tenant, incarnation, epoch }, startsOver: false };
}

/** Where the tenant is once it is placed. */
function placeOf({ tenant, planned: move }: ImportProcedure): TenantPlace | null {
  if (move === null) return null;
  return { tenant, group: move.to, epoch: Epoch(move.epoch + 1), incarnation: move.incarnation };
}

function look(procedure: ImportProcedure, { group }: TenantPlace): NextStep {
  procedure.stage = 'look';
  const { move } = procedure;
  return move === null ? firstImportStep(procedure, true) : step(procedure, group, move, { kind: 'look' });
}

function plan({ tenant }: ImportProcedure, of: MovePlan, startsOver: boolean): NextStep {
  return { kind: 'step', group: metadataGroup, operation: { kind: 'planMove', tenant, plan: of }, startsOver };
}

function step({ tenant }: ImportProcedure, group: GroupId, move: MoveId, taking: MoveStep): NextStep {
  return { kind: 'step', group, operation: { kind: 'move', tenant, move, step: taking }, startsOver: false };
}

function taken(procedure: ImportProcedure, next: number, at: TenantPlace | null = null): NextStep {
  const move = procedure.planned?.move ?? procedure.move;
  return move === null ? firstImportStep(procedure, true) : end(procedure, { kind: 'taken', move, next }, at);
}

function end(procedure: ImportProcedure, ending: ImportEnding, at: TenantPlace | null = null): NextStep {
  procedure.ending = ending;
  return { kind: 'finished', place: at };
}
