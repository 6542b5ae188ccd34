/**
 * Where tenants are while they move, by the logs of both groups: what one has left and the other has not yet taken up.
 * Shared by the models of all groups, so that a tenant is carried over as the log of its former group says.
 */
import type { MoveId } from '../../core/base/ids.ts';
import type { Ownership } from './tenancyModel.ts';

export class MoveModel {
  private readonly departed = new Map<MoveId, Ownership>();
  private readonly arrived = new Set<MoveId>();

  depart(move: MoveId, ownership: Ownership): void {
    this.departed.set(move, ownership);
  }

  /** What is taken up; null if nothing has left, or it was taken up before. */
  arrive(move: MoveId): Ownership | null {
    const ownership = this.departed.get(move);
    if (ownership === undefined || this.arrived.has(move)) return null;
    this.arrived.add(move);
    return ownership;
  }

  hasArrived(move: MoveId): boolean {
    return this.arrived.has(move);
  }

  /** Its tenant has left the one group and has not come to the other yet. */
  isBetween(move: MoveId): boolean {
    return this.departed.has(move) && !this.arrived.has(move);
  }

  /** Moves whose tenants are between two groups. */
  get between(): number {
    return this.departed.size - this.arrived.size;
  }
}
