/**
 * The metadata group's replicated state: which tenant lives where. It alone hands out incarnations, and gives
 * a name its next one only after the last was dropped. Each change is one version of the ShardMap.
 */
import { Epoch, type GroupId, Incarnation, type MapVersion, type MoveId, type TenantName } from '../base/ids.ts';
import type { TenantPlace } from '../wire/messages.ts';
import { Moves } from './moves.ts';
import { NodeMap, noNodes } from './nodeMap.ts';
import { placeOf } from './place.ts';
import { roundRobin } from './groupChoice.ts';
import { TenantMap } from './tenantMap.ts';

export class Directory {
  readonly map: TenantMap;
  readonly moves = new Moves();
  readonly nodes: NodeMap;
  private readonly groups: readonly GroupId[];
  private placed: number;

  /** `groups`: where tenants may live, sorted by id. */
  constructor(groups: readonly GroupId[], map = new TenantMap(), placedByPolicy = 0, nodes = new NodeMap(noNodes)) {
    this.groups = groups;
    this.nodes = nodes;
    this.map = map;
    this.placed = placedByPolicy;
  }

  get version(): MapVersion {
    return this.map.version;
  }

  /** Tenants placed by the policy so far: where it goes on. */
  get placedByPolicy(): number {
    return this.placed;
  }

  /** Whether this name was ever placed, even if it was dropped since. */
  knows(tenant: TenantName): boolean {
    return this.map.find(tenant) !== null;
  }

  find(tenant: TenantName): TenantPlace | null {
    const place = this.map.find(tenant);
    return place === null || place.group === null ? null : placeOf(tenant, place);
  }

  /** Finds the tenant or creates it: in `group` if that is one for tenants, otherwise by the policy. */
  place(tenant: TenantName, group: GroupId | null): TenantPlace {
    const found = this.find(tenant);
    if (found !== null) return found;
    const chosen = group !== null && this.groups.includes(group) ? group : this.nextGroup();
    const incarnation = Incarnation((this.map.find(tenant)?.incarnation ?? 0) + 1);
    const placed: TenantPlace = { tenant, group: chosen, epoch: Epoch(1), incarnation };
    this.map.apply({ kind: 'placed', ...placed });
    return placed;
  }

  /**
   * Notes where a move has taken this incarnation. The group that it came to has its epoch, so only a higher one says
   * anything new. Returns whether it does.
   */
  relocate(tenant: TenantName, incarnation: Incarnation, group: GroupId, epoch: Epoch): boolean {
    const found = this.find(tenant);
    if (found?.incarnation !== incarnation || epoch <= found.epoch) return false;
    this.map.apply({ kind: 'placed', tenant, group, epoch, incarnation });
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

  /** Forgets this incarnation, which its group has released. Does nothing if it is not the present one. */
  drop(tenant: TenantName, incarnation: Incarnation): void {
    if (this.find(tenant)?.incarnation === incarnation) this.map.apply({ kind: 'dropped', tenant, incarnation });
  }

  private nextGroup(): GroupId {
    const group = roundRobin(this.groups, this.placed);
    this.placed += 1;
    return group;
  }
}
