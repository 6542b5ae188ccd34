/**
 * What the leader of the metadata group asks of its log when groups are to be made: on which nodes, and on which data
 * directory of each. It only says what could be; the log decides.
 */
import { GroupId, metadataGroup, type NodeId, type TenantName } from '../base/ids.ts';
import type { Now } from '../base/time.ts';
import type { ClusterSnapshot } from '../placement/clusterSnapshot.ts';
import { nodesForNew } from '../placement/newGroups.ts';
import type { Policy } from '../placement/policy.ts';
import type { Router } from '../routing/router.ts';
import type { FirstMember, GroupPlan } from '../wire/groups.ts';
import type { NodeContext } from './options.ts';

export interface WantedGroups {
  readonly count: number;
  /** How many of each; null: as many as the metadata group has. */
  readonly replicas: number | null;
  /** Where those are to be, that of the leader first; null: where a planner puts them. */
  readonly nodes: readonly NodeId[] | null;
  /** Whom they are for alone; null: for anybody. */
  readonly alone: TenantName | null;
}

export interface Planner {
  readonly policy: Policy;
  snapshot(now: Now): ClusterSnapshot;
}

export class GroupMaker {
  private readonly context: NodeContext;
  private readonly router: Router;
  private readonly planner: Planner;
  private asked = 0;

  constructor(context: NodeContext, router: Router, planner: Planner) {
    this.context = context;
    this.router = router;
    this.planner = planner;
  }

  /** Or why it cannot be now. */
  plan(wanted: WantedGroups, now: Now): GroupPlan | string {
    const places = this.placesFor(wanted, now);
    if (typeof places === 'string') return places;
    const groups: (readonly FirstMember[])[] = [];
    for (const nodes of places) {
      const members: FirstMember[] = [];
      for (const node of nodes) {
        const store = this.storeOf(node);
        if (store === null) return `node ${String(node)} cannot be reached`;
        members.push({ node, store });
      }
      groups.push(members);
    }
    this.asked += 1;
    const { node, boot } = this.context;
    const request = `${String(node)}.${String(boot)}.${String(this.asked)}`;
    const above = GroupId(Math.max(0, ...this.router.groups.groups));
    return { request, above, alone: wanted.alone, groups };
  }

  /** The nodes of each. */
  private placesFor({ count, replicas, nodes }: WantedGroups, now: Now): readonly (readonly NodeId[])[] | string {
    if (nodes !== null) return Array.from({ length: count }, () => nodes);
    const size = replicas ?? this.router.groups.votersOf(metadataGroup).length;
    const snapshot = this.planner.snapshot(now);
    const places = nodesForNew(snapshot, this.planner.policy, count, size);
    if (places !== null) return places;
    const up = snapshot.nodes.filter(({ state }) => state === 'up').length;
    return `there are no ${String(size)} nodes that may have a replica of it: ${String(up)} of ${String(snapshot.nodes.length)} are up and not draining, and they need room, and zones as different as can be`;
  }

  private storeOf(node: NodeId): string | null {
    return node === this.context.node ? this.context.store : this.router.storeOf(node);
  }
}
