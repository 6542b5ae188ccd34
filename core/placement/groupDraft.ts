/** A group in the planner's working copy: who belongs to it and what is on it, as the steps so far leave it. */
import { type GroupId, LogIndex, type NodeId, type TenantName } from '../base/ids.ts';
import { firstConfiguration } from '../raft/configuration.ts';
import { majority } from '../raft/quorum.ts';
import type { Configuration } from '../raft/types.ts';
import type { GroupStatus } from './clusterSnapshot.ts';

export interface GroupDraft {
  readonly group: GroupId;
  /** In the layout's list. */
  readonly index: number;
  /** As of the snapshot. */
  readonly confIndex: LogIndex;
  configuration: Configuration;
  /** Of its configuration, as indexes in the layout's list of nodes. */
  readonly voters: number[];
  readonly learners: number[];
  /** Of its learners those that were to have a vote, on nodes that are lost, or silent when the copy should have been there long ago. */
  readonly givenUp: readonly number[];
  /** The index of its leader's node; −1: nobody knows of one that answers. */
  leader: number;
  bytes: number;
  operations: number;
  tenants: number;
  /** How many voters it is to have. */
  readonly wanted: number;
  dedicatedTo: TenantName | null;
  /** A change of its members is under way, and comes to an end by itself: they are let alone. */
  readonly isChanging: boolean;
  /** A step of this plan makes it. */
  readonly isNew: boolean;
  /** Whether the balance has to let its members and its leader rest. */
  membersRest: boolean;
  leaderRests: boolean;
  /** Nodes that tenants of it exclude, and how many tenants do. */
  readonly excluded: Map<number, number>;
  /** The last step that changes it. */
  lastStep: number | null;
}

type IndexOf = (node: NodeId) => number;

/** `isGivenUp`: a learner there is not waited for. */
export function draftOf(
  status: GroupStatus,
  index: number,
  indexOf: IndexOf,
  isGivenUp: (node: number) => boolean,
  restsSince: number,
): GroupDraft {
  const { group, confIndex, configuration, bytes, operations, replicas, others, dedicatedTo } = status;
  const { voters, outgoing, learners } = configuration;
  const coming = learners.filter(({ joins }) => joins).map(({ node }) => indexOf(node));
  return {
    group,
    index,
    confIndex,
    configuration,
    voters: voters.map(({ node }) => indexOf(node)),
    learners: learners.map(({ node }) => indexOf(node)),
    givenUp: coming.filter(isGivenUp),
    leader: -1,
    bytes,
    operations,
    tenants: others,
    wanted: replicas,
    dedicatedTo,
    isChanging: outgoing.length > 0 || !coming.every(isGivenUp),
    isNew: false,
    membersRest: status.movedAt > restsSince,
    leaderRests: status.leaderMovedAt > restsSince,
    excluded: new Map(),
    lastStep: null,
  };
}

/** One that is not there yet: without members, and with nothing on it. */
export function newGroup(group: GroupId, index: number, wanted: number, dedicatedTo: TenantName | null): GroupDraft {
  return {
    group,
    index,
    confIndex: LogIndex(0),
    configuration: firstConfiguration([]),
    voters: [],
    learners: [],
    givenUp: [],
    leader: -1,
    bytes: 0,
    operations: 0,
    tenants: 0,
    wanted,
    dedicatedTo,
    isChanging: false,
    isNew: true,
    membersRest: true,
    leaderRests: true,
    excluded: new Map(),
    lastStep: null,
  };
}

export function isMember({ voters, learners }: GroupDraft, node: number): boolean {
  return voters.includes(node) || learners.includes(node);
}

/** How many more voters it can do without; below zero it can decide nothing. */
export function spare({ voters }: GroupDraft, isAlive: (node: number) => boolean): number {
  let alive = 0;
  for (const node of voters) if (isAlive(node)) alive += 1;
  return alive - majority(voters.length);
}
