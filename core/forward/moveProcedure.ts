/**
 * What an operator asks about where a tenant lives: to move it, to cancel that, how far it is, and to pin it. To begin a
 * move is only to have it planned: who keeps the tenant's entry sees it through.
 */
import { type GroupId, metadataGroup, type TenantName } from '../base/ids.ts';
import type { Outcome } from '../wire/messages.ts';
import {
  isFromOutside,
  type MovePlan,
  type MoveState,
  type MoveStep,
  type Pin,
  type PlannedMove,
} from '../wire/moves.ts';
import type { NextStep } from './nextStep.ts';

export interface MoveProcedure {
  readonly kind: 'beginMove' | 'cancelMove' | 'showMove' | 'pin' | 'showPin';
  readonly tenant: TenantName;
  readonly plan: MovePlan;
  stage: 'plan' | 'source' | 'destination' | 'stay';
  /** The move under way, where the tenant is pinned, and why what was asked for was not done. */
  planned: PlannedMove | null;
  pinned: Pin | null;
  why: string;
  source: MoveState | null;
  destination: MoveState | null;
}

export function beginMove(tenant: TenantName, to: GroupId): MoveProcedure {
  return procedure('beginMove', tenant, { kind: 'begin', to, alone: false, isPlanners: false });
}

/** Null: it may live anywhere again. */
export function pinTenant(tenant: TenantName, pin: Pin | null): MoveProcedure {
  return procedure('pin', tenant, pin === null ? { kind: 'unpin' } : { kind: 'pin', pin });
}

export function showPin(tenant: TenantName): MoveProcedure {
  return procedure('showPin', tenant, { kind: 'look' });
}

export function cancelMove(tenant: TenantName): MoveProcedure {
  return procedure('cancelMove', tenant, { kind: 'look' });
}

export function showMove(tenant: TenantName): MoveProcedure {
  return procedure('showMove', tenant, { kind: 'look' });
}

export function firstMoveStep({ tenant, plan }: MoveProcedure, startsOver = false): NextStep {
  return { kind: 'step', group: metadataGroup, operation: { kind: 'planMove', tenant, plan }, startsOver };
}

export function nextMoveStep(procedure: MoveProcedure, outcome: Outcome): NextStep {
  const { stage, kind } = procedure;
  if (stage === 'plan') {
    if (outcome.kind !== 'planned') return firstMoveStep(procedure, true);
    const move = outcome.move === null || isFromOutside(outcome.move) ? null : outcome.move;
    procedure.planned = move;
    procedure.pinned = outcome.pin;
    procedure.why = outcome.why;
    const isDone = move === null || (kind !== 'cancelMove' && kind !== 'showMove');
    return isDone ? finished : ask(procedure, move, 'source');
  }
  const state = outcome.kind === 'moving' ? outcome.state : null;
  const { planned } = procedure;
  if (stage === 'source') procedure.source = state;
  else if (stage === 'destination') procedure.destination = state;
  if (stage !== 'source' || planned === null) return finished;
  if (kind === 'showMove') return ask(procedure, planned, 'destination');
  if (state?.kind === 'ended') return noteStay(procedure, planned);
  return state?.kind === 'copying' || state?.kind === 'frozen' ? ask(procedure, planned, 'source') : finished;
}

const finished: NextStep = { kind: 'finished', place: null };

function procedure(kind: MoveProcedure['kind'], tenant: TenantName, plan: MovePlan): MoveProcedure {
  return { kind, tenant, plan, stage: 'plan', planned: null, pinned: null, why: '', source: null, destination: null };
}

/** So that it is over when the client is told. */
function noteStay(procedure: MoveProcedure, { tenant, move }: PlannedMove): NextStep {
  procedure.stage = 'stay';
  const plan = { kind: 'stay', move } as const;
  return { kind: 'step', group: metadataGroup, operation: { kind: 'planMove', tenant, plan }, startsOver: false };
}

function ask(procedure: MoveProcedure, { move, from, to }: PlannedMove, stage: 'source' | 'destination'): NextStep {
  procedure.stage = stage;
  const { tenant, kind } = procedure;
  const isFrozen = procedure.source?.kind === 'frozen';
  const step: MoveStep = { kind: kind === 'showMove' ? 'look' : isFrozen ? 'thaw' : 'cancel' };
  const group = stage === 'source' ? from : to;
  return { kind: 'step', group, operation: { kind: 'move', tenant, move, step }, startsOver: false };
}
