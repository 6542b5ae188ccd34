/**
 * The metadata group's replicated state: which tenant lives where. It alone hands out incarnations, and gives
 * a name its next one only after the last was dropped. Each change is one version of the ShardMap.
 */
import { Epoch, type GroupId, Incarnation, MapVersion, type TenantName } from '../base/ids.ts';
import type { MapChange, TenantPlace } from '../wire/messages.ts';
import { roundRobin } from './place.ts';

interface Place {
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly incarnation: Incarnation;
  /** Dropped names are remembered, so that no incarnation is handed out twice. */
  readonly dropped: boolean;
}

export class Directory {
  /** The change that made version v is at `changes[v - 1]`. */
  readonly changes: MapChange[] = [];
  private readonly groups: readonly GroupId[];
  private readonly places = new Map<TenantName, Place>();
  private placed = 0;

  /** `groups`: where tenants may live, sorted by id. */
  constructor(groups: readonly GroupId[]) {
    this.groups = groups;
  }

  get version(): MapVersion {
    return MapVersion(this.changes.length);
  }

  /** Whether this name was ever placed, even if it was dropped since. */
  knows(tenant: TenantName): boolean {
    return this.places.has(tenant);
  }

  find(tenant: TenantName): TenantPlace | null {
    const place = this.places.get(tenant);
    if (place === undefined || place.dropped) return null;
    return { tenant, group: place.group, epoch: place.epoch, incarnation: place.incarnation };
  }

  /** Finds the tenant or creates it: in `group` if that is one for tenants, otherwise by the policy. */
  place(tenant: TenantName, group: GroupId | null): TenantPlace {
    const found = this.find(tenant);
    if (found !== null) return found;
    const chosen = group !== null && this.groups.includes(group) ? group : this.nextGroup();
    const incarnation = Incarnation((this.places.get(tenant)?.incarnation ?? 0) + 1);
    const place: Place = { group: chosen, epoch: Epoch(1), incarnation, dropped: false };
    this.places.set(tenant, place);
    const placed: TenantPlace = { tenant, group: chosen, epoch: place.epoch, incarnation };
    this.changes.push({ kind: 'placed', ...placed });
    return placed;
  }

  /** Forgets this incarnation of the tenant. Does nothing if it is not the present one. */
  drop(tenant: TenantName, incarnation: Incarnation): void {
    const place = this.places.get(tenant);
    if (place === undefined || place.dropped || place.incarnation !== incarnation) return;
    this.places.set(tenant, { ...place, dropped: true });
    this.changes.push({ kind: 'dropped', tenant, incarnation });
  }

  /** Tenants placed by the policy so far: where it goes on. */
  get placedByPolicy(): number {
    return this.placed;
  }

  /** A directory that has seen these changes. Null if they do not follow one another. */
  static of(groups: readonly GroupId[], changes: readonly MapChange[], placedByPolicy: number): Directory | null {
    const directory = new Directory(groups);
    for (const change of changes) {
      const { tenant, incarnation } = change;
      const before = directory.places.get(tenant);
      if (change.kind === 'placed') {
        if (incarnation !== (before?.incarnation ?? 0) + 1 || before?.dropped === false) return null;
        directory.places.set(tenant, { group: change.group, epoch: change.epoch, incarnation, dropped: false });
        directory.changes.push(change);
      } else directory.drop(tenant, incarnation);
    }
    directory.placed = placedByPolicy;
    return directory.changes.length === changes.length ? directory : null;
  }

  private nextGroup(): GroupId {
    const group = roundRobin(this.groups, this.placed);
    this.placed += 1;
    return group;
  }
}
