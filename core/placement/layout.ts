/**
 * The planner's working copy of a cluster: what each node holds, as the steps so far leave it. Nodes and groups are in
 * order of id, whatever order they came in, and are known by their index in it. Tenants keep the order they came in, for
 * sorting a million of them would cost more than planning for them: whoever goes through them must not depend on it.
 */
import { compareText } from '../base/bytes.ts';
import { GroupId, type NodeId, ReplicaId } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { firstConfiguration, membersOf, settled, withLearner, without, withVote } from '../raft/configuration.ts';
import type { ClusterSnapshot, NodeStatus, TenantStatus } from './clusterSnapshot.ts';
import { draftOf, type GroupDraft } from './groupDraft.ts';
import { copyTimeoutMs, type Dimension, type Policy } from './policy.ts';

export class Layout {
  readonly nodes: readonly NodeStatus[];
  /** The indexes of all nodes. */
  readonly everyNode: readonly number[];
  readonly groups: GroupDraft[];
  readonly tenants: readonly TenantStatus[];
  /** Of each tenant, the index of its group. */
  readonly groupOf: Int32Array;
  /** Of each tenant, whether the balance has to let it rest. */
  readonly rests: Uint8Array;
  /** Tenants that cannot live just anywhere, or live where others should, in order of name. */
  readonly bound: readonly number[];
  /** What each node has, by its index. */
  readonly load: Readonly<Record<Dimension, Float64Array>>;
  private readonly indexes: ReadonlyMap<NodeId, number>;
  private readonly groupIndexes: Map<GroupId, number>;

  /** What has moved less than `coolDownMs` ago rests, and what moved at the instant of the snapshot in any case. */
  constructor(snapshot: ClusterSnapshot, policy: Policy) {
    const { takenAt, tenants } = snapshot;
    this.nodes = snapshot.nodes.toSorted((a, b) => a.node - b.node);
    this.everyNode = [...this.nodes.keys()];
    this.indexes = new Map(this.nodes.map(({ node }, index) => [node, index]));
    const statuses = snapshot.groups.toSorted((a, b) => a.group - b.group);
    const restsSince = takenAt - Math.max(policy.coolDownMs, 1);
    const indexOf = (node: NodeId): number => this.indexOf(node);
    this.groups = statuses.map((status, i) => {
      const isLate = takenAt - status.movedAt > copyTimeoutMs(policy, status.bytes);
      const isGivenUp = (node: number): boolean => {
        const { state } = this.nodeAt(node);
        return state === 'lost' || (state === 'down' && isLate);
      };
      return draftOf(status, i, indexOf, isGivenUp, restsSince);
    });
    this.groupIndexes = new Map(this.groups.map(({ group }, index) => [group, index]));
    const zeros = (): Float64Array => new Float64Array(this.nodes.length);
    this.load = { leaders: zeros(), replicas: zeros(), bytes: zeros(), operations: zeros() };
    for (const [i, { leader }] of statuses.entries()) {
      const draft = this.groupAt(i);
      for (const { node } of membersOf(draft.configuration)) this.carry(this.indexOf(node), draft, 1);
      if (leader !== null && this.answers(this.indexOf(leader))) this.lead(draft, this.indexOf(leader));
    }
    this.tenants = tenants;
    this.groupOf = new Int32Array(tenants.length);
    this.rests = new Uint8Array(tenants.length);
    const bound: number[] = [];
    for (const [t, tenant] of tenants.entries()) {
      const draft = this.groupOfId(tenant.group);
      this.groupOf[t] = draft.index;
      draft.tenants += 1;
      if (tenant.isMoving || tenant.movedAt > restsSince) this.rests[t] = 1;
      const isStranger = draft.dedicatedTo !== null && draft.dedicatedTo !== tenant.tenant;
      if (tenant.pin !== null || tenant.exclusions.length > 0 || isStranger) bound.push(t);
      this.exclude(draft, tenant, 1);
    }
    this.bound = bound.sort((a, b) => compareText(this.tenantAt(a).tenant, this.tenantAt(b).tenant));
  }

  /** Null: it has none, or none that is here. */
  heirOf(node: number): number | null {
    const { heir } = this.nodeAt(node);
    return heir === null ? null : (this.indexes.get(heir) ?? null);
  }

  indexOf(node: NodeId): number {
    const index = this.indexes.get(node);
    invariant(index !== undefined, 'a cluster snapshot has every node that it names', { node });
    return index;
  }

  nodeAt(index: number): NodeStatus {
    const node = this.nodes[index];
    invariant(node !== undefined, 'an index among nodes is one of theirs', { index });
    return node;
  }

  groupAt(index: number): GroupDraft {
    const group = this.groups[index];
    invariant(group !== undefined, 'an index among groups is one of theirs', { index });
    return group;
  }

  groupOfId(id: GroupId): GroupDraft {
    const index = this.groupIndexes.get(id);
    invariant(index !== undefined, 'a cluster snapshot has every group that it names', { group: id });
    return this.groupAt(index);
  }

  has(id: GroupId): boolean {
    return this.groupIndexes.has(id);
  }

  tenantAt(index: number): TenantStatus {
    const tenant = this.tenants[index];
    invariant(tenant !== undefined, 'an index among tenants is one of theirs', { index });
    return tenant;
  }

  homeOf(tenant: number): GroupDraft {
    return this.groupAt(this.groupOf[tenant] ?? -1);
  }

  of(dimension: Dimension, node: number): number {
    return this.load[dimension][node] ?? 0;
  }

  /** It answers now, as far as anybody knows: it counts for its groups' majorities. */
  answers(node: number): boolean {
    const { state } = this.nodeAt(node);
    return state === 'up' || state === 'suspect' || state === 'draining';
  }

  /** It is to stay: it has a share of what the cluster holds, even if it is silent. */
  stays(node: number): boolean {
    const { state } = this.nodeAt(node);
    return state === 'up' || state === 'suspect' || state === 'down';
  }

  /** The id for the next group. */
  get nextGroup(): GroupId {
    return GroupId((this.groups.at(-1)?.group ?? 0) + 1);
  }

  setLeader(draft: GroupDraft, node: number): void {
    if (draft.leader >= 0) this.add('leaders', draft.leader, -1, draft, -1);
    this.lead(draft, node);
    draft.leaderRests = true;
  }

  addReplica(draft: GroupDraft, node: number): void {
    const joined = withLearner(draft.configuration, this.nodeAt(node).node, true, null);
    this.vote(draft, joined);
    draft.voters.push(node);
    this.carry(node, draft, 1);
  }

  removeReplica(draft: GroupDraft, node: number): void {
    const id = this.replicaOn(draft, node);
    draft.configuration = settled(without(draft.configuration, id));
    const list = draft.voters.includes(node) ? draft.voters : draft.learners;
    list.splice(list.indexOf(node), 1);
    draft.membersRest = true;
    this.carry(node, draft, -1);
  }

  /** The new replica takes the old one's place, and leads if that was alone. */
  replaceReplica(draft: GroupDraft, from: number, to: number): void {
    const id = this.replicaOn(draft, from);
    this.vote(draft, withLearner(draft.configuration, this.nodeAt(to).node, true, id));
    draft.voters[draft.voters.indexOf(from)] = to;
    this.carry(from, draft, -1);
    this.carry(to, draft, 1);
    if (draft.leader === from) this.setLeader(draft, to);
  }

  moveTenant(tenant: number, to: GroupDraft): void {
    const status = this.tenantAt(tenant);
    const from = this.homeOf(tenant);
    const moved = movedLoad(status, from);
    this.grow(from, -moved.bytes, -moved.operations);
    this.grow(to, moved.bytes, moved.operations);
    this.exclude(from, status, -1);
    this.exclude(to, status, 1);
    from.tenants -= 1;
    to.tenants += 1;
    this.groupOf[tenant] = to.index;
    if (from.dedicatedTo === status.tenant) from.dedicatedTo = null;
    this.rests[tenant] = 1;
  }

  /** `draft` has its voters, of which the first leads, and nothing on it. */
  createGroup(draft: GroupDraft): void {
    const members = draft.voters.map((node, i) => ({ replica: ReplicaId(i + 1), node: this.nodeAt(node).node }));
    draft.configuration = firstConfiguration(members);
    this.groups.push(draft);
    this.groupIndexes.set(draft.group, draft.index);
    for (const node of draft.voters) this.carry(node, draft, 1);
    this.lead(draft, draft.voters[0] ?? -1);
  }

  replicaOn(draft: GroupDraft, node: number): ReplicaId {
    const { node: id } = this.nodeAt(node);
    const member = membersOf(draft.configuration).find((other) => other.node === id);
    invariant(member !== undefined, 'a replica that is to go is there', { group: draft.group, node: id });
    return member.replica;
  }

  private vote(draft: GroupDraft, joined: GroupDraft['configuration']): void {
    const learner = joined.learners.find(({ replica }) => replica === joined.highest);
    invariant(learner !== undefined, 'a learner that is added is there', { group: draft.group });
    draft.configuration = settled(withVote(joined, learner));
    draft.membersRest = true;
  }

  private lead(draft: GroupDraft, node: number): void {
    draft.leader = node;
    this.add('leaders', node, 1, draft, 1);
  }

  private add(dimension: 'leaders' | 'replicas', node: number, count: number, draft: GroupDraft, sign: number): void {
    const { load } = this;
    load[dimension][node] = this.of(dimension, node) + count;
    const carried = dimension === 'leaders' ? 'operations' : 'bytes';
    load[carried][node] = this.of(carried, node) + sign * draft[carried];
  }

  private carry(node: number, draft: GroupDraft, sign: 1 | -1): void {
    this.add('replicas', node, sign, draft, sign);
  }

  private grow(draft: GroupDraft, bytes: number, operations: number): void {
    const { load } = this;
    draft.bytes += bytes;
    draft.operations += operations;
    for (const node of [...draft.voters, ...draft.learners]) load.bytes[node] = this.of('bytes', node) + bytes;
    if (draft.leader >= 0) load.operations[draft.leader] = this.of('operations', draft.leader) + operations;
  }

  private exclude(draft: GroupDraft, { exclusions }: TenantStatus, count: 1 | -1): void {
    for (const id of exclusions) {
      const node = this.indexOf(id);
      draft.excluded.set(node, (draft.excluded.get(node) ?? 0) + count);
    }
  }
}

/** What leaves a group with a tenant. Both were measured, at instants of their own, so it may say more than there is. */
export function movedLoad(
  tenant: { readonly bytes: number; readonly operations: number },
  group: { readonly bytes: number; readonly operations: number },
): { readonly bytes: number; readonly operations: number } {
  return {
    bytes: Math.min(tenant.bytes, group.bytes),
    operations: Math.min(tenant.operations, group.operations),
  };
}
