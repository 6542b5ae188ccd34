/**
 * Which of the groups here somebody has to look after now and then, and for what: kept up as things happen to them, so that
 * nobody goes through thousands of groups to find the few.
 */
import type { NodeId } from '../base/ids.ts';
import { DirectoryMachine } from '../group/directoryMachine.ts';
import type { Group } from '../group/group.ts';
import type { StateMachine } from '../group/machine.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import { generationOf } from '../raft/generation.ts';

export class Duties {
  /** Those that are led here; the others but the last are among them. */
  readonly led = new Set<Group>();
  /** Their leader belongs on another node. */
  readonly away = new Set<Group>();
  /** They have keys whose time will come. */
  readonly expiring = new Set<Group>();
  /** Tenants are to be seen out of them. */
  readonly departing = new Set<Group>();
  /** An operator let them go on from one replica: they may believe in tenants that are elsewhere. */
  readonly recovered = new Set<Group>();
  /** They have planned moves of tenants that are not over. */
  readonly planning = new Set<Group>();
  /** A check has shown that replicas differ. */
  readonly differing = new Set<Group>();
  private readonly node: NodeId;

  constructor(node: NodeId) {
    this.node = node;
  }

  /** Something has happened to the group. */
  note(group: Group): void {
    const { isLeader, machine, raft } = group;
    keep(this.differing, group, group.outliers.size > 0);
    if (!isLeader && !this.led.has(group)) return;
    const tenants = isLeader && machine instanceof TenantMachine ? machine : null;
    keep(this.led, group, isLeader);
    keep(this.away, group, isLeader && raft.configuration.voters[0]?.node !== this.node);
    keep(this.expiring, group, tenants?.hasExpiring === true);
    keep(this.departing, group, tenants?.moves.hasOutgoing === true);
    keep(this.recovered, group, tenants !== null && generationOf(raft.id) > 0);
    keep(this.planning, group, isLeader && plannedBy(machine) > 0);
  }

  /** It is here no more. */
  forget(group: Group): void {
    const { led, away, expiring, departing, recovered, planning, differing } = this;
    for (const groups of [led, away, expiring, departing, recovered, planning, differing]) groups.delete(group);
  }
}

function plannedBy(machine: StateMachine): number {
  if (machine instanceof DirectoryMachine) return machine.directory.moves.size;
  return machine instanceof TenantMachine ? (machine.home?.directory.moves.size ?? 0) : 0;
}

function keep(groups: Set<Group>, group: Group, isOne: boolean): void {
  if (isOne) groups.add(group);
  else groups.delete(group);
}
