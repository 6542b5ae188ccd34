/**
 * Whether a group may go on from the replica on this node alone, because its majority is lost for good, and what an
 * operator has to know before (`docs/decisions/0026`). It only judges.
 */
import type { GroupId, LogIndex, NodeId, ReplicaId, TenantName, Term } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { elapsedMs, type MonoTime, type WallTime } from '../base/time.ts';
import { DirectoryMachine } from '../group/directoryMachine.ts';
import type { Group } from '../group/group.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import type { OwnedTenant } from '../group/tenants.ts';
import { isNewer, type Placed } from '../metadata/place.ts';
import { isRemoved, isVoter, membersOf } from '../raft/configuration.ts';
import { generationOf, nextGeneration } from '../raft/generation.ts';
import { outcomeOfVote, quorumOf } from '../raft/quorum.ts';
import type { Petition } from '../raft/state.ts';
import type { Router } from '../routing/router.ts';
import type { LoggedOperation } from '../wire/operation.ts';

export interface RecoveryView {
  readonly group: GroupId;
  readonly replica: ReplicaId;
  /** The present one, and the one that would be begun; null: there are no more. */
  readonly generation: number;
  readonly next: number | null;
  /** The latest that was told of. */
  readonly told: number;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly commitIndex: LogIndex;
  /** Log time of what is applied here. */
  readonly lastStamp: WallTime;
  /** For so long no leader was heard, at least; null: for longer than is known. */
  readonly silentMs: number | null;
  readonly members: readonly RecoveryMember[];
  /** Tenants that this replica takes for the group's, and the map for another's: some by name, and how many. */
  readonly elsewhere: readonly TenantName[];
  readonly elsewhereCount: number;
  /** Of the metadata group: so many changes of its maps are known on this node, and not to this replica. */
  readonly missing: { readonly places: number; readonly nodes: number };
  /** Why the group is not to go on from here; null if it may. */
  readonly obstacle: Obstacle | null;
}

/** `asks`: it is left, and asks for votes. `silent`: there is a link to its node, and nothing is heard of the replica. */
export interface RecoveryMember {
  readonly replica: ReplicaId;
  readonly node: NodeId;
  readonly isVoter: boolean;
  readonly contact: 'here' | 'asks' | 'silent' | 'unreachable';
  /** The end of its log; null if it has not said. */
  readonly lastIndex: LogIndex | null;
}

export type Obstacle =
  | { readonly kind: 'led'; readonly node: NodeId }
  /** A leader was heard a moment ago, or may have been: how long to wait until it counts as lost. */
  | { readonly kind: 'leader'; readonly node: NodeId | null; readonly waitMs: number }
  /** A majority of its voters is left, and will elect one. */
  | { readonly kind: 'quorum' }
  /** More of the log is left on that node. */
  | { readonly kind: 'behind'; readonly node: NodeId }
  /** This replica is no member any more, as was told; members are on this node, which can be reached. */
  | { readonly kind: 'former'; readonly node: NodeId }
  /** Its state differed from the others'. */
  | { readonly kind: 'suspect' }
  /** It has never been given anything. */
  | { readonly kind: 'empty' }
  /** Something of it is on its way to the disk. */
  | { readonly kind: 'writing' }
  | { readonly kind: 'exhausted' };

export interface Surroundings {
  readonly self: NodeId;
  readonly router: Router;
  readonly electionMs: number;
  /** Of the NodeMap that this node goes by. */
  readonly nodesVersion: number;
  readonly now: MonoTime;
}

export function recoveryOf(group: Group, surroundings: Surroundings): RecoveryView {
  const { raft, id } = group;
  const { log, term, commitIndex, leaderHeardAt } = raft.state;
  const { self, router, now } = surroundings;
  const told = router.groups.membershipOf(id).configuration;
  const known = Math.max(generationOf(raft.id), generationOf(term), generationOf(told.highest));
  const next = nextGeneration(known, self);
  const left = tenantsElsewhere(group, router);
  return {
    group: id,
    replica: raft.id,
    generation: generationOf(raft.id),
    next,
    told: generationOf(told.highest),
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    commitIndex,
    lastStamp: group.lastStamp,
    silentMs: leaderHeardAt === null ? null : elapsedMs(leaderHeardAt, now),
    members: membersNow(group, surroundings),
    elsewhere: left.slice(0, limits.tenantsNamed),
    elsewhereCount: left.length,
    missing: missingOf(group, surroundings),
    obstacle: next === null ? { kind: 'exhausted' } : obstacleOf(group, surroundings),
  };
}

function obstacleOf(group: Group, surroundings: Surroundings): Obstacle | null {
  const { raft } = group;
  const { log, isSuspect } = raft.state;
  const { configuration } = raft;
  if (isSuspect) return { kind: 'suspect' };
  if (configuration.voters.length === 0) return { kind: 'empty' };
  const leader = leaderObstacle(group, surroundings);
  if (leader !== null) return leader;
  const votes = new Map([[raft.id, true]]);
  for (const [voter, petition] of raft.state.petitions) {
    if (!isFresh(petition, surroundings)) continue;
    votes.set(voter, true);
    const node = group.nodeOf(voter);
    const isLonger =
      petition.lastTerm === log.lastTerm ? petition.lastIndex > log.lastIndex : petition.lastTerm > log.lastTerm;
    if (isLonger && node !== null) return { kind: 'behind', node };
  }
  // Who has stood down elects nobody, however many there are.
  const isQuorum = outcomeOfVote(quorumOf(configuration), votes) === 'won';
  if (isQuorum && raft.state.successors === null) return { kind: 'quorum' };
  const successor = successorOf(group, surroundings);
  if (successor !== null) return { kind: 'former', node: successor };
  return raft.isSynced ? null : { kind: 'writing' };
}

/** A leader that was heard lately may be serving: what it was promised is to be over. */
function leaderObstacle({ raft, leaderNode: node }: Group, surroundings: Surroundings): Obstacle | null {
  const { role, isResting, leaderHeardAt } = raft.state;
  if ((role === 'leader' || isResting) && node !== null) return { kind: 'led', node };
  if (leaderHeardAt === null) return null;
  const waitMs = quietMs(surroundings) - elapsedMs(leaderHeardAt, surroundings.now);
  return waitMs > 0 ? { kind: 'leader', node, waitMs } : null;
}

/**
 * Where a voter is that can be reached, if this replica is none of the members that this node was told of. Those of a later
 * generation were asked, and would have answered long ago.
 */
function successorOf({ id, raft }: Group, surroundings: Surroundings): NodeId | null {
  const { router, now } = surroundings;
  const { configuration } = router.groups.membershipOf(id);
  const { successors } = raft.state;
  if (!isRemoved(configuration, raft.id)) return null;
  if (successors !== null && elapsedMs(successors.since, now) >= quietMs(surroundings)) return null;
  return router.groups.votersOf(id).find((node) => router.hasLink(node)) ?? null;
}

/**
 * Where a command for a tenant of a group that was recovered is to go: the part of its log that was lost may have said
 * that the tenant had left, and the map says so still. Null if it is right here. Steps of moves are not commands.
 */
export function placeElsewhere(
  { id, raft, machine }: Group,
  { kind, tenant }: LoggedOperation,
  { shards }: Router,
): Placed | null {
  if (generationOf(raft.id) === 0 || !(machine instanceof TenantMachine) || !commands.has(kind)) return null;
  const owned = machine.tenants.get(tenant);
  return owned === undefined ? null : elsewhere(id, owned, shards.find(tenant));
}

const commands: ReadonlySet<LoggedOperation['kind']> = new Set(['execute', 'purge', 'setQuota', 'inspectTenant']);

/** `place`, if that is a later one in another group. */
function elsewhere(group: GroupId, { epoch, incarnation }: OwnedTenant, place: Placed | null): Placed | null {
  const isElsewhere = place !== null && place.group !== group;
  return isElsewhere && isNewer(place, { group, epoch, incarnation }) ? place : null;
}

function membersNow(group: Group, surroundings: Surroundings): readonly RecoveryMember[] {
  const { raft } = group;
  const { configuration } = raft;
  return membersOf(configuration).map(({ replica, node }) => {
    const isHere = replica === raft.id;
    const petition = raft.state.petitions.get(replica);
    const asks = petition !== undefined && isFresh(petition, surroundings);
    const contact = surroundings.router.hasLink(node) ? 'silent' : 'unreachable';
    return {
      replica,
      node,
      isVoter: isVoter(configuration, replica),
      contact: isHere ? 'here' : asks ? 'asks' : contact,
      lastIndex: isHere ? raft.state.log.lastIndex : asks ? petition.lastIndex : null,
    };
  });
}

function tenantsElsewhere({ id, machine }: Group, { shards }: Router): readonly TenantName[] {
  if (!(machine instanceof TenantMachine)) return [];
  const found: TenantName[] = [];
  for (const [tenant, owned] of machine.tenants)
    if (elsewhere(id, owned, shards.find(tenant)) !== null) found.push(tenant);
  return found.sort((a, b) => (a < b ? -1 : 1));
}

function missingOf({ machine }: Group, { router, nodesVersion }: Surroundings): RecoveryView['missing'] {
  if (!(machine instanceof DirectoryMachine)) return { places: 0, nodes: 0 };
  const { map, nodes } = machine.directory;
  return {
    places: Math.max(0, router.shards.version - map.version),
    nodes: Math.max(0, nodesVersion - nodes.version),
  };
}

/** Voters that are left ask for votes at least so often. */
function isFresh({ at }: Petition, surroundings: Surroundings): boolean {
  return elapsedMs(at, surroundings.now) < quietMs(surroundings);
}

function quietMs({ electionMs }: Surroundings): number {
  return limits.quietElections * electionMs;
}
