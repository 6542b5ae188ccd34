/**
 * All names that were ever placed, in the order in which they came, with their places and a digest of it all. It can be
 * read out piece by piece, as it is now (`cut`) while it goes on, or as it is at each piece (`writePiece`).
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Epoch, type GroupId, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { readGroup, readIncarnation, readTenant } from '../wire/fields.ts';
import { emptyMapDigest, minusDigest, plusDigest } from './mapDigest.ts';
import { NameIndex } from './nameIndex.ts';
import { PackedName } from './packedName.ts';
import type { Place } from './place.ts';
import { PlaceRecords } from './placeRecords.ts';

const kind = { placed: 1, dropped: 2 } as const;
const partBits = 31 - Math.clz32(limits.mapParts);
const hashBits = 32;
/** Of so many records behind one another the address of the first is kept: to go to one of them is a short way. */
const stride = 1024;

export class PlaceTable {
  digest = emptyMapDigest;
  /** Names, those that were dropped included. */
  size = 0;
  /** Tenants: names that are placed. */
  placed = 0;
  private readonly name = new PackedName();
  private readonly records: PlaceRecords;
  private readonly index: NameIndex;
  private readonly cuts = new Set<PlaceCut>();
  /** Of the names whose hash begins alike; null while nobody asks. */
  private digests: number[] | null = null;
  /** Tenants of each group that ever had one. */
  private readonly counts: Map<GroupId, number>;
  /** Addresses of the first record, and of each that is a stride behind the one before. */
  private readonly landmarks: number[];

  constructor(
    records = new PlaceRecords(),
    index = new NameIndex(),
    counts: ReadonlyMap<GroupId, number> = new Map(),
    landmarks: readonly number[] = [],
  ) {
    this.records = records;
    this.index = index;
    this.counts = new Map(counts);
    this.landmarks = [...landmarks];
  }

  /** How many tenants live in the group. */
  placedIn(group: GroupId): number {
    return this.counts.get(group) ?? 0;
  }

  find(tenant: TenantName): Place | null {
    const at = this.addressOf(tenant);
    return at < 0 ? null : this.records.placeAt(at);
  }

  /** Where its record is; -1 if it was never placed. */
  addressOf(tenant: TenantName): number {
    this.name.pack(tenant);
    return this.index.find(this.name, this.records);
  }

  nameAt(at: number): TenantName {
    return this.records.nameAt(at);
  }

  /** Returns where the record is. */
  set(tenant: TenantName, place: Place): number {
    let at = this.addressOf(tenant);
    if (at >= 0) {
      const former = this.records.placeAt(at);
      for (const cut of this.cuts) cut.keep(at, former);
      this.count(former, -1);
      this.change(minusDigest, at);
    } else {
      at = this.records.append(this.name);
      this.index.add(this.name, at);
      if (this.size % stride === 0) this.landmarks.push(at);
      this.size += 1;
    }
    this.records.setPlace(at, place);
    this.count(place, 1);
    this.change(plusDigest, at);
    return at;
  }

  /** Of a thousand parts, by the hash of names; from the first time on they are kept up. */
  get partDigests(): readonly number[] {
    return this.digests ?? this.keepPartDigests();
  }

  /** To be called where the time that it takes does no harm. */
  keepPartDigests(): readonly number[] {
    const digests = Array.from({ length: limits.mapParts }, () => emptyMapDigest);
    this.index.forEach((hash, at) => {
      const part = hash >>> (hashBits - partBits);
      digests[part] = plusDigest(digests[part] ?? emptyMapDigest, this.records.digestAt(at));
    });
    this.digests = digests;
    return digests;
  }

  *part(part: number): Generator<readonly [TenantName, Place]> {
    const { records } = this;
    for (const at of this.index.addressesOf(part, partBits)) yield [records.nameAt(at), records.placeAt(at)];
  }

  /** In the order in which the names came, without the first `skipped`. */
  *entries(skipped = 0): Generator<readonly [TenantName, Place]> {
    const { records } = this;
    let at = this.landmarks[Math.floor(skipped / stride)] ?? records.end;
    for (let skip = skipped % stride; skip > 0 && at < records.end; skip -= 1) at = records.after(at);
    for (; at < records.end; at = records.after(at)) yield [records.nameAt(at), records.placeAt(at)];
  }

  /** Writes what follows the record at `after` (-1: from the first on), about `bytes` of it. Returns whether that is all. */
  writePiece(writer: ByteWriter, after: number, bytes: number): boolean {
    const { records } = this;
    const from = writer.length;
    let at = after < 0 ? 0 : records.after(after);
    for (; at < records.end && writer.length - from < bytes; at = records.after(at))
      writePlace(writer, records.nameAt(at), records.placeAt(at));
    return at >= records.end;
  }

  /** The table as it is now, to be read out while it goes on; to be closed. */
  cut(): PlaceCut {
    const cut = new PlaceCut(this.records, () => this.cuts.delete(cut));
    this.cuts.add(cut);
    return cut;
  }

  /** The record of the name that was packed last comes or goes. */
  private change(change: typeof plusDigest, at: number): void {
    const digest = this.records.digestAt(at);
    this.digest = change(this.digest, digest);
    if (this.digests === null) return;
    const part = this.name.hash >>> (hashBits - partBits);
    this.digests[part] = change(this.digests[part] ?? emptyMapDigest, digest);
  }

  private count({ group }: Place, change: 1 | -1): void {
    if (group === null) return;
    this.placed += change;
    this.counts.set(group, this.placedIn(group) + change);
  }

  copy(): PlaceTable {
    const copy = new PlaceTable(this.records.copy(), this.index.copy(), this.counts, this.landmarks);
    copy.digest = this.digest;
    copy.size = this.size;
    copy.placed = this.placed;
    return copy;
  }
}

export class PlaceCut {
  private readonly records: PlaceRecords;
  private readonly end: number;
  private readonly onClosed: () => void;
  /** What was changed since, ahead of what is read. */
  private readonly kept = new Map<number, Place>();
  private at = 0;

  constructor(records: PlaceRecords, onClosed: () => void) {
    this.records = records;
    this.end = records.end;
    this.onClosed = onClosed;
  }

  get isDone(): boolean {
    return this.at >= this.end;
  }

  /** The record is about to be changed. */
  keep(at: number, place: Place): void {
    if (at >= this.at && at < this.end && !this.kept.has(at)) this.kept.set(at, place);
  }

  /** Writes the next places, at most so many. */
  write(writer: ByteWriter, count: number): void {
    const { records, kept } = this;
    for (let left = count; left > 0 && !this.isDone; left -= 1) {
      const { at } = this;
      writePlace(writer, records.nameAt(at), kept.get(at) ?? records.placeAt(at));
      kept.delete(at);
      this.at = records.after(at);
    }
  }

  close(): void {
    this.onClosed();
  }
}

export function writePlace(writer: ByteWriter, tenant: TenantName, place: Place): void {
  writer.u8(place.group === null ? kind.dropped : kind.placed);
  writer.text(tenant);
  writer.varint(place.incarnation);
  if (place.group === null) return;
  writer.varint(place.group);
  writer.varint(place.epoch);
}

/** Takes what was written. Returns the last name, null if there is none; the reader fails for what no table writes. */
export function readPlaces(reader: ByteReader, take: (tenant: TenantName, place: Place) => void): TenantName | null {
  let last: TenantName | null = null;
  while (reader.remaining > 0) {
    const what = reader.u8();
    const tenant = readTenant(reader);
    const incarnation = readIncarnation(reader);
    if (what !== kind.placed && what !== kind.dropped) reader.fail();
    const place: Place =
      what === kind.dropped
        ? { group: null, incarnation }
        : { group: readGroup(reader), epoch: Epoch(reader.varint()), incarnation };
    if (tenant === null || reader.failed) return null;
    take(tenant, place);
    last = tenant;
  }
  return last;
}
