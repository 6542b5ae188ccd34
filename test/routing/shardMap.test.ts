import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, MapVersion, type TenantName } from '../../core/base/ids.ts';
import { Directory } from '../../core/metadata/directory.ts';
import { ShardMap } from '../../core/routing/shardMap.ts';
import type { TenantPlace } from '../../core/wire/messages.ts';

const name = (text: string): TenantName => text as TenantName;
const place = (tenant: string, group: number, incarnation: number, epoch = 1): TenantPlace => ({
  tenant: name(tenant),
  group: GroupId(group),
  epoch: Epoch(epoch),
  incarnation: Incarnation(incarnation),
});

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
        const { changes, version } = history(done);
        const map = new ShardMap();
        for (const { since, length } of cuts) {
          const before = map.version;
          const isContinued = map.advance(MapVersion(since), changes.slice(since, since + length));
          expect(isContinued).toBe(since <= before);
          expect(map.version).toBeGreaterThanOrEqual(before);
        }
        map.advance(MapVersion(0), changes);
        expect(map.version).toBe(version);
        const directory = history(done);
        for (let i = 0; i <= 5; i += 1) {
          const expected = directory.find(name(`t${String(i)}`));
          const found = map.find(name(`t${String(i)}`));
          expect(found === null ? null : { tenant: name(`t${String(i)}`), ...found }).toEqual(expected);
        }
      }),
    );
  });

  test('a gap is refused and changes nothing', () => {
    const map = new ShardMap();
    expect(map.advance(MapVersion(1), [{ kind: 'placed', ...place('a', 1, 1) }])).toBe(false);
    expect(map.version).toBe(0);
    expect(map.find(name('a'))).toBeNull();
  });
});

describe('hints', () => {
  test('only a newer one is taken: by incarnation, then by epoch', () => {
    const map = new ShardMap();
    map.advance(MapVersion(0), [{ kind: 'placed', ...place('a', 1, 2, 3) }]);
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
    expect(map.learn(place('a', 1, 1))).toBe(true);
    map.advance(MapVersion(0), [
      { kind: 'placed', ...place('a', 1, 1) },
      { kind: 'dropped', tenant: name('a'), incarnation: Incarnation(1) },
    ]);
    expect(map.find(name('a'))).toBeNull();
    expect(map.learn(place('a', 1, 1))).toBe(false);
    expect(map.learn(place('a', 2, 2))).toBe(true);
    expect(map.list()).toEqual([place('a', 2, 2)]);
  });
});
