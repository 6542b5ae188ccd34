/**
 * N3 and N4: where replicas and leaders are, once all is calm, in a cluster that keeps its balance. Who is drained, removed
 * or gone has nothing; among the others nobody has much more than another, whether it was there from the beginning or came
 * later. As long as there are nodes enough.
 */
import type { NodeId } from '../../core/base/ids.ts';
import { metadataGroup } from '../../core/base/ids.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import { membersOf } from '../../core/raft/configuration.ts';
import type { ClusterNode } from '../../core/wire/nodes.ts';
import { rule } from '../truth/violation.ts';
import type { World } from './world.ts';

/** Between the one who has most and the one who has least: replicas do not divide evenly, and not all may go everywhere. */
const mostReplicasApart = 2;
const mostLeadersApart = 3;

interface Share {
  readonly node: NodeId;
  replicas: number;
  leads: number;
}

export class Shares {
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** Everybody has what he is to have. */
  get areRight(): boolean {
    return this.wrongs().length === 0;
  }

  judge(): void {
    const [wrong] = this.wrongs();
    rule(wrong === undefined, wrong?.rule ?? 'N3', wrong?.law ?? '', wrong?.facts ?? {});
  }

  private wrongs(): readonly Wrong[] {
    const { operator, machines } = this.world;
    const nodes = this.nodes();
    if (nodes === null) return [{ rule: 'N3', law: 'somebody knows the nodes', facts: {} }];
    const shares = this.count();
    const isStaying = ({ node, state }: ClusterNode): boolean =>
      state === 'member' && machines[node - 1]?.isRunning === true;
    const staying = nodes.filter(isStaying).map(({ node }) => shares[node - 1] ?? { node, replicas: 0, leads: 0 });
    const others = shares.filter(({ node }) => !staying.some((share) => share.node === node));
    if (staying.length < this.replicasPerGroup) return [];
    const wrongs: Wrong[] = operator.isIdle
      ? []
      : [{ rule: 'N3', law: 'who is to join or to leave does so', facts: {} }];
    for (const { node, replicas, leads } of others)
      if (replicas + leads > 0)
        wrongs.push({ rule: 'N3', law: 'who is not to stay has nothing', facts: { node, replicas, leads } });
    for (const [kind, most] of [
      ['replicas', mostReplicasApart],
      ['leads', mostLeadersApart],
    ] as const) {
      const counts = staying.map((share) => share[kind]);
      if (Math.max(...counts) - Math.min(...counts) > most)
        wrongs.push({
          rule: 'N4',
          law: 'nobody has much more than another',
          facts: { kind, counts: counts.join(' ') },
        });
    }
    return wrongs;
  }

  private get replicasPerGroup(): number {
    return Math.max(...[...this.world.witness.groups.values()].map(({ configuration }) => configuration.voters.length));
  }

  /** As whoever leads the metadata group says. */
  private nodes(): readonly ClusterNode[] | null {
    const { groups, nodes } = this.world.witness;
    const leader = groups.get(metadataGroup)?.currentLeader() ?? null;
    const machine = leader === null ? undefined : nodes[leader.node - 1]?.groups.get(metadataGroup)?.machine;
    return machine instanceof DirectoryMachine ? machine.directory.nodes.image.nodes : null;
  }

  private count(): Share[] {
    const shares = this.world.machines.map(({ id }): Share => ({ node: id, replicas: 0, leads: 0 }));
    for (const group of this.world.witness.groups.values()) {
      for (const { node } of membersOf(group.configuration)) {
        const share = shares[node - 1];
        if (share !== undefined) share.replicas += 1;
      }
      const leader = shares[(group.currentLeader()?.node ?? 0) - 1];
      if (leader !== undefined) leader.leads += 1;
    }
    return shares;
  }
}

interface Wrong {
  readonly rule: 'N3' | 'N4';
  readonly law: string;
  readonly facts: Readonly<Record<string, string | number>>;
}
