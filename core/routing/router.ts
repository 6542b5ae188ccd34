/**
 * From a tenant to the node to ask: ShardMap, then GroupMap and leader hint. Everything it knows may be stale; the group
 * that is asked decides.
 */
import type { GroupId, Incarnation, NodeId, TenantName } from '../base/ids.ts';
import type { GroupMap } from './groupMap.ts';
import { LeaderHints } from './leaderHints.ts';
import { ShardMap } from './shardMap.ts';

export interface Route {
  readonly group: GroupId;
  readonly incarnation: Incarnation;
  /** Null while no member of the group can be reached. */
  readonly node: NodeId | null;
}

export class Router {
  readonly shards = new ShardMap();
  readonly groups: GroupMap;
  readonly leaders: LeaderHints;
  private readonly self: NodeId;
  private readonly reachable = new Set<NodeId>();

  constructor(self: NodeId, groups: GroupMap) {
    this.self = self;
    this.groups = groups;
    this.leaders = new LeaderHints(groups);
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
