/**
 * Which nodes there are, where they are reached, and what is to become of them. The metadata group's log decides; every
 * node has a copy, of which the highest version is right. Ids grow and are never given twice, so that a new node is never
 * taken for one that has left. Of one that has left a line stays.
 */
import { NodeId } from '../base/ids.ts';
import type { ClusterNode, NodeMapImage } from '../wire/nodes.ts';

export const noNodes: NodeMapImage = { version: 0, nodes: [] };

export class NodeMap {
  version: number;
  private readonly nodes = new Map<NodeId, ClusterNode>();

  constructor({ version, nodes }: NodeMapImage) {
    this.version = version;
    for (const node of nodes) this.nodes.set(node.node, node);
  }

  get image(): NodeMapImage {
    return { version: this.version, nodes: [...this.nodes.values()] };
  }

  /**
   * One that comes again with the data directory that it came with, because it was not told that it had, is the same. One
   * that has lost it is another: its id stands for what was promised.
   */
  join(clientAddress: string, peerAddress: string, zone: string, store: string): ClusterNode {
    for (const known of this.nodes.values()) if (known.store === store && known.state !== 'removed') return known;
    const node = NodeId(Math.max(0, ...this.nodes.keys()) + 1);
    const joined: ClusterNode = { node, clientAddress, peerAddress, zone, store, state: 'member', heir: null };
    this.put(joined);
    return joined;
  }

  /** Returns why that cannot be; null if it is so now. */
  change(node: NodeId, state: ClusterNode['state']): string | null {
    const known = this.nodes.get(node);
    if (known === undefined) return `no such node '${String(node)}'`;
    if (known.state === state) return null;
    if (known.state === 'removed') return `node ${String(node)} was removed: its id is not used again`;
    if (state === 'removed' && known.state !== 'draining')
      return `node ${String(node)} is not drained: NODE DRAIN first`;
    this.put({ ...known, state, heir: null });
    return null;
  }

  /** It is to have nothing any more, and `heir` all that it has. Returns why that cannot be; null if it is so now. */
  replace(node: NodeId, heir: NodeId): string | null {
    const [known, next] = [this.nodes.get(node), this.nodes.get(heir)];
    if (known === undefined || next === undefined) return `no such node '${String(known === undefined ? node : heir)}'`;
    if (node === heir) return 'a node cannot take its own place';
    if (known.state === 'removed') return `node ${String(node)} was removed`;
    if (next.state !== 'member') return `node ${String(heir)} is ${next.state}: it cannot take over`;
    if (known.heir !== heir) this.put({ ...known, state: 'draining', heir });
    return null;
  }

  private put(node: ClusterNode): void {
    this.nodes.set(node.node, node);
    this.version += 1;
  }
}
