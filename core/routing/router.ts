/**
 * From a tenant to the node to ask: ShardMap, then leader hint. Everything it knows may be stale; the group
 * that is asked decides.
 */
import type { GroupId, Incarnation, NodeId, TenantName } from '../base/ids.ts';
import type { LeaderHints } from './leaderHints.ts';
import type { ShardMap } from './shardMap.ts';

export interface Route {
  readonly group: GroupId;
  readonly incarnation: Incarnation;
  /** Null while no member of the group can be reached. */
  readonly node: NodeId | null;
}

export class Router {
  readonly shards: ShardMap;
  readonly leaders: LeaderHints;
  private readonly self: NodeId;
  private readonly reachable = new Set<NodeId>();

  constructor(self: NodeId, shards: ShardMap, leaders: LeaderHints) {
    this.self = self;
    this.shards = shards;
    this.leaders = leaders;
  }

  /** Null: this node has never heard of the tenant. */
  route(tenant: TenantName): Route | null {
    const shard = this.shards.find(tenant);
    if (shard === null) return null;
    return { group: shard.group, incarnation: shard.incarnation, node: this.nodeFor(shard.group) };
  }

  /** The node to ask about a group: this one only if it is a member. */
  nodeFor(group: GroupId): NodeId | null {
    return this.leaders.candidate(group, this.isReachable);
  }

  linkUp(peer: NodeId): void {
    this.reachable.add(peer);
  }

  linkDown(peer: NodeId): void {
    this.reachable.delete(peer);
  }

  /** The peers with a link, in order of id. */
  peers(): readonly NodeId[] {
    return [...this.reachable].sort((a, b) => a - b);
  }

  readonly isReachable = (node: NodeId): boolean => node === this.self || this.reachable.has(node);
}
