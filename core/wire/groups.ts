/** Groups that were made while the cluster runs, and what is asked of the metadata group to make some, as bytes. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type GroupId, ReplicaId, type NodeId, type TenantName } from '../base/ids.ts';
import type { Member } from '../raft/types.ts';
import { readGroup, readNode, readTenantOrNone, sizedBytes, varintBytes } from './fields.ts';

/** The data directory on which a first replica begins: no other may ever begin it. */
export interface FirstMember {
  readonly node: NodeId;
  readonly store: string;
}

export interface MadeGroup {
  readonly group: GroupId;
  /** Replica 1 is on the first of them, where the leader belongs, and so on: see `firstReplicas`. */
  readonly members: readonly FirstMember[];
  /** Whose question it was the answer to: who asks once more is told of the same. */
  readonly request: string;
}

export interface GroupPlan {
  /** Different for each question, and the same when that is asked again. */
  readonly request: string;
  /** The new groups get higher ids than this one: the highest that the one who asks knows of. */
  readonly above: GroupId;
  /** Whom the groups are for alone; null: for anybody. */
  readonly alone: TenantName | null;
  /** The members of each that is to be made. */
  readonly groups: readonly (readonly FirstMember[])[];
}

/** What the group begins with. */
export function firstReplicas({ members }: MadeGroup): readonly Member[] {
  return members.map(({ node }, i) => ({ replica: ReplicaId(i + 1), node }));
}

/** A member takes at least an id and a store; a list of them a count; a group an id and a request beside. */
const minimumMemberBytes = 2;
const minimumListBytes = 1;
const minimumGroupBytes = 3;

export function encodeGroupPlan(writer: ByteWriter, { request, above, alone, groups }: GroupPlan): void {
  writer.text(request);
  writer.varint(above);
  writer.text(alone ?? '');
  writer.varint(groups.length);
  for (const members of groups) encodeMembers(writer, members);
}

export function decodeGroupPlan(reader: ByteReader): GroupPlan {
  const request = reader.text();
  const above = readGroup(reader);
  const alone = readTenantOrNone(reader);
  const groups: (readonly FirstMember[])[] = [];
  for (let left = reader.count(minimumListBytes); left > 0 && !reader.failed; left -= 1)
    groups.push(decodeMembers(reader));
  return { request, above, alone, groups };
}

/** Bytes that `encodeGroupPlan` takes. */
export function groupPlanBytes({ request, above, alone, groups }: GroupPlan): number {
  const fixed = sizedBytes(request) + varintBytes(above) + sizedBytes(alone ?? '') + varintBytes(groups.length);
  return groups.reduce((sum, members) => sum + membersBytes(members), fixed);
}

export function encodeMadeGroups(writer: ByteWriter, groups: readonly MadeGroup[]): void {
  writer.varint(groups.length);
  for (const { group, members, request } of groups) {
    writer.varint(group);
    writer.text(request);
    encodeMembers(writer, members);
  }
}

/** In order of id: fails the reader if they are not. */
export function decodeMadeGroups(reader: ByteReader): readonly MadeGroup[] {
  const groups: MadeGroup[] = [];
  for (let left = reader.count(minimumGroupBytes); left > 0 && !reader.failed; left -= 1) {
    const group = readGroup(reader);
    if (group <= (groups.at(-1)?.group ?? 0)) reader.fail();
    const request = reader.text();
    groups.push({ group, members: decodeMembers(reader), request });
  }
  return groups;
}

/** Bytes that `encodeMadeGroups` takes. */
export function madeGroupsBytes(groups: readonly MadeGroup[]): number {
  return groups.reduce(
    (sum, { group, request, members }) => sum + varintBytes(group) + sizedBytes(request) + membersBytes(members),
    varintBytes(groups.length),
  );
}

function encodeMembers(writer: ByteWriter, members: readonly FirstMember[]): void {
  writer.varint(members.length);
  for (const { node, store } of members) {
    writer.varint(node);
    writer.text(store);
  }
}

function decodeMembers(reader: ByteReader): readonly FirstMember[] {
  const members: FirstMember[] = [];
  for (let left = reader.count(minimumMemberBytes); left > 0 && !reader.failed; left -= 1)
    members.push({ node: readNode(reader), store: reader.text() });
  return members;
}

function membersBytes(members: readonly FirstMember[]): number {
  return members.reduce(
    (sum, { node, store }) => sum + varintBytes(node) + sizedBytes(store),
    varintBytes(members.length),
  );
}
