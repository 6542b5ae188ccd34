/**
 * The metadata group's replicated state: which tenant lives where. It alone hands out incarnations, and gives
 * a name its next one only after the last was dropped. Each change is one version of the ShardMap.
 */
import { Epoch, type GroupId, Incarnation, MapVersion, type MoveId, type TenantName } from '../base/ids.ts';
import type { MapChange, TenantPlace } from '../wire/messages.ts';
import { Moves } from './moves.ts';
import { roundRobin } from './roundRobin.ts';

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
  readonly moves = new Moves();
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

  /** The tenant lives in another group now. Returns whether that is news: of a later epoch. */
  relocate(tenant: TenantName, incarnation: Incarnation, group: GroupId, epoch: Epoch): boolean {
    const place = this.places.get(tenant);
    if (place === undefined || place.dropped || place.incarnation !== incarnation || epoch <= place.epoch) return false;
    this.places.set(tenant, { ...place, group, epoch });
    this.changes.push({ kind: 'placed', tenant, group, epoch, incarnation });
    return true;
  }

  /** Begins a move, if none of the tenant is under way. Returns why not; null if one is under way now to that group. */
  beginMove(tenant: TenantName, to: GroupId): string | null {
    const place = this.find(tenant);
    const present = this.moves.of(tenant);
    if (place === null) return `unknown tenant '${tenant}'`;
    if (present !== null && present.to === to) return null;
    if (present !== null) return `tenant '${tenant}' is on its way to group ${String(present.to)}`;
    if (!this.groups.includes(to)) return 'no such group for tenants';
    if (place.group === to) return `tenant '${tenant}' lives in group ${String(to)}`;
    this.moves.begin(place, to);
    return null;
  }

  /** A move is over, with the tenant in the one group or the other. */
  endMove(tenant: TenantName, move: MoveId, hasDeparted: boolean): void {
    const ended = this.moves.end(tenant, move);
    if (ended !== null && hasDeparted) this.relocate(tenant, ended.incarnation, ended.to, Epoch(ended.epoch + 1));
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
        const isMoved = before?.incarnation === incarnation && !before.dropped && change.epoch > before.epoch;
        const isNew = incarnation === (before?.incarnation ?? 0) + 1 && before?.dropped !== false;
        if (!isMoved && !isNew) return null;
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
