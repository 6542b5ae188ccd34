/**
 * What the core relies on from the links between nodes, and the power to break them. The simulated network and the
 * sockets of the runtime are both wrapped in this, so that one suite can ask the same of them.
 */
import type { NodeId } from '../../../core/base/ids.ts';
import type { Input } from '../../../core/node/door.ts';
import type { PeerMessage } from '../../../core/wire/messages.ts';

export interface LinksKind {
  readonly name: string;
  /** Whether each drop is reported, also to a node that was told before that there is no link. */
  readonly reportsEveryDrop: boolean;
  /** Nodes 1 to `nodes`, none of which runs. The same seed gives the same ones. */
  make(nodes: number, seed: number): Promise<Links>;
}

/** Who hears first that a connection broke: both ends, or one before the other. */
export const breaks = ['both ends', 'the lower node', 'the higher node'] as const;
export type Break = (typeof breaks)[number];

export interface Links {
  /** What the node was told since it started last, in order. */
  heard(node: NodeId): readonly Input[];
  start(node: NodeId): Promise<void>;
  /** Its process ends, and its connections with it. */
  stop(node: NodeId): void;
  /** One turn's messages. */
  send(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void;
  /** What the node sends on each link at the instant at which it is told of it. */
  greet(node: NodeId, messages: readonly PeerMessage[]): void;
  /** What is sent from one to the other stays on its way until `release`. */
  hold(from: NodeId, to: NodeId): void;
  release(from: NodeId, to: NodeId): void;
  /** Breaks the connection of two nodes. They may connect again at once. */
  break(a: NodeId, b: NodeId, first: Break): Promise<void>;
  /** Waits for what must come. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** All nodes end, and nothing is left behind. */
  close(): void;
}
