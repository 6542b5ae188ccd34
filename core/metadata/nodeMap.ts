/**
 * Which nodes there are, where they are reached, and what is to become of them. The metadata group's log decides; every
 * node has a copy, of which the highest version is right. Ids grow and are never given twice, so that a new node is never
 * taken for one that has left. Of one that has left a line stays.
 *
 * And which groups were made since the cluster began, on whose data directories. Their ids grow, too, and none ever goes.
 */
import { GroupId, NodeId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { FirstMember, GroupPlan, MadeGroup } from '../wire/groups.ts';
import type { ClusterNode, NodeMapImage } from '../wire/nodes.ts';

export const noNodes: NodeMapImage = { version: 0, nodes: [], groups: [] };

export class NodeMap {
  version: number;
  private readonly nodes = new Map<NodeId, ClusterNode>();

  private readonly made: MadeGroup[];

  constructor({ version, nodes, groups }: NodeMapImage) {
    this.version = version;
    this.made = [...groups];
    for (const node of nodes) this.nodes.set(node.node, node);
  }

  get image(): NodeMapImage {
    return { version: this.version, nodes: [...this.nodes.values()], groups: [...this.made] };
  }

  /** In order of id. */
  get groups(): readonly MadeGroup[] {
    return this.made;
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

  /** Those that were made for that question. */
  madeFor(request: string): readonly GroupId[] {
    return this.made.filter((made) => made.request === request).map(({ group }) => group);
  }

  /** Makes groups with ids above that one. Returns why it cannot; null if they are there now. */
  make({ groups, request }: GroupPlan, above: GroupId): string | null {
    const highest = Math.max(above, this.made.at(-1)?.group ?? 0);
    if (groups.length === 0) return 'no group is to be made';
    if (highest + groups.length >= limits.groupIds) return 'there are no group ids left';
    for (const members of groups) {
      const why = this.refuseMembers(members);
      if (why !== null) return why;
    }
    for (const [i, members] of groups.entries()) this.made.push({ group: GroupId(highest + 1 + i), members, request });
    this.version += 1;
    return null;
  }

  private refuseMembers(members: readonly FirstMember[]): string | null {
    if (members.length === 0) return 'a group has members';
    if (new Set(members.map(({ node }) => node)).size < members.length)
      return 'no two replicas of a group are on one node';
    for (const { node } of members) {
      const known = this.nodes.get(node);
      if (known === undefined) return `no such node '${String(node)}'`;
      if (known.state !== 'member') return `node ${String(node)} is ${known.state}: it is given nothing new`;
    }
    return null;
  }

  private put(node: ClusterNode): void {
    this.nodes.set(node.node, node);
    this.version += 1;
  }
}
