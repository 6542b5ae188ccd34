/**
 * How a node's ShardMap comes to be that of the metadata group: changes that replicas of it stream, what peers are
 * ahead by, and the map as a whole, piece by piece, for who is too far behind. A map that turns out to differ from
 * another of the same version still routes, since it is only a hint, but is told to nobody and takes no changes, until
 * it is replaced by that of a source: a node that replicates the metadata group.
 */
import { ByteWriter } from '../base/bytes.ts';
import type { MapVersion, NodeId } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { limits } from '../base/limits.ts';
import type { MonoTime } from '../base/time.ts';
import type { TenantMap } from '../metadata/tenantMap.ts';
import type { MapChanges, MapPiece, MapWanted, PeerMessage } from '../wire/messages.ts';
import { MapFetch } from './mapFetch.ts';
import { MapReaders } from './mapReaders.ts';
import type { ShardMap } from './shardMap.ts';

/** By so much a piece may be larger than it should be. */
const largestPlaceBytes = 192;

export interface MapExchangeHost {
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** Peers with a link. */
  readonly peers: () => readonly NodeId[];
  /** Those of them that are believed to replicate the metadata group. */
  readonly sources: () => readonly NodeId[];
  /** Two maps of one version are not the same. `peer` has the other one; null: the metadata group itself. */
  readonly differs: (peer: NodeId | null) => void;
}

export class MapExchange {
  private readonly shards: ShardMap;
  private readonly host: MapExchangeHost;
  private readonly readers = new MapReaders();
  /** Who was asked for changes and has not answered. */
  private asked: NodeId | null = null;
  private fetch: MapFetch | null = null;
  private isDoubtful = false;
  /** Which of the sources is the next to be asked for its map. */
  private turn = 0;

  constructor(shards: ShardMap, host: MapExchangeHost) {
    this.shards = shards;
    this.host = host;
  }

  /** Says how far the map is here. */
  greet(peer: NodeId): void {
    const { version, digest } = this.shards;
    this.host.post(peer, { kind: 'mapVersion', version, digest });
  }

  onVersion(from: NodeId, version: MapVersion, digest: number): void {
    if (this.isDoubtful) return;
    const { shards } = this;
    if (version > shards.version) this.ask(from);
    else if (version < shards.version) this.tell(from, version);
    else if (digest !== shards.digest) this.doubt(from);
  }

  onChanges(from: NodeId, { since, changes, digest, latest }: MapChanges): void {
    if (this.isDoubtful) return;
    const advanced = this.shards.advance(since, changes, digest);
    if (this.asked === from && (advanced !== 'gap' || changes.length === 0)) this.asked = null;
    switch (advanced) {
      case 'gap':
        if (changes.length === 0) this.want(from);
        else this.ask(from);
        return;
      case 'differs':
        this.doubt(from);
        return;
      case 'advanced':
      case 'known':
        break;
      default:
        unreachable(advanced);
    }
    if (latest > this.shards.version) this.ask(from);
  }

  onWanted(from: NodeId, wanted: MapWanted, now: MonoTime): void {
    // One that has more than is here is served by another, or later.
    if (this.isDoubtful || wanted.since > this.shards.version || !this.readers.admit(from, now)) return;
    const piece = this.pieceBehind(wanted) ?? this.pieceBehind({ since: this.shards.version, after: null });
    if (piece === null) return;
    if (piece.isLast) this.readers.forget(from);
    this.host.post(from, { kind: 'mapPiece', ...piece });
  }

  onPiece(from: NodeId, piece: MapPiece): void {
    const { fetch } = this;
    if (fetch?.from !== from) return;
    const got = fetch.add(piece);
    if (got === 'ignored') return;
    if (got === 'more') this.host.post(from, { kind: 'mapWanted', ...fetch.wanted });
    else {
      this.fetch = null;
      if (got === 'wrong') this.host.differs(from);
      else if (got.version > this.shards.version || (this.isDoubtful && got.version === this.shards.version))
        this.replace(got);
    }
  }

  /**
   * A replica of the metadata group needs nobody to tell it of changes: it follows its own state, and leaves whatever
   * it believed that differs. The one that `leads` learns of them first, and tells everybody in the same turn.
   */
  follow(directory: TenantMap, leads: boolean): void {
    const { shards } = this;
    const since = shards.version;
    if (directory.version < since) return;
    if (directory.version === since) {
      if (directory.digest !== shards.digest) this.leave(directory);
      this.isDoubtful = false;
      return;
    }
    const news = this.isDoubtful ? null : directory.changesAfter(since, limits.mapChangesKept);
    if (news === null) this.replace(directory.copy());
    else if (shards.advance(since, news.changes, news.digest) === 'differs') this.leave(directory);
    if (leads) for (const peer of this.host.peers()) this.tell(peer, since);
  }

  onLinkDown(peer: NodeId): void {
    if (this.asked === peer) this.asked = null;
    if (this.fetch?.from === peer) this.fetch.from = null;
    this.readers.forget(peer);
  }

  /** Now and then: whoever has not answered since the last time does not count on any more. */
  tick(): void {
    this.asked = null;
    const { fetch } = this;
    if (fetch !== null) {
      if (!fetch.hasProgress) fetch.from = null;
      fetch.hasProgress = false;
      if (!this.isDoubtful && fetch.wanted.since <= this.shards.version) this.fetch = null;
    }
    if (this.isDoubtful) this.seekSource();
  }

  private ask(peer: NodeId): void {
    if (this.asked !== null || this.fetch?.from === peer) return;
    this.asked = peer;
    this.greet(peer);
  }

  private tell(peer: NodeId, since: MapVersion): void {
    const { base, version: latest } = this.shards;
    const known = base.changesAfter(since, limits.mapChangesPerMessage);
    const message =
      known === null ? { since: latest, changes: [], digest: base.digest, latest } : { since, ...known, latest };
    this.host.post(peer, { kind: 'mapChanges', ...message });
  }

  /** Begins to fetch the whole map, or goes on where another has left off. */
  private want(peer: NodeId): void {
    this.fetch ??= new MapFetch();
    if (this.fetch.from !== null) return;
    this.fetch.from = peer;
    this.fetch.hasProgress = true;
    this.host.post(peer, { kind: 'mapWanted', ...this.fetch.wanted });
  }

  private pieceBehind({ since, after }: MapWanted): MapPiece | null {
    const { base } = this.shards;
    const known = base.changesAfter(since, limits.mapChangesKept);
    if (known === null) return null;
    const writer = new ByteWriter(limits.mapPieceBytes + largestPlaceBytes);
    const isLast = base.writePiece(writer, after, limits.mapPieceBytes);
    return isLast === null ? null : { since, after, ...known, places: writer.take(), isLast };
  }

  private doubt(peer: NodeId): void {
    this.host.differs(peer);
    this.isDoubtful = true;
    this.fetch = null;
    this.greet(peer);
    this.seekSource();
  }

  private seekSource(): void {
    const sources = this.host.sources();
    const source = sources[this.turn % Math.max(1, sources.length)];
    this.turn += 1;
    if (source !== undefined) this.want(source);
  }

  private leave(directory: TenantMap): void {
    if (!this.isDoubtful) this.host.differs(null);
    this.replace(directory.copy());
  }

  private replace(map: TenantMap): void {
    this.isDoubtful = false;
    this.shards.replace(map);
  }
}
