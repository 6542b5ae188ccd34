/**
 * How a node's copy of the NodeMap comes to be that of the metadata group: its leader tells everybody of a change, and
 * peers that find that one is ahead of the other pass it on. It is small, and always told whole.
 */
import type { NodeId } from '../base/ids.ts';
import type { NodeMap } from '../metadata/nodeMap.ts';
import type { NodeMapImage } from '../wire/nodes.ts';
import type { PeerMessage } from '../wire/messages.ts';

export interface NodeExchangeHost {
  readonly post: (to: NodeId, message: PeerMessage) => void;
  readonly peers: () => readonly NodeId[];
  readonly onChanged: (map: NodeMapImage) => void;
}

export class NodeExchange {
  private map: NodeMapImage;
  private readonly host: NodeExchangeHost;

  /** `map`: what the configuration says, or what was known in the last life. */
  constructor(map: NodeMapImage, host: NodeExchangeHost) {
    this.map = map;
    this.host = host;
  }

  get present(): NodeMapImage {
    return this.map;
  }

  /** Says how far the map is here. */
  greet(peer: NodeId): void {
    const { version } = this.map;
    if (version > 0) this.host.post(peer, { kind: 'nodesVersion', version });
  }

  onVersion(from: NodeId, theirs: number): void {
    const { version } = this.map;
    if (theirs > version) this.host.post(from, { kind: 'nodesVersion', version });
    else if (theirs < version) this.host.post(from, { kind: 'nodes', map: this.map });
  }

  onNodes(map: NodeMapImage): void {
    if (map.version <= this.map.version) return;
    this.map = map;
    this.host.onChanged(map);
  }

  /** A replica of the metadata group needs nobody to tell it. The one that `leads` tells everybody in the same turn. */
  follow(nodes: NodeMap, leads: boolean): void {
    if (nodes.version <= this.map.version) return;
    this.onNodes(nodes.image);
    if (leads) for (const peer of this.host.peers()) this.host.post(peer, { kind: 'nodes', map: this.map });
  }
}
