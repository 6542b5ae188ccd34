/**
 * Who belongs to a group (§4). A configuration is an entry of the log, and holds from the moment it is appended,
 * committed or not. Voters change in two entries: one in which majorities of the old and of the new voters are
 * needed (joint, §4.3), and, once that is committed, one of the new voters alone.
 */
import { type NodeId, ReplicaId } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { generationOf } from './generation.ts';
import type { Configuration, Learner, Member } from './types.ts';

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

/** Where a member is; null if it is none. */
export function nodeIn({ voters, outgoing, learners }: Configuration, id: ReplicaId): NodeId | null {
  const isIt = ({ replica }: Member): boolean => replica === id;
  return (voters.find(isIt) ?? outgoing.find(isIt) ?? learners.find(isIt))?.node ?? null;
}

/** With one more replica, which has the next id and no vote. It takes the place of a learner on its node. */
export function withLearner(c: Configuration, node: NodeId, joins: boolean, replaces: ReplicaId | null): Configuration {
  const replica = ReplicaId(c.highest + 1);
  invariant(generationOf(replica) === generationOf(c.highest), 'a generation has ids enough', { replica });
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

/** The same members, of whom that one is to lead: the leader belongs on the first of the voters. */
export function withFirst(c: Configuration, id: ReplicaId): Configuration {
  const first = c.voters.filter(({ replica }) => replica === id);
  return { ...c, voters: [...first, ...c.voters.filter(({ replica }) => replica !== id)] };
}

/** What follows a joint configuration. */
export function settled(c: Configuration): Configuration {
  return { ...c, outgoing: [] };
}

function isAmong(members: readonly Member[], id: ReplicaId): boolean {
  return members.some(({ replica }) => replica === id);
}
