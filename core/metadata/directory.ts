/**
 * The directory as replicated state: which tenant lives where. It alone hands out incarnations, and gives a name its next
 * one only after the last was dropped. The metadata group has all of it, and each change is one version of the ShardMap;
 * or each group has the entries of the tenants whose home it is.
 */
import {
  Epoch,
  GroupId,
  Incarnation,
  type MapVersion,
  metadataGroup,
  type MoveId,
  type TenantName,
} from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { GroupPlan } from '../wire/groups.ts';
import type { TenantPlace } from '../wire/messages.ts';
import { isFromOutside, type Pin, type PlannedMove } from '../wire/moves.ts';
import { Moves } from './moves.ts';
import { NodeMap, noNodes } from './nodeMap.ts';
import { Pins } from './pins.ts';
import { placeOf } from './place.ts';
import { roundRobin } from './groupChoice.ts';
import { TenantMap } from './tenantMap.ts';

export class Directory {
  readonly map: TenantMap;
  readonly moves: Moves;
  readonly pins = new Pins();
  readonly nodes: NodeMap;
  /** Where tenants may live, sorted by id: those of the configuration, and behind them those that were made. */
  private readonly groups: GroupId[];
  private placed: number;
  private readonly home: GroupId | null;

  /** `groups`: where tenants may live by the configuration, sorted by id. `home`: where they are created here, null: in one after the other. */
  constructor(
    groups: readonly GroupId[],
    map = new TenantMap(),
    placedByPolicy = 0,
    nodes = new NodeMap(noNodes),
    home: GroupId | null = null,
  ) {
    this.groups = [...groups, ...nodes.groups.map(({ group }) => group)];
    this.nodes = nodes;
    this.map = map;
    this.placed = placedByPolicy;
    this.home = home;
    this.moves = new Moves(home);
  }

  get version(): MapVersion {
    return this.map.version;
  }

  /** Tenants placed by the policy so far: where it goes on. */
  get placedByPolicy(): number {
    return this.placed;
  }

  /** Where anybody may live, sorted by id. */
  get openGroups(): readonly GroupId[] {
    return this.pins.isEmpty ? this.groups : this.groups.filter((group) => this.pins.ownerOf(group) === null);
  }

  /** Whether this name was ever placed, even if it was dropped since. */
  knows(tenant: TenantName): boolean {
    return this.map.find(tenant) !== null;
  }

  find(tenant: TenantName): TenantPlace | null {
    const place = this.map.find(tenant);
    return place === null || place.group === null ? null : placeOf(tenant, place);
  }

  /** Finds the tenant or creates it, unless it is being imported: in `group` if that is one for tenants, otherwise by the policy. */
  place(tenant: TenantName, group: GroupId | null): TenantPlace {
    const found = this.find(tenant);
    if (found !== null) return found;
    const chosen = group !== null && this.isOpen(group) ? group : this.nextGroup();
    const placed: TenantPlace = { tenant, group: chosen, epoch: Epoch(1), incarnation: this.nextIncarnation(tenant) };
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

  /**
   * Begins a move, if none of the tenant is under way. Returns what its client is told if it may not; null if one is under
   * way now to that group. `alone`: the group is for the tenant alone then. `isPlanners`: no operator asked for it.
   */
  beginMove(tenant: TenantName, to: GroupId, alone: boolean, isPlanners: boolean): string | null {
    const why = this.whyNotTo(tenant, to, alone);
    if (why !== null) return `ERR ${why}`;
    const place = this.find(tenant);
    if (place === null || this.moves.of(tenant) !== null) return null;
    // The planner has its own, so that what operators have begun cannot keep the cluster from being repaired.
    const departures = this.moves.departures(isPlanners);
    if (departures >= (isPlanners ? limits.movesPlannedAtATime : limits.movesAtATime))
      return `BUSY not executed: ${String(departures)} moves are under way, as many as may be`;
    this.moves.begin(place, to, isPlanners);
    if (alone) this.pins.dedicate(to, tenant);
    return null;
  }

  /** Why the tenant may not go there; null if it may, or is on its way there. */
  private whyNotTo(tenant: TenantName, to: GroupId, alone: boolean): string | null {
    const place = this.find(tenant);
    const present = this.moves.of(tenant);
    if (this.importOf(tenant) !== null) return `tenant '${tenant}' is being imported`;
    if (place === null) return `unknown tenant '${tenant}'`;
    if (present !== null && present.to === to) return null;
    if (present !== null) return `tenant '${tenant}' is on its way to group ${String(present.to)}`;
    if (!this.groups.includes(to)) return 'no such group for tenants';
    if (place.group === to) return `tenant '${tenant}' lives in group ${String(to)}`;
    const [owner, pin] = [this.pins.ownerOf(to), this.pins.of(tenant)];
    if (owner !== null && owner !== tenant) return `group ${String(to)} is for tenant '${owner}' alone`;
    if (pin !== null && pin !== to && !(pin === 'own' && (alone || owner === tenant)))
      return `tenant '${tenant}' is pinned to ${pin === 'own' ? 'a group of its own' : `group ${String(pin)}`}`;
    return alone && owner === null && this.isUsed(to, tenant) ? `group ${String(to)} is not empty` : null;
  }

  /**
   * Returns what its client is told if that cannot be; null if it is so now. Where it lives is another matter: somebody
   * moves it there.
   */
  pin(tenant: TenantName, pin: Pin): string | null {
    if (this.find(tenant) === null) return `ERR unknown tenant '${tenant}'`;
    if (pin !== 'own' && !this.groups.includes(pin)) return 'ERR no such group for tenants';
    const owner = pin === 'own' ? null : this.pins.ownerOf(pin);
    if (owner !== null && owner !== tenant) return `ERR group ${String(pin)} is for tenant '${owner}' alone`;
    this.pins.pin(tenant, pin);
    return null;
  }

  /** The tenant may live anywhere, as far as pins go. */
  unpin(tenant: TenantName): void {
    this.pins.unpin(tenant);
    this.releaseIdle(tenant);
  }

  /** Makes groups, unless they were made already for the same question. */
  makeGroups(plan: GroupPlan): { readonly groups: readonly GroupId[]; readonly why: string } {
    const { request, above, alone } = plan;
    const known = this.nodes.madeFor(request);
    if (known.length > 0) return { groups: known, why: '' };
    if (alone !== null && this.find(alone) === null) return { groups: [], why: `unknown tenant '${alone}'` };
    if (alone !== null && this.pins.ownedBy(alone).length > 0)
      return { groups: [], why: `tenant '${alone}' has a group for itself` };
    const highest = GroupId(Math.max(above, this.groups.at(-1) ?? 0));
    const why = this.nodes.make(plan, highest);
    const groups = this.nodes.madeFor(request);
    this.groups.push(...groups);
    if (alone !== null) for (const group of groups) this.pins.dedicate(group, alone);
    return { groups, why: why ?? '' };
  }

  /** The source of a move says that the tenant stays: it may be moved again, whatever the destination has heard. */
  letStay(tenant: TenantName, move: MoveId): void {
    const stayed = this.importOf(tenant) === null ? this.moves.letStay(tenant, move) : null;
    if (stayed !== null) this.pins.release(stayed.to, tenant);
  }

  /** A move is over, with the tenant in the one group or the other; one from outside ends there or in a drop. */
  endMove(tenant: TenantName, move: MoveId, hasDeparted: boolean): void {
    const cleared = this.moves.clear(tenant, move);
    if (cleared !== null && hasDeparted)
      this.relocate(tenant, cleared.incarnation, cleared.to, Epoch(cleared.epoch + 1));
    const ended = hasDeparted || this.importOf(tenant) === null ? this.moves.end(tenant, move) : null;
    if (ended === null) return;
    this.pins.release(hasDeparted ? ended.from : ended.to, tenant);
    if (!hasDeparted) return;
    const { incarnation, to: group } = ended;
    const epoch = Epoch(ended.epoch + 1);
    if (isFromOutside(ended)) this.map.apply({ kind: 'placed', tenant, group, epoch, incarnation });
    else this.relocate(tenant, incarnation, group, epoch);
  }

  /** The tenant is on its way from outside: nobody else may have its name, and nobody sees it. */
  importOf(tenant: TenantName): PlannedMove | null {
    const planned = this.moves.of(tenant);
    return planned !== null && isFromOutside(planned) ? planned : null;
  }

  /**
   * Lets a tenant come from outside, if its name is free: to `to` if that is one for tenants, otherwise by the policy.
   * Returns what its client is told if it may not; null if it is on its way now, perhaps since long.
   */
  beginImport(tenant: TenantName, to: GroupId | null): string | null {
    if (this.find(tenant) !== null) return `ERR not executed: tenant '${tenant}' exists`;
    if (this.importOf(tenant) !== null) return null;
    if (this.moves.of(tenant) !== null) return `TRYAGAIN not executed: a former tenant '${tenant}' is still on its way`;
    if (this.moves.imports >= limits.importsAtATime)
      return 'BUSY not executed: as many imports as may be are under way in the cluster';
    const group = to !== null && this.isOpen(to) ? to : this.nextGroup();
    const place = { tenant, incarnation: this.nextIncarnation(tenant), epoch: Epoch(0), group: metadataGroup };
    this.moves.begin(place, group, false);
    return null;
  }

  /** Forgets this incarnation, which its group has released. Does nothing if it is not the present one. */
  drop(tenant: TenantName, incarnation: Incarnation): void {
    const coming = this.importOf(tenant);
    if (coming?.incarnation === incarnation) {
      this.moves.end(tenant, coming.move);
      this.map.apply({ kind: 'dropped', tenant, incarnation });
    }
    const found = this.find(tenant);
    if (found?.incarnation !== incarnation) return;
    this.map.apply({ kind: 'dropped', tenant, incarnation });
    this.pins.unpin(tenant);
    this.pins.release(found.group, tenant);
    this.releaseIdle(tenant);
  }

  /** Groups that are for the tenant alone, where it does not live and is not on its way to, are anybody's again. */
  private releaseIdle(tenant: TenantName): void {
    const [place, planned] = [this.find(tenant), this.moves.of(tenant)];
    for (const group of this.pins.ownedBy(tenant))
      if (group !== place?.group && group !== planned?.to) this.pins.release(group, tenant);
  }

  private nextIncarnation(tenant: TenantName): Incarnation {
    return Incarnation((this.map.find(tenant)?.incarnation ?? 0) + 1);
  }

  /** Others live there, are on their way there, or have to. */
  private isUsed(group: GroupId, except: TenantName): boolean {
    if (this.moves.list().some(({ tenant, to }) => to === group && tenant !== except)) return true;
    if (this.pins.list().some(([tenant, pin]) => pin === group && tenant !== except)) return true;
    const itself = this.find(except)?.group === group ? 1 : 0;
    return this.map.placedIn(group) > itself;
  }

  /** It is for tenants, and for nobody alone. */
  private isOpen(group: GroupId): boolean {
    return this.groups.includes(group) && this.pins.ownerOf(group) === null;
  }

  private nextGroup(): GroupId {
    if (this.home !== null) return this.home;
    const open = this.openGroups;
    const group = roundRobin(open.length === 0 ? this.groups : open, this.placed);
    this.placed += 1;
    return group;
  }
}
