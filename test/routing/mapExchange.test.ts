/** Nodes that tell one another of their maps: however late, in whatever order, they come to have the same. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { ByteWriter } from '../../core/base/bytes.ts';
import { Epoch, GroupId, Incarnation, MapVersion, NodeId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { MonoTime } from '../../core/base/time.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import { MapExchange } from '../../core/routing/mapExchange.ts';
import { MapFetch } from '../../core/routing/mapFetch.ts';
import { ShardMap } from '../../core/routing/shardMap.ts';
import type { MapChange, MapPiece, PeerMessage } from '../../core/wire/messages.ts';

interface Sent {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PeerMessage;
}

/** Node 1 replicates the metadata group, whose state is `directory`. */
class Peers {
  readonly directory: TenantMap;
  readonly maps: readonly ShardMap[];
  readonly alarms: string[] = [];
  readonly sent: Sent[] = [];
  now = MonoTime(0);
  private readonly exchanges: readonly MapExchange[];

  constructor(directory: TenantMap, maps: readonly ShardMap[]) {
    this.directory = directory;
    this.maps = maps;
    const ids = maps.map((_, i) => NodeId(i + 1));
    this.exchanges = maps.map((map, i) => {
      const from = NodeId(i + 1);
      const others = ids.filter((id) => id !== from);
      return new MapExchange(map, {
        post: (to, message) => this.sent.push({ from, to, message }),
        peers: () => others,
        sources: () => others.filter((id) => id === 1),
        differs: (peer) => this.alarms.push(`${String(from)} of ${String(peer)}`),
      });
    });
  }

  of(node: number): MapExchange {
    return this.exchanges[node - 1]!;
  }

  follow(leads: boolean): void {
    this.of(1).follow(this.directory, leads);
  }

  /** Delivers one of the messages under way, whose number may be any. */
  deliver(number: number): void {
    const [next] = this.sent.splice(number % Math.max(1, this.sent.length), 1);
    if (next !== undefined) this.hear(next);
  }

  deliverAll(): void {
    for (let i = 0; this.sent.length > 0 && i < 10_000; i += 1) this.deliver(0);
    expect(this.sent).toEqual([]);
  }

  hear({ from, to, message }: Sent): void {
    const exchange = this.of(to);
    if (message.kind === 'mapVersion') exchange.onVersion(from, message.version, message.digest);
    else if (message.kind === 'mapChanges') exchange.onChanges(from, message);
    else if (message.kind === 'mapWanted') exchange.onWanted(from, message, this.now);
    else if (message.kind === 'mapPiece') exchange.onPiece(from, message);
    if (to === 1) this.follow(false);
  }

  versions(): readonly number[] {
    return this.maps.map(({ version }) => version);
  }

  /** What is under way, in short. */
  said(): readonly string[] {
    return this.sent.map(({ from, to, message }) => `${String(from)}→${String(to)} ${message.kind}`);
  }
}

const placed = (tenant: string, group: number): MapChange => ({
  kind: 'placed',
  tenant: tenant as TenantName,
  group: GroupId(group),
  epoch: Epoch(1),
  incarnation: Incarnation(1),
});

function mapOf(count: number, prefix = 't'): TenantMap {
  const map = new TenantMap();
  for (let i = 0; i < count; i += 1) map.apply(placed(`${prefix}${String(i)}`, i % 100));
  return map;
}

/** More changes than are known, and more places than fit in a piece. */
const many = limits.mapChangesKept + 5000;

describe('changes', () => {
  let peers: Peers;
  beforeEach(() => {
    peers = new Peers(new TenantMap(), [new ShardMap(), new ShardMap(), new ShardMap()]);
  });

  test('are told to all by the one that leads, in the turn in which it learns of them', () => {
    peers.directory.apply(placed('a', 1));
    peers.follow(true);
    expect(peers.said()).toEqual(['1→2 mapChanges', '1→3 mapChanges']);
    peers.deliverAll();
    expect(peers.versions()).toEqual([1, 1, 1]);
    peers.follow(true);
    expect(peers.said()).toEqual([]);
  });

  test('behind a gap are asked for, once', () => {
    for (const tenant of ['a', 'b', 'c']) {
      peers.directory.apply(placed(tenant, 1));
      peers.follow(true);
    }
    const lost = peers.sent.splice(0, 2);
    expect(lost).toHaveLength(2);
    for (let i = 0; i < 4; i += 1) peers.deliver(0);
    expect(peers.said()).toEqual(['2→1 mapVersion', '3→1 mapVersion']);
    peers.deliverAll();
    expect(peers.versions()).toEqual([3, 3, 3]);
  });

  test('are asked for until there are no more, as many at a time as fit in a message', () => {
    for (let i = 0; i < 3 * limits.mapChangesPerMessage; i += 1) peers.directory.apply(placed(`t${String(i)}`, 1));
    peers.follow(false);
    peers.of(1).greet(NodeId(2));
    peers.deliverAll();
    expect(peers.versions()).toEqual([3000, 3000, 0]);
  });

  test('that were asked for and never came are asked for again', () => {
    peers.directory.apply(placed('a', 1));
    peers.follow(false);
    for (let i = 0; i < 2; i += 1) peers.of(2).onVersion(NodeId(1), MapVersion(1), 1);
    expect(peers.said()).toEqual(['2→1 mapVersion']);
    peers.sent.length = 0;
    peers.of(2).tick();
    peers.of(2).onVersion(NodeId(1), MapVersion(1), 1);
    peers.deliverAll();
    expect(peers.versions()).toEqual([1, 1, 0]);
  });

  test('reach everybody by greetings alone, in any order, though messages are lost', () => {
    const step = fc.record({
      node: fc.nat(2),
      peer: fc.nat(2),
      changes: fc.nat(3),
      deliver: fc.nat(9),
      isLost: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = new Peers(new TenantMap(), [new ShardMap(), new ShardMap(), new ShardMap()]);
        let count = 0;
        for (const { node, peer, changes, deliver, isLost } of steps) {
          for (let i = 0; i < changes; i += 1) all.directory.apply(placed(`t${String((count += 1) % 7)}`, count));
          all.follow(node === 0);
          if (node !== peer) all.of(node + 1).greet(NodeId(peer + 1));
          if (isLost) all.sent.splice(deliver % Math.max(1, all.sent.length), 1);
          all.deliver(deliver);
          if (deliver === 0) all.of(node + 1).tick();
        }
        all.sent.length = 0;
        for (const node of [1, 2, 3]) all.of(node).tick();
        all.of(1).greet(NodeId(2));
        all.deliverAll();
        all.of(3).greet(NodeId(2));
        all.deliverAll();
        expect(all.maps.map(({ version, digest }) => [version, digest])).toEqual(
          all.maps.map(() => [all.directory.version, all.directory.digest]),
        );
        expect(all.alarms).toEqual([]);
      }),
    );
  });
});

describe('the whole map', () => {
  test('comes in pieces to who is too far behind, and is that of the end though it changes meanwhile', () => {
    const peers = new Peers(mapOf(many), [new ShardMap(), new ShardMap()]);
    peers.follow(false);
    peers.of(1).greet(NodeId(2));
    let pieces = 0;
    for (let i = 0; peers.sent.length > 0; i += 1) {
      if (peers.sent[0]?.message.kind === 'mapPiece') pieces += 1;
      peers.deliver(0);
      peers.directory.apply(placed(`t${String(i)}`, 7));
      peers.directory.apply(placed(`new${String(i)}`, 7));
      peers.follow(false);
    }
    expect(pieces).toBeGreaterThan(1);
    peers.of(1).greet(NodeId(2));
    peers.deliverAll();
    expect(peers.versions()).toEqual([peers.directory.version, peers.directory.version]);
    expect(peers.maps[1]?.list()).toEqual(peers.maps[0]?.list());
  });

  test('goes on from another peer when the one that sent it is gone', () => {
    const directory = mapOf(many);
    const peers = new Peers(directory, [new ShardMap(), new ShardMap(), new ShardMap(directory.copy())]);
    peers.follow(false);
    peers.of(1).greet(NodeId(2));
    for (let i = 0; i < 6; i += 1) peers.deliver(0);
    peers.sent.length = 0;
    peers.of(2).onLinkDown(NodeId(1));
    peers.of(3).greet(NodeId(2));
    for (let i = 0; i < 3; i += 1) peers.deliver(0);
    const [{ message } = { message: null }] = peers.sent;
    expect(message).toMatchObject({ kind: 'mapWanted', since: many });
    expect(message?.kind === 'mapWanted' && message.after !== null).toBe(true);
    peers.deliverAll();
    expect(peers.maps[1]?.digest).toBe(directory.digest);
  });

  test('begins anew when more has changed meanwhile than is known', () => {
    const peers = new Peers(mapOf(many), [new ShardMap(), new ShardMap()]);
    peers.follow(false);
    peers.of(1).greet(NodeId(2));
    for (let i = 0; i < 5; i += 1) peers.deliver(0);
    expect(peers.said()).toEqual(['2→1 mapWanted']);
    for (let i = 0; i < many; i += 1) peers.directory.apply(placed(`t${String(i)}`, 7));
    peers.follow(false);
    peers.deliver(0);
    expect(peers.sent.map(({ message }) => message)).toMatchObject([{ kind: 'mapPiece', after: null }]);
    peers.deliverAll();
    expect(peers.maps[1]?.digest).toBe(peers.directory.digest);
    expect(peers.alarms).toEqual([]);
  });

  test('begun anew holds nothing of what there was', () => {
    const fetch = new MapFetch();
    const pieceOf = (map: TenantMap, bytes: number): MapPiece => {
      const writer = new ByteWriter();
      const isLast = map.writePiece(writer, null, bytes) === true;
      const { version: since, digest } = map;
      return { since, after: null, changes: [], digest, places: writer.take(), isLast };
    };
    expect(fetch.add(pieceOf(mapOf(9, 'other'), 20))).toBe('more');
    expect(fetch.add(pieceOf(mapOf(9), 10_000))).toMatchObject({ version: 9, size: 9 });
  });

  test('is told to so many at a time, and one that falls silent makes room', () => {
    const readers = limits.mapReadersAtATime + 1;
    const maps = Array.from({ length: readers + 1 }, () => new ShardMap());
    const peers = new Peers(mapOf(many), maps);
    peers.follow(false);
    const ask = (): number => {
      peers.sent.length = 0;
      for (let node = 2; node <= readers + 1; node += 1)
        peers.of(1).onWanted(NodeId(node), { since: MapVersion(0), after: null }, peers.now);
      return peers.sent.length;
    };
    expect(ask()).toBe(limits.mapReadersAtATime);
    expect(ask()).toBe(limits.mapReadersAtATime);
    peers.now = MonoTime(limits.mapReaderSilentMs * 1000);
    peers.of(1).onWanted(NodeId(readers + 1), { since: MapVersion(0), after: null }, peers.now);
    expect(peers.said().at(-1)).toBe(`1→${String(readers + 1)} mapPiece`);
  });
});

describe('a map that differs from another of its version', () => {
  test('is replaced by that of a replica of the metadata group, and an alarm raised', () => {
    const peers = new Peers(mapOf(5), [new ShardMap(), new ShardMap(mapOf(5, 'wrong')), new ShardMap(mapOf(5))]);
    peers.follow(false);
    peers.of(2).greet(NodeId(3));
    peers.deliverAll();
    expect(peers.alarms.length).toBeGreaterThan(0);
    expect(peers.maps.map(({ digest }) => digest)).toEqual(peers.maps.map(() => peers.directory.digest));
  });

  test('is told to nobody and takes nothing over until then, but routes', () => {
    const peers = new Peers(mapOf(5), [new ShardMap(), new ShardMap(mapOf(5, 'wrong')), new ShardMap()]);
    peers.of(2).onVersion(NodeId(3), MapVersion(5), 1);
    peers.sent.length = 0;
    peers.of(2).onVersion(NodeId(3), MapVersion(1), 1);
    peers.of(2).onWanted(NodeId(3), { since: MapVersion(0), after: null }, peers.now);
    const { digest } = peers.directory;
    peers.of(2).onChanges(NodeId(3), { since: MapVersion(5), changes: [], digest, latest: MapVersion(9) });
    expect(peers.said()).toEqual([]);
    expect(peers.maps[1]?.find('wrong1' as TenantName)?.group).toBe(1);
  });

  test('of a replica of the metadata group gives way to what its log says', () => {
    const peers = new Peers(mapOf(5), [new ShardMap(mapOf(5, 'kept'))]);
    peers.follow(false);
    expect(peers.maps[0]?.digest).toBe(peers.directory.digest);
    expect(peers.alarms).toEqual(['1 of null']);
    const later = new Peers(mapOf(7), [new ShardMap(mapOf(5, 'kept'))]);
    later.follow(false);
    expect(later.maps[0]?.digest).toBe(later.directory.digest);
  });

  test('never goes back: a source that is behind is asked again later', () => {
    const peers = new Peers(mapOf(3), [new ShardMap(), new ShardMap(mapOf(5, 'wrong'))]);
    peers.follow(false);
    peers.of(2).onVersion(NodeId(1), MapVersion(5), 1);
    peers.deliverAll();
    expect(peers.versions()).toEqual([3, 5]);
    for (let i = 3; i < 6; i += 1) peers.directory.apply(placed(`t${String(i)}`, 1));
    peers.follow(false);
    peers.of(2).tick();
    peers.deliverAll();
    expect(peers.maps[1]?.digest).toBe(peers.directory.digest);
    expect(peers.versions()).toEqual([6, 6]);
  });
});
