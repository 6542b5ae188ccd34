/** What nodes say to one another about the ShardMap, as bytes; and a tenant's place, wherever it is said. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Epoch, MapVersion } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { limits } from '../base/limits.ts';
import { readGroup, readIncarnation, readTenant, readTenantOrNone, varintBytes } from './fields.ts';
import type { MapChange, PeerMessage, TenantPlace } from './messages.ts';

type MapMessage = Extract<PeerMessage, { kind: 'mapVersion' | 'mapChanges' | 'mapWanted' | 'mapPiece' }>;
/** Of nodes that have no metadata group. */
type PlacesMessage = Extract<PeerMessage, { kind: 'placesDigest' | 'partDigests' | 'partsWanted' | 'places' }>;
type Decoded<Kind extends MapMessage['kind']> = Extract<MapMessage, { kind: Kind }>;

const change = { placed: 1, dropped: 2 } as const;
/** More than a change of the map takes without its tenant's name. */
const changeBytes = 32;
/** A change takes at least kind, tenant (two) and incarnation. */
const minimumChangeBytes = 4;

export function encodeMapMessage(writer: ByteWriter, m: MapMessage): void {
  switch (m.kind) {
    case 'mapVersion':
      writer.varint(m.version);
      writer.u64(m.digest);
      return;
    case 'mapChanges':
      writer.varint(m.since);
      encodeChanges(writer, m.changes);
      writer.u64(m.digest);
      writer.varint(m.latest - m.since);
      return;
    case 'mapWanted':
      writer.varint(m.since);
      writer.text(m.after ?? '');
      return;
    case 'mapPiece':
      writer.varint(m.since);
      writer.text(m.after ?? '');
      encodeChanges(writer, m.changes);
      writer.bytes(m.places);
      writer.u8(m.isLast ? 1 : 0);
      writer.u64(m.digest);
      return;
    default:
      unreachable(m);
  }
}

/** Beside what every message takes. */
export function mapMessageBytes(m: Exclude<MapMessage, { kind: 'mapVersion' }>): number {
  const changes = m.kind === 'mapWanted' ? 0 : changesBytes(m.changes);
  const after = m.kind === 'mapChanges' ? 0 : (m.after?.length ?? 0);
  return changes + after + (m.kind === 'mapPiece' ? m.places.length : 0);
}

/** `saysDigest`: since version 6; 0 before. */
export function decodeMapVersion(reader: ByteReader, saysDigest: boolean): Decoded<'mapVersion'> {
  const version = MapVersion(reader.varint());
  return { kind: 'mapVersion', version, digest: saysDigest ? reader.u64() : 0 };
}

export function decodeMapChanges(reader: ByteReader, saysDigest: boolean): Decoded<'mapChanges'> | null {
  const since = MapVersion(reader.varint());
  const changes = decodeChanges(reader);
  if (changes === null) return null;
  const digest = saysDigest ? reader.u64() : 0;
  const ahead = saysDigest ? reader.varint() : changes.length;
  if (ahead < changes.length) reader.fail();
  return { kind: 'mapChanges', since, changes, digest, latest: MapVersion(since + ahead) };
}

export function decodeMapWanted(reader: ByteReader): Decoded<'mapWanted'> {
  const since = MapVersion(reader.varint());
  return { kind: 'mapWanted', since, after: readTenantOrNone(reader) };
}

export function decodeMapPiece(reader: ByteReader): Decoded<'mapPiece'> | null {
  const since = MapVersion(reader.varint());
  const after = readTenantOrNone(reader);
  const changes = decodeChanges(reader);
  if (changes === null) return null;
  const places = reader.bytes();
  const isLast = reader.u8() === 1;
  return { kind: 'mapPiece', since, after, changes, places, isLast, digest: reader.u64() };
}

export function encodePlacesMessage(writer: ByteWriter, m: PlacesMessage): void {
  switch (m.kind) {
    case 'placesDigest':
      writer.u64(m.digest);
      return;
    case 'partDigests':
      encodeNumbers(writer, m.digests);
      return;
    case 'partsWanted':
      encodeNumbers(writer, m.parts);
      return;
    case 'places':
      writer.bytes(m.places);
      writer.u8(m.isLast ? 1 : 0);
      return;
    default:
      unreachable(m);
  }
}

/** Beside what every message takes. */
export function placesMessageBytes(m: PlacesMessage): number {
  if (m.kind === 'placesDigest') return 0;
  if (m.kind === 'places') return m.places.length;
  const numbers = m.kind === 'partDigests' ? m.digests : m.parts;
  return numbers.reduce((bytes, number) => bytes + varintBytes(number), 0);
}

export function decodePartDigests(reader: ByteReader): Extract<PlacesMessage, { kind: 'partDigests' }> {
  const digests = Array.from({ length: reader.count(1) }, () => reader.varint());
  if (digests.length !== limits.mapParts) reader.fail();
  return { kind: 'partDigests', digests };
}

export function decodePartsWanted(reader: ByteReader): Extract<PlacesMessage, { kind: 'partsWanted' }> {
  const parts = Array.from({ length: reader.count(1) }, () => reader.varint());
  if (parts.some((part) => part >= limits.mapParts)) reader.fail();
  return { kind: 'partsWanted', parts };
}

function encodeNumbers(writer: ByteWriter, numbers: readonly number[]): void {
  writer.varint(numbers.length);
  for (const number of numbers) writer.varint(number);
}

export function encodePlace(writer: ByteWriter, place: TenantPlace): void {
  writer.text(place.tenant);
  writer.varint(place.group);
  writer.varint(place.epoch);
  writer.varint(place.incarnation);
}

export function decodePlace(reader: ByteReader): TenantPlace | null {
  const tenant = readTenant(reader);
  const group = readGroup(reader);
  const epoch = Epoch(reader.varint());
  const incarnation = readIncarnation(reader);
  return tenant === null ? null : { tenant, group, epoch, incarnation };
}

function encodeChanges(writer: ByteWriter, changes: readonly MapChange[]): void {
  writer.varint(changes.length);
  for (const each of changes) encodeChange(writer, each);
}

/** Null if one of them is of an unknown kind. */
function decodeChanges(reader: ByteReader): readonly MapChange[] | null {
  const count = reader.count(minimumChangeBytes);
  const changes: MapChange[] = [];
  for (let i = 0; i < count; i += 1) {
    const decoded = decodeChange(reader);
    if (decoded === null) return null;
    changes.push(decoded);
  }
  return changes;
}

function changesBytes(changes: readonly MapChange[]): number {
  return changes.reduce((bytes, { tenant }) => bytes + changeBytes + tenant.length, 0);
}

function encodeChange(writer: ByteWriter, c: MapChange): void {
  writer.u8(change[c.kind]);
  if (c.kind === 'placed') encodePlace(writer, c);
  else {
    writer.text(c.tenant);
    writer.varint(c.incarnation);
  }
}

function decodeChange(reader: ByteReader): MapChange | null {
  switch (reader.u8()) {
    case change.placed: {
      const place = decodePlace(reader);
      return place === null ? null : { kind: 'placed', ...place };
    }
    case change.dropped: {
      const tenant = readTenant(reader);
      const incarnation = readIncarnation(reader);
      return tenant === null ? null : { kind: 'dropped', tenant, incarnation };
    }
    default:
      return null;
  }
}
