/**
 * Who belongs to a group (§4). A configuration is an entry of the log, and holds from the moment it is appended,
 * committed or not. Voters change in two entries: one in which majorities of the old and of the new voters are
 * needed (joint, §4.3), and, once that is committed, one of the new voters alone.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { NodeId, ReplicaId } from '../base/ids.ts';

/** A replica and where it is. Raft makes nothing of the node. */
export interface Member {
  readonly replica: ReplicaId;
  readonly node: NodeId;
}

/** Gets the log and has no vote (§4.2.1). */
export interface Learner extends Member {
  /** It becomes a voter by itself when it has caught up. */
  readonly joins: boolean;
  /** Whom it takes the place of then; null: nobody's. */
  readonly replaces: ReplicaId | null;
}

export interface Configuration {
  /** The leader belongs on the first. */
  readonly voters: readonly Member[];
  /** Those of before, while the configuration is joint; otherwise empty. */
  readonly outgoing: readonly Member[];
  readonly learners: readonly Learner[];
  /** The highest id that the group has given away. Ids are never given twice. */
  readonly highest: ReplicaId;
}

/** Of a replica that has not heard yet who its group is. */
export const unknownConfiguration: Configuration = { voters: [], outgoing: [], learners: [], highest: ReplicaId(0) };

/** The configuration that a group begins with. */
export function firstConfiguration(voters: readonly Member[]): Configuration {
  return { voters, outgoing: [], learners: [], highest: ReplicaId(Math.max(0, ...voters.map((v) => v.replica))) };
}

export function isJoint({ outgoing }: Configuration): boolean {
  return outgoing.length > 0;
}

export function isVoter({ voters, outgoing }: Configuration, id: ReplicaId): boolean {
  return isAmong(voters, id) || isAmong(outgoing, id);
}

/** It was a member once, and is none any more. */
export function isRemoved(configuration: Configuration, id: ReplicaId): boolean {
  return id <= configuration.highest && !isVoter(configuration, id) && !isAmong(configuration.learners, id);
}

/** Everybody once, voters first. */
export function membersOf({ voters, outgoing, learners }: Configuration): readonly Member[] {
  return [...voters, ...outgoing.filter(({ replica }) => !isAmong(voters, replica)), ...learners];
}

/** With one more replica, which has the next id and no vote. It takes the place of a learner on its node. */
export function withLearner(c: Configuration, node: NodeId, joins: boolean, replaces: ReplicaId | null): Configuration {
  const replica = ReplicaId(c.highest + 1);
  const others = c.learners.filter((learner) => learner.node !== node);
  return { ...c, learners: [...others, { replica, node, joins, replaces }], highest: replica };
}

/** Without that replica: joint, if it has a vote. */
export function without(c: Configuration, id: ReplicaId): Configuration {
  const learners = c.learners.filter(({ replica }) => replica !== id);
  if (!isAmong(c.voters, id)) return { ...c, learners };
  return { ...c, voters: c.voters.filter(({ replica }) => replica !== id), outgoing: c.voters, learners };
}

/** The learner gets its vote, in the place of whom it replaces: joint. */
export function withVote(c: Configuration, learner: Learner): Configuration {
  const { replica, node, replaces } = learner;
  const isPlaceTaken = c.voters.some((voter) => voter.replica === replaces);
  const voters = c.voters.map((voter) => (voter.replica === replaces ? { replica, node } : voter));
  return {
    ...c,
    voters: isPlaceTaken ? voters : [...voters, { replica, node }],
    outgoing: c.voters,
    learners: c.learners.filter((other) => other !== learner),
  };
}

/** What follows a joint configuration. */
export function settled(c: Configuration): Configuration {
  return { ...c, outgoing: [] };
}

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

function isAmong(members: readonly Member[], id: ReplicaId): boolean {
  return members.some(({ replica }) => replica === id);
}

const nobody = 0;
const largestNode = 65_535;
/** What a member takes at least. */
const memberBytes = 2;
