/**
 * The latest changes of a map, and its digest after each: for readers that are a little behind. A ring of numbers that
 * grows up to a bound; a change is the address of its tenant's record and the place it was given.
 */
import { Epoch, GroupId, Incarnation } from '../base/ids.ts';
import type { Place } from './place.ts';

const firstCapacity = 16;
const columns = 5;
/** Instead of a group: the tenant was dropped. */
const noGroup = -1;

export interface Change {
  /** Of the tenant's record. */
  readonly at: number;
  readonly place: Place;
}

export class RecentChanges {
  /** How many were ever pushed: they have the numbers 0…`total` − 1. */
  total = 0;
  private cells = new Float64Array(firstCapacity * columns);
  private readonly most: number;

  /** `most`: how many are kept, a power of two. */
  constructor(most: number) {
    this.most = most;
  }

  /** The number of the oldest that is kept. */
  get oldest(): number {
    return Math.max(0, this.total - this.most);
  }

  push(at: number, place: Place, digest: number): void {
    if (this.total * columns >= this.cells.length && this.cells.length < this.most * columns) this.grow();
    const cell = this.cellOf(this.total);
    this.cells[cell] = at;
    this.cells[cell + 1] = place.group ?? noGroup;
    this.cells[cell + 2] = place.group === null ? 0 : place.epoch;
    this.cells[cell + 3] = place.incarnation;
    this.cells[cell + 4] = digest;
    this.total += 1;
  }

  /** `number` is one that is kept. */
  changeAt(number: number): Change {
    const cell = this.cellOf(number);
    const [at = 0, group = noGroup, epoch = 0, incarnation = 0] = this.cells.subarray(cell, cell + columns);
    if (group === noGroup) return { at, place: { group: null, incarnation: Incarnation(incarnation) } };
    return { at, place: { group: GroupId(group), epoch: Epoch(epoch), incarnation: Incarnation(incarnation) } };
  }

  /** Of the map after it. */
  digestAt(number: number): number {
    return this.cells[this.cellOf(number) + 4] ?? 0;
  }

  private cellOf(number: number): number {
    return (number * columns) % this.cells.length;
  }

  /** Only while nothing was overwritten yet. */
  private grow(): void {
    const larger = new Float64Array(Math.min(this.most * columns, 2 * this.cells.length));
    larger.set(this.cells);
    this.cells = larger;
  }
}
