/**
 * Carries out a schedule of faults. A schedule is total: node numbers wrap around, groups too, and what cannot
 * happen is counted as missed and does nothing. When the faulty phase ends everything is undone.
 */
import { GroupId, MapVersion, metadataGroup, NodeId, Term } from '../../core/base/ids.ts';
import { unreachable } from '../../core/base/invariant.ts';
import { membersOf } from '../../core/raft/configuration.ts';
import { LeaderHints } from '../../core/routing/leaderHints.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import type { Node } from '../../core/node/node.ts';
import { ShardMap } from '../../core/routing/shardMap.ts';
import type { Random } from '../../core/base/random.ts';
import { between } from '../base/random.ts';
import type { AnchorEvent, Fault, FaultKind, Scenario, Target } from '../scenario/scenario.ts';
import type { Witness } from '../truth/witness.ts';
import type { DamageKind } from './damage.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Operator } from './operator.ts';
import type { Schedule } from './schedule.ts';

export interface Stage {
  readonly scenario: Scenario;
  readonly schedule: Schedule;
  readonly machines: readonly Machine[];
  readonly network: Network;
  readonly witness: Witness;
  readonly operator: Operator;
  readonly random: Random;
  /** The operator types a command at a node. */
  order(machine: Machine, words: readonly string[]): void;
  /** The operator takes a tenant out and puts it back, in that group. */
  restore(tenant: string, group: string): void;
}

type Undo = () => void;

/** Groups have three members. */
const fewestNodes = 3;
const mostGroupsMade = 2;

export class Faults {
  /** How often each kind struck, and how often it could not. */
  readonly struck = new Map<FaultKind, number>();
  readonly missed = new Map<FaultKind, number>();
  /** Nodes that hear no news of the map. */
  private readonly pinned = new Map<NodeId, number>();
  /** Nodes that stay down whatever else would start them, and those that hear nothing of a group, by `node/group`. */
  private readonly heldDown = new Map<NodeId, number>();
  private readonly deaf = new Map<string, number>();
  private readonly stage: Stage;
  private readonly anchored: {
    readonly fault: Fault;
    readonly node: NodeId;
    readonly event: AnchorEvent;
    readonly n: number;
    readonly plusMs: number;
  }[] = [];
  private readonly counts = new Map<string, number>();
  private readonly undos = new Set<Undo>();
  private isOver = false;

  constructor(stage: Stage) {
    this.stage = stage;
    for (const fault of stage.scenario.faults) {
      const { at } = fault;
      if ('atMs' in at)
        this.after(at.atMs * 1000, () => {
          this.strike(fault, null);
        });
      else this.anchored.push({ fault, node: this.nodeOf(at.node), event: at.event, n: at.n, plusMs: at.plusMs });
    }
  }

  isPinned(node: NodeId): boolean {
    return (this.pinned.get(node) ?? 0) > 0;
  }

  /** The node hears nothing of what the members of the group say to each other. */
  isDeaf(node: NodeId, group: GroupId): boolean {
    return (this.deaf.get(`${String(node)}/${String(group)}`) ?? 0) > 0;
  }

  /** Something happened to which a fault may be anchored. */
  notice(node: NodeId, event: AnchorEvent): void {
    if (this.anchored.length === 0) return;
    const key = `${event}/${String(node)}`;
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    for (const { fault, node: where, event: what, n, plusMs } of this.anchored) {
      if (where === node && what === event && n === count)
        this.after(plusMs * 1000, () => {
          this.strike(fault, node);
        });
    }
  }

  /** No fault strikes from now on, and those in force end. */
  end(): void {
    this.isOver = true;
    for (const undo of [...this.undos]) this.undo(undo);
  }

  private strike(fault: Fault, anchor: NodeId | null): void {
    if (this.isOver) return;
    const isElsewhere = anchor === null || 'leaderOf' in fault.on;
    const machine = isElsewhere ? this.machineOf(fault.on) : this.stage.machines[anchor - 1];
    if (machine === undefined) {
      this.count(this.missed, fault.do);
      return;
    }
    // A machine that is not part of the cluster yet, or no more, is struck by nothing.
    const undo = machine.isInUse ? this.begin(fault, machine) : null;
    this.count(undo === null ? this.missed : this.struck, fault.do);
    if (undo !== null) this.stage.witness.crossings.struck(fault.do);
    this.stage.witness.note(
      machine.id,
      `fault ${fault.do} ${undo === null ? 'cannot happen' : `for ${String(fault.forMs)} ms`} (peer ${String(fault.peer)}, amount ${String(fault.amount)})`,
    );
    if (undo === null) return;
    this.undos.add(undo);
    if (fault.forMs > 0)
      this.after(fault.forMs * 1000, () => {
        this.undo(undo);
      });
  }

  private undo(undo: Undo): void {
    if (this.undos.delete(undo)) undo();
  }

  /** Returns what ends the fault; null if it could not begin. */
  private begin(fault: Fault, machine: Machine): Undo | null {
    const { network, schedule } = this.stage;
    switch (fault.do) {
      case 'crash':
        if (machine.life % 2 === 0) return null;
        machine.crash(this.stage.scenario.disk.crashKeeps);
        return () => {
          this.start(machine);
        };
      case 'wipe':
      case 'flip':
      case 'misdirected':
      case 'stale':
        return this.lose(machine, fault.do);
      case 'drain':
        if (!machine.isRunning) return null;
        machine.receive({ kind: 'drain' });
        return () => {
          machine.crash('all');
          this.start(machine);
        };
      case 'pause':
        machine.pause();
        return () => {
          machine.resume();
        };
      case 'cut':
        return this.onLinks(
          fault,
          machine,
          (from, to) => {
            network.cut(from, to);
            network.cut(to, from);
          },
          (from, to) => {
            network.uncut(from, to);
            network.uncut(to, from);
          },
        );
      case 'cutTo':
        return this.onLinks(
          fault,
          machine,
          (from, to) => {
            network.cut(from, to);
          },
          (from, to) => {
            network.uncut(from, to);
          },
        );
      case 'cutFrom':
        return this.onLinks(
          fault,
          machine,
          (from, to) => {
            network.cut(to, from);
          },
          (from, to) => {
            network.uncut(to, from);
          },
        );
      case 'hold':
        return this.onLinks(
          fault,
          machine,
          (from, to) => {
            network.hold(from, to);
            network.hold(to, from);
          },
          (from, to) => {
            network.unhold(from, to);
            network.unhold(to, from);
          },
        );
      case 'slow':
        return this.onLinks(
          fault,
          machine,
          (from, to) => {
            this.slow(from, to, fault.amount * 1000);
          },
          (from, to) => {
            this.slow(from, to, -fault.amount * 1000);
          },
        );
      case 'lossy':
        return this.onLinks(
          fault,
          machine,
          (from, to) => {
            network.link(from, to).lossPermille += fault.amount;
          },
          (from, to) => {
            network.link(from, to).lossPermille -= fault.amount;
          },
        );
      case 'reset':
        return this.onLinks(
          fault,
          machine,
          (from, to) => {
            network.break(from, to);
          },
          () => undefined,
        );
      case 'clockRate':
        machine.clock.setRate(fault.amount, schedule.now);
        machine.onClockChanged();
        return () => undefined;
      case 'clockJump':
        machine.clock.jumpWall(fault.amount);
        return () => undefined;
      case 'diskSlow':
        machine.disk.extraUs += fault.amount * 1000;
        return () => {
          machine.disk.extraUs -= fault.amount * 1000;
        };
      case 'diskHang':
        machine.disk.hangsUntil = Math.max(machine.disk.hangsUntil, schedule.now + fault.forMs * 1000);
        return () => {
          machine.disk.hangsUntil = 0;
        };
      case 'diskError':
        return this.refuseWrites(machine);
      case 'diskShort':
        machine.setDiskShort(true);
        return () => {
          machine.setDiskShort(false);
        };
      case 'pinMap':
        return this.pin(machine.id);
      case 'staleMap':
        return this.rewindMap(machine, fault.amount) ? this.pin(machine.id) : null;
      case 'staleHint':
        return this.rewindHints(machine) ? () => undefined : null;
      case 'transfer':
        return this.order(machine, ['GROUP', 'TRANSFER', this.groupOf(fault), ...this.recipientOf(fault)]);
      case 'addReplica':
        return this.order(machine, ['GROUP', 'ADD-REPLICA', this.groupOf(fault), String(this.nodeOf(fault.peer))]);
      case 'addLearner':
        return this.order(machine, [
          'GROUP',
          'ADD-REPLICA',
          this.groupOf(fault),
          String(this.nodeOf(fault.peer)),
          'LEARNER',
        ]);
      case 'removeReplica':
        return this.remove(machine, fault);
      case 'replace':
        return this.replace(machine, fault);
      case 'drainNode':
        return this.order(machine, ['NODE', 'DRAIN', String(this.nodeOf(fault.peer))]);
      case 'undrainNode':
        return this.order(machine, ['NODE', 'UNDRAIN', String(this.nodeOf(fault.peer))]);
      case 'move':
        return this.order(machine, ['TENANT', 'MOVE', this.tenantOf(fault), 'TO', this.destinationOf(fault)]);
      case 'cancelMove':
        return this.order(machine, ['TENANT', 'MOVE', this.tenantOf(fault), 'CANCEL']);
      case 'restore':
        this.stage.restore(this.tenantOf(fault), this.destinationOf(fault));
        return () => undefined;
      case 'save':
        return this.order(machine, ['GROUP', 'SNAPSHOT', this.groupOf(fault)]);
      case 'join':
        this.stage.operator.admit(this.formerlyOf(fault));
        return () => undefined;
      case 'makeGroups':
        this.stage.operator.makeGroups(1 + (Math.abs(fault.amount) % mostGroupsMade));
        return () => undefined;
      case 'retire':
        return this.retire(fault);
      case 'die':
        return this.die(machine);
      case 'quorumDown':
      case 'quorumCut':
      case 'quorumDeaf':
        return this.takeQuorum(fault, fault.do);
      default:
        return unreachable(fault.do);
    }
  }

  /** The peer, if it was removed and stopped. */
  private formerlyOf({ peer }: Fault): NodeId | null {
    const machine = this.stage.machines[this.nodeOf(peer) - 1];
    return peer !== 0 && machine?.isDiscarded === true && this.stage.operator.leaving.has(machine.id)
      ? machine.id
      : null;
  }

  /** An operator sees to it that there is always somebody to take what a node has. */
  private retire(fault: Fault): Undo | null {
    const machine = this.stage.machines[this.nodeOf(fault.peer) - 1];
    const { operator } = this.stage;
    if (machine === undefined || operator.leaving.has(machine.id) || !this.areEnoughWithout(machine)) return null;
    operator.retire(machine, this.heirOf(fault, machine), fault.forMs * 1000);
    return () => undefined;
  }

  private heirOf({ amount }: Fault, former: Machine): NodeId | null {
    const heir = this.stage.machines[this.nodeOf(amount) - 1];
    if (amount === 0 || heir === undefined || heir === former || !this.staying().includes(heir)) return null;
    return heir.id;
  }

  private die(machine: Machine): Undo | null {
    const { witness, operator, machines } = this.stage;
    const dead = machines.filter(({ isDiscarded, id }) => isDiscarded && !operator.leaving.has(id)).length;
    if (!machine.isRunning || !this.areEnoughWithout(machine) || !witness.reserve.canSpare(new Set([machine.id])))
      return null;
    // More than a third would stop all repairs until somebody has looked.
    if ((dead + 1) * 3 > this.staying().length + dead) return null;
    machine.discard();
    witness.lost(machine.id);
    return () => undefined;
  }

  private areEnoughWithout(machine: Machine): boolean {
    return machine.isInUse && this.staying().filter((other) => other !== machine).length >= fewestNodes;
  }

  private staying(): readonly Machine[] {
    return this.stage.machines.filter(({ isInUse, id }) => isInUse && !this.stage.operator.leaving.has(id));
  }

  /** The group cannot commit anything until it is over. */
  private takeQuorum(fault: Fault, how: 'quorumDown' | 'quorumCut' | 'quorumDeaf'): Undo {
    const { network, witness } = this.stage;
    const group = GroupId(Number(this.groupOf(fault)));
    const isMetadata = group === metadataGroup;
    const machines = this.quorumOf(group, fault.peer);
    if (isMetadata) witness.metadataOut();
    const undos = machines.map((machine): Undo => {
      const { id } = machine;
      if (how === 'quorumDeaf') return this.hold(this.deaf, `${String(id)}/${String(group)}`);
      if (how === 'quorumDown') {
        const release = this.hold(this.heldDown, id);
        machine.crash(this.stage.scenario.disk.crashKeeps);
        return () => {
          release();
          this.start(machine);
        };
      }
      for (const other of network.others(id)) {
        network.cut(id, other);
        network.cut(other, id);
      }
      return () => {
        for (const other of network.others(id)) {
          network.uncut(id, other);
          network.uncut(other, id);
        }
      };
    });
    return () => {
      if (isMetadata) witness.metadataBack();
      for (const undo of undos) undo();
    };
  }

  /** All of its voters, or a majority of them from one on. */
  private quorumOf(group: GroupId, from: number): readonly Machine[] {
    const voters = this.stage.witness.groups.get(group)?.configuration.voters ?? [];
    const machines = voters.flatMap(({ node }) => this.stage.machines[node - 1] ?? []);
    if (from === 0) return machines;
    const first = Math.abs(from) % machines.length;
    return [...machines.slice(first), ...machines.slice(0, first)].slice(0, Math.floor(machines.length / 2) + 1);
  }

  private hold<Key>(counts: Map<Key, number>, key: Key): Undo {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return () => {
      counts.set(key, (counts.get(key) ?? 1) - 1);
    };
  }

  private start(machine: Machine): void {
    if ((this.heldDown.get(machine.id) ?? 0) === 0) machine.start();
  }

  /** Damage to more than a majority can spare is nobody's to repair. */
  private lose(machine: Machine, how: 'wipe' | DamageKind): Undo | null {
    const { witness, scenario, random } = this.stage;
    if (!machine.isRunning || !witness.reserve.canSpare(new Set([machine.id]))) return null;
    machine.crash(scenario.disk.crashKeeps);
    const isLost = how === 'wipe' ? machine.disk.wipe() : machine.disk.damage(how, random);
    if (isLost && how !== 'wipe') witness.marks.hit('damageNoticed');
    if (isLost) witness.lost(machine.id);
    return () => {
      this.start(machine);
    };
  }

  /** With the next write the process dies: what of it is on the disk only the next life can find out. */
  private refuseWrites(machine: Machine): Undo | null {
    if (machine.life % 2 === 0) return null;
    machine.disk.onRefused = () => {
      this.stage.witness.note(machine.id, 'the disk refuses a write');
      this.stage.witness.marks.hit('writeRefused');
      machine.crash(this.stage.scenario.disk.crashKeeps);
    };
    return () => {
      machine.disk.onRefused = null;
      this.start(machine);
    };
  }

  private order(machine: Machine, words: readonly string[]): Undo | null {
    if (!machine.isRunning) return null;
    this.stage.order(machine, words);
    return () => undefined;
  }

  private onLinks(
    fault: Fault,
    machine: Machine,
    begin: (from: NodeId, to: NodeId) => void,
    end: (from: NodeId, to: NodeId) => void,
  ): Undo | null {
    const others =
      fault.peer === 0
        ? this.stage.network.others(machine.id)
        : [this.nodeOf(fault.peer)].filter((peer) => peer !== machine.id);
    if (others.length === 0) return null;
    for (const other of others) begin(machine.id, other);
    return () => {
      for (const other of others) end(machine.id, other);
    };
  }

  private slow(a: NodeId, b: NodeId, byUs: number): void {
    this.stage.network.link(a, b).extraUs += byUs;
    this.stage.network.link(b, a).extraUs += byUs;
  }

  private pin(node: NodeId): Undo {
    return this.hold(this.pinned, node);
  }

  /** As if the node had begun with a map it kept from earlier. One that has the metadata group's log knows better at once. */
  private rewindMap({ id, node }: Machine, versions: number): boolean {
    const shards = node?.router.shards;
    if (shards === undefined || shards.version === 0 || node?.groups.has(metadataGroup) === true) return false;
    // Without a metadata group versions are a node's own.
    const known = shards.merges ? [node] : this.stage.machines.map((machine) => machine.node);
    const map = mapAsOf(MapVersion(Math.max(0, shards.version - versions)), known);
    if (map === null) return false;
    Object.assign(shards, new ShardMap(map, shards.merges), { edition: shards.edition + 1 });
    this.stage.witness.rewound(id);
    return true;
  }

  /** As if it had heard of every leader but the last. */
  private rewindHints(machine: Machine): boolean {
    const router = machine.node?.router;
    if (router === undefined) return false;
    const { groups } = this.stage.witness;
    const earlier = new LeaderHints(router.groups);
    let isStale = false;
    for (const [group, { leaders }] of groups) {
      const terms = [...leaders.keys()].sort((a, b) => a - b).slice(0, -1);
      const term = terms[between(this.stage.random, 0, Math.max(0, terms.length - 1))];
      const leader = term === undefined ? undefined : leaders.get(term);
      if (leader === undefined) continue;
      earlier.learn(group, leader.node, Term(leader.term));
      isStale = true;
    }
    if (!isStale) return false;
    Object.assign(router.leaders, earlier);
    this.stage.witness.rewound(machine.id);
    return true;
  }

  private machineOf(target: Target): Machine | undefined {
    const { machines, witness } = this.stage;
    if ('node' in target) return machines[this.nodeOf(target.node) - 1];
    const groups = [...witness.groups.values()];
    const leader = groups[target.leaderOf % groups.length]?.currentLeader();
    return leader === null || leader === undefined ? undefined : machines[leader.node - 1];
  }

  /** With those that were made. */
  private get groupCount(): number {
    return this.stage.scenario.groups.length + this.stage.witness.made.size;
  }

  /** Any number names a group. */
  private groupOf({ amount }: Fault): string {
    return String(Math.abs(amount) % this.groupCount);
  }

  /** Any number names a tenant, and any a group for tenants. */
  private tenantOf({ amount }: Fault): string {
    const { tenants } = this.stage.scenario;
    return tenants[Math.abs(amount) % tenants.length]?.name ?? '';
  }

  private destinationOf({ peer }: Fault): string {
    return String(1 + (Math.abs(peer) % Math.max(1, this.groupCount - 1)));
  }

  /** To fewer voters a group goes only when operators have looked whether those that are left are well. */
  private remove(machine: Machine, fault: Fault): Undo | null {
    const group = this.groupOf(fault);
    const node = this.nodeOf(fault.peer);
    if (!this.stage.witness.reserve.canRemove(GroupId(Number(group)), node)) return null;
    return this.order(machine, ['GROUP', 'REMOVE-REPLICA', group, String(node)]);
  }

  /** In its own place a replica is replaced only by operators who have looked whether the others are well. */
  private replace(machine: Machine, fault: Fault): Undo | null {
    const [former, later] = this.replacementOf(fault);
    if (former === later && !this.stage.witness.reserve.canSpare(new Set([former]))) return null;
    return this.order(machine, ['GROUP', 'REPLACE', this.groupOf(fault), String(former), String(later)]);
  }

  private replacementOf(fault: Fault): readonly [NodeId, NodeId] {
    const { witness, machines } = this.stage;
    const configuration = witness.groups.get(GroupId(Number(this.groupOf(fault))))?.configuration;
    const taken = new Set(configuration === undefined ? [] : membersOf(configuration).map(({ node }) => node));
    const former = this.nodeOf(fault.peer);
    const later = machines.map((_, step) => this.nodeOf(former + step)).find((node) => !taken.has(node));
    return [former, later ?? former];
  }

  private recipientOf({ peer }: Fault): readonly string[] {
    return peer === 0 ? [] : [String(this.nodeOf(peer))];
  }

  /** Any number names a node. */
  private nodeOf(number: number): NodeId {
    const count = this.stage.machines.length;
    return NodeId(((((number - 1) % count) + count) % count) + 1);
  }

  private count(counts: Map<FaultKind, number>, kind: FaultKind): void {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }

  private after(delayUs: number, happening: () => void): void {
    this.stage.schedule.at(this.stage.schedule.now + delayUs, happening);
  }
}

/** Made of all changes up to it, if any of the nodes has them still. */
function mapAsOf(version: MapVersion, nodes: readonly (Node | null | undefined)[]): TenantMap | null {
  for (const node of nodes) {
    const known = node?.router.shards.base.changesAfter(MapVersion(0), version) ?? null;
    if (known?.changes.length !== version) continue;
    const map = new TenantMap();
    for (const change of known.changes) map.apply(change);
    return map;
  }
  return null;
}
