/** Where a new tenant goes, by each policy. */
import { expect, test } from 'vitest';
import { GroupId, type TenantName } from '../../core/base/ids.ts';
import { type GroupLoad, place, type Placement } from '../../core/metadata/groupChoice.ts';

const name = (i: number): TenantName => `tenant-${String(i)}` as TenantName;
const empty = (count: number): GroupLoad[] =>
  Array.from({ length: count }, (_, i) => ({ group: GroupId(i + 1), tenants: 0, bytes: 0, operations: 0 }));

/** Places so many, one after another. Returns the group of each. */
function placeAll(tenants: number, groups: number, placement: Omit<Placement, 'placed'>): number[] {
  const loads = empty(groups);
  return Array.from({ length: tenants }, (_, i) => {
    const chosen = place(name(i), loads, { ...placement, placed: i });
    const load = loads[chosen - 1]!;
    loads[chosen - 1] = { ...load, tenants: load.tenants + 1, bytes: load.bytes + 10 };
    return chosen;
  });
}

const counts = (chosen: readonly number[], groups: number): number[] =>
  Array.from({ length: groups }, (_, i) => chosen.filter((group) => group === i + 1).length);

test('round robin: each group has its turn', () => {
  expect(placeAll(7, 3, { kind: 'round-robin', boundPpt: 0 })).toEqual([1, 2, 3, 1, 2, 3, 1]);
});

test('least loaded: tenants, bytes and operations count alike', () => {
  expect(counts(placeAll(30, 3, { kind: 'least-loaded', boundPpt: 0 }), 3)).toEqual([10, 10, 10]);
  const loads = [
    { group: GroupId(1), tenants: 5, bytes: 5, operations: 50 },
    { group: GroupId(2), tenants: 4, bytes: 40, operations: 5 },
    { group: GroupId(3), tenants: 5, bytes: 5, operations: 45 },
  ];
  expect(place(name(1), loads, { kind: 'least-loaded', boundPpt: 0, placed: 0 })).toBe(3);
});

test('rendezvous: no group has much more than its share', () => {
  const chosen = counts(placeAll(1_000, 10, { kind: 'rendezvous', boundPpt: 100 }), 10);
  expect(Math.max(...chosen)).toBeLessThanOrEqual(110);
  expect(chosen.reduce((sum, count) => sum + count, 0)).toBe(1_000);
});

test('rendezvous: with one group more, only about as many go elsewhere as it gets', () => {
  const placement = { kind: 'rendezvous', boundPpt: 1_000_000 } as const;
  const before = placeAll(5_000, 10, placement);
  const after = placeAll(5_000, 11, placement);
  const moved = after.filter((group, i) => group !== before[i]);
  expect(moved.every((group) => group === 11)).toBe(true);
  expect(moved.length).toBeGreaterThan(5_000 / 11 / 1.3);
  expect(moved.length).toBeLessThan((5_000 / 11) * 1.3);
});
