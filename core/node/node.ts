/**
 * A node: client connections above, groups below, the forwarder between them. This is the whole core behind
 * its door (`door.ts`); a driver calls `step` with what happened in a turn and performs the effects.
 *
 * A turn ends each group's batch once, so that it costs one log write, one frame per peer and one socket
 * write per client however many commands it holds.
 */
import { noBytes, totalBytes } from '../base/bytes.ts';
import {
  type ConnId,
  Epoch,
  type GroupId,
  Incarnation,
  metadataGroup,
  type NodeId,
  type RequestId,
  Term,
  unordered,
} from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { checkLimits, limits } from '../base/limits.ts';
import { after, elapsedMs, type MonoTime, nextMultiple, type Now } from '../base/time.ts';
import { type Timer, Timers } from '../base/timers.ts';
import { isArityRight } from '../engine/command.ts';
import { findDataCommand } from '../engine/dataCommands.ts';
import { type Call, type CommandCall, groupOf, oldestUnanswered } from '../forward/call.ts';
import {
  type Ending,
  Forwarder,
  type ForwarderHost,
  type ProcedureEnding,
  type RetryTimer,
} from '../forward/forwarder.ts';
import type { Procedure } from '../forward/procedure.ts';
import type { Group } from '../group/group.ts';
import type { Submission } from '../group/submission.ts';
import { homesIn } from '../metadata/homes.ts';
import { TenantMap } from '../metadata/tenantMap.ts';
import { GroupMap } from '../routing/groupMap.ts';
import { Exchanges } from '../routing/exchanges.ts';
import { Router } from '../routing/router.ts';
import type { DeparturesHost } from '../migration/departures.ts';
import type { Execute, ForwardRequest, Operation, Outcome, PeerMessage, Refusal } from '../wire/messages.ts';
import { type AlarmKind, Alarms } from './alarms.ts';
import { Balancer } from './balancer.ts';
import { Chores } from './chores.ts';
import { Clients } from './clients.ts';
import type { Effect, Input } from './door.ts';
import { GroupMaker } from './groupMaker.ts';
import { asMembers, Hosting } from './hosting.ts';
import type { Connection } from './connection.ts';
import { type Arrival, Intake, spokenFor } from './intake.ts';
import { Moves } from './moves.ts';
import { MapKeeper } from './mapKeeper.ts';
import { Pulses } from './pulses.ts';
import { Loads } from './loads.ts';
import { LocalView } from './localView.ts';
import { type ReplicaTimer, Replicas } from './replicas.ts';
import type { NodeContext, NodeOptions, Topology } from './options.ts';
import type { NodeStatistics } from './view.ts';

/** Everything a node is woken for. */
type NodeTimer =
  | RetryTimer
  | ReplicaTimer
  | (Timer & {
      readonly kind: 'pulse' | 'gossip' | 'deadline' | 'purge' | 'lanes' | 'moves' | 'balance' | 'drain' | 'intake';
    });

/** The group has no replica here: whoever asks is to ask another member. */
const notHere: Refusal = { kind: 'notLeader', leader: null, term: Term(0) };

export class Node implements ForwarderHost {
  readonly id: NodeId;
  /** The groups with a replica here. */
  readonly groups: ReadonlyMap<GroupId, Group>;
  readonly router: Router;
  readonly statistics: NodeStatistics = {
    commands: 0,
    connections: 0,
    forwarded: 0,
    forwardedHere: 0,
    misrouted: 0,
    unknownOutcomes: 0,
  };
  private readonly options: NodeContext;
  private readonly hosting: Hosting;
  private readonly replicas: Replicas;
  private readonly forwarder: Forwarder;
  private readonly clients: Clients;
  private readonly intake = new Intake(limits);
  private readonly chores: Chores;
  private readonly moves: Moves;
  private readonly exchanges: Exchanges;
  private readonly balancer: Balancer;
  private readonly maker: GroupMaker;
  private readonly loads: Loads;
  private readonly pulses: Pulses;
  private readonly keeper: MapKeeper;
  private readonly alarms = new Alarms();
  private readonly timers = new Timers<NodeTimer>();
  private readonly pulseTimer: NodeTimer = { kind: 'pulse', scheduledAt: null };
  private readonly gossipTimer: NodeTimer = { kind: 'gossip', scheduledAt: null };
  private readonly deadlineTimer: NodeTimer = { kind: 'deadline', scheduledAt: null };
  private readonly purgeTimer: NodeTimer = { kind: 'purge', scheduledAt: null };
  private readonly lanesTimer: NodeTimer = { kind: 'lanes', scheduledAt: null };
  private readonly movesTimer: NodeTimer = { kind: 'moves', scheduledAt: null };
  private readonly balanceTimer: NodeTimer = { kind: 'balance', scheduledAt: null };
  private readonly drainTimer: NodeTimer = { kind: 'drain', scheduledAt: null };
  private readonly intakeTimer: NodeTimer = { kind: 'intake', scheduledAt: null };
  /**
   * What this turn says to peers. Each has a map of its own: V8 lets one that was emptied point to what it holds next, so
   * that nothing that passes through it dies young once it has grown old itself.
   */
  private outbox = new Map<NodeId, PeerMessage[]>();
  /** Sent to groups on this node that are not here. */
  private readonly astray: { readonly request: RequestId; readonly attempt: number }[] = [];
  private effects: Effect[] = [];
  private now: Now;
  private isDiskShort = false;
  private draining: 'no' | 'draining' | 'drained' = 'no';

  constructor(options: NodeOptions) {
    checkLimits();
    const { node, topology, settings, now, random } = options;
    this.options = contextOf(options);
    this.id = node;
    this.now = now;
    const { metadata } = settings;
    const map = metadata === 'static' ? mapAsConfigured(topology) : options.map;
    const nodes = options.nodes ?? { version: 0, nodes: asMembers(topology.nodes), groups: [] };
    this.router = new Router(node, new GroupMap(topology.groups), map, homesIn(metadata, topology.groups));
    this.forwarder = new Forwarder(this, this.router, random('forward'), {
      self: node,
      commandTimeoutMs: settings.commandTimeoutMs,
      commandsInFlight: limits.commandsInFlight,
      requestsPerPeer: limits.requestsPerPeer,
      autoCreateTenants: settings.autoCreateTenants,
      fixedTenants:
        metadata === 'static' ? new Map(topology.tenants.map(({ tenant, group }) => [tenant, group])) : null,
    });
    this.keeper = new MapKeeper(this.router.shards.version, now.mono);
    this.pulses = new Pulses(settings.electionMs);
    const replicasOn = (one: NodeId): number => this.router.groups.countOn(one);
    const isDiskShort = (): boolean => this.isDiskShort;
    this.hosting = new Hosting(this.options, this.pulses, isDiskShort, replicasOn, options.restored, nodes.groups);
    this.groups = this.hosting.groups;
    this.exchanges = new Exchanges(this.router, metadata, nodes, {
      post: (to, message) => this.post(to, message),
      onNodesChanged: (map) => {
        this.effects.push({ kind: 'nodes', map });
        this.replicas.adopt(map.groups);
      },
      onMembersTold: (group) => {
        this.replicas.onMembersTold(group);
      },
      differs: (peer) => this.onMapDiffers(peer),
    });
    // Who belongs to one that no map has, its log says.
    for (const group of this.groups.keys()) this.router.groups.begin(group, []);
    this.replicas = new Replicas(this.hosting, this.router, settings, this.timers, now, {
      post: (to, message) => this.post(to, message),
      deliver: (group) => this.deliver(group),
      raise: (kind, group, message, facts) => this.raise(kind, group, message, facts),
      log: (message, facts) => this.log('info', message, facts),
      surroundings: () => {
        const { router, exchanges } = this;
        const nodesVersion = exchanges.nodes.present.version;
        return { self: node, router, electionMs: settings.electionMs, nodesVersion, now: this.now.mono };
      },
    });
    const view = new LocalView(this.options, this.groups, this.router, this.forwarder, this.statistics, {
      nodes: () => this.exchanges.nodes.present.nodes,
      plan: () => (this.leadsMetadata ? this.balancer.plan(this.now) : null),
      policy: () => this.balancer.policy,
      planGroups: (wanted) => this.maker.plan(wanted, this.now),
      clusterSnapshot: () => (this.leadsMetadata ? this.balancer.snapshot(this.now) : null),
      imports: () => (this.leadsMetadata || settings.metadata === 'gossip' ? this.moves.imports() : null),
      connections: () => this.clients.all(),
      connectionCount: () => this.clients.size,
      start: (connection, procedure) => this.clients.await(connection, procedure, this.now),
      close: (connection) => {
        this.clients.close(connection);
      },
      watch: (connection, args) => {
        this.clients.watch(connection, args, this.now);
      },
      exec: (connection, queued, watches) => {
        this.clients.exec(connection, queued, watches, this.now);
      },
      save: (id) => this.replicas.save(id),
      transfer: (id, to) => this.replicas.transfer(id, to),
      changeMembers: (id, change) => this.replicas.changeMembers(id, change),
      recovery: (id) => this.replicas.recovery(id),
      recover: (id) => this.replicas.recover(id),
      alarms: this.alarms,
      now: () => this.now,
    });
    if (this.hosting.lostAmong(this.hosting.firstHere).length > 0)
      this.raise('logLost', null, 'what was on the disk of this node is lost: its replicas begin anew');
    const onGone = (connection: Connection): void => {
      this.intake.leave(connection);
    };
    this.clients = new Clients(view, this.forwarder, this.statistics, onGone, options.probe ?? null);
    this.loads = new Loads(now.mono);
    this.balancer = new Balancer(this.options, this.router, this.exchanges.nodes, this.pulses, {
      order: (to, group, index, change) => {
        if (to === this.id) this.replicas.onOrder(group, index, change);
        else this.post(to, { kind: 'order', group, index, change });
      },
      directory: () => this.hosting.directory?.directory ?? null,
      move: (tenant, to, alone) => {
        this.moves.begin(tenant, to, alone);
      },
      makeGroup: (on, alone) => {
        const plan = this.maker.plan({ count: 1, replicas: null, nodes: on, alone }, this.now);
        if (typeof plan !== 'string') this.moves.makeGroups(plan);
      },
      log: (message, facts) => this.log('info', message, facts),
    });
    this.maker = new GroupMaker(this.options, this.router, this.balancer);
    this.chores = new Chores(this.options, this.hosting, this.router, this.exchanges.nodes, this.forwarder, {
      greet: (peer) => {
        this.exchanges.greet(peer);
      },
      post: (to, message) => this.post(to, message),
      touch: (group) => this.replicas.touch(group),
      submit: (group, submission) => this.submit(group, submission),
      livesElsewhere: (tenant, configured, { group }) => {
        const message = `tenant '${tenant}' is configured in group ${String(configured)} and lives in group ${String(group)}: it stays there`;
        this.raise('tenantElsewhere', configured, message, { tenant });
      },
      differs: (group, replica) => {
        this.raise('replicaDiffers', group.id, 'a replica holds something else than the others: it is replaced', {
          replica,
        });
      },
    });
    const movesHost: DeparturesHost = {
      ask: (errand) => {
        this.forwarder.start(errand, this.now.mono);
      },
      onGivenUp: (tenant, why) => {
        this.log('warn', 'a tenant does not move: it stays where it is', { tenant, why });
      },
    };
    this.moves = new Moves(this.hosting, movesHost, settings, now.mono);
    this.timers.schedule(this.pulseTimer, now.mono);
    this.timers.schedule(this.gossipTimer, after(now.mono, settings.gossipMs));
    this.timers.schedule(this.purgeTimer, after(now.mono, limits.purgeEveryMs));
    this.timers.schedule(this.balanceTimer, after(now.mono, limits.balanceEveryMs));
    this.timers.schedule(this.lanesTimer, after(now.mono, settings.commandTimeoutMs));
    // What the disk says of members, the first peer is told.
    for (const group of this.groups.values()) this.exchanges.members.follow(group);
    this.replicas.schedule();
  }

  /** The instant at which a `timer` input is due; null if nothing is waited for. */
  get wakeAt(): MonoTime | null {
    return this.timers.nextAt;
  }

  /** Takes a turn's inputs, in order. The effects are the caller's to perform, in order, at once. */
  step(turn: readonly Input[], now: Now): readonly Effect[] {
    if (this.options.settings.leaseReads) this.checkClocks(now);
    this.now = now;
    this.replicas.beginTurn(now);
    this.intake.beginTurn(now.mono);
    for (const input of turn) this.onInput(input);
    this.takeIn();
    this.replicas.holdElections();
    this.settle();
    this.scheduleDeadline();
    this.scheduleMoves();
    const write = this.replicas.takeWrite();
    if (write !== null) this.effects.push(write);
    this.replicas.schedule();
    if (this.intake.isReady) this.timers.schedule(this.intakeTimer, now.mono);
    for (const [to, messages] of this.outbox) this.effects.push({ kind: 'sendToPeer', to, messages });
    this.outbox = new Map();
    this.effects.push(...this.clients.flush());
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  private onInput(input: Input): void {
    switch (input.kind) {
      case 'clientCommand':
        this.onClientCommand(input.conn, input.args);
        return;
      case 'peerMessages':
        if (this.pulses.onHeard(input.from, this.now.mono)) this.replicas.onReturned(input.from);
        for (const message of input.messages) this.onPeerMessage(input.from, message);
        return;
      case 'persisted':
        this.replicas.onPersisted(input.upTo);
        return;
      case 'timer':
        this.onTimer();
        return;
      case 'clientOpened':
        this.clients.open(input.conn, input.address, this.now);
        return;
      case 'clientClosed':
        this.clients.onClosed(input.conn);
        return;
      case 'clientMalformed':
        this.onClientMalformed(input.conn, input.error);
        return;
      case 'peerUp':
        this.onLinkDown(input.peer);
        this.router.linkUp(input.peer, input.store);
        this.replicas.onReturned(input.peer);
        this.exchanges.greet(input.peer);
        this.exchanges.members.tellLed(
          input.peer,
          [...this.groups.values()].filter(({ isLeader }) => isLeader),
        );
        return;
      case 'peerDown':
        this.onLinkDown(input.peer);
        return;
      case 'reclaim':
        for (const group of input.groups) this.replicas.reclaim(group);
        return;
      case 'diskSpace':
        this.onDiskSpace(input.isShort);
        return;
      case 'drain':
        this.startDraining();
        return;
      default:
        unreachable(input);
    }
  }

  private onClientCommand(conn: ConnId, args: readonly Uint8Array[]): void {
    const connection = this.clients.find(conn);
    if (connection === null) return;
    const bytes = totalBytes(args);
    if (this.intake.admits(spokenFor(connection), bytes)) this.clients.onCommand(connection, args, this.now);
    else this.wait({ kind: 'command', connection, args, bytes });
  }

  private onClientMalformed(conn: ConnId, error: string): void {
    const connection = this.clients.find(conn);
    if (connection === null) return;
    if (this.intake.admits(spokenFor(connection), 0)) this.clients.onMalformed(connection, error);
    else this.wait({ kind: 'malformed', connection, error, bytes: 0 });
  }

  private onPeerRequest(from: NodeId, message: ForwardRequest): void {
    const bytes = bytesOf(message.operation);
    if (this.intake.admits(message.operation.tenant, bytes)) this.onRequest(from, message);
    else this.wait({ kind: 'request', from, message, bytes });
  }

  private wait(arrival: Arrival): void {
    this.intake.wait(arrival);
    if (arrival.kind !== 'request') this.clients.touch(arrival.connection);
  }

  /** What waits has its turn, as far as this one goes. */
  private takeIn(): void {
    if (this.intake.isEmpty) return;
    for (let arrival = this.intake.next(); arrival !== null; arrival = this.intake.next()) {
      this.run(arrival);
      if (arrival.kind !== 'request') this.clients.touch(arrival.connection);
    }
  }

  private run(arrival: Arrival): void {
    switch (arrival.kind) {
      case 'command':
        this.clients.onCommand(arrival.connection, arrival.args, this.now);
        return;
      case 'malformed':
        this.clients.onMalformed(arrival.connection, arrival.error);
        return;
      case 'request':
        this.onRequest(arrival.from, arrival.message);
        return;
      default:
        unreachable(arrival);
    }
  }

  /** Two clocks that disagree about how long a turn ago was: neither is to be trusted with a lease. */
  private checkClocks(now: Now): void {
    const drift = Math.abs(now.wall - this.now.wall - elapsedMs(this.now.mono, now.mono));
    if (drift <= limits.clockDriftMs) return;
    for (const group of this.groups.values()) if (group.isLeader) group.raft.dropLease();
  }

  private onLinkDown(peer: NodeId): void {
    // Whatever is sent without a link is answered with this: groups want to know once, of a call each time.
    if (this.router.isReachable(peer)) for (const group of this.groups.values()) group.onLinkDown(peer);
    this.intake.forget(peer);
    this.loads.forget(peer);
    this.router.linkDown(peer);
    this.exchanges.onLinkDown(peer);
    this.forwarder.onLinkDown(peer, this.now.mono);
  }

  private onPeerMessage(from: NodeId, message: PeerMessage): void {
    switch (message.kind) {
      case 'raft':
        this.replicas.onRaftMessage(from, message);
        return;
      case 'request':
        this.onPeerRequest(from, message);
        return;
      case 'reply':
        if (message.boot === this.options.boot)
          this.forwarder.onOutcome(from, message.request, message.attempt, message.outcome, this.now.mono);
        return;
      case 'pulse':
        if (this.pulses.onPulse(from, message.boot)) this.replicas.onGone(from);
        return;
      case 'lost':
        this.replicas.onLost(from, message.group, message.boot);
        return;
      case 'outlier':
        this.replicas.onOutlier(message.group, message.replica);
        return;
      case 'renewed':
        if (message.boot === this.options.boot) this.hosting.renew(message.group, message.replica);
        return;
      case 'loads':
        this.balancer.onLoads(from, message.capacity, message.groups);
        return;
      case 'order':
        if (!this.replicas.onOrder(message.group, message.index, message.change))
          this.exchanges.members.correct(from, message.group);
        return;
      default:
        this.exchanges.onNews(from, message, this.now.mono);
    }
  }

  private log(
    level: 'info' | 'warn' | 'error',
    message: string,
    facts: Readonly<Record<string, string | number>>,
  ): void {
    this.effects.push({ kind: 'log', level, message, facts });
  }

  private raise(
    kind: AlarmKind,
    group: GroupId | null,
    message: string,
    facts: Readonly<Record<string, string | number>> = {},
  ): void {
    if (!this.alarms.raise({ kind, group, since: this.now.wall, message })) return;
    this.log('error', message, group === null ? facts : { group, ...facts });
  }

  /** A peer asks a group on this node to run something. It takes one hop: it is never sent on from here. */
  private onRequest(from: NodeId, message: ForwardRequest): void {
    const { boot, request, attempt, lane, resumes, ackBelow, isRetry, operation } = message;
    const group = this.groups.get(message.group);
    this.statistics.forwardedHere += 1;
    if (group === undefined || !isKnown(operation)) {
      const refusal: Refusal =
        group === undefined ? notHere : { kind: 'busy', what: 'the command is not known on this node' };
      this.post(from, { kind: 'reply', boot, request, attempt, outcome: { kind: 'refused', refusal } });
      return;
    }
    const origin = { node: from, boot, request };
    const submission = { origin, attempt, lane, ackBelow, isRetry, resumes, readsHere: false, operation };
    const outcome = this.replicas.take(group, this.placed(group, submission));
    if (outcome === null) this.intake.begun(operation.tenant, operation.kind === 'execute');
    else this.post(from, { kind: 'reply', boot, request, attempt, outcome });
  }

  private submit(group: Group, submission: Submission): void {
    const { kind, tenant } = submission.operation;
    this.intake.begun(tenant, kind === 'execute');
    this.replicas.submit(group, this.placed(group, submission));
  }

  /** Where a new tenant goes is settled before it is logged. */
  private placed({ id, isLeader }: Group, submission: Submission): Submission {
    const { directory } = this.hosting;
    if (id !== metadataGroup || !isLeader || directory === null) return submission;
    return { ...submission, operation: this.balancer.newTenants.settle(submission.operation, directory.directory) };
  }

  /** Lets groups work until nothing more follows from what happened in this turn. */
  private settle(): void {
    let isSettled = false;
    while (!isSettled) {
      isSettled = true;
      for (const group of this.replicas.touched) {
        this.replicas.advance(group);
        this.exchanges.followGroup(group, this.hosting.directoryOf(group));
        if (group.completions.length === 0) continue;
        isSettled = false;
        this.deliver(group);
      }
      const { directory } = this.hosting;
      if (directory !== null) this.exchanges.followDirectory(directory.directory, this.leadsMetadata);
      if (this.followLeaders()) isSettled = false;
      if (this.refuseAstray()) isSettled = false;
    }
  }

  /** What this node believed itself to lead and has no replica of is refused as a peer would refuse it. */
  private refuseAstray(): boolean {
    if (this.astray.length === 0) return false;
    for (const { request, attempt } of this.astray.splice(0))
      this.forwarder.onOutcome(this.id, request, attempt, { kind: 'refused', refusal: notHere }, this.now.mono);
    return true;
  }

  private deliver(group: Group): void {
    const { completions } = group;
    for (let next = completions.shift(); next !== undefined; next = completions.shift()) {
      const { origin, attempt, tenant, outcome } = next;
      this.intake.ended(tenant);
      const { node, boot, request } = origin;
      if (node !== this.id) this.post(node, { kind: 'reply', boot, request, attempt, outcome });
      else if (boot === this.options.boot) this.forwarder.onOutcome(node, request, attempt, outcome, this.now.mono);
    }
  }

  /** However a leader was heard of, what others were asked in its place is asked again. Returns whether one was. */
  private followLeaders(): boolean {
    const { leaders } = this.router;
    let isNews = false;
    for (let group = leaders.takeNews(); group !== null; group = leaders.takeNews()) {
      const leader = leaders.leaderOf(group);
      if (leader !== null) this.forwarder.onLeader(group, leader, this.now.mono);
      isNews = true;
    }
    return isNews;
  }

  private onMapDiffers(peer: NodeId | null): void {
    const whose = peer === null ? {} : { peer };
    this.raise('mapDiffers', null, 'two maps of the same version differ: whoever is wrong fetches another', whose);
  }

  private onTimer(): void {
    for (let timer = this.timers.takeDue(this.now.mono); timer !== null; timer = this.timers.takeDue(this.now.mono))
      this.fire(timer);
  }

  private fire(timer: NodeTimer): void {
    const { mono } = this.now;
    switch (timer.kind) {
      case 'group':
      case 'snapshots':
        this.replicas.onTimer(timer);
        return;
      case 'retry':
        this.forwarder.retryHeld(timer.retry, mono);
        return;
      case 'deadline':
        this.forwarder.expire(mono);
        return;
      case 'pulse':
        this.pulse();
        return;
      case 'gossip':
        this.timers.schedule(timer, after(mono, this.options.settings.gossipMs));
        this.exchanges.tick();
        this.chores.gossip();
        this.keepMap();
        this.chores.reportLosses();
        this.chores.replaceOutliers(mono);
        this.chores.bootstrapTenants(mono);
        if (this.isDiskShort) this.chores.passOn(mono);
        this.chores.returnLeadership(mono);
        this.chores.letGo(mono);
        this.moves.look(mono);
        return;
      case 'purge':
        this.timers.schedule(timer, after(mono, limits.purgeEveryMs));
        this.chores.purge(this.now.wall);
        this.hosting.exports.sweep(mono);
        return;
      case 'lanes':
        this.timers.schedule(timer, after(mono, this.options.settings.commandTimeoutMs));
        this.chores.sweepLanes();
        return;
      case 'moves':
        this.moves.goOn(mono);
        return;
      case 'balance':
        this.timers.schedule(timer, after(mono, limits.balanceEveryMs));
        this.tellLoads();
        if (this.leadsMetadata && this.options.settings.rebalance !== 'manual') this.balancer.work(this.now);
        return;
      case 'intake':
        return; // For the sake of the turn.
      case 'drain':
        this.finishDraining();
        return;
      default:
        unreachable(timer);
    }
  }

  private keepMap(): void {
    if (this.options.settings.metadata === 'static') return;
    const map = this.keeper.maybeKeep(this.router.shards.base, this.now.mono);
    if (map !== null) this.effects.push({ kind: 'keepMap', map });
  }

  private pulse(): void {
    const { mono } = this.now;
    this.timers.schedule(this.pulseTimer, nextMultiple(mono, this.pulses.everyMs));
    for (const peer of this.router.peers()) this.post(peer, { kind: 'pulse', boot: this.options.boot });
    for (const peer of this.pulses.takeSilent(mono)) this.replicas.onGone(peer);
  }

  private get leadsMetadata(): boolean {
    return this.groups.get(metadataGroup)?.isLeader === true;
  }

  private tellLoads(): void {
    const planner = this.router.leaders.leaderOf(metadataGroup);
    if (planner === null) return;
    const news = this.loads.news(this.hosting.duties.led, planner, this.now.mono);
    const { nodeBytes: bytes, nodeOperations: operations } = this.options.settings;
    const capacity = { bytes, operations };
    if (planner === this.id) {
      this.balancer.onLoads(planner, capacity, news);
      return;
    }
    let at = 0;
    do {
      this.post(planner, { kind: 'loads', capacity, groups: news.slice(at, at + limits.groupsPerMessage) });
      at += limits.groupsPerMessage;
    } while (at < news.length);
  }

  /** Others may have room: what is led here is handed over. Who has none either refuses writes and serves reads. */
  private onDiskSpace(isShort: boolean): void {
    if (isShort === this.isDiskShort) return;
    this.isDiskShort = isShort;
    if (isShort) this.raise('diskShort', null, 'the disk is nearly full: writes are refused');
    else {
      this.alarms.end('diskShort', null);
      this.log('info', 'the disk has room again', {});
    }
    if (isShort) this.replicas.handOver(true);
  }

  private startDraining(): void {
    if (this.draining !== 'no') return;
    this.draining = 'draining';
    this.timers.schedule(this.drainTimer, after(this.now.mono, limits.drainMs));
    this.replicas.stop();
    this.checkDrained();
  }

  /** Waits for nobody who cannot be reached: a group that has lost its quorum takes nothing over and commits nothing. */
  private checkDrained(): void {
    const isAlone = this.router.peers().length === 0;
    for (const { isLeader, raft } of this.groups.values()) {
      const { voters } = raft.configuration;
      if (isLeader && voters.some(({ node }) => node !== this.id && this.router.isReachable(node))) return;
    }
    if (isAlone || (this.forwarder.inFlight === 0 && this.intake.isEmpty)) this.finishDraining();
  }

  private finishDraining(): void {
    if (this.draining !== 'draining') return;
    this.draining = 'drained';
    this.effects.push({ kind: 'drained' });
  }

  private scheduleDeadline(): void {
    const next = this.forwarder.nextDeadline;
    if (next !== null) this.timers.schedule(this.deadlineTimer, next);
    if (this.draining === 'draining') this.checkDrained();
  }

  private scheduleMoves(): void {
    const { wakeAt } = this.moves;
    if (wakeAt === null) this.timers.cancel(this.movesTimer);
    else this.timers.schedule(this.movesTimer, wakeAt);
  }

  private post(to: NodeId, message: PeerMessage): void {
    const box = this.outbox.get(to);
    if (box === undefined) this.outbox.set(to, [message]);
    else box.push(message);
  }

  // What the forwarder asks of its host.

  send(to: NodeId, group: GroupId, call: Call, operation: Operation, resumes: boolean): void {
    const { request, attempts: attempt } = call;
    const { boot, probe } = this.options;
    const lane = call.kind === 'command' ? call.lane.id : unordered;
    const ackBelow = call.kind === 'command' ? oldestUnanswered(call.lane) : request;
    const isRetry = call.kind === 'command' && call.mayHaveRun;
    if (to !== this.id) {
      this.statistics.forwarded += 1;
      probe?.forwarded({ request, group, to, attempt });
      this.post(to, { kind: 'request', boot, request, attempt, group, lane, resumes, ackBelow, isRetry, operation });
      return;
    }
    const hosted = this.groups.get(group);
    if (hosted === undefined) {
      this.astray.push({ request, attempt });
      return;
    }
    const origin = { node: this.id, boot, request };
    const readsHere = call.kind === 'command' && call.readsHere;
    this.submit(hosted, { origin, attempt, lane, ackBelow, isRetry, resumes, readsHere, operation });
  }

  readAtOnce(group: GroupId, request: RequestId, operation: Execute): Outcome | null {
    const hosted = this.groups.get(group);
    if (hosted === undefined) return null;
    this.intake.see(operation.tenant);
    return this.replicas.readAtOnce(hosted, operation, { node: this.id, boot: this.options.boot, request });
  }

  canReadHere(group: GroupId): boolean {
    return this.groups.get(group)?.canRead === true;
  }

  finished(call: CommandCall, ending: Ending): void {
    this.clients.finished(call, ending);
  }

  procedureFinished(procedure: Procedure, ending: ProcedureEnding): void {
    if (this.moves.isFinished(procedure, this.now.mono)) return;
    if (!this.chores.isFinished(procedure)) this.clients.procedureFinished(procedure, ending);
  }

  misrouted(call: Call, refusal: Refusal): void {
    this.statistics.misrouted += 1;
    this.options.probe?.misrouted({ request: call.request, group: groupOf(call), reason: refusal.kind });
  }

  schedule(timer: RetryTimer, at: MonoTime): void {
    this.timers.schedule(timer, at);
  }
}

function contextOf({ node, boot, store, topology, settings, random, now, probe }: NodeOptions): NodeContext {
  const context = { node, boot, store, topology, settings, random, now };
  return probe === undefined ? context : { ...context, probe };
}

/** What tenants' groups say of themselves has epochs from 1 on: it is newer, whatever it is. */
function mapAsConfigured({ tenants }: Topology): TenantMap {
  const map = new TenantMap();
  for (const { tenant, group } of tenants) map.merge(tenant, { group, epoch: Epoch(0), incarnation: Incarnation(1) });
  return map;
}

function bytesOf(operation: Operation): number {
  if (operation.kind === 'execute') return totalBytes(operation.args);
  return operation.kind === 'move' && 'records' in operation.step ? operation.step.records.length : 0;
}

/** A peer may be newer than this node; what it asks must mean the same here. */
function isKnown(operation: Operation): boolean {
  if (operation.kind !== 'execute') return true;
  const command = findDataCommand(operation.args[0] ?? noBytes);
  return command !== undefined && command.access === operation.access && isArityRight(command, operation.args.length);
}
