/**
 * Which tenant lives where, as of a version: each change makes the next one. It knows its digest, and the latest
 * changes that led to it; what it was before those is forgotten.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type GroupId, MapVersion, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { MapChange, TenantPlace } from '../wire/messages.ts';
import { changeTo, isNewer, type Place, placeAfter, placeOf } from './place.ts';
import { PlaceTable, type PlaceCut, readPlaces } from './placeTable.ts';
import { RecentChanges } from './recentChanges.ts';

/** A map as of one version, to be read out while it goes on; to be closed. */
export interface MapCut {
  readonly version: MapVersion;
  readonly digest: number;
  /** Names. */
  readonly size: number;
  readonly places: PlaceCut;
}

/** Changes that follow one another, and the digest of the map behind the last. */
export interface Advance {
  readonly changes: readonly MapChange[];
  readonly digest: number;
}

export class TenantMap {
  private readonly table: PlaceTable;
  /** The version before the first of the changes that are kept or were. */
  private readonly base: number;
  private readonly recent = new RecentChanges(limits.mapChangesKept);

  constructor(table = new PlaceTable(), version = MapVersion(0)) {
    this.table = table;
    this.base = version;
  }

  get version(): MapVersion {
    return MapVersion(this.base + this.recent.total);
  }

  get digest(): number {
    return this.table.digest;
  }

  /** Names, those that were dropped included. */
  get size(): number {
    return this.table.size;
  }

  /** Tenants: names that are placed. */
  get placed(): number {
    return this.table.placed;
  }

  /** How many tenants live in the group. */
  placedIn(group: GroupId): number {
    return this.table.placedIn(group);
  }

  /** The first version from which on the changes are known. */
  get oldest(): MapVersion {
    return MapVersion(this.base + this.recent.oldest);
  }

  find(tenant: TenantName): Place | null {
    return this.table.find(tenant);
  }

  apply(change: MapChange): void {
    const place = placeAfter(change);
    const at = this.table.set(change.tenant, place);
    this.recent.push(at, place, this.table.digest);
  }

  /** Takes over what is newer than what is known. Returns whether it is. */
  merge(tenant: TenantName, place: Place): boolean {
    const known = this.find(tenant);
    if (known !== null && !isNewer(place, known)) return false;
    this.apply(changeTo(tenant, place));
    return true;
  }

  /** Has the digests of parts ready, which takes time if there is much. */
  keepPartDigests(): void {
    this.table.keepPartDigests();
  }

  /** Digests of parts of the map, which are the same where the parts are. */
  get partDigests(): readonly number[] {
    return this.table.partDigests;
  }

  /** The names of a part with their places. */
  part(part: number): Generator<readonly [TenantName, Place]> {
    return this.table.part(part);
  }

  /** All names with their places, those that were dropped included. */
  entries(): Generator<readonly [TenantName, Place]> {
    return this.table.entries();
  }

  /** At most `limit` changes after `since`; null if they are not known any more, or not yet. */
  changesAfter(since: MapVersion, limit: number): Advance | null {
    if (since < this.oldest || since > this.version) return null;
    const { table, recent } = this;
    const first = since - this.base;
    const end = Math.min(recent.total, first + limit);
    const changes: MapChange[] = [];
    for (let number = first; number < end; number += 1) {
      const { at, place } = recent.changeAt(number);
      changes.push(changeTo(table.nameAt(at), place));
    }
    return { changes, digest: end === recent.total ? table.digest : recent.digestAt(end - 1) };
  }

  /** Tenants with their place, in the order in which their names came. */
  *places(): Generator<TenantPlace> {
    for (const [tenant, place] of this.table.entries()) if (place.group !== null) yield placeOf(tenant, place);
  }

  /** Of `count` names behind the first `cursor` those that are tenants; `next` is 0 at the end. Names keep their order. */
  page(cursor: number, count: number): { readonly next: number; readonly tenants: readonly TenantName[] } {
    const tenants: TenantName[] = [];
    let looked = 0;
    for (const [tenant, place] of this.table.entries(cursor)) {
      if (looked === count) return { next: cursor + looked, tenants };
      looked += 1;
      if (place.group !== null) tenants.push(tenant);
    }
    return { next: 0, tenants };
  }

  /**
   * Writes the places behind that of a tenant (null: from the first on), about `bytes` of them. Returns whether these
   * are the last; null if there is no such tenant.
   */
  writePiece(writer: ByteWriter, after: TenantName | null, bytes: number): boolean | null {
    const at = after === null ? -1 : this.table.addressOf(after);
    return after !== null && at < 0 ? null : this.table.writePiece(writer, at, bytes);
  }

  cut(): MapCut {
    const { version, digest, size } = this;
    return { version, digest, size, places: this.table.cut() };
  }

  copy(): TenantMap {
    return new TenantMap(this.table.copy(), this.version);
  }
}

/** A map that is put together of pieces. Nothing of it is trusted: it is used only if its digest is the one that was told. */
export class MapBuilder {
  private readonly table = new PlaceTable();
  /** The name that came last; null before the first. */
  last: TenantName | null = null;

  /** False for bytes that no map writes: the builder is of no use any more. */
  add(reader: ByteReader): boolean {
    const last = readPlaces(reader, (tenant, place) => this.table.set(tenant, place));
    this.last = last ?? this.last;
    return !reader.failed;
  }

  /** Changes of what is here already. What is not will come as it is after them. */
  change(changes: readonly MapChange[]): void {
    for (const change of changes)
      if (this.table.addressOf(change.tenant) >= 0) this.table.set(change.tenant, placeAfter(change));
  }

  /** Null if it is not the map that has this digest. */
  finish(version: MapVersion, digest: number): TenantMap | null {
    return this.table.digest === digest ? new TenantMap(this.table, version) : null;
  }
}
