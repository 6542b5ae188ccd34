/**
 * The snapshot as it would be if steps had been done, for what-if and for tests. It goes by the snapshot alone and knows
 * nothing of how the planner keeps its books, so one can be held against the other. A step whose preconditions do not
 * hold is nobody's plan for this snapshot.
 */
import { Epoch, type GroupId, LogIndex, type NodeId, ReplicaId, type TenantName } from '../base/ids.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { firstConfiguration, settled, withLearner, without, withVote } from '../raft/configuration.ts';
import type { Configuration } from '../raft/types.ts';
import type { ClusterSnapshot, GroupStatus, TenantStatus } from './clusterSnapshot.ts';
import { movedLoad } from './layout.ts';
import type { MoveTenant, ReplaceReplica, Step } from './step.ts';

export function apply(snapshot: ClusterSnapshot, steps: readonly Step[]): ClusterSnapshot {
  const groups = new Map(snapshot.groups.map((group) => [group.group, group]));
  const tenants = tenantsOf(snapshot, steps);
  for (const step of steps) {
    if (step.kind === 'createGroup') {
      invariant(!groups.has(step.group), 'a group is created once', { group: step.group });
      const voters = step.nodes.map((node, i) => ({ replica: ReplicaId(i + 1), node }));
      groups.set(step.group, {
        group: step.group,
        confIndex: LogIndex(0),
        configuration: firstConfiguration(voters),
        leader: step.nodes[0] ?? null,
        bytes: 0,
        operations: 0,
        replicas: step.nodes.length,
        others: 0,
        dedicatedTo: step.dedicatedTo,
        movedAt: snapshot.takenAt,
        leaderMovedAt: snapshot.takenAt,
      });
    } else if (step.kind === 'moveTenant') moveTenant(step, groups, tenants, snapshot);
    else {
      const before = found(groups, step.group);
      const isFirst = step.after === null;
      invariant(!isFirst || before.confIndex === step.confIndex, 'a step is for the group as it is', {
        group: step.group,
        confIndex: before.confIndex,
        expected: step.confIndex,
      });
      groups.set(step.group, changed(before, step, snapshot));
    }
  }
  return {
    ...snapshot,
    groups: [...groups.values()],
    tenants: snapshot.tenants.map((tenant) => tenants.get(tenant.tenant) ?? tenant),
  };
}

type OnGroup = Exclude<Step, { readonly kind: 'createGroup' | 'moveTenant' }>;

function changed(group: GroupStatus, step: OnGroup, { takenAt }: ClusterSnapshot): GroupStatus {
  const { configuration, leader } = group;
  if (step.kind === 'transferLeader') {
    invariant(leader === step.from, 'who hands over leads', { group: group.group, from: step.from });
    return { ...group, leader: step.to, leaderMovedAt: takenAt };
  }
  const members = { confIndex: LogIndex(group.confIndex + 1), movedAt: takenAt };
  switch (step.kind) {
    case 'addReplica':
      return { ...group, ...members, configuration: joined(configuration, step.to, null) };
    case 'removeReplica':
      return {
        ...group,
        ...members,
        configuration: settled(without(configuration, step.replica)),
        leader: leader === step.from ? null : leader,
      };
    case 'replaceReplica': {
      const next = { ...group, ...members, configuration: joined(configuration, step.to, step) };
      if (leader !== step.from) return next;
      // One that is alone hands over as it goes. Otherwise it was named for want of a better, and answers no more.
      return configuration.voters.length === 1
        ? { ...next, leader: step.to, leaderMovedAt: takenAt }
        : { ...next, leader: null };
    }
    default:
      return unreachable(step);
  }
}

/** With a voter more, or with another in the place of one. */
function joined(configuration: Configuration, node: NodeId, replaced: ReplaceReplica | null): Configuration {
  const withOne = withLearner(configuration, node, true, replaced?.replica ?? null);
  const learner = withOne.learners.find(({ replica }) => replica === withOne.highest);
  invariant(learner !== undefined, 'a learner that is added is there', { node });
  return settled(withVote(withOne, learner));
}

function moveTenant(
  step: MoveTenant,
  groups: Map<GroupId, GroupStatus>,
  tenants: Map<TenantName, TenantStatus>,
  { takenAt }: ClusterSnapshot,
): void {
  const tenant = tenants.get(step.tenant);
  invariant(tenant !== undefined, 'a tenant that moves is there', { tenant: step.tenant });
  invariant(tenant.group === step.from, 'a tenant moves from where it is', { tenant: step.tenant });
  invariant(step.after !== null || tenant.epoch === step.epoch, 'a step is for the tenant as it is', {
    tenant: step.tenant,
  });
  const from = found(groups, step.from);
  const to = found(groups, step.to);
  const { bytes, operations } = movedLoad(tenant, from);
  const left = { bytes: from.bytes - bytes, operations: from.operations - operations };
  const grown = { bytes: to.bytes + bytes, operations: to.operations + operations };
  groups.set(step.from, { ...from, ...left, dedicatedTo: from.dedicatedTo === step.tenant ? null : from.dedicatedTo });
  groups.set(step.to, { ...to, ...grown, dedicatedTo: step.alone ? step.tenant : to.dedicatedTo });
  const epoch = Epoch(tenant.epoch + 1);
  tenants.set(step.tenant, { ...tenant, group: step.to, epoch, movedAt: takenAt });
}

function found(groups: ReadonlyMap<GroupId, GroupStatus>, id: GroupId): GroupStatus {
  const group = groups.get(id);
  invariant(group !== undefined, 'a step is for a group that is there', { group: id });
  return group;
}

/** Those that move: of a million, a few. */
function tenantsOf({ tenants }: ClusterSnapshot, steps: readonly Step[]): Map<TenantName, TenantStatus> {
  const names = new Set(steps.map((step) => (step.kind === 'moveTenant' ? step.tenant : null)));
  return new Map(tenants.filter(({ tenant }) => names.has(tenant)).map((tenant) => [tenant.tenant, tenant]));
}
