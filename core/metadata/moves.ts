/**
 * The moves of tenants that the keeper of their entries has begun: one at a time of each tenant, numbered upwards. How
 * far they are only the two groups know; here stands that they are to be seen through. And those after which only their
 * destinations are to be cleared up: they keep nobody from anything.
 */
import { type GroupId, MoveId, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { TenantPlace } from '../wire/messages.ts';
import { isFromOutside, type PlannedMove } from '../wire/moves.ts';

export class Moves {
  private readonly open = new Map<TenantName, PlannedMove>();
  private readonly over = new Map<MoveId, PlannedMove>();
  private last: MoveId;
  private readonly step: number;

  /** `home`: the group that keeps these, if others keep some as well; no two number a move alike. */
  constructor(home: GroupId | null = null) {
    this.last = MoveId(home ?? 0);
    this.step = home === null ? 1 : limits.groupIds;
  }

  /** The number of the latest move that was begun. */
  get latest(): MoveId {
    return this.last;
  }

  /** Also of those that are over. */
  get size(): number {
    return this.open.size + this.over.size;
  }

  of(tenant: TenantName): PlannedMove | null {
    return this.open.get(tenant) ?? null;
  }

  /** Those from outside. */
  get imports(): number {
    return this.count(isFromOutside);
  }

  /** Those from group to group that the planner asked for, or operators did. */
  departures(arePlanners: boolean): number {
    return this.count((planned) => !isFromOutside(planned) && planned.isPlanners === arePlanners);
  }

  /** Those under way, in the order in which they were begun. */
  list(): readonly PlannedMove[] {
    return [...this.open.values()];
  }

  /** Those whose tenants stay, and whose destinations may not know that. */
  leftOver(): readonly PlannedMove[] {
    return [...this.over.values()];
  }

  begin({ tenant, incarnation, epoch, group: from }: TenantPlace, to: GroupId, isPlanners: boolean): PlannedMove {
    this.last = MoveId(this.last + this.step);
    const planned: PlannedMove = { move: this.last, tenant, incarnation, epoch, from, to, isPlanners };
    this.open.set(tenant, planned);
    return planned;
  }

  /** The move is over. Null if it was not under way. */
  end(tenant: TenantName, move: MoveId): PlannedMove | null {
    const planned = this.of(tenant);
    if (planned?.move !== move) return null;
    this.open.delete(tenant);
    return planned;
  }

  /**
   * The tenant stays. Null if the move was not under way, or too many destinations have not answered: then it is under way
   * until this one has.
   */
  letStay(tenant: TenantName, move: MoveId): PlannedMove | null {
    const planned = this.over.size < limits.movesLeftOver ? this.end(tenant, move) : null;
    if (planned !== null) this.over.set(move, planned);
    return planned;
  }

  /** The destination knows. Null if there was nothing left of the move. */
  clear(tenant: TenantName, move: MoveId): PlannedMove | null {
    const planned = this.over.get(move) ?? null;
    if (planned?.tenant !== tenant) return null;
    this.over.delete(move);
    return planned;
  }

  /** Puts back what was, move by move. */
  restore(latest: MoveId, planned: readonly PlannedMove[], leftOver: readonly PlannedMove[]): void {
    this.last = latest;
    for (const move of planned) this.open.set(move.tenant, move);
    for (const move of leftOver) this.over.set(move.move, move);
  }

  private count(isSuch: (planned: PlannedMove) => boolean): number {
    let count = 0;
    for (const planned of this.open.values()) if (isSuch(planned)) count += 1;
    return count;
  }
}
