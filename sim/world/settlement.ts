/**
 * The second phase. Faults end, knobs go back to their defaults, clients stop asking. Some nodes are down for good, some
 * run and are cut off for good; the others, a quorum of every group, are the core. Then, within a bounded time:
 *
 * V1, every pending command is answered and every group has one leader in the core; V2, all of the core has the same
 * map, whoever belongs to a group has applied the same, and no change of members and no move of a tenant is left half done; V3, every tenant
 * completes a write through any node of the core. That who is cut off steps down (V4) is an oracle's to say.
 */
import { metadataGroup, NodeId } from '../../core/base/ids.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { membersOf } from '../../core/raft/configuration.ts';
import type { Member } from '../../core/raft/types.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import { Auditor } from './auditor.ts';
import type { Machine } from './machine.ts';
import { Shares } from './shares.ts';
import type { World } from './world.ts';

const lookEveryMs = 100;
/** So many election timeouts a node that is cut off is watched, at least: clocks may be slow. */
const watchedElections = 4;

export class Settlement {
  private readonly scenario: Scenario;
  private readonly world: World;
  /** Nodes that are down, or cut off, for good. */
  private outside: ReadonlySet<NodeId> = new Set();
  private readonly shares: Shares;

  constructor(scenario: Scenario, world: World) {
    this.scenario = scenario;
    this.world = world;
    this.shares = new Shares(world);
  }

  /** Also nodes that come now; without those that have left. */
  private get core(): readonly Machine[] {
    const { machines, operator } = this.world;
    return machines.filter(({ id, isInUse }) => isInUse && !operator.removed.has(id) && !this.outside.has(id));
  }

  /** `run` lets the world go on until an instant. */
  run(run: (untilUs: number) => void): void {
    const { world, scenario } = this;
    const endUs = world.schedule.now + scenario.settleMs * 1000;
    world.bystanders.end();
    world.faults.end();
    world.calm();
    for (const client of world.clients) client.stop();
    if (scenario.powerLoss) for (const machine of world.machines) machine.crash(scenario.disk.crashKeeps);
    const leastUs = world.schedule.now + this.heal();
    for (const restorer of world.restorers) restorer.keepTo(this.core);
    const auditors = scenario.tenants.map(
      ({ name }, i) => new Auditor(name, world, this.core, world.random(`auditor/${String(i)}`)),
    );
    for (const auditor of auditors) auditor.start();
    let untilUs = world.schedule.now;
    const isOver = (): boolean => auditors.every(({ isDone }) => isDone) && untilUs >= leastUs && this.isSettled();
    while (!isOver() && untilUs < endUs) {
      untilUs += lookEveryMs * 1000;
      run(untilUs);
    }
    this.judge();
    for (const { tenant, isDone, lastAnswer } of auditors)
      rule(isDone, 'V3', 'every tenant completes a write', { tenant, lastAnswer });
  }

  /**
   * Starts everything but what is lost, and cuts off what is to be alone, as far as the rest is a quorum of every
   * group. Returns for how many microseconds that is to be watched.
   */
  private heal(): number {
    const { scenario, world } = this;
    const { reserve } = world.witness;
    const lost = this.nodesAmong(scenario.lost, new Set(), (nodes) => reserve.canSpare(nodes));
    const isolated = this.nodesAmong(scenario.isolated, lost, (nodes) => reserve.canSpareUnnoticed(nodes));
    const { marks, groups } = world.witness;
    const leads = [...groups.values()].map((group) => group.currentLeader()?.node);
    if (lost.size > 0) marks.hit('lostForGood');
    if (isolated.size > 0) marks.hit('isolatedForGood');
    if (leads.some((node) => node !== undefined && isolated.has(node))) marks.hit('isolatedLeader');
    for (const machine of world.machines) {
      if (lost.has(machine.id)) machine.crash(scenario.disk.crashKeeps);
      else machine.start();
      if (isolated.has(machine.id)) world.isolate(machine);
    }
    this.outside = new Set([...lost, ...isolated]);
    return isolated.size === 0 ? 0 : watchedElections * scenario.timing.electionMs * 1000;
  }

  /** These nodes, if every group can do without them and the others as well; otherwise none. */
  private nodesAmong(
    numbers: readonly number[],
    others: ReadonlySet<NodeId>,
    canSpare: (nodes: ReadonlySet<NodeId>) => boolean,
  ): ReadonlySet<NodeId> {
    const { nodes } = this.scenario;
    const found = numbers.map((node) => NodeId(((node - 1) % nodes) + 1)).filter((node) => !others.has(node));
    return canSpare(new Set([...found, ...others])) ? new Set(found) : new Set();
  }

  private isSettled(): boolean {
    const { clients, witness } = this.world;
    if (clients.some(({ pending }) => pending > 0) || this.leftOver() > 0 || this.mapVersions().size > 1) return false;
    if (this.leftMoving() > 0 || !this.areSharesRight) return false;
    if (this.world.restorers.some(({ isDone }) => !isDone)) return false;
    return [...witness.groups.values()].every(
      (group) => this.leaders(group).length === 1 && !this.isChanging(group) && this.appliedIndexes(group).size === 1,
    );
  }

  /** In a profile whose cluster grows and shrinks. */
  private get areSharesRight(): boolean {
    return this.scenario.profile !== 'scale-out' || this.shares.areRight;
  }

  /** Operations that wait in groups, on all nodes. */
  private leftOver(): number {
    let waiting = 0;
    for (const node of this.world.witness.nodes) {
      if (node !== null) for (const group of node.groups.values()) waiting += group.waiting;
    }
    return waiting;
  }

  /** Moves that are planned, and tenants that are in two groups, as the leaders say. */
  private leftMoving(): number {
    let moving = 0;
    for (const group of this.world.witness.groups.values()) {
      const [leader] = this.leaders(group);
      const hosted = leader === undefined ? undefined : this.world.witness.nodes[leader.node - 1]?.groups.get(group.id);
      if (hosted?.machine instanceof DirectoryMachine) moving += hosted.machine.directory.moves.size;
      if (!(hosted?.machine instanceof TenantMachine)) continue;
      const { moves, home } = hosted.machine;
      moving += moves.stagedCount + (moves.hasOutgoing ? 1 : 0) + (home?.directory.moves.size ?? 0);
    }
    return moving;
  }

  private isInCore(node: NodeId): boolean {
    const { isInUse } = this.world.machines[node - 1] ?? { isInUse: false };
    return isInUse && !this.world.operator.removed.has(node) && !this.outside.has(node);
  }

  private leaders({ replicas }: GroupTruth): readonly ReplicaTruth[] {
    return [...replicas.values()].filter(
      ({ node, raft, role }) => role === 'leader' && raft !== null && this.isInCore(node),
    );
  }

  /**
   * Of the maps that nodes of the core go by, and of what the leader of the metadata group says. Without one, their
   * digests; and none if everybody has the map that is configured, and what it has heard beside.
   */
  private mapVersions(): ReadonlySet<number> {
    const { groups, nodes } = this.world.witness;
    const { metadata } = this.scenario;
    if (metadata === 'static') return new Set([0]);
    if (metadata === 'gossip') return new Set(this.core.map(({ node }) => node?.router.shards.digest ?? -1));
    const versions = new Set<number>(this.core.map(({ node }) => node?.router.shards.version ?? -1));
    const leader = groups.get(metadataGroup)?.currentLeader() ?? null;
    const machine = leader === null ? undefined : nodes[leader.node - 1]?.groups.get(metadataGroup)?.machine;
    if (machine instanceof DirectoryMachine) versions.add(machine.directory.version);
    return versions;
  }

  /** How far those are in the core that belong to the group. */
  private appliedIndexes({ id, configuration }: GroupTruth): ReadonlySet<number> {
    const applied = new Set<number>();
    for (const { node, replica } of membersOf(configuration)) {
      if (!this.isInCore(node)) continue;
      const hosted = this.world.witness.nodes[node - 1]?.groups.get(id);
      applied.add(hosted?.raft.id === replica ? hosted.applied : -1);
    }
    return applied;
  }

  /** A change of members is not complete: joint, a learner is to get its vote and its node is up, or a voter is lost. */
  private isChanging({ configuration: { outgoing, learners, voters }, replicas }: GroupTruth): boolean {
    const { witness } = this.world;
    const isLost = ({ node, replica }: Member): boolean => {
      const truth = replicas.get(replica);
      return this.isInCore(node) && (truth === undefined || !witness.isThere(truth));
    };
    const isWaiting = learners.some(({ joins, node }) => joins && this.isInCore(node));
    return outgoing.length > 0 || isWaiting || voters.some(isLost);
  }

  private judge(): void {
    const { clients, witness } = this.world;
    for (const { number, pending, oldestPending } of clients) {
      rule(pending === 0, 'V1', 'every pending command is answered', {
        client: number,
        pending,
        oldest: oldestPending,
      });
    }
    rule(this.leftOver() === 0, 'V1', 'nothing is left waiting in a group', { waiting: this.leftOver() });
    for (const group of witness.groups.values()) {
      const leaders = this.leaders(group).length;
      rule(leaders === 1, 'V1', 'every group has one leader', { group: group.id, leaders });
    }
    for (const group of witness.groups.values()) {
      rule(!this.isChanging(group), 'V2', 'no change of members is left half done', { group: group.id });
      const applied = [...this.appliedIndexes(group)];
      const facts = { group: group.id, applied: applied.join(' and ') };
      rule(applied.length === 1, 'V2', 'who belongs to a group has applied the same', facts);
    }
    rule(this.leftMoving() === 0, 'V2', 'no move of a tenant is left half done', { moving: this.leftMoving() });
    if (!this.areSharesRight) this.shares.judge();
    const versions = [...this.mapVersions()];
    rule(versions.length === 1, 'V2', 'every node has the same map', { versions: versions.join(' and ') });
  }
}
