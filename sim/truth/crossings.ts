/**
 * Which faults struck while a tenant's move, or a change of the cluster, was at which step: a fault that never meets a
 * step says nothing about it. A move is at a step from when that is committed until the next is.
 */
import { membersOf } from '../../core/raft/configuration.ts';
import type { GroupId, NodeId } from '../../core/base/ids.ts';
import type { Configuration } from '../../core/raft/types.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';
import type { MoveStep } from '../../core/wire/moves.ts';
import type { FaultKind } from '../scenario/scenario.ts';

/** Steps at which a move can be met, in their order. The others end it. */
export const stepsOfMoves = ['start', 'prepare', 'stage', 'freeze', 'seal', 'depart', 'activate'] as const;
/**
 * `join`: a node that has joined has no replica yet. `learner`, `joint`: a group has a member that is to get its vote, or
 * is between two configurations. `drain`: a node that is to have nothing has something still.
 */
export const stepsOfClusters = ['join', 'learner', 'joint', 'drain'] as const;
export type MetStep = (typeof stepsOfMoves)[number] | (typeof stepsOfClusters)[number];

/** How often, by fault and step. */
export type CrossingCounts = Readonly<Partial<Record<`${FaultKind} ${MetStep}`, number>>>;

export class Crossings {
  /** By what is at the step. */
  private readonly underWay = new Map<string, MetStep>();
  private readonly held = new Map<GroupId, ReadonlySet<NodeId>>();
  private readonly counts = new Map<`${FaultKind} ${MetStep}`, number>();

  /** An operation is committed. */
  committed(operation: LoggedOperation): void {
    if (operation.kind !== 'move') return;
    const step = metStep(operation.step.kind);
    this.set(`move ${String(operation.move)}`, step);
  }

  /** A group's configuration is committed. Returns the step at which that is. */
  configured(group: GroupId, configuration: Configuration): 'learner' | 'joint' | null {
    const isLearning = configuration.learners.some(({ joins }) => joins);
    const step = configuration.outgoing.length > 0 ? 'joint' : isLearning ? 'learner' : null;
    this.set(`group ${String(group)}`, step);
    this.held.set(group, new Set(membersOf(configuration).map(({ node }) => node)));
    for (const [what, at] of this.underWay) {
      const node = Number(what.slice('node '.length)) as NodeId;
      if (at === 'join' && this.hasReplicas(node)) this.underWay.delete(what);
      if (at === 'drain' && !this.hasReplicas(node)) this.underWay.delete(what);
    }
    return step;
  }

  /** Somebody knows of other nodes; `first`: how many there were in the beginning. */
  nodesChanged({ nodes }: NodeMapImage, first: number): void {
    for (const { node, state } of nodes) {
      const isEmpty = !this.hasReplicas(node);
      const joins = state === 'member' && node > first && isEmpty;
      this.set(`node ${String(node)}`, joins ? 'join' : state === 'draining' && !isEmpty ? 'drain' : null);
    }
  }

  private hasReplicas(node: NodeId): boolean {
    return [...this.held.values()].some((nodes) => nodes.has(node));
  }

  private set(what: string, step: MetStep | null): void {
    if (step === null) this.underWay.delete(what);
    else this.underWay.set(what, step);
  }

  struck(kind: FaultKind): void {
    for (const step of this.underWay.values()) {
      const cell = `${kind} ${step}` as const;
      this.counts.set(cell, (this.counts.get(cell) ?? 0) + 1);
    }
  }

  all(): CrossingCounts {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function metStep(kind: MoveStep['kind']): MetStep | null {
  return stepsOfMoves.find((step) => step === kind) ?? null;
}
