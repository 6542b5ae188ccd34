/**
 * The first thing each side of a link says: who it is and what it speaks; magic u32 · length u16 · crc u32 ·
 * { version, cluster, node, boot, electionMs, leaseReads, store, began, metadata }. The first four are there in every version, so that any two
 * can tell why they do not talk; what a later version adds behind what we know is skipped.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import type { NodeId } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { readNode } from './fields.ts';

/** Which data directory a node has. */
export interface StoreIdentity {
  /** 16 hexadecimal digits, drawn when the directory was begun. Empty from versions that do not say. */
  readonly store: string;
  /** For a node of a new cluster, in the place of a disk that is lost, or to join a cluster that is there. */
  readonly began: 'new' | 'lost' | 'joined';
}

export interface Hello extends StoreIdentity {
  readonly clusterId: string;
  readonly node: NodeId;
  /** Which life of the node this is. */
  readonly boot: number;
  /** The protocol version it speaks. */
  readonly version: number;
  /** For how long the node promises a leader not to help depose it; 0 from versions that do not say. */
  readonly electionMs: number;
  /** It trusts such promises of others when it leads. */
  readonly leaseReads: boolean;
  /** Who keeps the directory of tenants, and in which groups; empty from versions that do not say. */
  readonly metadata: string;
}

/** 6: maps tell their digest, and travel piece by piece to who is far behind. */
export const protocolVersion = 6;
/** "LHPR": Leasehold peer. */
const magic = 0x4c485052;
const magicBytes = 4;
/** Magic and length. */
const prefixBytes = 6;
const crcBytes = 4;
const began = ['new', 'lost', 'joined'] as const;
/** Everything behind the length. A cluster's name is far shorter. */
export const maxHelloBytes = 1024;

export function encodeHello(hello: Hello, crc: Crc32): Uint8Array {
  const body = new ByteWriter();
  body.varint(hello.version);
  body.text(hello.clusterId);
  body.varint(hello.node);
  body.varint(hello.boot);
  body.varint(hello.electionMs);
  body.u8(hello.leaseReads ? 1 : 0);
  body.text(hello.store);
  body.u8(began.indexOf(hello.began));
  body.text(hello.metadata);
  const bytes = body.take();
  invariant(crcBytes + bytes.length <= maxHelloBytes, 'a hello is short');
  const writer = new ByteWriter();
  writer.u32(magic);
  writer.u16(crcBytes + bytes.length);
  writer.u32(crc(bytes, 0));
  writer.raw(bytes);
  return writer.take();
}

/** `null` while more bytes are needed. `rest` is what follows the hello. */
export function decodeHello(
  received: Uint8Array,
  crc: Crc32,
): { readonly hello: Hello; readonly rest: Uint8Array } | 'malformed' | null {
  for (let i = 0; i < Math.min(received.length, magicBytes); i += 1) {
    if (received[i] !== ((magic >>> (24 - 8 * i)) & 0xff)) return 'malformed';
  }
  if (received.length < prefixBytes) return null;
  const reader = new ByteReader(received, magicBytes);
  const length = reader.u16();
  if (length < crcBytes || length > maxHelloBytes) return 'malformed';
  if (received.length < prefixBytes + length) return null;
  const expected = reader.u32();
  const body = reader.raw(length - crcBytes);
  if (crc(body, 0) !== expected) return 'malformed';
  const fields = new ByteReader(body);
  const version = fields.varint();
  const clusterId = fields.text();
  const node = readNode(fields);
  const boot = fields.varint();
  const saysMore = fields.remaining > 0;
  const electionMs = saysMore ? fields.varint() : 0;
  const leaseReads = saysMore && fields.u8() === 1;
  const saysStore = fields.remaining > 0;
  const store = saysStore ? fields.text() : '';
  const how = saysStore ? began[fields.u8()] : 'new';
  if (how === undefined) return 'malformed';
  const metadata = fields.remaining > 0 ? fields.text() : '';
  const hello = { version, clusterId, node, boot, electionMs, leaseReads, store, began: how, metadata };
  return fields.failed ? 'malformed' : { hello, rest: received.subarray(prefixBytes + length) };
}

/** Why the two cannot talk; null if they can. */
export function refuseHello(own: Hello, theirs: Hello, isMember: (node: NodeId) => boolean): string | null {
  if (theirs.clusterId !== own.clusterId)
    return `it belongs to cluster '${theirs.clusterId}', this is '${own.clusterId}'`;
  if (theirs.version !== own.version)
    return `it speaks version ${String(theirs.version)} of the peer protocol, this is ${String(own.version)}`;
  if (theirs.node === own.node) return `it says it is node ${String(own.node)}, which is this one`;
  if (!isMember(theirs.node)) return `there is no node ${String(theirs.node)} in the cluster`;
  if (theirs.metadata !== own.metadata)
    return `its metadata is ${theirs.metadata}, here it is ${own.metadata}: all nodes must have the same mode and groups`;
  const isLeased = own.leaseReads || theirs.leaseReads;
  if (isLeased && theirs.electionMs !== own.electionMs)
    return `its electionMs is ${String(theirs.electionMs)}, here it is ${String(own.electionMs)}: with leaseReads all must have the same`;
  return null;
}
