/**
 * A node's copy of the ShardMap: a hint. It may be behind, never ahead: versions never go back, and what a reply told
 * about a single tenant sits in an overlay until the map has caught up. Where no metadata group makes versions, what is
 * heard of a tenant goes into the map if it is newer.
 */
import type { MapVersion, TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { isNewer, type Place, type Placed, placeOf } from '../metadata/place.ts';
import { TenantMap } from '../metadata/tenantMap.ts';
import type { MapChange, TenantPlace } from '../wire/messages.ts';

/** `gap`: the changes begin behind the end of this map. `differs`: they lead to another map than this one. */
export type Advanced = 'advanced' | 'known' | 'gap' | 'differs';

export class ShardMap {
  /** Grows with everything that may change an answer: what was found before holds while it is the same. */
  edition = 0;
  private map: TenantMap;
  private readonly overlay = new Map<TenantName, Placed>();
  /** Whether what is heard of a single tenant is part of the map. */
  readonly merges: boolean;

  constructor(map = new TenantMap(), merges = false) {
    this.map = map;
    this.merges = merges;
    if (merges) map.keepPartDigests();
  }

  /** The map without what replies told. To be read, not changed. */
  get base(): TenantMap {
    return this.map;
  }

  get version(): MapVersion {
    return this.map.version;
  }

  get digest(): number {
    return this.map.digest;
  }

  /** Where the tenant lives, as far as this node knows; null if it has never heard of it or it was dropped. */
  find(tenant: TenantName): Placed | null {
    if (this.overlay.size > 0) {
      const hint = this.overlay.get(tenant);
      if (hint !== undefined) return hint;
    }
    const place = this.map.find(tenant);
    return place === null || place.group === null ? null : place;
  }

  /** Takes over the changes after `since` that are new here. `digest` is that of the map behind the last of them. */
  advance(since: MapVersion, changes: readonly MapChange[], digest: number): Advanced {
    if (since > this.version) return 'gap';
    const end = since + changes.length;
    if (end < this.version) return 'known';
    const isNews = end > this.version;
    for (let i = this.version - since; i < changes.length; i += 1) {
      const change = changes[i];
      if (change !== undefined) this.apply(change);
    }
    if (this.digest !== digest) return 'differs';
    return isNews ? 'advanced' : 'known';
  }

  /** Goes on with another map, of no earlier version. */
  replace(map: TenantMap): void {
    this.map = map;
    this.edition += 1;
    for (const tenant of this.overlay.keys()) this.forgetOldHint(tenant);
  }

  /** Takes a hint about one tenant, if it is newer than what is known. Returns whether it was. */
  learn(place: TenantPlace): boolean {
    const { tenant, group, epoch, incarnation } = place;
    if (this.merges) return this.merge(tenant, { group, epoch, incarnation });
    const known = this.overlay.get(tenant) ?? this.map.find(tenant);
    if (known !== null && !isNewer(place, known)) return false;
    this.overlay.delete(tenant);
    this.overlay.set(tenant, { group, epoch, incarnation });
    this.edition += 1;
    const [oldest] = this.overlay.keys();
    if (oldest !== undefined && this.overlay.size > limits.mapHints) this.overlay.delete(oldest);
    return true;
  }

  /** Takes over what is newer than what the map has of the tenant. Returns whether it is. */
  merge(tenant: TenantName, place: Place): boolean {
    const isNews = this.map.merge(tenant, place);
    if (isNews) this.edition += 1;
    return isNews;
  }

  /** All tenants with their place, in the order of their names' code units. */
  list(): readonly TenantPlace[] {
    const places = new Map<TenantName, TenantPlace>();
    for (const place of this.map.places()) places.set(place.tenant, place);
    for (const [tenant, hint] of this.overlay) places.set(tenant, placeOf(tenant, hint));
    return [...places.values()].sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
  }

  private apply(change: MapChange): void {
    this.map.apply(change);
    this.edition += 1;
    this.forgetOldHint(change.tenant);
  }

  /** The map may have overtaken it. */
  private forgetOldHint(tenant: TenantName): void {
    const hint = this.overlay.get(tenant);
    if (hint === undefined) return;
    const mapped = this.map.find(tenant);
    if (mapped !== null && !isNewer(hint, mapped)) this.overlay.delete(tenant);
  }
}
