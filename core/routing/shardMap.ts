/**
 * A node's copy of the ShardMap: a hint. It may be behind, never ahead: versions advance one by one and never
 * go back, and what a reply told about a single tenant sits in an overlay until the map has caught up.
 */
import { Epoch, type GroupId, type Incarnation, MapVersion, type TenantName } from '../base/ids.ts';
import type { MapChange, TenantPlace } from '../wire/messages.ts';

export interface Shard {
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly incarnation: Incarnation;
}

/** A tenant the map knew and that is gone: its incarnation still tells old hints from new ones. */
interface Gone {
  readonly group: null;
  readonly epoch: Epoch;
  readonly incarnation: Incarnation;
}

export class ShardMap {
  /** The change that led to version v is at `changes[v - 1]`: kept for peers that are behind. */
  readonly changes: MapChange[] = [];
  private readonly shards = new Map<TenantName, Shard | Gone>();
  private readonly overlay = new Map<TenantName, Shard>();

  get version(): MapVersion {
    return MapVersion(this.changes.length);
  }

  /** Where the tenant lives, as far as this node knows; null if it has never heard of it or it was dropped. */
  find(tenant: TenantName): Shard | null {
    if (this.overlay.size > 0) {
      const hint = this.overlay.get(tenant);
      if (hint !== undefined) return hint;
    }
    const shard = this.shards.get(tenant);
    return shard === undefined || shard.group === null ? null : shard;
  }

  /** Takes over changes that continue this map; ignores those it has. False if there is a gap before them. */
  advance(since: MapVersion, changes: readonly MapChange[]): boolean {
    if (since > this.version) return false;
    for (let i = this.version - since; i < changes.length; i += 1) {
      const change = changes[i];
      if (change !== undefined) this.apply(change);
    }
    return true;
  }

  /** Takes a hint about one tenant, if it is newer than what is known. Returns whether it was. */
  learn(place: TenantPlace): boolean {
    const known = this.overlay.get(place.tenant) ?? this.shards.get(place.tenant);
    if (known !== undefined && !isNewer(place, known)) return false;
    this.overlay.set(place.tenant, { group: place.group, epoch: place.epoch, incarnation: place.incarnation });
    return true;
  }

  /** The changes after `since`, at most `limit` of them. */
  changesAfter(since: MapVersion, limit: number): readonly MapChange[] {
    return this.changes.slice(since, since + limit);
  }

  /**
   * The tenants that are as the next `count` changes from the cursor on have made them; `next` is 0 at the end. Whoever
   * is in the map from the first step, at cursor 0, to the last is in one of them, or, if it moved, in two.
   */
  page(cursor: number, count: number): { readonly next: number; readonly tenants: readonly TenantName[] } {
    const end = cursor + count;
    const tenants: TenantName[] = [];
    for (const change of this.changes.slice(cursor, end)) {
      const { tenant, incarnation } = change;
      const shard = this.shards.get(tenant);
      if (change.kind === 'dropped' || shard?.incarnation !== incarnation) continue;
      if (shard.group === change.group && shard.epoch === change.epoch) tenants.push(tenant);
    }
    return { next: end < this.changes.length ? end : 0, tenants };
  }

  /** All tenants with their shard, in the order of their names' code units. */
  list(): readonly TenantPlace[] {
    const names = new Set([...this.shards.keys(), ...this.overlay.keys()]);
    const places: TenantPlace[] = [];
    for (const tenant of [...names].sort((a, b) => (a < b ? -1 : 1))) {
      const shard = this.find(tenant);
      if (shard !== null) places.push({ tenant, ...shard });
    }
    return places;
  }

  private apply(change: MapChange): void {
    this.changes.push(change);
    const { tenant, incarnation } = change;
    if (change.kind === 'placed') this.shards.set(tenant, { group: change.group, epoch: change.epoch, incarnation });
    else this.shards.set(tenant, { group: null, epoch: this.shards.get(tenant)?.epoch ?? Epoch(0), incarnation });
    const hint = this.overlay.get(tenant);
    const mapped = this.shards.get(tenant);
    if (hint !== undefined && mapped !== undefined && !isNewer(hint, mapped)) this.overlay.delete(tenant);
  }
}

/** An incarnation outranks the earlier ones; within it, an epoch the earlier ones. */
function isNewer(
  a: { incarnation: Incarnation; epoch: Epoch },
  b: { incarnation: Incarnation; epoch: Epoch },
): boolean {
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation;
  return a.epoch > b.epoch;
}
