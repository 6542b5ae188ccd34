/**
 * The second phase. Faults end, clients stop asking, lost nodes go down for good. Then, within a bounded time:
 * V1, every pending command is answered and every group has one leader; V2, no change of members is left half done; V3, every tenant completes a write
 * through any of the remaining nodes.
 */
import { NodeId } from '../../core/base/ids.ts';
import type { Member } from '../../core/raft/types.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { GroupTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import { Auditor } from './auditor.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

const lookEveryMs = 100;

export class Settlement {
  private readonly scenario: Scenario;
  private readonly world: World;

  constructor(scenario: Scenario, world: World) {
    this.scenario = scenario;
    this.world = world;
  }

  /** `run` lets the world go on until an instant. */
  run(run: (untilUs: number) => void): void {
    const { world, scenario } = this;
    const endUs = world.schedule.now + scenario.settleMs * 1000;
    world.faults.end();
    for (const client of world.clients) client.stop();
    if (scenario.powerLoss) for (const machine of world.machines) machine.crash(scenario.disk.crashKeeps);
    const core = this.heal();
    const auditors = scenario.tenants.map(
      ({ name }, i) => new Auditor(name, world, core, world.random(`auditor/${String(i)}`)),
    );
    for (const auditor of auditors) auditor.start();
    let untilUs = world.schedule.now;
    while (!(this.isSettled() && auditors.every(({ isDone }) => isDone)) && untilUs < endUs) {
      untilUs += lookEveryMs * 1000;
      run(untilUs);
    }
    this.judge();
    for (const { tenant, isDone, lastAnswer } of auditors)
      rule(isDone, 'V3', 'every tenant completes a write', { tenant, lastAnswer });
  }

  /** Starts everything but what is lost, if the rest is a quorum of every group. Returns the machines that run. */
  private heal(): readonly Machine[] {
    const { scenario, world } = this;
    const lost = new Set(scenario.lost.map((node) => NodeId(((node - 1) % scenario.nodes) + 1)));
    const isBearable = world.witness.canSpare(lost);
    const core: Machine[] = [];
    for (const machine of world.machines) {
      if (isBearable && lost.has(machine.id)) {
        machine.crash(scenario.disk.crashKeeps);
        continue;
      }
      machine.start();
      core.push(machine);
    }
    return core;
  }

  private isSettled(): boolean {
    const { clients, witness } = this.world;
    if (clients.some(({ pending }) => pending > 0)) return false;
    for (const group of witness.groups.values())
      if (group.currentLeader() === null || this.isChanging(group)) return false;
    return this.leftOver() === 0;
  }

  /** Operations that wait in groups, on all nodes. */
  private leftOver(): number {
    let waiting = 0;
    for (const node of this.world.witness.nodes) {
      if (node !== null) for (const group of node.groups.values()) waiting += group.waiting;
    }
    return waiting;
  }

  /** A change of members is not complete: joint, a learner is to get its vote and its node is up, or a voter is lost. */
  private isChanging({ configuration: { outgoing, learners, voters }, replicas }: GroupTruth): boolean {
    const { machines, witness } = this.world;
    const isUp = (node: NodeId): boolean => machines[node - 1]?.isRunning === true;
    const isLost = ({ node, replica }: Member): boolean => {
      const truth = replicas.get(replica);
      return isUp(node) && (truth === undefined || !witness.isThere(truth));
    };
    return outgoing.length > 0 || learners.some(({ joins, node }) => joins && isUp(node)) || voters.some(isLost);
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
    for (const group of witness.groups.values())
      rule(group.currentLeader() !== null, 'V1', 'every group has a leader', { group: group.id });
    for (const group of witness.groups.values())
      rule(!this.isChanging(group), 'V2', 'no change of members is left half done', { group: group.id });
  }
}
