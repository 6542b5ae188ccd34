/**
 * What the leader of the metadata group, or of a tenant's home, does for the moves that it has planned: has their sources
 * begin, and clears up behind those that are over. In between, the leader of the source sees the tenant out.
 */
import { metadataGroup } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { after, type MonoTime } from '../base/time.ts';
import type { Errand } from '../forward/procedure.ts';
import { isFromOutside, type MoveState, type MoveStep, type PlannedMove } from '../wire/moves.ts';
import { Errands } from './errands.ts';
import { nextAction } from './nextAction.ts';

export class PlannedMoves {
  private readonly errands: Errands<PlannedMove>;
  /** When each is to be looked after next. */
  private readonly dueAt = new Map<PlannedMove, MonoTime>();

  constructor(ask: (errand: Errand) => void) {
    this.errands = new Errands(ask);
  }

  /**
   * `planned`: those that are not over, none if this node does not lead the metadata group. `leftOver`: those that are, and
   * whose destinations may not know that.
   */
  look(planned: readonly PlannedMove[], leftOver: readonly PlannedMove[], now: MonoTime): void {
    const over = new Set(leftOver);
    const open = new Set([...planned, ...leftOver]);
    for (const move of this.dueAt.keys()) {
      if (open.has(move)) continue;
      this.dueAt.delete(move);
      this.errands.forget(move);
    }
    let begun = 0;
    for (const move of open) {
      // Whoever imports a tenant sees it through.
      if (isFromOutside(move)) continue;
      if (begun >= limits.movesLookedAfter) return;
      if (this.errands.isWaiting(move) || (this.dueAt.get(move) ?? now) > now) continue;
      this.dueAt.set(move, after(now, limits.moveLookMs));
      begun += 1;
      if (over.has(move)) this.askDestination(move, { kind: 'ended' }, { kind: 'look' });
      else this.begin(move);
    }
  }

  /** Whether the errand was one of these. */
  onAnswered(done: Errand): boolean {
    return this.errands.onAnswered(done);
  }

  private begin(move: PlannedMove): void {
    const { incarnation, epoch, to } = move;
    this.ask(move, 'source', { kind: 'start', incarnation, epoch, to }, (source) => {
      if (source.kind === 'ended') this.letStay(move, source);
      else if (source.kind !== 'copying' && source.kind !== 'frozen')
        this.askDestination(move, source, { kind: 'look' });
    });
  }

  /** Nobody is to wait until the destination has heard of it. */
  private letStay(move: PlannedMove, source: MoveState): void {
    const plan = { kind: 'stay', move: move.move } as const;
    this.errands.send(move, metadataGroup, { kind: 'planMove', tenant: move.tenant, plan }, () => {
      if (this.dueAt.has(move)) this.askDestination(move, source, { kind: 'look' });
    });
  }

  private askDestination(move: PlannedMove, source: MoveState, step: MoveStep): void {
    this.ask(move, 'destination', step, (destination) => {
      this.follow(move, source, destination);
    });
  }

  /** What is not the source's to do: it is over, or has never begun. */
  private follow(move: PlannedMove, source: MoveState, destination: MoveState): void {
    const { tenant } = move;
    const action = nextAction(source, destination);
    if (action.at === 'metadata') {
      const plan = { kind: 'end', move: move.move, hasDeparted: action.hasDeparted } as const;
      this.errands.send(move, metadataGroup, { kind: 'planMove', tenant, plan }, () => undefined);
    } else if (action.at === 'destination') {
      if (action.step !== 'prepare') this.askDestination(move, source, { kind: action.step });
    } else if (action.at === 'source' && action.step === 'cancel')
      this.ask(move, 'source', { kind: 'cancel' }, () => undefined);
  }

  private ask(
    move: PlannedMove,
    whom: 'source' | 'destination',
    step: MoveStep,
    then: (state: MoveState) => void,
  ): void {
    const { tenant, from, to } = move;
    const group = whom === 'source' ? from : to;
    this.errands.send(move, group, { kind: 'move', tenant, move: move.move, step }, (answer) => {
      if (answer?.kind === 'moving' && this.dueAt.has(move)) then(answer.state);
    });
  }
}
