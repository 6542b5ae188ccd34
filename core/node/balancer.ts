/**
 * What the leader of the metadata group does to keep the cluster in shape: takes a snapshot of what it knows, has it
 * planned (`placement`), and gives the first steps of the plan to the leaders of the groups concerned. Nothing is
 * remembered of a plan: the next one begins with what has become of it.
 */
import { type GroupId, type LogIndex, metadataGroup, type NodeId, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { elapsedMs, type MonoTime, type Now, type WallTime } from '../base/time.ts';
import type { Directory } from '../metadata/directory.ts';
import { placeOf } from '../metadata/place.ts';
import { isJoint, membersOf } from '../raft/configuration.ts';
import { generationOf } from '../raft/generation.ts';
import type { Configuration } from '../raft/types.ts';
import type {
  ClusterSnapshot,
  GroupStatus,
  NodeState,
  NodeStatus,
  TenantStatus,
} from '../placement/clusterSnapshot.ts';
import { type Plan, plan } from '../placement/plan.ts';
import { defaultPolicy, type Policy } from '../placement/policy.ts';
import type { CreateGroup, MoveTenant, Step } from '../placement/step.ts';
import type { NodeExchange } from '../routing/nodeExchange.ts';
import type { Router } from '../routing/router.ts';
import type { GroupLoad, NodeCapacity, TenantLoad } from '../wire/loads.ts';
import type { OrderedChange, TenantPlace } from '../wire/messages.ts';
import { isFromOutside, type PlannedMove } from '../wire/moves.ts';
import type { ClusterNode } from '../wire/nodes.ts';
import type { NodeContext } from './options.ts';
import type { Pulses } from './pulses.ts';
import { NewTenants } from './newTenants.ts';
import { Sightings } from './sightings.ts';

export interface BalancerHost {
  /** The metadata group's state, as it is here. */
  readonly directory: () => Directory | null;
  /** Has the tenant moved, to a group that is for it `alone` if that is wanted. */
  readonly move: (tenant: TenantName, to: GroupId, alone: boolean) => void;
  /** Has a group made on those nodes, for the tenant alone. */
  readonly makeGroup: (nodes: readonly NodeId[], alone: TenantName) => void;
  /** Has the leader of a group change it. */
  readonly order: (to: NodeId, group: GroupId, index: LogIndex, change: OrderedChange) => void;
  readonly log: (message: string, facts: Readonly<Record<string, string | number>>) => void;
}

const maxReplicas = 65_535;

/** Of a tenant that its group's leader does not tell of. */
const weightless: Pick<TenantLoad, 'bytes' | 'operations'> = { bytes: 0, operations: 0 };

type OfGroup = Exclude<Step, { kind: 'moveTenant' | 'createGroup' }>;

export class Balancer {
  private readonly options: NodeContext;
  private readonly router: Router;
  private readonly nodes: NodeExchange;
  private readonly pulses: Pulses;
  private readonly host: BalancerHost;
  readonly policy: Policy;
  readonly newTenants: NewTenants;
  private readonly capacities = new Map<NodeId, NodeCapacity>();
  private readonly loads = new Map<GroupId, GroupLoad>();
  private readonly sightings = new Sightings();
  private readonly startedAt: MonoTime;
  private isBalancing = false;
  private brake: string | null = null;
  /** Tenants that were moved on in their turn: the next plan goes on behind them. */
  private movedOn = 0;

  constructor(options: NodeContext, router: Router, nodes: NodeExchange, pulses: Pulses, host: BalancerHost) {
    this.options = options;
    this.router = router;
    this.nodes = nodes;
    this.pulses = pulses;
    this.host = host;
    this.startedAt = options.now.mono;
    const { rebalance, placement, isolationPercent } = options.settings;
    this.policy = {
      ...defaultPolicy,
      placement,
      isolationPpt: 10 * isolationPercent,
      rebalance: rebalance === 'manual' ? 'off' : rebalance,
      coolDownMs: limits.balanceCoolDownMs,
      maxSteps: limits.balanceStepsPlanned,
    };
    this.newTenants = new NewTenants(this.policy, this.loads);
  }

  onLoads(from: NodeId, capacity: NodeCapacity, loads: readonly GroupLoad[]): void {
    this.capacities.set(from, capacity);
    for (const load of loads) {
      this.loads.set(load.group, load);
      this.sightings.weighed(load.group);
      this.newTenants.onLoad(load.group);
    }
  }

  /** Plans, and has the first steps done. */
  work(now: Now): void {
    const places = this.placesToldOf();
    this.note(places, now.wall);
    const made = this.planOf(this.snapshotOf(places, now));
    this.isBalancing = made.isBalancing;
    if (made.brake !== null && made.brake !== this.brake)
      this.host.log('the cluster is not repaired until somebody has looked', { why: made.brake });
    this.brake = made.brake;
    const busy = new Set<GroupId>();
    const underWay = (this.host.directory()?.moves.list() ?? []).filter((move) => !isFromOutside(move));
    // Those of operators take as long as they like.
    let moving = underWay.filter(({ isPlanners }) => isPlanners).length;
    let making = 0;
    for (const step of made.steps) {
      if (step.kind === 'moveTenant') {
        const waits = this.sightings.rests(step.tenant, now.wall) || (servesBalance(step) && meets(step, underWay));
        if (moving >= limits.movesPlannedAtATime || waits || !this.beginMove(step)) continue;
        moving += 1;
        this.movedOn += 1;
      } else if (step.kind === 'createGroup') {
        if (making < limits.groupsPlannedAtATime) this.make(step);
        making += 1;
      } else if (busy.size < limits.balanceStepsAtATime) this.begin(step, busy);
    }
  }

  private note(places: readonly TenantPlace[], now: WallTime): void {
    const { groups } = this.router.groups;
    for (const group of groups) this.sightings.noteMembers(group, this.router.groups.membershipOf(group).index, now);
    const moves = this.host.directory()?.moves;
    this.sightings.notePlaces(places, (tenant) => (moves?.of(tenant) ?? null) !== null, now);
  }

  /** What would be done now. */
  plan(now: Now): Plan {
    return this.planOf(this.snapshot(now));
  }

  snapshot(now: Now): ClusterSnapshot {
    return this.snapshotOf(this.placesToldOf(), now);
  }

  private planOf(snapshot: ClusterSnapshot): Plan {
    const silent = snapshot.nodes.find(({ node, state }) => state === 'up' && !this.capacities.has(node));
    if (silent === undefined) return plan(snapshot, this.policy);
    // What it leads would seem to weigh nothing.
    const made = plan(snapshot, { ...this.policy, rebalance: 'off' });
    const note = `nothing is moved for the balance before node ${String(silent.node)} has told what it has`;
    return { ...made, notes: [...made.notes, note] };
  }

  private snapshotOf(places: readonly TenantPlace[], { mono, wall }: Now): ClusterSnapshot {
    const nodes = this.nodes.present.nodes.map((node) => this.statusOf(node, mono));
    const known = new Set(nodes.map(({ node }) => node));
    // Members as somebody said that they are. What is said of a node that nobody has told of yet has to wait.
    const groups = [...this.router.groups.groups]
      .map((group) => this.statusOfGroup(group, wall))
      .filter(({ configuration }) => {
        const members = membersOf(configuration);
        return members.length > 0 && members.every(({ node }) => known.has(node));
      });
    const tenants = this.tenantsIn(new Set(groups.map(({ group }) => group)), places, wall);
    const listed = new Map<GroupId, number>();
    for (const { group } of tenants) listed.set(group, (listed.get(group) ?? 0) + 1);
    const withOthers = groups.map((status) => ({
      ...status,
      others: Math.max(0, status.others - (listed.get(status.group) ?? 0)),
    }));
    const placed = this.movedOn + (this.host.directory()?.placedByPolicy ?? 0);
    return { takenAt: wall, placed, isBalancing: this.isBalancing, nodes, groups: withOthers, tenants };
  }

  private tenantsIn(
    groups: ReadonlySet<GroupId>,
    places: readonly TenantPlace[],
    wall: WallTime,
  ): readonly TenantStatus[] {
    const directory = this.host.directory();
    if (directory === null) return [];
    const { pins, moves } = directory;
    return places
      .filter(({ group }) => groups.has(group))
      .map((place) => {
        const { tenant, group, epoch, incarnation } = place;
        const load = this.loads.get(group);
        const { bytes, operations } = load?.heaviest.find((one) => one.tenant === tenant) ?? weightless;
        // Of a group that has not said what it has, or not since somebody came or went, nobody knows what it lacks.
        const isUnweighed = load === undefined || this.sightings.isUnweighed(group, wall);
        const rests = isUnweighed || this.sightings.rests(tenant, wall);
        const movedAt = rests ? wall : this.sightings.movedAt(place, wall);
        const wanted = { pin: pins.of(tenant), exclusions: [] };
        const isMoving = moves.of(tenant) !== null;
        return { tenant, group, epoch, incarnation, bytes, operations, ...wanted, movedAt, isMoving };
      });
  }

  /** Where those are that leaders have told of, that are pinned or alone, or on their way. */
  private placesToldOf(): readonly TenantPlace[] {
    const directory = this.host.directory();
    if (directory === null) return [];
    const { pins, moves } = directory;
    const told = new Set<TenantName>();
    for (const [tenant] of pins.list()) told.add(tenant);
    for (const [, tenant] of pins.owned()) told.add(tenant);
    for (const { tenant } of moves.list()) told.add(tenant);
    for (const { heaviest } of this.loads.values()) for (const { tenant } of heaviest) told.add(tenant);
    const places: TenantPlace[] = [];
    for (const tenant of told) {
      const place = directory.find(tenant);
      if (place !== null) places.push(placeOf(tenant, place));
    }
    return places;
  }

  private statusOf({ node, zone, state, heir }: ClusterNode, mono: MonoTime): NodeStatus {
    const seen = this.stateOf(node, mono);
    const isLeaving = state === 'draining' && seen === 'up';
    // A replica that is said to be on a node that was removed has to be replaced; one that is silent and has an heir too.
    const isGone = state === 'removed' || (heir !== null && seen === 'down');
    const shown = isGone ? 'lost' : isLeaving ? 'draining' : seen;
    const { nodeBytes, nodeOperations } = this.options.settings;
    const { bytes, operations } = this.capacities.get(node) ?? { bytes: nodeBytes, operations: nodeOperations };
    return { node, zone, state: shown, heir, capacityBytes: bytes, capacityOperations: operations, maxReplicas };
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
    const changedAt = this.sightings.membersChangedAt(group, index, wall);
    const { bytes, operations, tenants } = this.loads.get(group) ?? { bytes: 0, operations: 0, tenants: 0 };
    return {
      group,
      confIndex: index,
      configuration,
      leader: leaders.leaderOf(group),
      bytes,
      operations,
      replicas: this.wantedVotersOf(configuration),
      others: tenants,
      dedicatedTo: this.host.directory()?.pins.ownerOf(group) ?? null,
      movedAt: changedAt,
      leaderMovedAt: changedAt,
    };
  }

  /**
   * What an operator has added or removed is wanted so. What a recovery left over is not: such a group is to have what
   * groups have that are made now.
   */
  private wantedVotersOf({ voters, highest }: Configuration): number {
    const isRecovered = generationOf(highest) > 0;
    return isRecovered ? Math.max(voters.length, this.router.groups.votersOf(metadataGroup).length) : voters.length;
  }

  /** Who is to live there moves when it is there. */
  private make({ nodes, dedicatedTo, why }: CreateGroup): void {
    this.host.log('a group is to be made', { tenant: dedicatedTo, nodes: nodes.join(' '), why });
    this.host.makeGroup(nodes, dedicatedTo);
  }

  /** Returns whether it was begun. */
  private beginMove({ tenant, from, to, alone, after, why }: MoveTenant): boolean {
    if (after !== null) return false;
    this.host.log('a tenant is to move', { tenant, from, to, why });
    this.host.move(tenant, to, alone);
    this.sightings.noteMove(tenant);
    return true;
  }

  /** Only what builds on nothing before it, one step of a group, and no group whose members are changing already. */
  private begin(step: OfGroup, busy: Set<GroupId>): void {
    if (busy.has(step.group)) return;
    const { groups, leaders } = this.router;
    const { configuration } = groups.membershipOf(step.group);
    // Who leads it is a hint: where there is none, members are asked in turn, and say what they know.
    const to = leaders.candidate(step.group, this.router.isReachable);
    // Who is to lead is no matter while others come; whether these may go again the plan has asked.
    const isLearning = step.kind === 'transferLeader' && configuration.learners.some(({ joins }) => joins);
    const isChanging = isJoint(configuration) || isLearning;
    if (step.after !== null || to === null || isChanging) return;
    const change = changeOf(step, membersOf(configuration));
    if (change === null) return;
    busy.add(step.group);
    this.host.log('a step of the plan is ordered', { step: step.kind, group: step.group, why: step.why });
    this.host.order(to, step.group, step.confIndex, change);
    if (leaders.leaderOf(step.group) === null) leaders.doubt(step.group, to);
  }
}

/** What is on its way weighs where it was and will where it comes to: the balance of those groups waits for that. */
function meets(step: MoveTenant, underWay: readonly PlannedMove[]): boolean {
  return underWay.some(({ from, to }) => [from, to].some((group) => group === step.from || group === step.to));
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
