/** The map against a plain `Map`: what it finds, what it tells of itself, and its digest however it was come by. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ByteReader, ByteWriter } from '../../core/base/bytes.ts';
import { Epoch, GroupId, Incarnation, MapVersion, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { MapWriter, readMap } from '../../core/metadata/keptMap.ts';
import { type Place, placeAfter } from '../../core/metadata/place.ts';
import { PlaceRecords } from '../../core/metadata/placeRecords.ts';
import { MapBuilder, TenantMap } from '../../core/metadata/tenantMap.ts';
import type { MapChange } from '../../core/wire/messages.ts';

const name = (text: string): TenantName => text as TenantName;
const letters = 'ABCXYZabcxyz0189._:@-';
const letter = fc.nat(letters.length - 1).map((i) => letters.charAt(i));
const names = fc.oneof(
  fc.nat(40).map((i) => name(`t${String(i)}`)),
  fc.string({ unit: letter, minLength: 1, maxLength: 128 }).map(name),
);
const natural = fc.oneof(fc.nat(9), fc.constantFrom(0xffff_ffff, 2 ** 32, Number.MAX_SAFE_INTEGER));
const change: fc.Arbitrary<MapChange> = fc.oneof(
  fc.record({
    kind: fc.constant('placed' as const),
    tenant: names,
    group: fc.constantFrom(0, 1, 7, limits.groupIds - 1).map(GroupId),
    epoch: natural.map(Epoch),
    incarnation: natural.map((value) => Incarnation(Math.max(1, value))),
  }),
  fc.record({
    kind: fc.constant('dropped' as const),
    tenant: names,
    incarnation: fc.nat(9).map((i) => Incarnation(i + 1)),
  }),
);
const changes = fc.array(change, { maxLength: 120, size: 'max' });

function placedAs(tenant: string): MapChange {
  return { kind: 'placed', tenant: name(tenant), group: GroupId(1), epoch: Epoch(1), incarnation: Incarnation(1) };
}

function mapOf(told: readonly MapChange[]): TenantMap {
  const map = new TenantMap();
  for (const each of told) map.apply(each);
  return map;
}

/** All of it, from pieces of about so many bytes; `between` happens after each. */
function rebuilt(map: TenantMap, bytes: number, between: () => void = () => undefined): TenantMap | null {
  const builder = new MapBuilder();
  let since = map.version;
  for (let isLast = false; !isLast; ) {
    const known = map.changesAfter(since, limits.mapChangesKept)!;
    since = map.version;
    const writer = new ByteWriter();
    isLast = map.writePiece(writer, builder.last, bytes)!;
    builder.change(known.changes);
    expect(builder.add(new ByteReader(writer.take()))).toBe(true);
    if (!isLast) between();
  }
  return builder.finish(since, map.digest);
}

describe('a map', () => {
  test('finds what a plain one finds, and tells as many changes as are asked for', () => {
    fc.assert(
      fc.property(changes, fc.nat(130), fc.nat(130), (told, since, limit) => {
        const map = mapOf(told);
        const model = new Map<TenantName, Place>();
        for (const each of told) model.set(each.tenant, placeAfter(each));
        for (const [tenant, place] of model) expect(map.find(tenant)).toEqual(place);
        expect(map.find(name('nobody'))).toBeNull();
        expect([map.version, map.size]).toEqual([told.length, model.size]);
        const expected = told.slice(since, since + limit);
        const known = map.changesAfter(MapVersion(since), limit);
        if (since > told.length) expect(known).toBeNull();
        else {
          expect(known?.changes).toEqual(expected);
          if (limit > 0) expect(known?.digest).toBe(mapOf(told.slice(0, since + limit)).digest);
        }
      }),
    );
  });

  test('counts what lives where, and pages through its names from anywhere, as a plain one would', () => {
    fc.assert(
      fc.property(changes, fc.nat(130), fc.integer({ min: 1, max: 50 }), (told, cursor, count) => {
        const plain = new Map<TenantName, Place>();
        for (const each of told) plain.set(each.tenant, placeAfter(each));
        for (const map of [mapOf(told), mapOf(told).copy()]) {
          const placed = [...plain].flatMap(([tenant, { group }]) => (group === null ? [] : [{ tenant, group }]));
          expect(map.placed).toBe(placed.length);
          for (const group of [0, 1, 7].map(GroupId))
            expect(map.placedIn(group)).toBe(placed.filter((place) => place.group === group).length);
          const page = [...plain].slice(cursor, cursor + count).filter(([, { group }]) => group !== null);
          const next = cursor + count < plain.size ? cursor + count : 0;
          expect(map.page(cursor, count)).toEqual({ next, tenants: page.map(([tenant]) => tenant) });
        }
      }),
    );
  });

  test('goes to a name far behind without a walk over all before it', () => {
    const map = new TenantMap();
    for (let i = 0; i < 20_000; i += 1) map.apply(placedAs(`tenant-${String(i)}`));
    const walk = vi.spyOn(PlaceRecords.prototype, 'after');
    for (const of of [map, map.copy()]) {
      for (const cursor of [0, 1023, 1024, 1025, 19_990]) {
        walk.mockClear();
        expect(of.page(cursor, 2).tenants).toEqual([`tenant-${String(cursor)}`, `tenant-${String(cursor + 1)}`]);
        expect(walk.mock.calls.length).toBeLessThan(1100);
      }
      expect(of.page(19_999, 2)).toEqual({ next: 0, tenants: ['tenant-19999'] });
      expect(of.page(20_000, 2)).toEqual({ next: 0, tenants: [] });
      expect(of.page(1_000_000, 2)).toEqual({ next: 0, tenants: [] });
    }
    walk.mockRestore();
  });

  test('has the digest of what is in it, whatever led there', () => {
    fc.assert(
      fc.property(changes, changes, (first, second) => {
        const map = mapOf([...first, ...second]);
        const final = new Map([...first, ...second].map((each) => [each.tenant, each]));
        const backwards = mapOf([...final.values()].reverse());
        expect(backwards.digest).toBe(map.digest);
        const [tenant] = final.keys();
        if (tenant === undefined) return;
        backwards.apply({ kind: 'placed', tenant, group: GroupId(5), epoch: Epoch(77), incarnation: Incarnation(77) });
        expect(backwards.digest).not.toBe(map.digest);
      }),
    );
  });

  test('put together from pieces is the map as of the last, though it changes in between', () => {
    fc.assert(
      fc.property(changes, changes, fc.integer({ min: 1, max: 400 }), (first, later, bytes) => {
        const map = mapOf(first);
        const left = [...later];
        const copy = rebuilt(map, bytes, () => {
          for (const each of left.splice(0, 3)) map.apply(each);
        });
        expect(copy?.version).toBe(map.version);
        expect([...copy!.places()]).toEqual([...map.places()]);
        for (const each of left) {
          map.apply(each);
          copy?.apply(each);
        }
        expect([...copy!.places()]).toEqual([...map.places()]);
        expect(copy?.digest).toBe(map.digest);
      }),
    );
  });

  test('of which a piece is missing or was changed is not put together', () => {
    const map = mapOf(Array.from({ length: 50 }, (_, i) => placed(`t${String(i)}`, i)));
    const builder = new MapBuilder();
    const writer = new ByteWriter();
    map.writePiece(writer, name('t9'), 10_000);
    expect(builder.add(new ByteReader(writer.take()))).toBe(true);
    expect(builder.finish(map.version, map.digest)).toBeNull();
    expect(map.writePiece(writer, name('nobody'), 100)).toBeNull();
    expect(new MapBuilder().add(new ByteReader(Uint8Array.of(3, 1, 65, 1)))).toBe(false);
  });

  test('remembers so many changes and no more', () => {
    const map = mapOf(Array.from({ length: limits.mapChangesKept + 5 }, (_, i) => placed(`t${String(i % 99)}`, i)));
    expect(map.oldest).toBe(5);
    expect(map.changesAfter(MapVersion(4), 1)).toBeNull();
    expect(map.changesAfter(MapVersion(5), 1)?.changes).toEqual([placed('t5', 5)]);
    expect(map.changesAfter(map.version, 1)).toEqual({ changes: [], digest: map.digest });
    expect(map.changesAfter(MapVersion(map.version + 1), 1)).toBeNull();
  });

  test('keeps its names apart when there are many, over all pages', () => {
    const map = new TenantMap();
    const long = 'x'.repeat(100);
    for (let i = 0; i < 30_000; i += 1) map.apply(placed(`${long}${String(i)}`, i));
    for (let i = 0; i < 30_000; i += 1) expect(map.find(name(`${long}${String(i)}`))?.group).toBe(i);
    let count = 0;
    for (const { tenant, group } of map.places()) {
      expect([tenant, group]).toEqual([`${long}${String(count)}`, count]);
      count += 1;
    }
    expect(count).toBe(30_000);
    const copy = map.copy();
    map.apply(placed('later', 1));
    expect([copy.size, copy.find(name('later'))]).toEqual([30_000, null]);
  });
});

describe('a kept map', () => {
  const fileOf = (map: TenantMap, between: () => void = () => undefined): Uint8Array => {
    const writer = new MapWriter(map.cut(), 'here', crc32);
    const chunks: Uint8Array[] = [];
    for (let chunk = writer.next(); chunk !== null; chunk = writer.next()) {
      chunks.push(chunk);
      between();
    }
    writer.close();
    return new Uint8Array(Buffer.concat(chunks));
  };

  test.each([0, 1, 3000, 5000])('of %d tenants is read as it was, though it changed while it was written', (count) => {
    const map = mapOf(Array.from({ length: count }, (_, i) => placed(`t${String(i)}`, i)));
    const { version, digest } = map;
    const before = [...map.places()];
    const file = fileOf(map, () => {
      for (let i = 0; i < count; i += 7)
        map.apply({ kind: 'dropped', tenant: name(`t${String(i)}`), incarnation: Incarnation(1) });
      map.apply(placed('later', 1));
    });
    const read = readMap(file, 'here', crc32);
    expect([read?.version, read?.digest]).toEqual([version, digest]);
    expect([...read!.places()]).toEqual(before);
  });

  test('is none with any bit flipped, cut short, or of another cluster', () => {
    const file = fileOf(mapOf([placed('a', 1), placed('b', 2)]));
    expect(readMap(file, 'there', crc32)).toBeNull();
    for (let length = 0; length < file.length; length += 1)
      expect(readMap(file.subarray(0, length), 'here', crc32)).toBeNull();
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      const flipped = file.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(readMap(flipped, 'here', crc32)).toBeNull();
    }
  });
});

function placed(tenant: string, group: number): MapChange {
  return { kind: 'placed', tenant: name(tenant), group: GroupId(group), epoch: Epoch(1), incarnation: Incarnation(1) };
}
