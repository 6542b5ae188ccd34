/**
 * What a node does now and then, unasked: tells a peer how far its map is, creates the tenants that are configured,
 * gives leadership back, lets keys go whose time has come. Nothing here is on the way of a command.
 */
import { type GroupId, unordered, type NodeId, type ReplicaId, RequestId, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { below, type Random } from '../base/random.ts';
import { parseTenantName } from '../base/tenantName.ts';
import { elapsedMs, type MonoTime, type WallTime } from '../base/time.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import type { Procedure } from '../forward/procedure.ts';
import { ensureTenant } from '../forward/tenancy.ts';
import type { Group } from '../group/group.ts';
import type { Submission } from '../group/submission.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import { Leftovers, type RecoveredGroup } from '../migration/leftovers.ts';
import { membersOf, unknownConfiguration } from '../raft/configuration.ts';
import { generationOf } from '../raft/generation.ts';
import type { NodeExchange } from '../routing/nodeExchange.ts';
import type { Router } from '../routing/router.ts';
import type { PeerMessage, TenantPlace } from '../wire/messages.ts';
import type { LoggedOperation } from '../wire/operation.ts';
import type { Hosting } from './hosting.ts';
import type { NodeContext } from './options.ts';

export interface ChoresHost {
  /** Says to the peer how far the maps are here. */
  readonly greet: (peer: NodeId) => void;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** Something happened to the group in this turn. */
  readonly touch: (group: Group) => void;
  readonly submit: (group: Group, submission: Submission) => void;
  /** The configuration says another group than the tenant lives in. */
  readonly livesElsewhere: (tenant: TenantName, configured: GroupId, place: TenantPlace) => void;
  /** A check has shown that a replica differs from the others. */
  readonly differs: (group: Group, replica: ReplicaId) => void;
}

interface InitialTenant {
  readonly tenant: TenantName;
  /** Null: the placement policy chooses. */
  readonly group: GroupId | null;
}

/** Configured tenants created at a time. */
const bootstrapAtATime = 64;
/** Nobody waits for the completions of a node's own operations, and they keep no order. */
const unheard = RequestId(0);

export class Chores {
  private readonly options: NodeContext;
  private readonly hosting: Hosting;
  private readonly router: Router;
  private readonly nodes: NodeExchange;
  private readonly forwarder: Forwarder;
  private readonly host: ChoresHost;
  private readonly random: Random;
  /** Those that the configuration names and that were not seen in the directory yet, by the group that keeps their entries. */
  private readonly awaited = new Map<GroupId, Set<InitialTenant>>();
  private readonly bootstrapping = new Map<TenantName, Procedure>();
  private readonly leftovers: Leftovers;
  private now: MonoTime;

  constructor(
    options: NodeContext,
    hosting: Hosting,
    router: Router,
    nodes: NodeExchange,
    forwarder: Forwarder,
    host: ChoresHost,
  ) {
    this.options = options;
    this.hosting = hosting;
    this.router = router;
    this.nodes = nodes;
    this.forwarder = forwarder;
    this.host = host;
    this.random = options.random('gossip');
    this.now = options.now.mono;
    this.leftovers = new Leftovers({
      ask: (errand) => {
        forwarder.start(errand, this.now);
      },
      placeOf: (tenant) => (this.wasRecovered(router.homeOf(tenant)) ? null : router.shards.base.find(tenant)),
      submit: (id, operations) => {
        const group = hosting.groups.get(id);
        if (group?.isLeader !== true) return;
        for (const operation of operations) this.submit(group, operation);
      },
    });
    for (const one of initialTenants(options)) {
      const home = router.homeOf(one.tenant);
      const others = this.awaited.get(home);
      if (others === undefined) this.awaited.set(home, new Set([one]));
      else others.add(one);
    }
  }

  /** Anti-entropy: one random peer hears how far this node's ShardMap is, and the one behind is told the rest. */
  gossip(): void {
    const peers = this.router.peers();
    const peer = peers[below(this.random, Math.max(peers.length, 1))];
    if (peer !== undefined) this.host.greet(peer);
  }

  /** Replicas that a check has shown to differ serve nothing, and others take their place. */
  replaceOutliers(now: MonoTime): void {
    for (const group of this.hosting.duties.differing) {
      for (const replica of group.outliers) {
        this.host.differs(group, replica);
        const node = group.nodeOf(replica);
        const isOwn = node === this.options.node;
        if (isOwn) group.raft.suspect(now);
        else if (node !== null) this.host.post(node, { kind: 'outlier', group: group.id, replica });
        // Its own place another leader gives away, once it has looked for itself.
        if (isOwn || group.replaceOutlier(replica, now)) group.outliers.delete(replica);
        this.host.touch(group);
      }
    }
  }

  /** Asks the leaders of groups whose replicas here are lost to put others in their place. */
  reportLosses(): void {
    const { node, boot } = this.options;
    const { groups, isReachable } = this.router;
    const lost = this.hosting.lostAmong(groups.groups);
    // Not the same ones each time: some may have to wait.
    const from = below(this.random, lost.length || 1);
    for (const group of [...lost.slice(from), ...lost.slice(0, from)].slice(0, limits.lossesAtATime)) {
      const members = membersOf(groups.of(group) ?? unknownConfiguration);
      if (!members.some((member) => member.node === node)) continue;
      // All of them: which one leads is a hint, and nobody else answers.
      for (const voter of groups.votersOf(group))
        if (voter !== node && isReachable(voter)) this.host.post(voter, { kind: 'lost', group, boot });
    }
  }

  /** Who leads the group that keeps their entries creates the tenants that must exist, some at a time. */
  bootstrapTenants(now: MonoTime): void {
    for (const [home, awaited] of this.awaited) {
      const keeper = this.hosting.groups.get(home);
      if (keeper?.isLeader !== true || keeper.hasBacklog) continue;
      const directory = this.hosting.directoryOf(keeper);
      for (const one of awaited) {
        if (this.bootstrapping.size >= bootstrapAtATime) return;
        if (directory?.knows(one.tenant) === true) {
          awaited.delete(one);
          this.compare(one, directory.find(one.tenant));
        } else if (!this.bootstrapping.has(one.tenant)) this.bootstrap(one, now);
      }
    }
  }

  /** Where tenants do not move, a file that says something else than before is a mistake, or will be. */
  private compare({ tenant, group }: InitialTenant, place: TenantPlace | null): void {
    if (this.options.settings.metadata !== 'static' || place === null || group === null) return;
    if (place.group !== group) this.host.livesElsewhere(tenant, group, place);
  }

  private bootstrap({ tenant, group }: InitialTenant, now: MonoTime): void {
    const procedure = ensureTenant(tenant, true, group);
    this.bootstrapping.set(tenant, procedure);
    this.forwarder.start(procedure, now);
  }

  /** Groups that were recovered let go of tenants that are in others since. */
  letGo(now: MonoTime): void {
    this.now = now;
    this.leftovers.look(this.recoveredGroups());
  }

  /** If who keeps a tenant's entry was recovered too, nobody knows enough of it to delete anything. */
  private wasRecovered(keeper: GroupId): boolean {
    return generationOf(this.router.groups.membershipOf(keeper).configuration.highest) > 0;
  }

  private *recoveredGroups(): IterableIterator<RecoveredGroup> {
    for (const { id, isLeader, hasBacklog, machine } of this.hosting.duties.recovered)
      if (isLeader && !hasBacklog && machine instanceof TenantMachine)
        yield { id, tenants: machine.tenants, moves: machine.moves };
  }

  /** Whether the procedure was one of ours. */
  isFinished(procedure: Procedure): boolean {
    if (procedure.kind === 'errand') return this.leftovers.onAnswered(procedure);
    return this.bootstrapping.get(procedure.tenant) === procedure && this.bootstrapping.delete(procedure.tenant);
  }

  /**
   * A group's leader belongs on the first of its members, so that leaders are spread as the GroupMap spreads them.
   * Some groups at a time, and only to a member that is up and has what is committed.
   */
  returnLeadership(now: MonoTime): void {
    let returned = 0;
    for (const group of this.hosting.duties.away) {
      if (returned >= limits.leadersReturnedAtATime) return;
      if (!hasLedAWhile(group, now)) continue;
      const home = group.raft.configuration.voters[0];
      if (home === undefined || home.node === this.options.node) continue;
      if (group.raft.state.stays || !this.router.isReachable(home.node) || this.isLeaving(home.node)) continue;
      if (!group.raft.couldTakeOver(home.replica, now)) continue;
      if (group.raft.transferLeadership(home.replica, now)) returned += 1;
      this.host.touch(group);
    }
  }

  /**
   * This node's disk is nearly full: groups that it leads all the same, since nobody else could or had room, go to whoever
   * can. Some at a time.
   */
  passOn(now: MonoTime): void {
    let passed = 0;
    for (const group of this.hosting.duties.led) {
      if (passed >= limits.leadersReturnedAtATime) return;
      const { raft } = group;
      const heir = raft.configuration.voters.find(({ replica }) => raft.couldTakeOver(replica, now));
      if (heir === undefined) continue;
      if (raft.transferLeadership(heir.replica, now, true)) passed += 1;
      this.host.touch(group);
    }
  }

  private isLeaving(node: NodeId): boolean {
    return this.nodes.present.nodes.find((known) => known.node === node)?.state === 'draining';
  }

  /** Logs the removal of keys whose time has come, in the groups that are led here. */
  purge(wall: WallTime): void {
    for (const group of this.hosting.duties.expiring) {
      if (!group.isLeader || !(group.machine instanceof TenantMachine)) continue;
      const operation = group.machine.nextPurge(wall, limits.purgeTenantsPerRound, limits.purgeKeysPerEntry);
      if (operation !== null) this.submit(group, operation);
    }
  }

  private submit(group: Group, operation: LoggedOperation): void {
    const { node, boot } = this.options;
    this.host.submit(group, {
      origin: { node, boot, request: unheard },
      attempt: 1,
      lane: unordered,
      ackBelow: unheard,
      isRetry: false,
      resumes: true,
      readsHere: false,
      operation,
    });
  }

  sweepLanes(): void {
    for (const group of this.hosting.groups.values()) group.lanes.sweep();
  }
}

/** What the configuration names, and `default` if commands may fall back on it. */
function initialTenants({ topology, settings }: NodeContext): readonly InitialTenant[] {
  const mayCome = settings.defaultTenant && settings.metadata !== 'static';
  const fallback = mayCome ? parseTenantName('default') : null;
  const isNamed = topology.tenants.some(({ tenant }) => tenant === fallback);
  return fallback === null || isNamed ? topology.tenants : [...topology.tenants, { tenant: fallback, group: null }];
}

/** Long enough that a home which has just handed its group over, to stop, is gone. */
function hasLedAWhile({ ledSince }: Group, now: MonoTime): boolean {
  return ledSince !== null && elapsedMs(ledSince, now) >= limits.returnLeadershipAfterMs;
}
