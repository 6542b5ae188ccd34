/**
 * What the leader of the metadata group does to keep the cluster in shape: takes a snapshot of what it knows, has it
 * planned (`placement`), and gives the first steps of the plan to the leaders of the groups concerned. Nothing is
 * remembered of a plan: the next one begins with what has become of it.
 */
import type { GroupId, LogIndex, NodeId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { elapsedMs, type MonoTime, type Now, WallTime } from '../base/time.ts';
import { isJoint, membersOf } from '../raft/configuration.ts';
import type { ClusterSnapshot, GroupStatus, NodeState, NodeStatus } from '../placement/clusterSnapshot.ts';
import { type Plan, plan } from '../placement/plan.ts';
import { defaultPolicy, type Policy } from '../placement/policy.ts';
import type { Step } from '../placement/step.ts';
import type { NodeExchange } from '../routing/nodeExchange.ts';
import type { Router } from '../routing/router.ts';
import type { GroupLoad, OrderedChange } from '../wire/messages.ts';
import type { ClusterNode } from '../wire/nodes.ts';
import type { NodeContext } from './options.ts';
import type { Pulses } from './pulses.ts';

export interface BalancerHost {
  /** Has the leader of a group change it. */
  readonly order: (to: NodeId, group: GroupId, index: LogIndex, change: OrderedChange) => void;
  readonly log: (message: string, facts: Readonly<Record<string, string | number>>) => void;
}

/** As long as nodes do not say what they can hold, each can hold as much as any other. */
const capacityBytes = 1_099_511_627_776;
const capacityOperations = 1_000_000;
const maxReplicas = 65_535;

export class Balancer {
  private readonly options: NodeContext;
  private readonly router: Router;
  private readonly nodes: NodeExchange;
  private readonly pulses: Pulses;
  private readonly host: BalancerHost;
  private readonly policy: Policy;
  private readonly loads = new Map<GroupId, GroupLoad>();
  /** When each group's members were seen to have changed last. */
  private readonly changed = new Map<GroupId, { readonly index: LogIndex; readonly at: WallTime }>();
  private readonly startedAt: MonoTime;
  private isBalancing = false;
  private brake: string | null = null;

  constructor(options: NodeContext, router: Router, nodes: NodeExchange, pulses: Pulses, host: BalancerHost) {
    this.options = options;
    this.router = router;
    this.nodes = nodes;
    this.pulses = pulses;
    this.host = host;
    this.startedAt = options.now.mono;
    const { rebalance } = options.settings;
    this.policy = {
      ...defaultPolicy,
      rebalance: rebalance === 'manual' ? 'off' : rebalance,
      coolDownMs: limits.balanceCoolDownMs,
    };
  }

  onLoads(loads: readonly GroupLoad[]): void {
    for (const load of loads) this.loads.set(load.group, load);
  }

  /** Plans, and has the first steps done. */
  work(now: Now): void {
    const made = this.plan(now);
    this.isBalancing = made.isBalancing;
    if (made.brake !== null && made.brake !== this.brake)
      this.host.log('the cluster is not repaired until somebody has looked', { why: made.brake });
    this.brake = made.brake;
    const busy = new Set<GroupId>();
    for (const step of made.steps) {
      if (busy.size >= limits.balanceStepsAtATime) return;
      this.begin(step, busy);
    }
  }

  /** What would be done now. */
  plan(now: Now): Plan {
    return plan(this.snapshot(now), this.policy);
  }

  snapshot({ mono, wall }: Now): ClusterSnapshot {
    const nodes = this.nodes.present.nodes.map((node) => this.statusOf(node, mono));
    const known = new Set(nodes.map(({ node }) => node));
    // Members as somebody said that they are. What is said of a node that nobody has told of yet has to wait.
    const groups = [...this.router.groups.groups]
      .map((group) => this.statusOfGroup(group, wall))
      .filter(({ configuration }) => membersOf(configuration).every(({ node }) => known.has(node)));
    return { takenAt: wall, placed: 0, isBalancing: this.isBalancing, nodes, groups, tenants: [] };
  }

  private statusOf({ node, zone, state, heir }: ClusterNode, mono: MonoTime): NodeStatus {
    const seen = this.stateOf(node, mono);
    const isLeaving = state === 'draining' && seen === 'up';
    // A replica that is said to be on a node that was removed has to be replaced; one that is silent and has an heir too.
    const isGone = state === 'removed' || (heir !== null && seen === 'down');
    const shown = isGone ? 'lost' : isLeaving ? 'draining' : seen;
    return { node, zone, state: shown, heir, capacityBytes, capacityOperations, maxReplicas };
  }

  /** Who was never heard of is given as long as one that has fallen silent when this life began. */
  private stateOf(node: NodeId, mono: MonoTime): NodeState {
    if (node === this.options.node || this.router.hasLink(node)) return 'up';
    const silentMs = elapsedMs(this.pulses.heardAt(node) ?? this.startedAt, mono);
    if (silentMs < limits.downAfterMs) return 'suspect';
    return silentMs < this.options.settings.lostAfterMs ? 'down' : 'lost';
  }

  private statusOfGroup(group: GroupId, wall: WallTime): GroupStatus {
    const { groups, leaders } = this.router;
    const { index, configuration } = groups.membershipOf(group);
    const known = this.changed.get(group);
    const changed = known?.index === index ? known : { index, at: known === undefined ? WallTime(0) : wall };
    this.changed.set(group, changed);
    const { bytes, operations } = this.loads.get(group) ?? { bytes: 0, operations: 0 };
    return {
      group,
      confIndex: index,
      configuration,
      leader: leaders.leaderOf(group),
      bytes,
      operations,
      // What an operator has added or removed is wanted so.
      replicas: configuration.voters.length,
      dedicatedTo: null,
      movedAt: changed.at,
      leaderMovedAt: changed.at,
    };
  }

  /** Only what builds on nothing before it, one step of a group, and no group whose members are changing already. */
  private begin(step: Step, busy: Set<GroupId>): void {
    if (step.kind === 'moveTenant' || step.kind === 'createGroup' || busy.has(step.group)) return;
    busy.add(step.group);
    const { groups, leaders } = this.router;
    const { configuration } = groups.membershipOf(step.group);
    const leader = leaders.leaderOf(step.group);
    const isChanging = isJoint(configuration) || configuration.learners.some(({ joins }) => joins);
    if (step.after !== null || leader === null || isChanging) return;
    const change = changeOf(step, membersOf(configuration));
    if (change === null) return;
    this.host.log('a step of the plan is ordered', { step: step.kind, group: step.group, why: step.why });
    this.host.order(leader, step.group, step.confIndex, change);
  }
}

function changeOf(
  step: Exclude<Step, { kind: 'moveTenant' | 'createGroup' }>,
  members: ReturnType<typeof membersOf>,
): OrderedChange | null {
  switch (step.kind) {
    case 'addReplica':
      return { kind: 'add', node: step.to, replaces: null };
    case 'replaceReplica':
      return { kind: 'add', node: step.to, replaces: step.replica };
    case 'removeReplica':
      return { kind: 'remove', replica: step.replica };
    case 'transferLeader': {
      // Leadership goes by itself to the first of the voters.
      const heir = members.find(({ node }) => node === step.to);
      return heir === undefined ? null : { kind: 'prefer', replica: heir.replica };
    }
  }
}
