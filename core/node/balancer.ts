/**
 * What the leader of the metadata group does to keep the cluster in shape: takes a snapshot of what it knows, has it
 * planned (`placement`), and gives the first steps of the plan to the leaders of the groups concerned. Nothing is
 * remembered of a plan: the next one begins with what has become of it.
 */
import type { Epoch, GroupId, LogIndex, NodeId, TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { elapsedMs, type MonoTime, type Now, WallTime } from '../base/time.ts';
import type { Directory } from '../metadata/directory.ts';
import { isJoint, membersOf } from '../raft/configuration.ts';
import type {
  ClusterSnapshot,
  GroupStatus,
  NodeState,
  NodeStatus,
  TenantStatus,
} from '../placement/clusterSnapshot.ts';
import { type Plan, plan } from '../placement/plan.ts';
import { defaultPolicy, type Policy } from '../placement/policy.ts';
import type { MoveTenant, Step } from '../placement/step.ts';
import type { NodeExchange } from '../routing/nodeExchange.ts';
import type { Router } from '../routing/router.ts';
import type { GroupLoad, TenantLoad } from '../wire/loads.ts';
import type { OrderedChange } from '../wire/messages.ts';
import type { ClusterNode } from '../wire/nodes.ts';
import type { NodeContext } from './options.ts';
import type { Pulses } from './pulses.ts';

export interface BalancerHost {
  /** The metadata group's state, as it is here. */
  readonly directory: () => Directory | null;
  /** Has the tenant moved, to a group that is for it `alone` if that is wanted. */
  readonly move: (tenant: TenantName, to: GroupId, alone: boolean) => void;
  /** Has the leader of a group change it. */
  readonly order: (to: NodeId, group: GroupId, index: LogIndex, change: OrderedChange) => void;
  readonly log: (message: string, facts: Readonly<Record<string, string | number>>) => void;
}

const maxReplicas = 65_535;

interface Moved {
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly at: WallTime;
}

type OfGroup = Exclude<Step, { kind: 'moveTenant' | 'createGroup' }>;

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
  /** When each tenant that was told of was seen to have moved last. */
  private moved: ReadonlyMap<TenantName, Moved> = new Map();
  /** Groups that have told their load since a tenant was last seen to come or go. */
  private readonly weighedAnew = new Set<GroupId>();
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
      // A cluster has the groups that it began with.
      makesGroups: false,
    };
  }

  onLoads(loads: readonly GroupLoad[]): void {
    for (const load of loads) {
      this.loads.set(load.group, load);
      this.weighedAnew.add(load.group);
    }
  }

  /** Plans, and has the first steps done. */
  work(now: Now): void {
    const made = this.plan(now);
    this.isBalancing = made.isBalancing;
    if (made.brake !== null && made.brake !== this.brake)
      this.host.log('the cluster is not repaired until somebody has looked', { why: made.brake });
    this.brake = made.brake;
    const busy = new Set<GroupId>();
    const underWay = this.host.directory()?.moves.size ?? 0;
    let moving = underWay;
    for (const step of made.steps) {
      if (step.kind === 'moveTenant') {
        // What is on its way weighs where it was and will where it comes to: the balance waits for that.
        const mayMove = moving < limits.movesPlannedAtATime && (underWay === 0 || !servesBalance(step));
        if (mayMove && this.beginMove(step)) moving += 1;
      } else if (step.kind !== 'createGroup' && busy.size < limits.balanceStepsAtATime) this.begin(step, busy);
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
    const tenants = this.tenantsIn(new Set(groups.map(({ group }) => group)), wall);
    const listed = new Map<GroupId, number>();
    for (const { group } of tenants) listed.set(group, (listed.get(group) ?? 0) + 1);
    const withOthers = groups.map((status) => ({
      ...status,
      others: Math.max(0, status.others - (listed.get(status.group) ?? 0)),
    }));
    return { takenAt: wall, placed: 0, isBalancing: this.isBalancing, nodes, groups: withOthers, tenants };
  }

  /** Those that leaders have told of, that are pinned or alone, or on their way. */
  private tenantsIn(groups: ReadonlySet<GroupId>, wall: WallTime): readonly TenantStatus[] {
    const directory = this.host.directory();
    if (directory === null) return [];
    const { pins, moves } = directory;
    const told = new Map<TenantName, TenantLoad | null>();
    for (const [tenant] of pins.list()) told.set(tenant, null);
    for (const [, tenant] of pins.owned()) told.set(tenant, null);
    for (const { tenant } of moves.list()) told.set(tenant, null);
    for (const { heaviest } of this.loads.values()) for (const load of heaviest) told.set(load.tenant, load);
    const moved = new Map<TenantName, Moved>();
    const tenants: TenantStatus[] = [];
    for (const [tenant, load] of told) {
      const place = directory.find(tenant);
      if (place === null || !groups.has(place.group)) continue;
      const { group, epoch, incarnation } = place;
      const known = this.moved.get(tenant);
      const seen = known?.epoch === epoch ? known : { group, epoch, at: known === undefined ? WallTime(0) : wall };
      moved.set(tenant, seen);
      if (known !== undefined && known.epoch !== epoch)
        for (const changed of [known.group, group]) this.weighedAnew.delete(changed);
      const { bytes, operations } = load ?? { bytes: 0, operations: 0 };
      const wanted = { pin: pins.of(tenant), exclusions: [] };
      const isMoving = moves.of(tenant) !== null;
      tenants.push({ tenant, group, epoch, incarnation, bytes, operations, ...wanted, movedAt: seen.at, isMoving });
    }
    this.moved = moved;
    // Of a group that has not said yet what it has since then nobody knows what it lacks.
    return tenants.map((one) => (this.weighedAnew.has(one.group) ? one : { ...one, movedAt: wall }));
  }

  private statusOf({ node, zone, state, heir }: ClusterNode, mono: MonoTime): NodeStatus {
    const seen = this.stateOf(node, mono);
    const isLeaving = state === 'draining' && seen === 'up';
    // A replica that is said to be on a node that was removed has to be replaced; one that is silent and has an heir too.
    const isGone = state === 'removed' || (heir !== null && seen === 'down');
    const shown = isGone ? 'lost' : isLeaving ? 'draining' : seen;
    const { nodeBytes: capacityBytes, nodeOperations: capacityOperations } = this.options.settings;
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
    const { bytes, operations, tenants } = this.loads.get(group) ?? { bytes: 0, operations: 0, tenants: 0 };
    return {
      group,
      confIndex: index,
      configuration,
      leader: leaders.leaderOf(group),
      bytes,
      operations,
      // What an operator has added or removed is wanted so.
      replicas: configuration.voters.length,
      others: tenants,
      dedicatedTo: this.host.directory()?.pins.ownerOf(group) ?? null,
      movedAt: changed.at,
      leaderMovedAt: changed.at,
    };
  }

  /** Returns whether it was begun. */
  private beginMove({ tenant, from, to, alone, after, why }: MoveTenant): boolean {
    if (after !== null) return false;
    this.host.log('a tenant is to move', { tenant, from, to, why });
    this.host.move(tenant, to, alone);
    return true;
  }

  /** Only what builds on nothing before it, one step of a group, and no group whose members are changing already. */
  private begin(step: OfGroup, busy: Set<GroupId>): void {
    if (busy.has(step.group)) return;
    busy.add(step.group);
    const { groups, leaders } = this.router;
    const { configuration } = groups.membershipOf(step.group);
    const leader = leaders.leaderOf(step.group);
    // Who is to lead is no matter while others come; whether these may go again the plan has asked.
    const isLearning = step.kind === 'transferLeader' && configuration.learners.some(({ joins }) => joins);
    const isChanging = isJoint(configuration) || isLearning;
    if (step.after !== null || leader === null || isChanging) return;
    const change = changeOf(step, membersOf(configuration));
    if (change === null) return;
    this.host.log('a step of the plan is ordered', { step: step.kind, group: step.group, why: step.why });
    this.host.order(leader, step.group, step.confIndex, change);
  }
}

function servesBalance({ phase }: MoveTenant): boolean {
  return phase === 'isolation' || phase === 'tenants';
}

function changeOf(step: OfGroup, members: ReturnType<typeof membersOf>): OrderedChange | null {
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
