/**
 * How unevenly a cluster is loaded, as one number: Φ = Σ node Σ dimension w · (utilisation − mean)². A node's utilisation is
 * what it has against its fair share, in parts of ten thousand, so the mean is 10,000. Fair is what capacities say:
 * replicas and bytes by room, leaders and operations by operations a second. Only nodes that are to stay have a share.
 *
 * Moving things from node to node changes no share, which is what makes Φ comparable from step to step. Results are whole
 * numbers, and what is between is the same on every machine.
 */
import type { Layout } from './layout.ts';
import { type Dimension, dimensions, type Policy } from './policy.ts';

const even = 10_000;
/** A node with a thousand times its share is no worse than one with more: squares stay exact. */
const highest = 1_000 * even;

export class Potential {
  private readonly layout: Layout;
  /** By node, in parts of ten thousand of one; 0: its load in this dimension is nobody's concern. */
  private readonly fair: Readonly<Record<Dimension, Float64Array>>;
  private readonly weights: Policy['weights'];

  /** What any step costs, however little it moves. */
  readonly effort: number;

  /** Shares are those of the layout as it is now. */
  constructor(layout: Layout, { weights, idlePpt, effortPpt }: Policy) {
    this.layout = layout;
    this.weights = weights;
    const far = Math.floor((effortPpt * even) / 1000);
    this.effort = far * far;
    const totals: Readonly<Record<Dimension, number>> = totalsOf(layout);
    const isIdle = (dimension: 'bytes' | 'operations'): boolean =>
      BigInt(totals[dimension]) * 1000n < BigInt(idlePpt) * capacityOf(layout, dimension);
    this.fair = {
      leaders: shares(layout, totals.leaders, 'operations'),
      replicas: shares(layout, totals.replicas, 'bytes'),
      bytes: shares(layout, isIdle('bytes') ? 0 : totals.bytes, 'bytes'),
      operations: shares(layout, isIdle('operations') ? 0 : totals.operations, 'operations'),
    };
  }

  /** Φ. */
  get value(): number {
    let sum = 0;
    for (const dimension of dimensions)
      for (let node = 0; node < this.layout.nodes.length; node += 1) sum += this.at(dimension, node, 0);
    return sum;
  }

  /** What Φ would gain if the node had so much more, or, below zero, less. */
  rise(dimension: Dimension, node: number, amount: number): number {
    return this.at(dimension, node, amount) - this.at(dimension, node, 0);
  }

  /** The same for every node at once, added to what is in `rises`: one by one takes many times as long. */
  addRises(dimension: Dimension, amount: number, rises: Float64Array): void {
    const { fair: fairs, weights, layout } = this;
    const [fair, load, weight] = [fairs[dimension], layout.load[dimension], weights[dimension]];
    for (let node = 0; node < rises.length; node += 1) {
      const own = fair[node] ?? 0;
      if (own === 0) continue;
      const has = load[node] ?? 0;
      const [before, after] = [partsOf(has, own) - even, partsOf(has + amount, own) - even];
      rises[node] = (rises[node] ?? 0) + weight * (after * after - before * before);
    }
  }

  /** What it costs to take so much from the node: what Φ would lose across a gap of `tollPpt`. */
  toll(dimension: Dimension, node: number, amount: number, tollPpt: number): number {
    const moved = this.parts(dimension, node, amount);
    return 2 * this.weights[dimension] * Math.floor((tollPpt * even) / 1000) * moved;
  }

  /** How far from its share the node is, in parts of a thousand of it; null if it has none. */
  deviationPpt(dimension: Dimension, node: number): number | null {
    if (this.fair[dimension][node] === 0 || this.weights[dimension] === 0) return null;
    return Math.trunc(((this.parts(dimension, node, this.layout.of(dimension, node)) - even) * 1000) / even);
  }

  /** Of the node that is furthest from its share, among those that can be given something. */
  imbalancePpt(dimension: Dimension): number {
    let worst = 0;
    for (let node = 0; node < this.layout.nodes.length; node += 1) {
      if (this.layout.nodeAt(node).state !== 'up') continue;
      worst = Math.max(worst, Math.abs(this.deviationPpt(dimension, node) ?? 0));
    }
    return worst;
  }

  /** The same over all dimensions. */
  get worstPpt(): number {
    return Math.max(...dimensions.map((dimension) => this.imbalancePpt(dimension)));
  }

  private at(dimension: Dimension, node: number, more: number): number {
    if (this.fair[dimension][node] === 0) return 0;
    const off = this.parts(dimension, node, this.layout.of(dimension, node) + more) - even;
    return this.weights[dimension] * off * off;
  }

  /** Of the node's share, in parts of ten thousand. */
  private parts(dimension: Dimension, node: number, amount: number): number {
    const fair = this.fair[dimension][node] ?? 0;
    return fair === 0 ? 0 : partsOf(amount, fair);
  }
}

function partsOf(amount: number, fair: number): number {
  return Math.min(highest, Math.floor((amount * even * even) / fair));
}

type Resource = 'bytes' | 'operations';

function totalsOf({ groups, load }: Layout): Record<Dimension, number> {
  const sum = (loads: Float64Array): number => loads.reduce((total, one) => total + one, 0);
  let operations = 0;
  for (const group of groups) operations += group.operations;
  return { leaders: groups.length, replicas: sum(load.replicas), bytes: sum(load.bytes), operations };
}

function capacity(layout: Layout, node: number, resource: Resource): bigint {
  const { capacityBytes, capacityOperations } = layout.nodeAt(node);
  return layout.stays(node) ? BigInt(resource === 'bytes' ? capacityBytes : capacityOperations) : 0n;
}

function capacityOf(layout: Layout, resource: Resource): bigint {
  return layout.nodes.reduce((sum, _, node) => sum + capacity(layout, node, resource), 0n);
}

/** So much divided by capacity. Products of large numbers are made exactly. */
function shares(layout: Layout, total: number, resource: Resource): Float64Array {
  const all = capacityOf(layout, resource);
  return Float64Array.from(layout.nodes, (_, node) =>
    all === 0n ? 0 : Number((BigInt(total) * BigInt(even) * capacity(layout, node, resource)) / all),
  );
}
