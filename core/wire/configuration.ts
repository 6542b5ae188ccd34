/** Who belongs to a group, as bytes: the same in an entry, between nodes and in a snapshot. */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { NodeId, ReplicaId } from '../base/ids.ts';
import type { Configuration, Member } from '../raft/types.ts';

const nobody = 0;
const largestNode = 65_535;
/** What a member takes at least. */
const memberBytes = 2;

/** The data of its entry. Equal configurations are equal bytes. */
export function encodeConfiguration(c: Configuration): Uint8Array {
  const writer = new ByteWriter(64);
  writeConfiguration(writer, c);
  return writer.take();
}

/** Null if it is not one. */
export function decodeConfiguration(bytes: Uint8Array): Configuration | null {
  const reader = new ByteReader(bytes);
  const configuration = readConfiguration(reader);
  return reader.complete ? configuration : null;
}

export function writeConfiguration(writer: ByteWriter, { voters, outgoing, learners, highest }: Configuration): void {
  writer.varint(highest);
  for (const members of [voters, outgoing, learners]) {
    writer.varint(members.length);
    for (const { replica, node } of members) {
      writer.varint(replica);
      writer.varint(node);
    }
  }
  for (const { joins, replaces } of learners) {
    writer.u8(joins ? 1 : 0);
    writer.varint(replaces ?? nobody);
  }
}

/** Fails the reader if it is not one. */
export function readConfiguration(reader: ByteReader): Configuration {
  const highest = ReplicaId(reader.varint());
  const voters = readMembers(reader);
  const outgoing = readMembers(reader);
  const learners = readMembers(reader).map((member) => {
    const joins = reader.u8() === 1;
    const replaces = reader.varint();
    return { ...member, joins, replaces: replaces === nobody ? null : ReplicaId(replaces) };
  });
  return { voters, outgoing, learners, highest };
}

function readMembers(reader: ByteReader): readonly Member[] {
  const count = reader.count(memberBytes);
  return Array.from({ length: count }, () => {
    const member = { replica: ReplicaId(reader.varint()), node: NodeId(reader.varint()) };
    if (member.replica < 1 || member.node < 1 || member.node > largestNode) reader.fail();
    return member;
  });
}
