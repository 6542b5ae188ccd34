import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Epoch, GroupId, Incarnation, MoveId, NodeId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { WallTime } from '../../core/base/time.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import { Directory } from '../../core/metadata/directory.ts';
import { NodeMap } from '../../core/metadata/nodeMap.ts';
import { unknownConfiguration } from '../../core/raft/configuration.ts';
import type { GroupPlan } from '../../core/wire/groups.ts';

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

describe('moves under way', () => {
  const full = (): Directory => {
    const directory = new Directory(groups);
    for (let i = 0; i <= limits.movesAtATime + limits.movesPlannedAtATime; i += 1)
      directory.place(name(`t${String(i)}`), GroupId(1));
    for (let i = 0; i < limits.movesAtATime; i += 1)
      expect(directory.beginMove(name(`t${String(i)}`), GroupId(2), false, false)).toBeNull();
    return directory;
  };
  const [another, further] = [name(`t${String(limits.movesAtATime)}`), name(`t${String(limits.movesAtATime + 1)}`)];
  const tooMany = 'BUSY not executed: 64 moves are under way, as many as may be';

  test('are so many at most; asking for one of them again is no further one, and a tenant from outside is none', () => {
    const directory = full();
    directory.beginImport(name('outside'), null);
    expect(directory.beginMove(another, GroupId(2), false, false)).toBe(tooMany);
    expect(directory.moves.of(another)).toBeNull();
    expect(directory.beginMove(name('t7'), GroupId(2), false, false)).toBeNull();
    expect(directory.beginMove(name('t7'), GroupId(3), false, false)).toMatch(/^ERR tenant 't7' is on its way/);
    directory.endMove(name('t7'), directory.moves.of(name('t7'))?.move ?? MoveId(0), false);
    expect(directory.beginMove(another, GroupId(2), false, false)).toBeNull();
  });

  test('of the planner and of operators take no room from each other', () => {
    const directory = full();
    for (const tenant of [another, further]) expect(directory.beginMove(tenant, GroupId(2), false, true)).toBeNull();
    const last = name(`t${String(limits.movesAtATime + limits.movesPlannedAtATime)}`);
    directory.endMove(name('t7'), directory.moves.of(name('t7'))?.move ?? MoveId(0), false);
    expect(directory.beginMove(last, GroupId(2), false, true)).toMatch(/^BUSY not executed: 2 moves/);
    expect(directory.beginMove(last, GroupId(2), false, false)).toBeNull();
  });
});

describe('a tenant that stays', () => {
  const acme = name('acme');
  const moved = (): readonly [Directory, MoveId] => {
    const directory = new Directory(groups);
    directory.place(acme, GroupId(1));
    expect(directory.beginMove(acme, GroupId(2), true, true)).toBeNull();
    return [directory, directory.moves.latest];
  };

  test('is free to move again before the destination has heard that', () => {
    const [directory, first] = moved();
    directory.letStay(acme, first);
    expect([directory.moves.of(acme), directory.moves.departures(true)]).toEqual([null, 0]);
    expect(directory.pins.ownerOf(GroupId(2))).toBeNull();
    expect(directory.beginMove(acme, GroupId(2), true, false)).toBeNull();
    directory.letStay(acme, first);
    directory.endMove(acme, first, false);
    expect(directory.moves.leftOver()).toEqual([]);
    expect(directory.moves.of(acme)?.to).toBe(2);
    expect(directory.pins.ownerOf(GroupId(2))).toBe(acme);
  });

  test('is where its destination says that it is, if that is later', () => {
    const [directory, first] = moved();
    directory.letStay(acme, first);
    directory.endMove(acme, first, true);
    expect(directory.find(acme)).toMatchObject({ group: 2, epoch: 2 });
    expect(directory.moves.size).toBe(0);
  });

  test('is on its way as long as too many others are to be heard of', () => {
    const [directory, first] = moved();
    for (let n = 0; n < limits.movesLeftOver; n += 1) {
      const other = name(`n${String(n)}`);
      directory.place(other, GroupId(1));
      directory.beginMove(other, GroupId(3), false, false);
      directory.letStay(other, directory.moves.latest);
    }
    directory.letStay(acme, first);
    expect(directory.moves.of(acme)?.move).toBe(first);
    directory.endMove(acme, first, false);
    expect([directory.moves.of(acme), directory.moves.size]).toEqual([null, limits.movesLeftOver]);
  });
});

describe('a tenant from outside', () => {
  const acme = name('acme');

  test('has its name and its incarnation from the beginning, and no place before the end', () => {
    const directory = new Directory(groups);
    directory.drop(acme, directory.place(acme, null).incarnation);
    const { version } = directory;
    expect(directory.beginImport(acme, GroupId(3))).toBeNull();
    const coming = directory.importOf(acme);
    expect(coming).toMatchObject({ incarnation: 2, epoch: 0, from: 0, to: 3 });
    expect(directory.beginImport(acme, GroupId(1))).toBeNull();
    expect(directory.importOf(acme)).toBe(coming);
    expect([directory.find(acme), directory.version]).toEqual([null, version]);
    expect(directory.beginMove(acme, GroupId(2), false, false)).toBe("ERR tenant 'acme' is being imported");
    directory.endMove(acme, MoveId(99), true);
    directory.endMove(acme, coming?.move ?? MoveId(0), false);
    expect(directory.importOf(acme)).toBe(coming);
    directory.endMove(acme, coming?.move ?? MoveId(0), true);
    expect(directory.find(acme)).toEqual({ tenant: 'acme', group: 3, epoch: 1, incarnation: 2 });
    expect([directory.importOf(acme), directory.version]).toEqual([null, version + 1]);
    expect(directory.beginImport(acme, null)).toBe("ERR not executed: tenant 'acme' exists");
  });

  test('that is given up was one all the same: the next is another', () => {
    const directory = new Directory(groups);
    directory.beginImport(acme, null);
    const { incarnation } = directory.importOf(acme) ?? { incarnation: Incarnation(9) };
    directory.drop(acme, Incarnation(2));
    expect(directory.importOf(acme)).not.toBeNull();
    directory.drop(acme, incarnation);
    expect([directory.importOf(acme), directory.find(acme), directory.knows(acme)]).toEqual([null, null, true]);
    expect(directory.place(acme, null).incarnation).toBe(2);
  });

  test('waits for a former one of its name that is on its way, and for others if there are too many', () => {
    const directory = new Directory(groups);
    const { incarnation } = directory.place(acme, GroupId(1));
    directory.beginMove(acme, GroupId(2), false, false);
    directory.drop(acme, incarnation);
    expect(directory.beginImport(acme, null)).toMatch(/^TRYAGAIN not executed: a former tenant 'acme'/);
    for (let i = 0; i < limits.importsAtATime; i += 1)
      expect(directory.beginImport(name(`t${String(i)}`), null)).toBeNull();
    expect(directory.beginImport(name('last'), null)).toMatch(/^BUSY not executed: /);
    expect(directory.beginImport(name('t7'), null)).toBeNull();
  });

  test('is asked for in vain until it is whole, also behind a restart', () => {
    const ask = (machine: DirectoryMachine): unknown => {
      const operation = { kind: 'resolveTenant', tenant: acme, create: true, group: null } as const;
      return [machine.accessOf(operation), machine.read(operation)];
    };
    const machine = new DirectoryMachine(groups);
    machine.directory.beginImport(acme, GroupId(2));
    const loading = { kind: 'refused', refusal: { kind: 'loading', group: 2, incarnation: 1 } };
    expect(ask(machine)).toEqual(['read', loading]);
    const cut = machine.cut({ stamp: WallTime(0), configuration: unknownConfiguration });
    const restored = new DirectoryMachine(groups);
    const loader = restored.loader();
    for (let chunk = cut.next(100); chunk !== null; chunk = cut.next(100)) expect(loader.add(chunk)).toBe(true);
    expect(loader.finish()).toBe(true);
    expect(ask(restored)).toEqual(['read', loading]);
    expect(restored.directory.importOf(acme)).toEqual(machine.directory.importOf(acme));
  });
});

describe('groups that are made', () => {
  const nodes = (): NodeMap =>
    new NodeMap({
      version: 0,
      nodes: [
        { node: NodeId(1), clientAddress: '', peerAddress: '', zone: '', store: '', state: 'member', heir: null },
      ],
      groups: [],
    });
  const members = [{ node: NodeId(1), store: '1.0' }];
  const plan = (request: string, alone: string | null = null): GroupPlan => ({
    request,
    above: GroupId(3),
    alone: alone === null ? null : name(alone),
    groups: [members],
  });
  const begin = (): Directory => new Directory(groups, undefined, 0, nodes());

  test('have their turn among those in which tenants are created', () => {
    const directory = begin();
    expect(directory.makeGroups(plan('a'))).toEqual({ groups: [4], why: '' });
    const placed = ['a', 'b', 'c', 'd', 'e'].map((tenant) => directory.place(name(tenant), null).group);
    expect(placed).toEqual([1, 2, 3, 4, 1]);
    expect(directory.beginMove(name('a'), GroupId(4), false, false)).toBeNull();
    expect(directory.beginMove(name('b'), GroupId(5), false, false)).toBe('ERR no such group for tenants');
  });

  test('are made once for a question that is asked again', () => {
    const directory = begin();
    expect(directory.makeGroups(plan('a')).groups).toEqual([4]);
    expect(directory.makeGroups(plan('b')).groups).toEqual([5]);
    expect(directory.makeGroups(plan('a')).groups).toEqual([4]);
    expect(directory.nodes.groups).toHaveLength(2);
  });

  test('have higher ids than all that somebody knows of', () => {
    const directory = begin();
    expect(directory.makeGroups({ ...plan('a'), above: GroupId(20) }).groups).toEqual([21]);
    expect(directory.makeGroups(plan('b')).groups).toEqual([22]);
  });

  test('may be for a tenant alone, which has one at a time; others get it when the tenant is gone', () => {
    const directory = begin();
    expect(directory.makeGroups(plan('a', 'own')).why).toMatch(/unknown tenant/);
    directory.place(name('own'), GroupId(1));
    expect(directory.makeGroups(plan('a', 'own')).groups).toEqual([4]);
    expect(directory.makeGroups(plan('b', 'own')).why).toMatch(/has a group for itself/);
    expect(directory.place(name('other'), GroupId(4)).group).not.toBe(4);
    expect(directory.beginMove(name('other'), GroupId(4), false, false)).toMatch(/for tenant 'own' alone/);
    directory.drop(name('own'), Incarnation(1));
    expect(directory.beginMove(name('other'), GroupId(4), false, false)).toBeNull();
  });

  test('are empty for a tenant alone if no other lives there, which is counted and not looked for', () => {
    const directory = begin();
    const walk = vi.spyOn(directory.map, 'places');
    for (const tenant of ['own', 'other', 'third']) directory.place(name(tenant), GroupId(1));
    expect(directory.beginMove(name('own'), GroupId(2), true, false)).toBeNull();
    expect(directory.beginMove(name('third'), GroupId(2), false, false)).toMatch(/for tenant 'own' alone/);
    directory.endMove(name('own'), directory.moves.of(name('own'))?.move ?? MoveId(0), true);
    expect(directory.beginMove(name('other'), GroupId(3), false, false)).toBeNull();
    directory.endMove(name('other'), directory.moves.of(name('other'))?.move ?? MoveId(0), true);
    expect(directory.beginMove(name('third'), GroupId(3), true, false)).toBe('ERR group 3 is not empty');
    directory.drop(name('other'), Incarnation(1));
    expect(directory.beginMove(name('third'), GroupId(3), true, false)).toBeNull();
    expect(walk).not.toHaveBeenCalled();
  });

  test('are in what is read out and read in again', () => {
    const machine = new DirectoryMachine(groups, nodes().image.nodes);
    machine.directory.makeGroups(plan('a'));
    const loaded = new DirectoryMachine(groups, []);
    const cut = machine.cut({ stamp: WallTime(0), configuration: unknownConfiguration });
    const loader = loaded.loader();
    for (let piece = cut.next(1_000); piece !== null; piece = cut.next(1_000)) expect(loader.add(piece)).toBe(true);
    expect(loader.finish()).toBe(true);
    expect(loaded.directory.nodes.image).toEqual(machine.directory.nodes.image);
    expect(loaded.directory.place(name('a'), GroupId(4)).group).toBe(4);
  });
});
