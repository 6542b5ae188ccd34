import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, MapVersion, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { Directory } from '../../core/metadata/directory.ts';
import { GroupMap } from '../../core/routing/groupMap.ts';
import { Router } from '../../core/routing/router.ts';
import { ShardMap } from '../../core/routing/shardMap.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import type { TenantPlace } from '../../core/wire/messages.ts';

const name = (text: string): TenantName => text as TenantName;
const place = (tenant: string, group: number, incarnation: number, epoch = 1): TenantPlace => ({
  tenant: name(tenant),
  group: GroupId(group),
  epoch: Epoch(epoch),
  incarnation: Incarnation(incarnation),
});
const mapOf = (...places: readonly TenantPlace[]): TenantMap => {
  const map = new TenantMap();
  for (const each of places) map.apply({ kind: 'placed', ...each });
  return map;
};

/** A directory with a history of creations and drops. */
function history(operations: readonly { tenant: number; drop: boolean }[]): Directory {
  const directory = new Directory([GroupId(1), GroupId(2), GroupId(3)]);
  for (const { tenant, drop } of operations) {
    const found = directory.find(name(`t${String(tenant)}`));
    if (drop && found !== null) directory.drop(found.tenant, found.incarnation);
    else directory.place(name(`t${String(tenant)}`), null);
  }
  return directory;
}

const operations = fc.array(fc.record({ tenant: fc.nat(5), drop: fc.boolean() }), { maxLength: 30 });

describe('changes', () => {
  test('any overlapping pieces in any order lead to the directory, and versions never go back', () => {
    const pieces = fc.array(fc.record({ since: fc.nat(30), length: fc.nat(10) }), { maxLength: 20 });
    fc.assert(
      fc.property(operations, pieces, (done, cuts) => {
        const directory = history(done);
        const map = new ShardMap();
        for (const { since, length } of cuts) {
          const before = map.version;
          const known = directory.map.changesAfter(MapVersion(since), length);
          if (known === null || length === 0) continue;
          const advanced = map.advance(MapVersion(since), known.changes, known.digest);
          const end = since + known.changes.length;
          expect(advanced).toBe(since > before ? 'gap' : end > before ? 'advanced' : 'known');
          expect(map.version).toBe(since > before ? before : Math.max(before, end));
        }
        const all = directory.map.changesAfter(map.version, 100)!;
        expect(map.advance(map.version, all.changes, all.digest)).not.toBe('differs');
        expect([map.version, map.digest]).toEqual([directory.version, directory.map.digest]);
        for (let i = 0; i <= 5; i += 1) {
          const tenant = name(`t${String(i)}`);
          const found = map.find(tenant);
          expect(found === null ? null : { tenant, ...found }).toEqual(directory.find(tenant));
        }
      }),
    );
  });

  test('a gap is refused and changes nothing', () => {
    const map = new ShardMap();
    expect(map.advance(MapVersion(1), [{ kind: 'placed', ...place('a', 1, 1) }], 7)).toBe('gap');
    expect(map.version).toBe(0);
    expect(map.find(name('a'))).toBeNull();
  });

  test('a map that comes out as another one is noticed, with changes or without', () => {
    const map = new ShardMap(mapOf(place('a', 1, 1)));
    const { digest } = mapOf(place('a', 2, 1));
    expect(map.advance(MapVersion(1), [], digest)).toBe('differs');
    const next = mapOf(place('a', 2, 1), place('b', 1, 1));
    expect(map.advance(MapVersion(1), [{ kind: 'placed', ...place('b', 1, 1) }], next.digest)).toBe('differs');
  });
});

describe('hints', () => {
  test('only a newer one is taken: by incarnation, then by epoch', () => {
    const map = new ShardMap(mapOf(place('a', 1, 2, 3)));
    expect(map.learn(place('a', 2, 2, 3))).toBe(false);
    expect(map.learn(place('a', 2, 1, 9))).toBe(false);
    expect(map.find(name('a'))?.group).toBe(1);
    expect(map.learn(place('a', 2, 2, 4))).toBe(true);
    expect(map.learn(place('a', 3, 2, 4))).toBe(false);
    expect(map.learn(place('a', 3, 3, 1))).toBe(true);
    expect(map.find(name('a'))?.group).toBe(3);
  });

  test('the map overtakes a hint, and a dropped tenant is not brought back by one of its own incarnation', () => {
    const map = new ShardMap();
    const other = mapOf(place('a', 1, 1));
    expect(map.learn(place('a', 1, 1))).toBe(true);
    other.apply({ kind: 'dropped', tenant: name('a'), incarnation: Incarnation(1) });
    const all = other.changesAfter(MapVersion(0), 9)!;
    expect(map.advance(MapVersion(0), all.changes, all.digest)).toBe('advanced');
    expect(map.find(name('a'))).toBeNull();
    expect(map.learn(place('a', 1, 1))).toBe(false);
    expect(map.learn(place('a', 9, 1, 7))).toBe(false);
    expect(map.learn(place('a', 2, 2))).toBe(true);
    expect(map.list()).toEqual([place('a', 2, 2)]);
  });

  test('another map in its place overtakes them too, and keeps those that are newer', () => {
    const map = new ShardMap();
    map.learn(place('a', 1, 1));
    map.learn(place('b', 1, 5));
    map.replace(mapOf(place('a', 2, 1, 2), place('b', 2, 4)));
    expect(map.list()).toEqual([place('a', 2, 1, 2), place('b', 1, 5)]);
  });

  test('beyond their bound the oldest is forgotten', () => {
    const map = new ShardMap();
    for (let i = 0; i <= limits.mapHints; i += 1) map.learn(place(`t${String(i)}`, 1, 1));
    expect(map.find(name('t0'))).toBeNull();
    expect(map.find(name('t1'))?.group).toBe(1);
  });
});

test('a route is looked up again only when something may have changed', () => {
  const router = new Router(1 as never, new GroupMap([]), mapOf(place('a', 1, 1)));
  const route = router.route(name('a'), null);
  expect(route).toMatchObject({ group: 1, incarnation: 1 });
  expect(router.route(name('a'), route)).toBe(route);
  router.shards.learn(place('a', 2, 1, 2));
  const later = router.route(name('a'), route);
  expect(later).toMatchObject({ group: 2, incarnation: 1 });
  router.shards.replace(mapOf(place('a', 3, 2)));
  expect(router.route(name('a'), later)).toMatchObject({ group: 3, incarnation: 2 });
});
