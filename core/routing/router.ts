/**
 * From a tenant to the node to ask: ShardMap, then GroupMap and leader hint. Everything it knows may be stale; the group
 * that is asked decides.
 */
import type { GroupId, Incarnation, NodeId, TenantName } from '../base/ids.ts';
import { type Homes, inMetadataGroup } from '../metadata/homes.ts';
import type { TenantMap } from '../metadata/tenantMap.ts';
import type { GroupMap } from './groupMap.ts';
import { LeaderHints } from './leaderHints.ts';
import { ShardMap } from './shardMap.ts';

export interface Route {
  readonly group: GroupId;
  readonly incarnation: Incarnation;
  /** Of the ShardMap: the route holds while it is the same. */
  readonly edition: number;
}

export class Router {
  readonly shards: ShardMap;
  readonly groups: GroupMap;
  readonly leaders: LeaderHints;
  /** Which group keeps a tenant's entry in the directory. */
  readonly homeOf: Homes;
  private readonly self: NodeId;
  /** Peers with a link, and the data directory that each came with. */
  private readonly reachable = new Map<NodeId, string>();

  /** `map`: what the node knew of tenants when it was last up. */
  constructor(self: NodeId, groups: GroupMap, map?: TenantMap, homeOf: Homes = inMetadataGroup) {
    this.self = self;
    this.groups = groups;
    this.homeOf = homeOf;
    this.shards = new ShardMap(map, homeOf !== inMetadataGroup);
    this.leaders = new LeaderHints(groups);
  }

  /** `last`: what it was the last time; what still holds is not looked up again. Null: this node has never heard of the tenant. */
  route(tenant: TenantName, last: Route | null): Route | null {
    const { edition } = this.shards;
    if (last?.edition === edition) return last;
    const place = this.shards.find(tenant);
    return place === null ? null : { group: place.group, incarnation: place.incarnation, edition };
  }

  /** The node to ask about a group: this one only if it is a member. */
  nodeFor(group: GroupId): NodeId | null {
    return this.leaders.candidate(group, this.isReachable);
  }

  linkUp(peer: NodeId, store: string): void {
    this.reachable.set(peer, store);
  }

  linkDown(peer: NodeId): void {
    this.reachable.delete(peer);
  }

  /** The peers with a link, in order of id. */
  peers(): readonly NodeId[] {
    return [...this.reachable.keys()].sort((a, b) => a - b);
  }

  /** Null: there is no link. */
  storeOf(peer: NodeId): string | null {
    return this.reachable.get(peer) ?? null;
  }

  hasLink(node: NodeId): boolean {
    return this.reachable.has(node);
  }

  readonly isReachable = (node: NodeId): boolean => node === this.self || this.hasLink(node);
}
