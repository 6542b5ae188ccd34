/**
 * Which groups have all that they need to serve: a majority of members that run, reach each other and whose disks work,
 * while every other member is dead or cut off from all of them. A group that is reached in parts promises nothing: whom
 * it serves depends on who leads it.
 */
import type { GroupId, NodeId } from '../../core/base/ids.ts';
import type { GroupTruth } from '../truth/groupTruth.ts';
import type { Witness } from '../truth/witness.ts';
import type { Faults } from './faults.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';

export interface Well {
  /** The nodes of the majority. */
  readonly nodes: readonly NodeId[];
  /** Since when they have been well, all of them in the same lives, and the group the same. */
  readonly since: number;
}

interface Surveyed {
  readonly witness: Witness;
  readonly machines: readonly Machine[];
  readonly network: Network;
  readonly faults: Faults;
}

export class Wellness {
  private readonly world: Surveyed;
  private readonly known = new Map<GroupId, Well & { readonly state: string }>();

  constructor(world: Surveyed) {
    this.world = world;
  }

  /** To be called often: what passes between two looks is not seen. */
  look(): void {
    const { witness } = this.world;
    for (const group of witness.groups.values()) {
      const nodes = this.wellNodes(group);
      if (nodes === null) {
        this.known.delete(group.id);
        continue;
      }
      const state = `${String(group.configurations.length)} ${nodes.map((node) => this.lifeOf(node)).join(' ')}`;
      const since = this.known.get(group.id)?.state === state ? (this.known.get(group.id)?.since ?? 0) : witness.now;
      this.known.set(group.id, { nodes, since, state });
    }
  }

  /** Null: the group is not well. */
  of(group: GroupId): Well | null {
    return this.known.get(group) ?? null;
  }

  /** The node works, and reaches all of these. */
  reaches(node: NodeId, others: readonly NodeId[]): boolean {
    return this.isAwake(node) && others.every((other) => other === node || this.isLinked(node, other));
  }

  private wellNodes(group: GroupTruth): readonly NodeId[] | null {
    const [configuration, ...more] = this.world.witness.reserve.configurationsOf(group);
    if (configuration === undefined || more.length > 0 || configuration.outgoing.length > 0) return null;
    const { voters, learners } = configuration;
    if (learners.some(({ joins }) => joins)) return null;
    const awake = voters.map(({ node }) => node).filter((node) => this.isAwake(node));
    for (const first of awake) {
      const part = awake.filter((node) => node === first || !this.isApart(node, first));
      const others = awake.filter((node) => !part.includes(node));
      const isWhole = part.every(
        (node) => this.reaches(node, part) && others.every((other) => this.isApart(node, other)),
      );
      const areWell = voters.every(({ node, replica }) => {
        const truth = group.replicas.get(replica);
        return !part.includes(node) || (this.isWell(node, group.id) && truth !== undefined && this.isThere(truth));
      });
      if (part.length * 2 > voters.length) return isWhole && areWell ? part : null;
    }
    return null;
  }

  private isThere(replica: Parameters<Witness['isThere']>[0]): boolean {
    return this.world.witness.isThere(replica);
  }

  private isAwake(node: NodeId): boolean {
    const machine = this.world.machines[node - 1];
    return machine !== undefined && machine.isRunning && machine.pauses === 0;
  }

  private isWell(node: NodeId, group: GroupId): boolean {
    const { machines, faults, witness } = this.world;
    const disk = machines[node - 1]?.disk;
    if (disk === undefined || faults.isDeaf(node, group)) return false;
    return disk.extraUs === 0 && disk.hangsUntil <= witness.now && !disk.isShort && disk.onRefused === null;
  }

  private isLinked(a: NodeId, b: NodeId): boolean {
    const { network } = this.world;
    const isClear = (from: NodeId, to: NodeId): boolean => {
      const { isBlocked, extraUs, lossPermille } = network.link(from, to);
      return !isBlocked && extraUs === 0 && lossPermille === 0;
    };
    return network.isUp(a, b) && isClear(a, b) && isClear(b, a);
  }

  private isApart(a: NodeId, b: NodeId): boolean {
    const { network } = this.world;
    return network.link(a, b).cuts > 0 && network.link(b, a).cuts > 0;
  }

  private lifeOf(node: NodeId): string {
    return `${String(node)}/${String(this.world.machines[node - 1]?.life)}`;
  }
}
