/** The configuration files of a local cluster. */
export interface ClusterShape {
  readonly nodes: number;
  /** For tenants, beside group 0 if there is one. */
  readonly groups: number;
  /** Of the first node's clients; the others follow. */
  readonly port: number;
  /** As in `settings.rebalance`. */
  readonly rebalance: string;
  /** As in `metadata`. */
  readonly metadata: 'raft' | 'gossip';
}

export interface LocalNode {
  readonly id: number;
  readonly client: string;
  readonly peer: string;
}

const replicasPerGroup = 3;
/** It listens on the loopback interface alone: whoever is on this machine may join. */
export const localToken = 'local-cluster';
const peerPortOffset = 10_000;

export function localNodes({ nodes, port }: ClusterShape): readonly LocalNode[] {
  return Array.from({ length: nodes }, (_, i) => ({
    id: i + 1,
    client: `127.0.0.1:${String(port + i)}`,
    peer: `127.0.0.1:${String(port + peerPortOffset + i)}`,
  }));
}

/** What goes into the configuration file of one node. Replicas go round the nodes, so that leaders can spread. */
export function localConfig(shape: ClusterShape, node: number): Readonly<Record<string, unknown>> {
  const replicas = shape.nodes >= replicasPerGroup ? replicasPerGroup : 1;
  const first = shape.metadata === 'raft' ? 0 : 1;
  const ids = Array.from({ length: shape.groups + 1 }, (_, group) => group).slice(first);
  const groups = ids.map((group) => ({
    id: group,
    nodes: Array.from({ length: replicas }, (__, replica) => ((group + replica) % shape.nodes) + 1),
  }));
  const settings = { rebalance: shape.rebalance };
  const nodes = localNodes(shape);
  const { metadata } = shape;
  return { cluster: 'local', node, metadata, data: '.', nodes, groups, settings, join: { token: localToken } };
}
