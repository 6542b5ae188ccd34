/** Where a tenant lives, or that it was dropped; and which of two such statements is the newer one. */
import type { Epoch, GroupId, Incarnation, TenantName } from '../base/ids.ts';
import type { MapChange, TenantPlace } from '../wire/messages.ts';

export interface Placed {
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly incarnation: Incarnation;
}

/** Dropped names are remembered, so that no incarnation is handed out twice and old hints are known for what they are. */
export interface Dropped {
  readonly group: null;
  readonly incarnation: Incarnation;
}

export type Place = Placed | Dropped;

/** An incarnation outranks the earlier ones; within it an epoch the earlier ones, and its end them all. */
export function isNewer(place: Place, known: Place): boolean {
  if (place.incarnation !== known.incarnation) return place.incarnation > known.incarnation;
  if (known.group === null) return false;
  return place.group === null || place.epoch > known.epoch;
}

export function changeTo(tenant: TenantName, place: Place): MapChange {
  const { incarnation } = place;
  if (place.group === null) return { kind: 'dropped', tenant, incarnation };
  return { kind: 'placed', tenant, group: place.group, epoch: place.epoch, incarnation };
}

export function placeAfter(change: MapChange): Place {
  const { incarnation } = change;
  if (change.kind === 'dropped') return { group: null, incarnation };
  return { group: change.group, epoch: change.epoch, incarnation };
}

export function placeOf(tenant: TenantName, { group, epoch, incarnation }: Placed): TenantPlace {
  return { tenant, group, epoch, incarnation };
}
