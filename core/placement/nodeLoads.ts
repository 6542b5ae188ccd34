/** What each node has, and what that is of what it can have: for people and for metrics. */
import type { NodeId } from '../base/ids.ts';
import type { ClusterSnapshot, NodeState } from './clusterSnapshot.ts';
import { Layout } from './layout.ts';
import type { Dimension, Policy } from './policy.ts';
import { Potential } from './potential.ts';

export interface NodeLoad extends Readonly<Record<Dimension, number>> {
  readonly node: NodeId;
  readonly zone: string;
  readonly state: NodeState;
  /** Of its capacity. */
  readonly bytesPpt: number;
  readonly operationsPpt: number;
  /** How far it is from its share, by dimension; null: it has none. */
  readonly deviationPpt: Readonly<Record<Dimension, number | null>>;
}

export interface Utilisation {
  /** Φ. */
  readonly potential: number;
  /** In order of id. */
  readonly nodes: readonly NodeLoad[];
}

export function utilisationOf(snapshot: ClusterSnapshot, policy: Policy): Utilisation {
  const layout = new Layout(snapshot, policy);
  const potential = new Potential(layout, policy);
  return { potential: potential.value, nodes: layout.everyNode.map((index) => loadOf(layout, potential, index)) };
}

function loadOf(layout: Layout, potential: Potential, index: number): NodeLoad {
  const { node, zone, state, capacityBytes, capacityOperations } = layout.nodeAt(index);
  const of = <Value>(value: (dimension: Dimension) => Value): Record<Dimension, Value> => ({
    leaders: value('leaders'),
    replicas: value('replicas'),
    bytes: value('bytes'),
    operations: value('operations'),
  });
  const loads = of((dimension) => layout.of(dimension, index));
  return {
    node,
    zone,
    state,
    ...loads,
    bytesPpt: Math.floor((loads.bytes * 1000) / capacityBytes),
    operationsPpt: Math.floor((loads.operations * 1000) / capacityOperations),
    deviationPpt: of((dimension) => potential.deviationPpt(dimension, index)),
  };
}
