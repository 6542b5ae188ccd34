/**
 * Majorities: of one set of voters, or, while a configuration is joint, of each of two (§4.3).
 */
import type { ReplicaId } from '../base/ids.ts';
import type { Configuration } from './types.ts';

/** Sets of voters. What needs a quorum needs a majority of each of them. */
export type Quorum = readonly (readonly ReplicaId[])[];

/** How many of `voters` are needed so that any two such sets share a member. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

export function quorumOf({ voters, outgoing }: Configuration): Quorum {
  return [voters, outgoing].filter((set) => set.length > 0).map((set) => set.map(({ replica }) => replica));
}

/** The highest value that a majority of each set has reached. */
export function reachedByQuorum(quorum: Quorum, valueOf: (voter: ReplicaId) => number): number {
  let reached = Infinity;
  for (const voters of quorum) {
    const values = voters.map(valueOf).sort((a, b) => b - a);
    reached = Math.min(reached, values[majority(values.length) - 1] ?? 0);
  }
  return quorum.length === 0 ? 0 : reached;
}

/** `votes`: who said yes, and who no. */
export function outcomeOfVote(quorum: Quorum, votes: ReadonlyMap<ReplicaId, boolean>): 'won' | 'lost' | 'open' {
  let isWon = quorum.length > 0;
  for (const voters of quorum) {
    const said = (answer: boolean): number => voters.filter((voter) => votes.get(voter) === answer).length;
    if (voters.length - said(false) < majority(voters.length)) return 'lost';
    if (said(true) < majority(voters.length)) isWon = false;
  }
  return isWon ? 'won' : 'open';
}
