/** Nodes without a metadata group: whatever each has heard, in the end all know the newest, and no message is long. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, NodeId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { isNewer, type Place } from '../../core/metadata/place.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import { PlaceExchange } from '../../core/routing/placeExchange.ts';
import { ShardMap } from '../../core/routing/shardMap.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';

interface Sent {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PeerMessage;
}

class Peers {
  readonly maps: readonly ShardMap[];
  readonly sent: Sent[] = [];
  readonly exchanges: readonly PlaceExchange[];
  longest = 0;
  count = 0;

  constructor(count: number) {
    this.maps = Array.from({ length: count }, () => new ShardMap(new TenantMap(), true));
    const ids = this.maps.map((_, i) => NodeId(i + 1));
    this.exchanges = this.maps.map(
      (map, i) =>
        new PlaceExchange(map, {
          post: (to, message) => this.sent.push({ from: NodeId(i + 1), to, message }),
          peers: () => ids.filter((id) => id !== i + 1),
        }),
    );
  }

  of(node: number): PlaceExchange {
    return this.exchanges[node - 1]!;
  }

  deliverAll(): void {
    for (let next = this.sent.shift(); next !== undefined; next = this.sent.shift()) this.hear(next);
  }

  digests(): ReadonlySet<number> {
    return new Set(this.maps.map(({ digest }) => digest));
  }

  hear({ from, to, message }: Sent): void {
    this.count += 1;
    const exchange = this.of(to);
    if (message.kind === 'placesDigest') exchange.onDigest(from, message.digest);
    else if (message.kind === 'partDigests') exchange.onPartDigests(from, message.digests);
    else if (message.kind === 'partsWanted') exchange.onWanted(from, message.parts);
    else if (message.kind === 'places') {
      this.longest = Math.max(this.longest, message.places.length);
      exchange.onPlaces(from, message.places, message.isLast);
    }
  }
}

const placed = (group: number, epoch: number, incarnation = 1): Place => ({
  group: GroupId(group),
  epoch: Epoch(epoch),
  incarnation: Incarnation(incarnation),
});
const named = (number: number): TenantName => `tenant-${String(number)}` as TenantName;

/** A place of an incarnation and epoch is one place: groups' logs see to that. */
const place: fc.Arbitrary<Place> = fc
  .record({ incarnation: fc.integer({ min: 1, max: 3 }), epoch: fc.integer({ min: 0, max: 3 }) })
  .map(({ incarnation, epoch }) =>
    epoch === 0 ? { group: null, incarnation: Incarnation(incarnation) } : placed(epoch, epoch, incarnation),
  );

describe('what is merged', () => {
  test('is the newest, in whatever order it is heard', () => {
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 8 }), (places) => {
        const map = new TenantMap();
        for (const each of places) map.merge(named(1), each);
        const newest = places.reduce((best, each) => (isNewer(each, best) ? each : best));
        expect(map.find(named(1))).toEqual(newest);
      }),
    );
  });

  test('has digests of parts that follow every change', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), place), { maxLength: 60 }), (said) => {
        const [kept, later] = [new TenantMap(), new TenantMap()];
        const before = kept.partDigests;
        for (const [number, each] of said) {
          kept.merge(named(number), each);
          later.merge(named(number), each);
        }
        expect(kept.partDigests).toBe(before);
        expect(kept.partDigests).toEqual(later.partDigests);
        const names = kept.partDigests.flatMap((_, part) => [...kept.part(part)]);
        expect(names).toHaveLength(kept.size);
      }),
    );
  });
});

describe('nodes that greet one another', () => {
  test('come to know the newest that any of them knew', () => {
    const heard = fc.tuple(fc.nat(2), fc.nat(12), place);
    fc.assert(
      fc.property(fc.array(heard, { maxLength: 60 }), (all) => {
        const peers = new Peers(3);
        const whole = new TenantMap();
        for (const [node, number, each] of all) {
          peers.maps[node]?.merge(named(number), each);
          whole.merge(named(number), each);
        }
        for (const [from, to] of [
          [1, 2],
          [2, 3],
          [3, 1],
          [2, 1],
        ] as const) {
          peers.of(from).greet(NodeId(to));
          peers.deliverAll();
        }
        expect(peers.digests()).toEqual(new Set([whole.digest]));
      }),
    );
  });

  test('go on until nothing differs, a few parts at a time, in pieces', () => {
    const peers = new Peers(2);
    for (let i = 0; i < 20_000; i += 1) peers.maps[i % 2]?.merge(named(i), placed(1 + (i % 7), 1));
    peers.of(1).greet(NodeId(2));
    peers.hear(peers.sent.shift()!);
    peers.hear(peers.sent.shift()!);
    const wanted = peers.sent.find(({ message }) => message.kind === 'partsWanted')?.message;
    expect(wanted).toMatchObject({ parts: { length: limits.mapPartsAtATime } });
    peers.deliverAll();
    expect(peers.maps.map((map) => map.base.size)).toEqual([20_000, 20_000]);
    expect(peers.digests().size).toBe(1);
    expect(peers.longest).toBeLessThan(limits.mapPieceBytes + 200);
  });

  test('say nothing more where all is the same', () => {
    const peers = new Peers(2);
    for (const map of peers.maps) map.merge(named(1), placed(1, 1));
    peers.of(1).greet(NodeId(2));
    peers.deliverAll();
    expect(peers.count).toBe(1);
  });

  test('wait for no answer for ever', () => {
    const peers = new Peers(3);
    peers.maps[1]?.merge(named(1), placed(1, 1));
    peers.of(1).onPartDigests(
      NodeId(3),
      peers.maps[1]!.base.partDigests.map((digest) => digest + 1),
    );
    peers.sent.length = 0;
    peers.of(1).greet(NodeId(2));
    peers.deliverAll();
    expect(peers.maps[0]?.find(named(1))).toBe(null);
    peers.of(1).tick();
    peers.of(1).greet(NodeId(2));
    peers.deliverAll();
    expect(peers.maps[0]?.find(named(1))).toEqual(placed(1, 1));
  });
});

test('what a group is told of its tenants its leader tells all, and other replicas keep for themselves', () => {
  const peers = new Peers(3);
  const directory = new TenantMap();
  directory.merge(named(1), placed(1, 1));
  peers.of(1).follow(GroupId(1), directory, true);
  peers.of(2).follow(GroupId(1), directory, false);
  directory.merge(named(2), placed(2, 1));
  peers.of(2).follow(GroupId(1), directory, false);
  expect(peers.sent).toEqual([]);
  peers.of(1).follow(GroupId(1), directory, true);
  peers.of(1).follow(GroupId(1), directory, true);
  expect(peers.sent.map(({ to }) => to)).toEqual([2, 3]);
  peers.deliverAll();
  expect(peers.maps.map((map) => map.find(named(2)))).toEqual([placed(2, 1), placed(2, 1), placed(2, 1)]);
});
