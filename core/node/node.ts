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
  type GroupId,
  type LogIndex,
  metadataGroup,
  type NodeId,
  type ReplicaId,
  Term,
  unordered,
  WriteId,
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
import type { LogRecord } from '../log/records.ts';
import { GroupMap } from '../routing/groupMap.ts';
import { MapExchange } from '../routing/mapExchange.ts';
import { NodeExchange } from '../routing/nodeExchange.ts';
import { Router } from '../routing/router.ts';
import type { DeparturesHost } from '../migration/departures.ts';
import { isRemoved, membersOf } from '../raft/configuration.ts';
import { isOfLeader, type MembershipChange } from '../raft/raft.ts';
import type { OutgoingRaftMessage } from '../raft/types.ts';
import type { ForwardRequest, GroupMembers, Operation, OrderedChange, PeerMessage, Refusal } from '../wire/messages.ts';
import { type AlarmKind, Alarms } from './alarms.ts';
import { Balancer } from './balancer.ts';
import { Chores } from './chores.ts';
import { Clients } from './clients.ts';
import type { Effect, Input } from './door.ts';
import { Elections } from './elections.ts';
import { Hosting, membersAtFirst } from './hosting.ts';
import type { Connection } from './connection.ts';
import { type Arrival, Intake } from './intake.ts';
import { Moves } from './moves.ts';
import { MapKeeper } from './mapKeeper.ts';
import { Pulses } from './pulses.ts';
import { SnapshotWork } from './snapshotWork.ts';
import { Loads } from './loads.ts';
import { LocalView } from './localView.ts';
import { placeElsewhere, type RecoveryView, recoveryOf } from './recovery.ts';
import type { GroupDescriptor, NodeContext, NodeOptions } from './options.ts';
import type { NodeStatistics } from './view.ts';

/** Everything a node is woken for. */
type NodeTimer =
  | RetryTimer
  | (Timer & { readonly kind: 'group'; readonly group: Group })
  | (Timer & {
      readonly kind:
        | 'pulse'
        | 'gossip'
        | 'deadline'
        | 'purge'
        | 'lanes'
        | 'snapshots'
        | 'moves'
        | 'balance'
        | 'drain'
        | 'intake';
    });

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
  private readonly forwarder: Forwarder;
  private readonly clients: Clients;
  private readonly intake = new Intake(limits);
  private readonly chores: Chores;
  private readonly moves: Moves;
  private readonly maps: MapExchange;
  private readonly nodes: NodeExchange;
  private readonly balancer: Balancer;
  private readonly loads: Loads;
  private readonly pulses: Pulses;
  private readonly keeper: MapKeeper;
  private readonly alarms = new Alarms();
  private readonly elections: Elections<Group>;
  private readonly timers = new Timers<NodeTimer>();
  private readonly groupTimers = new Map<Group, NodeTimer>();
  private readonly pulseTimer: NodeTimer = { kind: 'pulse', scheduledAt: null };
  private readonly gossipTimer: NodeTimer = { kind: 'gossip', scheduledAt: null };
  private readonly deadlineTimer: NodeTimer = { kind: 'deadline', scheduledAt: null };
  private readonly purgeTimer: NodeTimer = { kind: 'purge', scheduledAt: null };
  private readonly lanesTimer: NodeTimer = { kind: 'lanes', scheduledAt: null };
  private readonly snapshotTimer: NodeTimer = { kind: 'snapshots', scheduledAt: null };
  private readonly movesTimer: NodeTimer = { kind: 'moves', scheduledAt: null };
  private readonly balanceTimer: NodeTimer = { kind: 'balance', scheduledAt: null };
  private readonly drainTimer: NodeTimer = { kind: 'drain', scheduledAt: null };
  private readonly intakeTimer: NodeTimer = { kind: 'intake', scheduledAt: null };
  /** Groups that something happened to in this turn. */
  private readonly touched = new Set<Group>();
  private readonly snapshotWork: SnapshotWork;
  /** Groups with writes that are not on disk, and the last of them. */
  private readonly unsynced = new Map<Group, WriteId>();
  /** To be written before what the groups want written. */
  private readonly tombstones: LogRecord[] = [];
  private readonly outbox = new Map<NodeId, PeerMessage[]>();
  private effects: Effect[] = [];
  private now: Now;
  /** The number of this turn. */
  private turn = 0;
  private nextWrite = WriteId(1);
  private isDiskShort = false;
  private draining: 'no' | 'draining' | 'drained' = 'no';

  constructor(options: NodeOptions) {
    checkLimits();
    const { node, topology, settings, now, random } = options;
    this.options = contextOf(options);
    this.id = node;
    this.now = now;
    this.router = new Router(node, new GroupMap(topology.groups), options.map);
    this.forwarder = new Forwarder(this, this.router, random('forward'), {
      self: node,
      commandTimeoutMs: settings.commandTimeoutMs,
      autoCreateTenants: settings.autoCreateTenants,
    });
    this.keeper = new MapKeeper(this.router.shards.version, now.mono);
    this.pulses = new Pulses(settings.electionMs);
    // A candidate asks again after an election timeout at the earliest: by then its place is free.
    this.elections = new Elections(limits.electionsAtATime, settings.electionMs / 2);
    this.hosting = new Hosting(this.options, this.pulses, () => this.isDiskShort, options.restored);
    this.groups = this.hosting.groups;
    this.nodes = new NodeExchange(options.nodes ?? { version: 0, nodes: membersAtFirst(topology) }, {
      post: (to, message) => this.post(to, message),
      peers: () => this.router.peers(),
      onChanged: (map) => this.effects.push({ kind: 'nodes', map }),
    });
    const view = new LocalView(this.options, this.groups, this.router, this.forwarder, this.statistics, {
      nodes: () => this.nodes.present.nodes,
      plan: () => (this.leadsMetadata ? this.balancer.plan(this.now) : null),
      clusterSnapshot: () => (this.leadsMetadata ? this.balancer.snapshot(this.now) : null),
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
      save: (id) => this.save(id),
      transfer: (id, to) => this.transfer(id, to),
      changeMembers: (id, change) => this.changeMembers(id, change),
      recovery: (id) => this.recovery(id),
      recover: (id) => this.recover(id),
      alarms: this.alarms,
      now: () => this.now,
    });
    const isHere = ({ replicas }: GroupDescriptor): boolean => replicas.some((replica) => replica.node === node);
    if (topology.groups.some((group) => isHere(group) && this.hosting.hasLost(group.group)))
      this.raise('logLost', null, 'what was on the disk of this node is lost: its replicas begin anew');
    this.snapshotWork = new SnapshotWork(settings.snapshotBytesPerSecond, (group) => this.touched.add(group));
    const onGone = (connection: Connection): void => {
      this.intake.leave(connection);
    };
    this.clients = new Clients(view, this.forwarder, this.statistics, onGone, options.probe ?? null);
    this.maps = new MapExchange(this.router.shards, {
      post: (to, message) => this.post(to, message),
      peers: () => this.router.peers(),
      sources: () => this.router.groups.votersOf(metadataGroup).filter((voter) => this.router.hasLink(voter)),
      differs: (peer) => this.onMapDiffers(peer),
    });
    this.loads = new Loads(now.mono);
    this.balancer = new Balancer(this.options, this.router, this.nodes, this.pulses, {
      order: (to, group, index, change) => {
        if (to === this.id) this.onOrder(group, index, change);
        else this.post(to, { kind: 'order', group, index, change });
      },
      log: (message, facts) => this.log('info', message, facts),
    });
    this.chores = new Chores(this.options, this.hosting, this.router, this.maps, this.nodes, this.forwarder, {
      post: (to, message) => this.post(to, message),
      touch: (group) => this.touched.add(group),
      submit: (group, submission) => this.submit(group, submission),
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
    for (const group of this.groups.values()) this.watch(group);
    spreadElections([...this.groups.values()]);
    this.timers.schedule(this.pulseTimer, now.mono);
    this.timers.schedule(this.gossipTimer, after(now.mono, settings.gossipMs));
    this.timers.schedule(this.purgeTimer, after(now.mono, limits.purgeEveryMs));
    if (settings.rebalance !== 'manual')
      this.timers.schedule(this.balanceTimer, after(now.mono, limits.balanceEveryMs));
    this.timers.schedule(this.lanesTimer, after(now.mono, settings.commandTimeoutMs));
    this.scheduleGroups();
  }

  /** The instant at which a `timer` input is due; null if nothing is waited for. */
  get wakeAt(): MonoTime | null {
    return this.timers.nextAt;
  }

  /** Takes a turn's inputs, in order. The effects are the caller's to perform, in order, at once. */
  step(turn: readonly Input[], now: Now): readonly Effect[] {
    if (this.options.settings.leaseReads) this.checkClocks(now);
    this.now = now;
    this.turn += 1;
    this.intake.beginTurn(now.mono);
    for (const input of turn) this.onInput(input);
    this.takeIn();
    this.holdElections();
    this.settle();
    this.scheduleDeadline();
    this.scheduleMoves();
    this.collectOutput();
    this.scheduleGroups();
    if (this.intake.isReady) this.timers.schedule(this.intakeTimer, now.mono);
    for (const [to, messages] of this.outbox) this.effects.push({ kind: 'sendToPeer', to, messages });
    this.outbox.clear();
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
        if (this.pulses.onHeard(input.from, this.now.mono)) this.onReturned(input.from);
        for (const message of input.messages) this.onPeerMessage(input.from, message);
        return;
      case 'persisted':
        this.onPersisted(input.upTo);
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
        this.router.linkUp(input.peer);
        this.onReturned(input.peer);
        this.greet(input.peer);
        return;
      case 'peerDown':
        this.onLinkDown(input.peer);
        return;
      case 'reclaim':
        // A save that is under way makes room by itself: another one behind it would say the same again.
        for (const group of input.groups) if (this.groups.get(group)?.snapshots.isSaving !== true) this.save(group);
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
    if (connection !== null) this.arrive({ kind: 'command', connection, args, bytes: totalBytes(args) });
  }

  private onClientMalformed(conn: ConnId, error: string): void {
    const connection = this.clients.find(conn);
    if (connection !== null) this.arrive({ kind: 'malformed', connection, error, bytes: 0 });
  }

  private arrive(arrival: Arrival): void {
    if (this.intake.admit(arrival)) this.run(arrival);
    else if (arrival.kind !== 'request') this.clients.touch(arrival.connection);
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
    this.maps.onLinkDown(peer);
    this.forwarder.onLinkDown(peer, this.now.mono);
  }

  private onPersisted(upTo: WriteId): void {
    for (const [group, last] of this.unsynced) {
      group.onPersisted(upTo, this.now.mono);
      this.touched.add(group);
      if (last <= upTo) this.unsynced.delete(group);
    }
  }

  private onPeerMessage(from: NodeId, message: PeerMessage): void {
    switch (message.kind) {
      case 'raft':
        this.onRaftMessage(from, message);
        return;
      case 'request':
        this.arrive({ kind: 'request', from, message, bytes: bytesOf(message.operation) });
        return;
      case 'reply':
        if (message.boot === this.options.boot)
          this.forwarder.onOutcome(from, message.request, message.attempt, message.outcome, this.now.mono);
        return;
      case 'pulse':
        if (this.pulses.onPulse(from, message.boot)) this.onGone(from);
        return;
      case 'lost':
        this.onLost(from, message.group, message.boot);
        return;
      case 'outlier':
        this.onOutlier(message.group, message.replica);
        return;
      case 'renewed':
        if (message.boot === this.options.boot) this.hosting.renew(message.group, message.replica);
        return;
      case 'mapVersion':
        this.maps.onVersion(from, message.version, message.digest);
        return;
      case 'mapChanges':
        this.maps.onChanges(from, message);
        return;
      case 'mapWanted':
        this.maps.onWanted(from, message, this.now.mono);
        return;
      case 'mapPiece':
        this.maps.onPiece(from, message);
        return;
      case 'leads':
        for (const { group, term } of message.groups) this.router.leaders.learn(group, from, term);
        return;
      case 'loads':
        this.balancer.onLoads(message.groups);
        return;
      case 'order':
        this.onOrder(message.group, message.index, message.change);
        return;
      case 'nodesVersion':
        this.nodes.onVersion(from, message.version);
        return;
      case 'nodes':
        this.nodes.onNodes(message.map);
        return;
      case 'groupsVersion':
        this.onGroupsVersion(from, message.version);
        return;
      case 'groups':
        for (const members of message.groups)
          if (this.router.groups.learn(members.group, members)) this.standDownIfOutlived(members.group);
        return;
      default:
        unreachable(message);
    }
  }

  private onRaftMessage(from: NodeId, { group: id, from: sender, to, message }: RaftPeerMessage): void {
    if (this.draining !== 'no' && message.kind === 'timeoutNow') return;
    // Only a leader knows of a replica before the replica does.
    const receiver = this.hosting.receiver(id, to, isOfLeader(message));
    if (receiver === null) this.answerVoid(from, id, sender);
    if (receiver === null || (receiver === 'unknown' && this.router.groups.isOutlived(id, to))) return;
    const group = receiver === 'unknown' ? this.beginReplica(id, to) : receiver;
    const known = group.nodeOf(sender);
    if (known === null) group.introduce(sender, from);
    else if (known !== from) return;
    group.raft.step(sender, message, this.now.mono);
    this.touched.add(group);
  }

  /** Who speaks to a replica that was here before another may be none of the group's any more. */
  private answerVoid(to: NodeId, id: GroupId, sender: ReplicaId): void {
    const raft = this.groups.get(id)?.raft;
    if (raft === undefined || !isRemoved(raft.committedConfiguration, sender)) return;
    const message = { kind: 'removed', term: raft.state.term } as const;
    this.post(to, { kind: 'raft', group: id, from: raft.id, to: sender, message });
  }

  /** A later generation of the group is told of: what is here of one before waits for its word. */
  private standDownIfOutlived(id: GroupId): void {
    const group = this.groups.get(id);
    if (group === undefined || !this.router.groups.isOutlived(id, group.raft.id)) return;
    const { voters } = this.router.groups.membershipOf(id).configuration;
    for (const { replica, node } of voters) group.introduce(replica, node);
    group.raft.standDown(
      voters.map(({ replica }) => replica),
      this.now.mono,
    );
    this.touched.add(group);
    this.raise('outlived', id, 'the group has gone on without what is here: it waits for word, and is given up then');
  }

  /** A leader has added a replica here. One that was here before cannot be a member any more. */
  private beginReplica(id: GroupId, replica: ReplicaId): Group {
    const former = this.groups.get(id);
    if (former !== undefined) this.endReplica(former);
    const group = this.hosting.begin(id, replica);
    this.watch(group);
    this.log('info', 'a replica begins', { group: id, replica });
    return group;
  }

  private endReplica(group: Group): void {
    this.detach(group);
    this.tombstones.push(this.hosting.end(group));
    this.log('info', 'a replica has left its group', { group: group.id, replica: group.raft.id });
  }

  private detach(group: Group): void {
    const timer = this.groupTimers.get(group);
    if (timer !== undefined) this.timers.cancel(timer);
    this.groupTimers.delete(group);
    group.leave(this.now, this.turn);
    this.deliver(group);
    this.touched.delete(group);
    this.unsynced.delete(group);
    this.elections.forget(group);
    this.snapshotWork.forget(group);
  }

  private watch(group: Group): void {
    this.groupTimers.set(group, { kind: 'group', group, scheduledAt: null });
    this.touched.add(group);
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
        group === undefined
          ? { kind: 'notLeader', leader: null, term: Term(0) }
          : { kind: 'busy', what: 'the command is not known on this node' };
      this.post(from, { kind: 'reply', boot, request, attempt, outcome: { kind: 'refused', refusal } });
      return;
    }
    const origin = { node: from, boot, request };
    this.submit(group, { origin, attempt, lane, ackBelow, isRetry, resumes, readsHere: false, operation });
  }

  private submit(group: Group, submission: Submission): void {
    const { kind, tenant } = submission.operation;
    this.intake.begun(tenant, kind === 'execute');
    const elsewhere = placeElsewhere(group, submission.operation, this.router);
    group.submit(submission, this.now, this.turn, elsewhere);
    if (group.isBatchFull) group.proposeBatch(this.now);
    this.touched.add(group);
  }

  /** Lets groups work until nothing more follows from what happened in this turn. */
  private settle(): void {
    let isSettled = false;
    while (!isSettled) {
      isSettled = true;
      for (const group of this.touched) {
        group.endTurn(this.now);
        group.advance(this.now, this.turn);
        this.noteLeader(group);
        this.noteMembers(group);
        if (group.completions.length === 0) continue;
        isSettled = false;
        this.deliver(group);
      }
      this.followDirectory();
      if (this.followLeaders()) isSettled = false;
    }
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

  private noteLeader(group: Group): void {
    if (group.isLeader) this.hosting.led.add(group);
    else this.hosting.led.delete(group);
    const { leaderNode } = group;
    const { term } = group.raft.state;
    if (leaderNode === null || !this.router.leaders.learn(group.id, leaderNode, term) || !group.isLeader) return;
    for (const peer of this.router.peers()) this.post(peer, { kind: 'leads', groups: [{ group: group.id, term }] });
  }

  /** A new link: what the peer missed. */
  private greet(peer: NodeId): void {
    this.chores.greet(peer);
    const led = [...this.groups.values()].filter(({ isLeader }) => isLeader);
    for (let at = 0; at < led.length; at += limits.groupsPerMessage) {
      const groups = led.slice(at, at + limits.groupsPerMessage);
      this.post(peer, { kind: 'leads', groups: groups.map(({ id, raft }) => ({ group: id, term: raft.state.term })) });
    }
  }

  /** A configuration is committed: the leader tells everybody. */
  private noteMembers(group: Group): void {
    const { log, commitIndex } = group.raft.state;
    if (log.era.since <= group.toldConfiguration && group.toldConfiguration > 0) return;
    const [era] = log.erasSince(commitIndex);
    if (era === undefined || era.since <= group.toldConfiguration) return;
    group.toldConfiguration = era.since;
    const members: GroupMembers = { group: group.id, index: era.since, configuration: era.configuration };
    if (!this.router.groups.learn(group.id, members) || !group.isLeader) return;
    for (const peer of this.router.peers()) this.post(peer, { kind: 'groups', groups: [members] });
  }

  private onGroupsVersion(from: NodeId, theirs: number): void {
    const { groups } = this.router;
    if (theirs === groups.version) return;
    const changed = groups.changed();
    for (let at = 0; at < changed.length; at += limits.groupsPerMessage)
      this.post(from, { kind: 'groups', groups: changed.slice(at, at + limits.groupsPerMessage) });
    if (theirs > groups.version) this.post(from, { kind: 'groupsVersion', version: groups.version });
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

  private followDirectory(): void {
    const { directory } = this.hosting;
    const leads = this.leadsMetadata;
    if (directory === null) return;
    this.maps.follow(directory.directory.map, leads);
    this.nodes.follow(directory.directory.nodes, leads);
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
        this.onGroupTimer(timer.group);
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
        this.maps.tick();
        this.chores.gossip();
        this.keepMap();
        this.chores.reportLosses();
        this.chores.replaceOutliers(mono);
        this.chores.bootstrapTenants(mono);
        this.chores.returnLeadership(mono);
        this.moves.look(mono);
        return;
      case 'purge':
        this.timers.schedule(timer, after(mono, limits.purgeEveryMs));
        this.chores.purge(this.now.wall);
        return;
      case 'lanes':
        this.timers.schedule(timer, after(mono, this.options.settings.commandTimeoutMs));
        this.chores.sweepLanes();
        return;
      case 'snapshots':
        this.workOnSnapshots();
        return;
      case 'moves':
        this.moves.goOn(mono);
        return;
      case 'balance':
        this.timers.schedule(timer, after(mono, limits.balanceEveryMs));
        this.tellLoads();
        if (this.leadsMetadata) this.balancer.work(this.now);
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
    const map = this.keeper.maybeKeep(this.router.shards.base, this.now.mono);
    if (map !== null) this.effects.push({ kind: 'keepMap', map });
  }

  private pulse(): void {
    const { mono } = this.now;
    this.timers.schedule(this.pulseTimer, nextMultiple(mono, this.pulses.everyMs));
    for (const peer of this.router.peers()) this.post(peer, { kind: 'pulse', boot: this.options.boot });
    for (const peer of this.pulses.takeSilent(mono)) this.onGone(peer);
  }

  /**
   * Groups at rest that a node led have no leader any more, or it does not know that it is one; those led here that
   * have lost their majority with it are led no more.
   */
  private onGone(peer: NodeId): void {
    const orphans = [...this.groups.values()].filter(
      ({ isLeader, leaderNode, raft }) => raft.state.isResting && !isLeader && leaderNode === peer,
    );
    for (const group of orphans) this.wake(group);
    spreadElections(orphans);
    for (const group of this.groups.values())
      if (group.isLeader && group.raft.state.isResting && !group.raft.isBacked(this.now.mono)) this.wake(group);
  }

  /** A replica on this node may have missed something, and hears from nobody that its group is at rest. */
  private onReturned(peer: NodeId): void {
    for (const group of this.groups.values()) {
      const { state, configuration } = group.raft;
      if (state.isResting && group.isLeader && membersOf(configuration).some(({ node }) => node === peer))
        this.wake(group);
    }
  }

  private onOutlier(id: GroupId, replica: ReplicaId): void {
    const group = this.groups.get(id);
    if (group?.raft.id !== replica || group.raft.state.isSuspect) return;
    group.raft.suspect(this.now.mono);
    this.touched.add(group);
    this.raise('replicaDiffers', id, 'a replica here holds something else than the others: it is replaced', {
      replica,
    });
  }

  /** Its replica has lost everything: another takes its place. It asks again until it hears which. */
  private onLost(from: NodeId, id: GroupId, boot: number): void {
    const group = this.groups.get(id);
    if (group?.isLeader !== true) return;
    const replica = group.renew(from, boot, this.now.mono);
    this.touched.add(group);
    if (replica !== null) this.post(from, { kind: 'renewed', group: id, boot, replica });
  }

  private wake(group: Group): void {
    group.raft.wake(this.now.mono);
    this.touched.add(group);
  }

  private save(id: GroupId): boolean {
    const group = this.groups.get(id);
    const tombstone = this.hosting.tombstone(id);
    if (tombstone !== null) this.tombstones.push(tombstone);
    if (group === undefined) return false;
    group.snapshots.isWanted = true;
    this.touched.add(group);
    return true;
  }

  private transfer(id: GroupId, to: NodeId | null): boolean {
    const group = this.groups.get(id);
    const target = to === null ? null : group?.raft.configuration.voters.find(({ node }) => node === to)?.replica;
    if (group === undefined || target === undefined) return false;
    this.touched.add(group);
    return group.raft.transferLeadership(target, this.now.mono, true);
  }

  private changeMembers(id: GroupId, change: MembershipChange): 'begun' | 'notLeader' | 'busy' | 'unsafe' {
    const group = this.groups.get(id);
    if (group === undefined) return 'notLeader';
    this.touched.add(group);
    return group.raft.changeMembership(change, this.now.mono);
  }

  private recovery(id: GroupId): RecoveryView | 'lost' | 'none' {
    const group = this.groups.get(id);
    if (group === undefined) return this.hosting.hasLost(id) ? 'lost' : 'none';
    const { electionMs } = this.options.settings;
    const nodesVersion = this.nodes.present.version;
    return recoveryOf(group, { self: this.id, router: this.router, electionMs, nodesVersion, now: this.now.mono });
  }

  private recover(id: GroupId): RecoveryView | 'lost' | 'none' {
    const view = this.recovery(id);
    const former = this.groups.get(id);
    if (typeof view === 'string' || former === undefined) return view;
    const { obstacle, next, lastIndex } = view;
    if (obstacle !== null || next === null) return view;
    this.detach(former);
    this.watch(this.hosting.recover(former, next, this.now.mono));
    const facts = { replica: former.raft.id, generation: next, lastIndex };
    this.raise('recovered', id, 'the group goes on from the replica here alone: what others had behind it is lost', facts);
    return view;
  }

  private get leadsMetadata(): boolean {
    return this.groups.get(metadataGroup)?.isLeader === true;
  }

  private tellLoads(): void {
    const planner = this.router.leaders.leaderOf(metadataGroup);
    if (planner === null) return;
    const news = this.loads.news(this.hosting.led, planner, this.now.mono);
    if (planner === this.id) this.balancer.onLoads(news);
    else
      for (let at = 0; at < news.length; at += limits.groupsPerMessage)
        this.post(planner, { kind: 'loads', groups: news.slice(at, at + limits.groupsPerMessage) });
  }

  /** Whoever plans goes by what it has heard: an order for a group that has changed since is of the past. */
  private onOrder(id: GroupId, index: LogIndex, change: OrderedChange): void {
    const group = this.groups.get(id);
    if (group?.isLeader !== true || group.raft.state.log.era.since !== index) return;
    this.touched.add(group);
    const leaving = change.kind === 'add' ? change.replaces : change.kind === 'remove' ? change.replica : null;
    // It hands over first; the order comes again.
    if (leaving === group.raft.id) group.raft.transferLeadership(null, this.now.mono);
    else group.raft.changeMembership(change.kind === 'add' ? { ...change, joins: true } : change, this.now.mono);
  }

  private workOnSnapshots(): void {
    const pauseMs = this.snapshotWork.goOn(this.now.mono);
    if (pauseMs !== null) this.timers.schedule(this.snapshotTimer, after(this.now.mono, pauseMs));
  }

  private onGroupTimer(group: Group): void {
    this.touched.add(group);
    if (this.draining !== 'no' && !group.isLeader) return;
    if (!isElectionDue(group, this.now.mono) || this.elections.begin(group, this.now.mono))
      group.onTimer(this.now.mono);
  }

  /** Those that are over make room for those that wait. */
  private holdElections(): void {
    if (this.elections.isIdle) return;
    const { mono } = this.now;
    for (const group of this.touched) {
      const { role } = group.raft.state;
      const isOver = this.elections.isWaiting(group)
        ? !isElectionDue(group, mono)
        : role === 'leader' || role === 'follower';
      if (isOver) this.elections.forget(group);
    }
    if (this.draining !== 'no') return;
    for (let group = this.elections.takeWaiting(mono); group !== null; group = this.elections.takeWaiting(mono)) {
      group.onTimer(mono);
      this.touched.add(group);
    }
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
    for (const group of this.groups.values()) {
      if (!isShort || !group.isLeader) continue;
      group.raft.transferLeadership(null, this.now.mono, true);
      this.touched.add(group);
    }
  }

  private startDraining(): void {
    if (this.draining !== 'no') return;
    this.draining = 'draining';
    this.timers.schedule(this.drainTimer, after(this.now.mono, limits.drainMs));
    for (const group of this.groups.values()) {
      if (!group.isLeader) continue;
      group.raft.transferLeadership(null, this.now.mono);
      this.touched.add(group);
    }
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

  /** Takes what the groups want written and sent: one write for all of them. */
  private collectOutput(): void {
    const records: LogRecord[] = this.tombstones.splice(0);
    for (const group of this.touched) {
      const pieces = group.snapshots.takeRecords(this.nextWrite);
      const { hardState, entries, messages } = group.takeOutput(this.nextWrite);
      this.postRaft(group, messages);
      if (group.raft.state.isRemoved) {
        this.endReplica(group);
        for (const tombstone of this.tombstones.splice(0)) records.push(tombstone);
        continue;
      }
      for (const record of pieces) records.push(record);
      if (hardState !== null) records.push({ kind: 'hardState', group: group.id, replica: group.raft.id, hardState });
      if (entries.length > 0) records.push({ kind: 'entries', group: group.id, entries });
      if (hardState !== null || entries.length > 0 || pieces.length > 0) this.unsynced.set(group, this.nextWrite);
    }
    if (records.length === 0) return;
    this.effects.push({ kind: 'persist', write: this.nextWrite, records });
    this.nextWrite = WriteId(this.nextWrite + 1);
  }

  private postRaft(group: Group, messages: readonly OutgoingRaftMessage[]): void {
    for (const { to, message } of messages) {
      const node = group.nodeOf(to);
      if (node !== null) this.post(node, { kind: 'raft', group: group.id, from: group.raft.id, to, message });
    }
  }

  private scheduleGroups(): void {
    for (const group of this.touched) {
      const timer = this.groupTimers.get(group);
      if (timer !== undefined) this.scheduleGroup(timer, this.deadlineOf(group));
      this.snapshotWork.note(group, this.now.mono);
    }
    if (!this.snapshotWork.isIdle && this.snapshotTimer.scheduledAt === null)
      this.timers.schedule(this.snapshotTimer, after(this.now.mono, limits.snapshotTickMs));
    this.touched.clear();
  }

  /**
   * A node that is to stop does not campaign: for a silent leader it does not wait either. Nor does a group whose
   * election waits for others.
   */
  private deadlineOf(group: Group): MonoTime | null {
    if (group.wantsTurn) return this.now.mono;
    if (this.elections.isWaiting(group)) return null;
    return this.draining === 'no' || group.isLeader ? group.deadlineAt(this.now.mono) : null;
  }

  private scheduleGroup(timer: NodeTimer, at: MonoTime | null): void {
    if (at === null) this.timers.cancel(timer);
    else this.timers.schedule(timer, at);
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
    if (hosted === undefined) return;
    const origin = { node: this.id, boot, request };
    const readsHere = call.kind === 'command' && call.lane.readsHere;
    this.submit(hosted, { origin, attempt, lane, ackBelow, isRetry, resumes, readsHere, operation });
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

function contextOf({ node, boot, topology, settings, random, now, probe }: NodeOptions): NodeContext {
  const context = { node, boot, topology, settings, random, now };
  return probe === undefined ? context : { ...context, probe };
}

function isElectionDue({ isLeader, raft }: Group, now: MonoTime): boolean {
  return !isLeader && raft.deadlineAt !== null && raft.deadlineAt <= now;
}

/** Groups whose elections would begin at the same time: one after the other, those of neighbouring ids far apart. */
function spreadElections(groups: readonly Group[]): void {
  const spanMs = groups.length * limits.msPerElection;
  for (const { id, raft } of groups) raft.postponeElection(spanMs * ((id * goldenRatio) % 1));
}

const goldenRatio = (Math.sqrt(5) - 1) / 2;

type RaftPeerMessage = Extract<PeerMessage, { kind: 'raft' }>;

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
