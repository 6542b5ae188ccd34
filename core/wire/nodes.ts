/** What is asked of the metadata group about nodes, and the NodeMap, as bytes. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { NodeId } from '../base/ids.ts';
import { readNode, sizedBytes, varintBytes } from './fields.ts';
import { decodeMadeGroups, encodeMadeGroups, type MadeGroup, madeGroupsBytes } from './groups.ts';

export interface ClusterNode {
  readonly node: NodeId;
  /** `host:port` where clients connect; for display and for hints. */
  readonly clientAddress: string;
  readonly peerAddress: string;
  /** What fails together: replicas of a group are to be in different ones. Empty: none was named. */
  readonly zone: string;
  /** The data directory that it joined with; empty for those that the cluster began with. */
  readonly store: string;
  /** `draining`: it is to have nothing any more. `removed`: it belongs to the cluster no longer, for good. */
  readonly state: 'member' | 'draining' | 'removed';
  /** The node that is to have what it has; null: whichever is best. */
  readonly heir: NodeId | null;
}

/** All of it. Nobody changes it. */
export interface NodeMapImage {
  /** 0: what the configuration says. */
  readonly version: number;
  /** In order of id. */
  readonly nodes: readonly ClusterNode[];
  /** Those that were made while the cluster ran, in order of id: beside those of the configuration. */
  readonly groups: readonly MadeGroup[];
}

export type NodePlan =
  /** A node wants to belong to the cluster. The same one that asks again is given the same id. */
  | {
      readonly kind: 'join';
      readonly clientAddress: string;
      readonly peerAddress: string;
      readonly zone: string;
      readonly store: string;
    }
  /** It is to have nothing any more; to have its share after all; to leave for good, once it has nothing. */
  | { readonly kind: 'drain' | 'undrain' | 'remove'; readonly node: NodeId }
  /** It is to have nothing any more, and that one all that it has. If it is silent it will not come back: somebody knows. */
  | { readonly kind: 'replace'; readonly node: NodeId; readonly heir: NodeId };

const plan = { join: 1, drain: 2, undrain: 3, remove: 4, replace: 5 } as const;
const state = ['member', 'draining', 'removed'] as const;
/** A node takes at least an id, two addresses, a zone, a store, a state and an heir. */
const minimumNodeBytes = 7;
const nobody = 0;
const largestNode = 65_535;

export function encodeNodePlan(writer: ByteWriter, p: NodePlan): void {
  writer.u8(plan[p.kind]);
  if (p.kind !== 'join') writer.varint(p.node);
  if (p.kind === 'replace') writer.varint(p.heir);
  if (p.kind === 'join') for (const text of [p.clientAddress, p.peerAddress, p.zone, p.store]) writer.text(text);
}

/** Null for a plan that this version does not know. */
export function decodeNodePlan(reader: ByteReader): NodePlan | null {
  switch (reader.u8()) {
    case plan.join:
      return { kind: 'join', ...readPlace(reader) };
    case plan.drain:
      return { kind: 'drain', node: readNode(reader) };
    case plan.undrain:
      return { kind: 'undrain', node: readNode(reader) };
    case plan.remove:
      return { kind: 'remove', node: readNode(reader) };
    case plan.replace:
      return { kind: 'replace', node: readNode(reader), heir: readNode(reader) };
    default:
      return null;
  }
}

/** Bytes that `encodeNodePlan` takes. */
export function nodePlanBytes(p: NodePlan): number {
  if (p.kind === 'replace') return 1 + varintBytes(p.node) + varintBytes(p.heir);
  if (p.kind !== 'join') return 1 + varintBytes(p.node);
  return 1 + placeBytes(p);
}

export function encodeNodeMap(writer: ByteWriter, { version, nodes, groups }: NodeMapImage): void {
  writer.varint(version);
  writer.varint(nodes.length);
  for (const node of nodes) {
    writer.varint(node.node);
    for (const text of [node.clientAddress, node.peerAddress, node.zone, node.store]) writer.text(text);
    writer.u8(state.indexOf(node.state));
    writer.varint(node.heir ?? nobody);
  }
  encodeMadeGroups(writer, groups);
}

/** Fails the reader if the bytes are no map. */
export function decodeNodeMap(reader: ByteReader): NodeMapImage {
  const version = reader.varint();
  const count = reader.count(minimumNodeBytes);
  const nodes: ClusterNode[] = [];
  for (let i = 0; i < count && !reader.failed; i += 1) {
    const node = readNode(reader);
    const place = readPlace(reader);
    const known = state[reader.u8()];
    const heir = reader.varint();
    if (known === undefined || heir > largestNode || node <= (nodes.at(-1)?.node ?? 0)) reader.fail();
    else nodes.push({ node, ...place, state: known, heir: heir === nobody ? null : NodeId(heir) });
  }
  return { version, nodes, groups: decodeMadeGroups(reader) };
}

/** What nodes and groups take in it, and little more. */
export function nodeMapBytes({ nodes, groups }: NodeMapImage): number {
  return nodes.reduce(
    (sum, node) => sum + 2 + varintBytes(node.node) + varintBytes(node.heir ?? nobody) + placeBytes(node),
    madeGroupsBytes(groups),
  );
}

type Place = Pick<ClusterNode, 'clientAddress' | 'peerAddress' | 'zone' | 'store'>;

function readPlace(reader: ByteReader): Place {
  return { clientAddress: reader.text(), peerAddress: reader.text(), zone: reader.text(), store: reader.text() };
}

function placeBytes({ clientAddress, peerAddress, zone, store }: Place): number {
  return sizedBytes(clientAddress) + sizedBytes(peerAddress) + sizedBytes(zone) + sizedBytes(store);
}
