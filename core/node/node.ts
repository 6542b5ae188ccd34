/**
 * A node: client connections above, groups below, the forwarder between them. This is the whole core behind
 * its door (`door.ts`); a driver calls `step` with what happened in a turn and performs the effects.
 *
 * A turn ends each group's batch once, so that it costs one log write, one frame per peer and one socket
 * write per client however many commands it holds.
 */
import { noBytes } from '../base/bytes.ts';
import { type GroupId, type MapVersion, type NodeId, Term, unordered, WriteId } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { checkLimits, limits } from '../base/limits.ts';
import { after, elapsedMs, type MonoTime, type Now } from '../base/time.ts';
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
import type { DirectoryMachine } from '../group/directoryMachine.ts';
import type { Group } from '../group/group.ts';
import type { Submission } from '../group/submission.ts';
import type { LogRecord } from '../log/records.ts';
import { LeaderHints } from '../routing/leaderHints.ts';
import { Router } from '../routing/router.ts';
import { ShardMap } from '../routing/shardMap.ts';
import type { ForwardRequest, Operation, PeerMessage, Refusal } from '../wire/messages.ts';
import { Chores } from './chores.ts';
import { Clients } from './clients.ts';
import type { Effect, Input } from './door.ts';
import { hostGroups } from './hosting.ts';
import { SnapshotWork } from './snapshotWork.ts';
import { LocalView } from './localView.ts';
import type { NodeContext, NodeOptions } from './options.ts';
import type { NodeStatistics } from './view.ts';

/** Everything a node is woken for. */
type NodeTimer =
  | RetryTimer
  | (Timer & { readonly kind: 'group'; readonly group: Group })
  | (Timer & { readonly kind: 'gossip' | 'deadline' | 'purge' | 'lanes' | 'snapshots' | 'drain' });

export class Node implements ForwarderHost {
  readonly id: NodeId;
  /** The groups with a replica here, in order of id. */
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
  private readonly directory: DirectoryMachine | null;
  private readonly forwarder: Forwarder;
  private readonly clients: Clients;
  private readonly chores: Chores;
  private readonly timers = new Timers<NodeTimer>();
  private readonly groupTimers = new Map<Group, NodeTimer>();
  private readonly gossipTimer: NodeTimer = { kind: 'gossip', scheduledAt: null };
  private readonly deadlineTimer: NodeTimer = { kind: 'deadline', scheduledAt: null };
  private readonly purgeTimer: NodeTimer = { kind: 'purge', scheduledAt: null };
  private readonly lanesTimer: NodeTimer = { kind: 'lanes', scheduledAt: null };
  private readonly snapshotTimer: NodeTimer = { kind: 'snapshots', scheduledAt: null };
  private readonly drainTimer: NodeTimer = { kind: 'drain', scheduledAt: null };
  /** Groups that something happened to in this turn. */
  private readonly touched = new Set<Group>();
  private readonly snapshotWork: SnapshotWork;
  /** Groups with writes that are not on disk, and the last of them. */
  private readonly unsynced = new Map<Group, WriteId>();
  private readonly outbox = new Map<NodeId, PeerMessage[]>();
  private effects: Effect[] = [];
  private now: Now;
  /** The number of this turn. */
  private turn = 0;
  private nextWrite = WriteId(1);
  private draining: 'no' | 'draining' | 'drained' = 'no';

  constructor(options: NodeOptions) {
    checkLimits();
    const { node, topology, settings, now, random } = options;
    this.options = contextOf(options);
    this.id = node;
    this.now = now;
    const members = topology.groups.map(({ group, replicas }): [GroupId, NodeId[]] => [
      group,
      replicas.map((replica) => replica.node),
    ]);
    this.router = new Router(node, new ShardMap(), new LeaderHints(new Map(members)));
    this.forwarder = new Forwarder(this, this.router, random('forward'), {
      self: node,
      commandTimeoutMs: settings.commandTimeoutMs,
      autoCreateTenants: settings.autoCreateTenants,
    });
    const hosted = hostGroups(options, now.mono);
    this.groups = hosted.groups;
    this.directory = hosted.directory;
    const view = new LocalView(this.options, hosted.groups, this.router, this.forwarder, this.statistics, {
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
      now: () => this.now,
    });
    this.snapshotWork = new SnapshotWork(settings.snapshotBytesPerSecond, (group) => this.touched.add(group));
    this.clients = new Clients(view, this.forwarder, this.statistics, options.probe ?? null);
    this.chores = new Chores(this.options, this.groups, this.router, this.forwarder, hosted.directory, {
      post: (to, message) => this.post(to, message),
      touch: (group) => this.touched.add(group),
      submit: (group, submission) => this.submit(group, submission),
    });
    for (const group of this.groups.values()) {
      this.groupTimers.set(group, { kind: 'group', group, scheduledAt: null });
      this.touched.add(group);
    }
    this.timers.schedule(this.gossipTimer, after(now.mono, settings.gossipMs));
    this.timers.schedule(this.purgeTimer, after(now.mono, limits.purgeEveryMs));
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
    for (const input of turn) this.onInput(input);
    this.settle();
    this.scheduleDeadline();
    this.collectOutput();
    this.scheduleGroups();
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
        this.clients.onCommand(input.conn, input.args, this.now);
        return;
      case 'peerMessages':
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
        this.clients.onMalformed(input.conn, input.error);
        return;
      case 'peerUp':
        this.onLinkDown(input.peer);
        this.router.linkUp(input.peer);
        this.post(input.peer, { kind: 'mapVersion', version: this.router.shards.version });
        return;
      case 'peerDown':
        this.onLinkDown(input.peer);
        return;
      case 'reclaim':
        for (const group of input.groups) this.save(group);
        return;
      case 'drain':
        this.startDraining();
        return;
      default:
        unreachable(input);
    }
  }

  /** Two clocks that disagree about how long a turn ago was: neither is to be trusted with a lease. */
  private checkClocks(now: Now): void {
    const drift = Math.abs(now.wall - this.now.wall - elapsedMs(this.now.mono, now.mono));
    if (drift <= limits.clockDriftMs) return;
    for (const group of this.groups.values()) if (group.isLeader) group.raft.dropLease();
  }

  private onLinkDown(peer: NodeId): void {
    this.router.linkDown(peer);
    for (const group of this.groups.values()) group.lanes.unblock(peer);
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
      case 'raft': {
        const group = this.groups.get(message.group);
        if (group === undefined || group.raft.id !== message.to || group.nodeOf(message.from) !== from) return;
        if (this.draining !== 'no' && message.message.kind === 'timeoutNow') return;
        group.raft.step(message.from, message.message, this.now.mono);
        this.touched.add(group);
        return;
      }
      case 'request':
        this.onRequest(from, message);
        return;
      case 'reply':
        if (message.boot === this.options.boot)
          this.forwarder.onOutcome(from, message.request, message.attempt, message.outcome, this.now.mono);
        return;
      case 'mapVersion':
        this.onMapVersion(from, message.version);
        return;
      case 'mapChanges':
        if (this.router.shards.advance(message.since, message.changes)) this.onMapAdvanced();
        return;
      default:
        unreachable(message);
    }
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
    this.submit(group, { origin, attempt, lane, ackBelow, isRetry, resumes, operation });
  }

  private submit(group: Group, submission: Submission): void {
    group.submit(submission);
    if (group.isBatchFull) group.proposeBatch(this.now.wall);
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
      const { origin, attempt, outcome } = next;
      const { node, boot, request } = origin;
      if (node !== this.id) this.post(node, { kind: 'reply', boot, request, attempt, outcome });
      else if (boot === this.options.boot) this.forwarder.onOutcome(node, request, attempt, outcome, this.now.mono);
    }
  }

  private noteLeader(group: Group): void {
    const { leaderNode } = group;
    if (leaderNode !== null) this.router.leaders.learn(group.id, leaderNode, group.raft.state.term);
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

  /** A replica of the metadata group needs nobody to tell it of changes to the map. */
  private followDirectory(): void {
    if (this.directory === null) return;
    const { directory } = this.directory;
    const { shards } = this.router;
    if (directory.version <= shards.version) return;
    shards.advance(shards.version, directory.changes.slice(shards.version));
    this.onMapAdvanced();
  }

  private onMapAdvanced(): void {
    this.options.probe?.mapAdvanced({ version: this.router.shards.version });
  }

  private onMapVersion(from: NodeId, theirs: MapVersion): void {
    const { shards } = this.router;
    if (theirs > shards.version) this.post(from, { kind: 'mapVersion', version: shards.version });
    else if (theirs < shards.version) {
      this.post(from, {
        kind: 'mapChanges',
        since: theirs,
        changes: shards.changesAfter(theirs, limits.mapChangesPerMessage),
      });
    }
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
      case 'gossip':
        this.timers.schedule(timer, after(mono, this.options.settings.gossipMs));
        this.chores.gossip();
        this.chores.bootstrapTenants(mono);
        this.chores.returnLeadership(mono);
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
      case 'drain':
        this.finishDraining();
        return;
      default:
        unreachable(timer);
    }
  }

  private save(id: GroupId): boolean {
    const group = this.groups.get(id);
    if (group === undefined) return false;
    group.snapshots.isWanted = true;
    this.touched.add(group);
    return true;
  }

  private transfer(id: GroupId, to: NodeId | null): boolean {
    const group = this.groups.get(id);
    const replicas = this.options.topology.groups.find(({ group: other }) => other === id)?.replicas;
    const target = to === null ? null : replicas?.find(({ node }) => node === to)?.replica;
    if (group === undefined || target === undefined) return false;
    this.touched.add(group);
    return group.raft.transferLeadership(target, this.now.mono, true);
  }

  private workOnSnapshots(): void {
    const pauseMs = this.snapshotWork.goOn(this.now.mono);
    if (pauseMs !== null) this.timers.schedule(this.snapshotTimer, after(this.now.mono, pauseMs));
  }

  private onGroupTimer(group: Group): void {
    this.touched.add(group);
    const mayCampaign = this.draining === 'no' || group.isLeader;
    if (mayCampaign && group.raft.deadlineAt <= this.now.mono) group.raft.onTimer(this.now.mono);
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
    for (const { group, replicas } of this.options.topology.groups) {
      const isLed = this.groups.get(group)?.isLeader === true;
      const hasHeir = replicas.some(({ node }) => node !== this.id && this.router.isReachable(node));
      if (isLed && hasHeir) return;
    }
    if (isAlone || this.forwarder.inFlight === 0) this.finishDraining();
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

  /** Takes what the groups want written and sent: one write for all of them. */
  private collectOutput(): void {
    const records: LogRecord[] = [];
    for (const group of this.touched) {
      const pieces = group.snapshots.takeRecords(this.nextWrite);
      const { hardState, entries, messages } = group.takeOutput(this.nextWrite);
      for (const record of pieces) records.push(record);
      if (hardState !== null) records.push({ kind: 'hardState', group: group.id, hardState });
      if (entries.length > 0) records.push({ kind: 'entries', group: group.id, entries });
      if (hardState !== null || entries.length > 0 || pieces.length > 0) this.unsynced.set(group, this.nextWrite);
      for (const { to, message } of messages) {
        const node = group.nodeOf(to);
        if (node !== null) this.post(node, { kind: 'raft', group: group.id, from: group.raft.id, to, message });
      }
    }
    if (records.length === 0) return;
    this.effects.push({ kind: 'persist', write: this.nextWrite, records });
    this.nextWrite = WriteId(this.nextWrite + 1);
  }

  private scheduleGroups(): void {
    for (const group of this.touched) {
      const timer = this.groupTimers.get(group);
      if (timer !== undefined) this.timers.schedule(timer, group.wantsTurn ? this.now.mono : group.raft.deadlineAt);
      this.snapshotWork.note(group, this.now.mono);
    }
    if (!this.snapshotWork.isIdle && this.snapshotTimer.scheduledAt === null)
      this.timers.schedule(this.snapshotTimer, after(this.now.mono, limits.snapshotTickMs));
    this.touched.clear();
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
    this.submit(hosted, { origin, attempt, lane, ackBelow, isRetry, resumes, operation });
  }

  finished(call: CommandCall, ending: Ending): void {
    this.clients.finished(call, ending);
  }

  procedureFinished(procedure: Procedure, ending: ProcedureEnding): void {
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

/** A peer may be newer than this node; what it asks must mean the same here. */
function isKnown(operation: Operation): boolean {
  if (operation.kind !== 'execute') return true;
  const command = findDataCommand(operation.args[0] ?? noBytes);
  return command !== undefined && command.access === operation.access && isArityRight(command, operation.args.length);
}
