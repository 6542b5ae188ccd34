/**
 * How nodes come to know the same of tenants where no metadata group makes versions of the map: each keeps of every
 * tenant the place of the highest incarnation and epoch that it has heard of. What a group's log says of the tenants
 * whose home it is, its leader tells everybody in the same turn; for the rest two nodes compare digests now and then, and
 * where they differ those of parts of the map, and tell one another what is in parts that differ.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { GroupId, MapVersion, NodeId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { placeAfter } from '../metadata/place.ts';
import { readPlaces, writePlace } from '../metadata/placeTable.ts';
import type { TenantMap } from '../metadata/tenantMap.ts';
import type { MapChange, PeerMessage } from '../wire/messages.ts';
import type { ShardMap } from './shardMap.ts';

export interface PlaceExchangeHost {
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** Peers with a link. */
  readonly peers: () => readonly NodeId[];
}

/** How far a group's part of the directory was taken over. */
interface Followed {
  readonly directory: TenantMap;
  readonly version: MapVersion;
}

export class PlaceExchange {
  private readonly shards: ShardMap;
  private readonly host: PlaceExchangeHost;
  private readonly followed = new Map<GroupId, Followed>();
  /** Who was asked for parts and has not told the last of them; and whether there are more to ask for. */
  private asked: NodeId | null = null;
  private hasMore = false;
  /** Where among the parts that differ the next ones are taken: what always differs is not to be in the way of others. */
  private turn = 0;

  constructor(shards: ShardMap, host: PlaceExchangeHost) {
    this.shards = shards;
    this.host = host;
  }

  /** Says what there is here. */
  greet(peer: NodeId): void {
    this.host.post(peer, { kind: 'placesDigest', digest: this.shards.digest });
  }

  onDigest(from: NodeId, digest: number): void {
    if (digest !== this.shards.digest)
      this.host.post(from, { kind: 'partDigests', digests: [...this.shards.base.partDigests] });
  }

  onPartDigests(from: NodeId, digests: readonly number[]): void {
    if (this.asked !== null) return;
    const differing = this.shards.base.partDigests.flatMap((digest, part) => (digests[part] === digest ? [] : [part]));
    if (differing.length === 0) return;
    const first = this.turn % differing.length;
    const parts = [...differing.slice(first), ...differing.slice(0, first)].slice(0, limits.mapPartsAtATime);
    this.turn += parts.length;
    this.asked = from;
    this.hasMore = parts.length < differing.length;
    this.tell(from, parts, false);
    this.host.post(from, { kind: 'partsWanted', parts });
  }

  onWanted(from: NodeId, parts: readonly number[]): void {
    this.tell(from, parts.slice(0, limits.mapPartsAtATime), true);
  }

  onPlaces(from: NodeId, places: Uint8Array, isLast: boolean): void {
    readPlaces(new ByteReader(places), (tenant, place) => {
      this.shards.merge(tenant, place);
    });
    if (!isLast || this.asked !== from) return;
    this.asked = null;
    if (this.hasMore) this.greet(from);
  }

  /** A replica is here of the group that keeps that part of the directory. Whoever `leads` it learns of changes first. */
  follow(group: GroupId, directory: TenantMap, leads: boolean): void {
    const { version } = directory;
    const known = this.followed.get(group);
    const isSame = known?.directory === directory;
    if (isSame && known.version === version) return;
    this.followed.set(group, { directory, version });
    const news = isSame ? directory.changesAfter(known.version, limits.mapChangesKept) : null;
    if (news === null) for (const [tenant, place] of directory.entries()) this.shards.merge(tenant, place);
    else {
      for (const change of news.changes) this.shards.merge(change.tenant, placeAfter(change));
      if (leads) this.push(news.changes);
    }
  }

  onLinkDown(peer: NodeId): void {
    if (this.asked === peer) this.asked = null;
  }

  /** Now and then: whoever has not answered since the last time does not count on any more. */
  tick(): void {
    this.asked = null;
  }

  private push(changes: readonly MapChange[]): void {
    for (let at = 0; at < changes.length; at += limits.mapChangesPerMessage) {
      const writer = new ByteWriter();
      for (const change of changes.slice(at, at + limits.mapChangesPerMessage))
        writePlace(writer, change.tenant, placeAfter(change));
      const places = writer.take();
      for (const peer of this.host.peers()) this.host.post(peer, { kind: 'places', places, isLast: false });
    }
  }

  /** `isAnswer`: whoever asked waits for the last piece. */
  private tell(peer: NodeId, parts: readonly number[], isAnswer: boolean): void {
    const writer = new ByteWriter();
    const post = (isLast: boolean): void => {
      this.host.post(peer, { kind: 'places', places: writer.take(), isLast });
    };
    for (const part of parts) {
      for (const [tenant, place] of this.shards.base.part(part)) {
        writePlace(writer, tenant, place);
        if (writer.length >= limits.mapPieceBytes) post(false);
      }
    }
    if (isAnswer || writer.length > 0) post(isAnswer);
  }
}
