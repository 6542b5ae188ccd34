import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, type TenantName } from '../../core/base/ids.ts';
import { Directory } from '../../core/metadata/directory.ts';

const groups = [GroupId(1), GroupId(2), GroupId(3)];
const name = (text: string): TenantName => text as TenantName;

test('new tenants go round the groups; one with a wish of its own does not use up a turn', () => {
  const directory = new Directory(groups);
  const placed = ['a', 'b', 'c', 'd'].map((tenant) => directory.place(name(tenant), null).group);
  expect(placed).toEqual([1, 2, 3, 1]);
  expect(directory.place(name('e'), GroupId(3)).group).toBe(3);
  expect(directory.place(name('f'), null).group).toBe(2);
  expect(directory.place(name('g'), GroupId(9)).group).toBe(3);
});

test('placing twice is placing once', () => {
  const directory = new Directory(groups);
  const first = directory.place(name('a'), null);
  expect(directory.place(name('a'), GroupId(3))).toEqual(first);
  expect(directory.version).toBe(1);
});

test('a move is noted once, by its epoch, and only of the incarnation that lives', () => {
  const directory = new Directory(groups);
  const { incarnation } = directory.place(name('a'), null);
  expect(directory.relocate(name('a'), incarnation, GroupId(2), Epoch(2))).toBe(true);
  expect(directory.find(name('a'))).toEqual({ tenant: 'a', group: 2, epoch: 2, incarnation });
  const { version } = directory;
  expect(directory.relocate(name('a'), incarnation, GroupId(3), Epoch(2))).toBe(false);
  expect(directory.relocate(name('a'), Incarnation(2), GroupId(3), Epoch(3))).toBe(false);
  expect(directory.relocate(name('b'), incarnation, GroupId(3), Epoch(3))).toBe(false);
  directory.drop(name('a'), incarnation);
  expect(directory.relocate(name('a'), incarnation, GroupId(3), Epoch(9))).toBe(false);
  expect(directory.version).toBe(version + 1);
  expect(directory.place(name('a'), null)).toMatchObject({ incarnation: 2, epoch: 1 });
});

test('no incarnation is handed out twice, each change is one version', () => {
  const operation = fc.record({ tenant: fc.constantFrom('a', 'b'), drop: fc.boolean(), incarnation: fc.nat(4) });
  fc.assert(
    fc.property(fc.array(operation), (operations) => {
      const directory = new Directory(groups);
      const handedOut = new Set<string>();
      for (const { tenant, drop, incarnation } of operations) {
        const before = directory.find(name(tenant));
        const { version } = directory;
        if (drop) {
          directory.drop(name(tenant), Incarnation(incarnation));
          const isPresent = before?.incarnation === incarnation;
          expect(directory.version).toBe(isPresent ? version + 1 : version);
          expect(directory.find(name(tenant))).toEqual(isPresent ? null : before);
        } else {
          const place = directory.place(name(tenant), null);
          if (before !== null) expect(place).toEqual(before);
          else {
            expect(handedOut.has(`${tenant}/${String(place.incarnation)}`)).toBe(false);
            handedOut.add(`${tenant}/${String(place.incarnation)}`);
            expect(directory.version).toBe(version + 1);
          }
        }
      }
    }),
  );
});
