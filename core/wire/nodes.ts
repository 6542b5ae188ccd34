/** What is asked of the metadata group about nodes, and the NodeMap, as bytes. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { NodeId } from '../base/ids.ts';
import { readNode, sizedBytes, varintBytes } from './fields.ts';

export interface ClusterNode {
  readonly node: NodeId;
  /** `host:port` where clients connect; for display and for hints. */
  readonly clientAddress: string;
  readonly peerAddress: string;
  /** What fails together: replicas of a group are to be in different ones. Empty: none was named. */
  readonly zone: string;
  /** `draining`: it is to have nothing any more. `removed`: it belongs to the cluster no longer, for good. */
  readonly state: 'member' | 'draining' | 'removed';
}

/** All of it. Nobody changes it. */
export interface NodeMapImage {
  /** 0: what the configuration says. */
  readonly version: number;
  /** In order of id. */
  readonly nodes: readonly ClusterNode[];
}

export type NodePlan =
  /** A node wants to belong to the cluster. The same one that asks again is given the same id. */
  | {
      readonly kind: 'join';
      readonly clientAddress: string;
      readonly peerAddress: string;
      readonly zone: string;
    }
  /** It is to have nothing any more; to have its share after all; to leave for good, once it has nothing. */
  | { readonly kind: 'drain' | 'undrain' | 'remove'; readonly node: NodeId };

const plan = { join: 1, drain: 2, undrain: 3, remove: 4 } as const;
const state = ['member', 'draining', 'removed'] as const;
/** A node takes at least an id, two addresses, a zone and a state. */
const minimumNodeBytes = 5;

export function encodeNodePlan(writer: ByteWriter, p: NodePlan): void {
  writer.u8(plan[p.kind]);
  if (p.kind !== 'join') writer.varint(p.node);
  else for (const text of [p.clientAddress, p.peerAddress, p.zone]) writer.text(text);
}

/** Null for a plan that this version does not know. */
export function decodeNodePlan(reader: ByteReader): NodePlan | null {
  switch (reader.u8()) {
    case plan.join:
      return { kind: 'join', clientAddress: reader.text(), peerAddress: reader.text(), zone: reader.text() };
    case plan.drain:
      return { kind: 'drain', node: readNode(reader) };
    case plan.undrain:
      return { kind: 'undrain', node: readNode(reader) };
    case plan.remove:
      return { kind: 'remove', node: readNode(reader) };
    default:
      return null;
  }
}

/** Bytes that `encodeNodePlan` takes. */
export function nodePlanBytes(p: NodePlan): number {
  if (p.kind !== 'join') return 1 + varintBytes(p.node);
  return 1 + sizedBytes(p.clientAddress) + sizedBytes(p.peerAddress) + sizedBytes(p.zone);
}

export function encodeNodeMap(writer: ByteWriter, { version, nodes }: NodeMapImage): void {
  writer.varint(version);
  writer.varint(nodes.length);
  for (const node of nodes) {
    writer.varint(node.node);
    for (const text of [node.clientAddress, node.peerAddress, node.zone]) writer.text(text);
    writer.u8(state.indexOf(node.state));
  }
}

/** Fails the reader if the bytes are no map. */
export function decodeNodeMap(reader: ByteReader): NodeMapImage {
  const version = reader.varint();
  const count = reader.count(minimumNodeBytes);
  const nodes: ClusterNode[] = [];
  for (let i = 0; i < count && !reader.failed; i += 1) {
    const node = readNode(reader);
    const [clientAddress, peerAddress, zone] = [reader.text(), reader.text(), reader.text()];
    const known = state[reader.u8()];
    if (known === undefined || node <= (nodes.at(-1)?.node ?? 0)) reader.fail();
    else nodes.push({ node, clientAddress, peerAddress, zone, state: known });
  }
  return { version, nodes };
}

/** What nodes take in it, and little more. */
export function nodeMapBytes({ nodes }: NodeMapImage): number {
  return nodes.reduce(
    (sum, { node, clientAddress, peerAddress, zone }) =>
      sum + 2 + varintBytes(node) + sizedBytes(clientAddress) + sizedBytes(peerAddress) + sizedBytes(zone),
    0,
  );
}
