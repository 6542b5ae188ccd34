/**
 * Who belongs to each group, as far as this node has heard: of the highest generation the configuration of the highest
 * log index wins. Those of before let a command cost a hop more, and nothing else.
 */
import { type GroupId, LogIndex, type NodeId, type ReplicaId } from '../base/ids.ts';
import { firstConfiguration, membersOf, unknownConfiguration } from '../raft/configuration.ts';
import { generationOf, isOutlived } from '../raft/generation.ts';
import type { Configuration, Member } from '../raft/types.ts';

export interface Membership {
  /** Of its entry in the group's log; 0: what the group began with. */
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

export class GroupMap {
  private readonly memberships = new Map<GroupId, Membership>();
  /** Of each group, so that they need not be made for each command. */
  private readonly voters = new Map<GroupId, readonly NodeId[]>();
  private sum = 0;

  /** What the groups begin with, in order of id. */
  constructor(groups: readonly { readonly group: GroupId; readonly replicas: readonly Member[] }[]) {
    for (const { group, replicas } of groups)
      this.set(group, { index: LogIndex(0), configuration: firstConfiguration(replicas) });
  }

  /** It was made since, or is on this node's disk; with no replicas, nobody has said who belongs to it. */
  begin(group: GroupId, replicas: readonly Member[]): void {
    const known = this.memberships.get(group);
    if (known !== undefined && (known.index > 0 || known.configuration.voters.length > 0)) return;
    this.set(group, { index: LogIndex(0), configuration: firstConfiguration(replicas) });
  }

  /** In order of id; those that were made while the node runs behind. */
  get groups(): Iterable<GroupId> {
    return this.memberships.keys();
  }

  /** Grows with all that is learned; where it is the same, so is the map, nearly always. */
  get version(): number {
    return this.sum;
  }

  membershipOf(group: GroupId): Membership {
    return this.memberships.get(group) ?? { index: LogIndex(0), configuration: unknownConfiguration };
  }

  of(group: GroupId): Configuration | null {
    return this.memberships.get(group)?.configuration ?? null;
  }

  /** The nodes that may lead it, the one where the leader belongs first. */
  votersOf(group: GroupId): readonly NodeId[] {
    return this.voters.get(group) ?? [];
  }

  /** How many groups have a replica on the node. */
  countOn(node: NodeId): number {
    let count = 0;
    for (const { configuration } of this.memberships.values())
      if (membersOf(configuration).some((member) => member.node === node)) count += 1;
    return count;
  }

  /** Adopts what is newer. Returns whether it is. */
  learn(group: GroupId, membership: Membership): boolean {
    const known = this.memberships.get(group);
    if (known === undefined || !isNewer(membership, known)) return false;
    this.sum += weightOf(membership) - weightOf(known);
    this.set(group, membership);
    return true;
  }

  /** What is not as it was in the beginning, in order of id. */
  changed(): readonly (Membership & { readonly group: GroupId })[] {
    return [...this.memberships]
      .filter(([, { index }]) => index > 0)
      .map(([group, membership]) => ({ group, ...membership }));
  }

  /** A generation of the group that this node knows of has no place for the replica: it is of one before. */
  isOutlived(group: GroupId, replica: ReplicaId): boolean {
    return isOutlived(replica, this.membershipOf(group).configuration);
  }

  private set(group: GroupId, membership: Membership): void {
    const { configuration } = membership;
    this.memberships.set(group, membership);
    const { learners } = configuration;
    const voters = membersOf(configuration).filter((member) => !learners.some((learner) => learner === member));
    this.voters.set(group, [...new Set(voters.map(({ node }) => node))]);
  }
}

/** More than the log of a later generation is shorter by, nearly always. */
const indexesPerGeneration = 1_000_000;

/** What it adds to the version: the same, whatever was known before it. */
function weightOf({ index, configuration }: Membership): number {
  return index + generationOf(configuration.highest) * indexesPerGeneration;
}

/** The log of a later generation may be shorter. */
function isNewer(told: Membership, known: Membership): boolean {
  const [generation, present] = [generationOf(told.configuration.highest), generationOf(known.configuration.highest)];
  return generation === present ? told.index > known.index : generation > present;
}
