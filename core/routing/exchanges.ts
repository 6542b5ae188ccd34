/**
 * What nodes tell each other of the maps: which nodes there are, who belongs to a group and leads it, where tenants live.
 * The last goes one of two ways: a metadata group tells all, or every home tells its part. What a node hears it passes on.
 */
import { type GroupId, metadataGroup, type NodeId } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import type { MonoTime } from '../base/time.ts';
import type { Group } from '../group/group.ts';
import type { Directory } from '../metadata/directory.ts';
import { firstReplicas } from '../wire/groups.ts';
import type { PeerMessage } from '../wire/messages.ts';
import type { NodeMapImage } from '../wire/nodes.ts';
import { GroupExchange } from './groupExchange.ts';
import { MapExchange } from './mapExchange.ts';
import { NodeExchange } from './nodeExchange.ts';
import { PlaceExchange } from './placeExchange.ts';
import type { Router } from './router.ts';

export interface ExchangesHost {
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** There are other nodes or groups than before. */
  readonly onNodesChanged: (map: NodeMapImage) => void;
  /** Somebody said who belongs to the group. */
  readonly onMembersTold: (group: GroupId) => void;
  /** Two maps of one version are not the same. `peer` has the other one; null: the metadata group itself. */
  readonly differs: (peer: NodeId | null) => void;
}

export type MapNews = Extract<
  PeerMessage,
  {
    readonly kind:
      | 'nodesVersion'
      | 'nodes'
      | 'groupsVersion'
      | 'groups'
      | 'leads'
      | 'leader'
      | 'mapVersion'
      | 'mapChanges'
      | 'mapWanted'
      | 'mapPiece'
      | 'placesDigest'
      | 'partDigests'
      | 'partsWanted'
      | 'places';
  }
>;

export class Exchanges {
  readonly nodes: NodeExchange;
  readonly members: GroupExchange;
  private readonly maps: MapExchange;
  private readonly places: PlaceExchange;
  private readonly router: Router;
  private readonly metadata: 'raft' | 'static' | 'gossip';
  private readonly host: ExchangesHost;

  /** `nodes`: what the configuration says, or what was known in the last life. */
  constructor(router: Router, metadata: Exchanges['metadata'], nodes: NodeMapImage, host: ExchangesHost) {
    this.router = router;
    this.metadata = metadata;
    this.host = host;
    const { shards, groups, leaders } = router;
    const peers = (): readonly NodeId[] => router.peers();
    const { post } = host;
    this.nodes = new NodeExchange(nodes, {
      post,
      peers,
      onChanged: (map) => {
        this.beginGroups(map);
        host.onNodesChanged(map);
      },
    });
    this.members = new GroupExchange(groups, leaders, { post, peers });
    this.maps = new MapExchange(shards, {
      post,
      peers,
      sources: () => groups.votersOf(metadataGroup).filter((voter) => router.hasLink(voter)),
      differs: host.differs,
    });
    this.places = new PlaceExchange(shards, { post, peers });
    this.beginGroups(nodes);
  }

  /** Says how far the maps are here. */
  greet(peer: NodeId): void {
    if (this.metadata === 'raft') this.maps.greet(peer);
    else if (this.metadata === 'gossip') this.places.greet(peer);
    this.nodes.greet(peer);
    this.members.greet(peer);
  }

  tick(): void {
    this.maps.tick();
    this.places.tick();
  }

  onLinkDown(peer: NodeId): void {
    this.maps.onLinkDown(peer);
    this.places.onLinkDown(peer);
  }

  onNews(from: NodeId, news: MapNews, now: MonoTime): void {
    switch (news.kind) {
      case 'nodesVersion':
        this.nodes.onVersion(from, news.version);
        return;
      case 'nodes':
        this.nodes.onNodes(news.map);
        return;
      case 'groupsVersion':
        this.members.onVersion(from, news.version);
        return;
      case 'groups':
        this.members.onGroups(news.groups);
        for (const { group } of news.groups) this.host.onMembersTold(group);
        return;
      case 'leads':
        this.members.onLeads(from, news.groups);
        return;
      case 'leader':
        this.router.leaders.learn(news.group, news.node, news.term);
        return;
      case 'mapVersion':
        this.maps.onVersion(from, news.version, news.digest);
        return;
      case 'mapChanges':
        this.maps.onChanges(from, news);
        return;
      case 'mapWanted':
        this.maps.onWanted(from, news, now);
        return;
      case 'mapPiece':
        this.maps.onPiece(from, news);
        return;
      case 'placesDigest':
        this.places.onDigest(from, news.digest);
        return;
      case 'partDigests':
        this.places.onPartDigests(from, news.digests);
        return;
      case 'partsWanted':
        this.places.onWanted(from, news.parts);
        return;
      case 'places':
        this.places.onPlaces(from, news.places, news.isLast);
        return;
      default:
        unreachable(news);
    }
  }

  /** A replica of the group is here. If it keeps a part of the directory, that is `part`. */
  followGroup(group: Group, part: Directory | null): void {
    this.members.follow(group);
    if (this.metadata === 'gossip' && part !== null) this.places.follow(group.id, part.map, group.isLeader);
  }

  /** A replica of the metadata group is here. Whoever `leads` it tells others. */
  followDirectory({ nodes, map }: Directory, leads: boolean): void {
    // Groups before tenants that live in them.
    this.nodes.follow(nodes, leads);
    this.maps.follow(map, leads);
  }

  private beginGroups({ groups }: NodeMapImage): void {
    for (const made of groups) this.router.groups.begin(made.group, firstReplicas(made));
  }
}
