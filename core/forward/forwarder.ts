/**
 * Sees each call of this node through to an answer: finds whom to ask, sends it there (or to a group on this
 * very node: one path, not two), and sends it again after a refusal, which always means "not executed". Only a read that
 * a group here can run as it comes is no call.
 *
 * A write whose answer was lost with its link is sent again as well: if it ran, its session remembers that, and what
 * it answered. Every call ends by its deadline; a write that may have run ends as `unknown` then. It does not know
 * clients' sockets, nor how a peer is reached: see `ForwarderHost`.
 */
import { totalBytes } from '../base/bytes.ts';
import {
  type ConnId,
  type GroupId,
  LaneId,
  metadataGroup,
  type NodeId,
  RequestId,
  type TenantName,
} from '../base/ids.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { limits } from '../base/limits.ts';
import { Queue } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import { after, type MonoTime } from '../base/time.ts';
import { encodeNumbered } from '../engine/numbered.ts';
import { encodeTransaction } from '../engine/transaction.ts';
import type { Timer } from '../base/timers.ts';
import type { Router } from '../routing/router.ts';
import type { Execute, Operation, Outcome, Refusal, TenantPlace } from '../wire/messages.ts';
import {
  type Call,
  type CommandCall,
  forgetAnswered,
  groupOf,
  type IngressLane,
  type StepCall,
  type Transaction,
} from './call.ts';
import { Calls } from './calls.ts';
import type { NextStep } from './nextStep.ts';
import { changesSomething, firstStep, nextStep, type Procedure } from './procedure.ts';
import { ensureTenant } from './tenancy.ts';

/** How a call ended, as its client may be told. */
export type Ending =
  | { readonly kind: 'executed'; readonly reply: Uint8Array }
  | NotExecuted
  /** `forgotten`: it may have run; `replyForgotten`: it has, and what it answered is not known any more. */
  | { readonly kind: 'unknown'; readonly reason: 'deadline' | 'linkLost' | 'forgotten' | 'replyForgotten' };

export interface NotExecuted {
  readonly kind: 'notExecuted';
  /** `unplaced`: the group `what`, which keeps the tenant's entry, has not said where it lives. */
  readonly reason: 'deadline' | 'unplaced' | 'unknownTenant' | 'loading' | 'busy' | 'watchFailed';
  readonly what: string;
}

export type ProcedureEnding =
  | { readonly kind: 'finished'; readonly place: TenantPlace | null }
  /** Nothing of it was done, and to go on is of no use. */
  | NotExecuted
  /** `group` is the one that has not answered. */
  | { readonly kind: 'deadline'; readonly group: GroupId; readonly mayHaveRun: boolean };

export interface ForwarderHost {
  /** Sends one request to a node, this one included. Its outcome comes back through `onOutcome`, or never. */
  send(to: NodeId, group: GroupId, call: Call, operation: Operation, resumes: boolean): void;
  /** What a read is answered that a group on this node can run as it comes; null if it has to be sent. */
  readAtOnce(group: GroupId, request: RequestId, operation: Execute): Outcome | null;
  /** Whether a replica of the group on this node, leader or not, can serve reads whose clients ask for that. */
  canReadHere(group: GroupId): boolean;
  /** A command has its answer. Called once per command. */
  finished(call: CommandCall, ending: Ending): void;
  procedureFinished(procedure: Procedure, ending: ProcedureEnding): void;
  misrouted(call: Call, refusal: Refusal): void;
  /** Calls `retryHeld` at `at`. */
  schedule(timer: RetryTimer, at: MonoTime): void;
}

/** Something that waits to be tried again: a lane, or a step. */
export interface RetryTimer extends Timer {
  readonly kind: 'retry';
  readonly retry: IngressLane | StepCall;
}

export interface ForwarderOptions {
  readonly self: NodeId;
  readonly commandTimeoutMs: number;
  /** Calls of this node under way, and of these requests at one peer. */
  readonly commandsInFlight: number;
  readonly requestsPerPeer: number;
  /** Whether an unknown tenant is created when a command names it. */
  readonly autoCreateTenants: boolean;
  /** The tenants that there are and no others, with the groups where they are created; null: they come and go. */
  readonly fixedTenants: ReadonlyMap<TenantName, GroupId> | null;
}

/** How far a procedure is: its step under way, and how often one had to be repeated. */
interface Progress {
  readonly deadlineAt: MonoTime;
  setbacks: number;
  step: StepCall | null;
  /** Something of it may have been done. */
  mayHaveRun: boolean;
}

export class Forwarder {
  private readonly host: ForwarderHost;
  private readonly router: Router;
  private readonly random: Random;
  private readonly options: ForwarderOptions;
  private readonly calls = new Calls();
  private readonly perPeer = new Map<NodeId, { requests: number }>();
  private readonly ensuring = new Map<
    TenantName,
    { readonly procedure: Procedure; readonly lanes: Set<IngressLane> }
  >();
  /** In order of their start, which is the order of their deadlines too. */
  private readonly procedures = new Map<Procedure, Progress>();
  private lastLane = 0;

  constructor(host: ForwarderHost, router: Router, random: Random, options: ForwarderOptions) {
    this.host = host;
    this.router = router;
    this.random = random;
    this.options = options;
  }

  /** Calls without an answer, over all connections. */
  get inFlight(): number {
    return this.calls.size;
  }

  /** When the oldest call must be answered; null if there is none. */
  get nextDeadline(): MonoTime | null {
    let next = this.calls.oldest?.deadlineAt ?? null;
    for (const { deadlineAt } of this.procedures.values()) {
      if (next === null || deadlineAt < next) next = deadlineAt;
      break;
    }
    return next;
  }

  openLane(conn: ConnId, tenant: TenantName): IngressLane {
    this.lastLane += 1;
    return {
      id: LaneId(this.lastLane),
      conn,
      tenant,
      readsHere: false,
      waiting: new Queue(),
      unanswered: new Queue(),
      inFlight: 0,
      route: null,
      group: 0 as GroupId,
      node: this.options.self,
      returned: [],
      setbacks: 0,
      hasNews: false,
      isFrozen: false,
      frozenTimes: 0,
      mustResolve: false,
      doubtful: RequestId(0),
      lastWrite: RequestId(0),
      hold: 'none',
      isClosed: false,
    };
  }

  /** The number of the next command. */
  get nextRequest(): RequestId {
    return this.calls.nextRequest;
  }

  /**
   * How a read ends of whose lane nothing is open and whose leader, on this node, can run it as it comes: it never is a call. Null:
   * it is a command like any other.
   */
  readAtOnce(lane: IngressLane, protocol: 2 | 3, args: readonly Uint8Array[]): Ending | null {
    const isClear = lane.unanswered.length === 0 && lane.hold === 'none' && !lane.mustResolve && lane.doubtful === 0;
    const route = isClear ? this.router.route(lane.tenant, lane.route) : null;
    if (route === null || this.router.nodeFor(route.group) !== this.options.self) return null;
    lane.route = route;
    const { tenant } = lane;
    const { group, incarnation } = route;
    const operation: Execute = { kind: 'execute', tenant, incarnation, access: 'read', protocol, args };
    const outcome = this.host.readAtOnce(group, this.calls.nextRequest, operation);
    const ending = outcome === null ? null : endingOf(outcome);
    if (ending !== null) this.calls.pass();
    return ending;
  }

  /** Takes a client's command; its reply is set and `finished` called in this turn or a later one. */
  command(
    lane: IngressLane,
    access: 'read' | 'write',
    protocol: 2 | 3,
    args: readonly Uint8Array[],
    now: MonoTime,
    transaction: Transaction | null = null,
  ): CommandCall {
    const call: CommandCall = {
      kind: 'command',
      request: this.calls.nextRequest,
      deadlineAt: after(now, this.options.commandTimeoutMs),
      sentTo: null,
      attempts: 0,
      hops: 0,
      lane,
      access,
      protocol,
      args,
      bytes:
        transaction === null ? totalBytes(args) : transaction.commands.reduce((sum, each) => sum + totalBytes(each), 0),
      transaction,
      watched: null,
      reply: null,
      isSilent: false,
      mayHaveRun: false,
      incarnation: null,
      readsHere: false,
    };
    this.calls.add(call);
    lane.waiting.push(call);
    lane.unanswered.push(call);
    return call;
  }

  /** Sends what the lane may send now. */
  pump(lane: IngressLane, now: MonoTime): void {
    while (lane.hold === 'none') {
      const call = lane.waiting.peek();
      if (call === undefined) return;
      const route = lane.mustResolve ? null : this.router.route(lane.tenant, lane.route);
      lane.route = route;
      if (route === null) {
        if (lane.inFlight === 0) this.resolve(lane, now);
        return;
      }
      const readsHere = this.isReadHere(call, route.group);
      const node = readsHere ? this.options.self : this.router.nodeFor(route.group);
      if (node === null) {
        if (lane.inFlight === 0) this.backOff(lane, now);
        return;
      }
      if (lane.inFlight > 0 && (node !== lane.node || route.group !== lane.group)) return;
      if (call.transaction !== null && call.attempts === 0 && !isPrepared(call, call.transaction)) return;
      lane.waiting.shift();
      const { incarnation } = route;
      if (call.mayHaveRun && call.incarnation !== incarnation) {
        this.end(call, { kind: 'unknown', reason: 'forgotten' });
        continue;
      }
      if (call.transaction?.watches.some(({ watched }) => watched === null) === true) {
        this.end(call, { kind: 'notExecuted', reason: 'watchFailed', what: '' });
        continue;
      }
      if (!call.mayHaveRun && this.isBusy(node)) {
        this.end(call, { kind: 'notExecuted', reason: 'busy', what: 'too many commands under way' });
        continue;
      }
      lane.group = route.group;
      lane.node = node;
      const { tenant } = lane;
      const { access, protocol, args } = call;
      const resumes = lane.inFlight === 0;
      lane.inFlight += 1;
      call.incarnation = incarnation;
      call.readsHere = readsHere;
      if (access === 'write') lane.lastWrite = call.request;
      const operation: Operation = { kind: 'execute', tenant, incarnation, access, protocol, args };
      this.send(call, node, route.group, operation, resumes);
    }
  }

  /** The connection is gone: what was not sent never will be; what was sent ends unheard. */
  closeLane(lane: IngressLane): void {
    lane.isClosed = true;
    for (const call of [...lane.waiting.drain(), ...lane.returned]) this.calls.delete(call.request);
    lane.returned = [];
  }

  /** Starts a procedure; `procedureFinished` follows. */
  start(procedure: Procedure, now: MonoTime): void {
    const deadlineAt = after(now, this.options.commandTimeoutMs);
    this.procedures.set(procedure, { deadlineAt, setbacks: 0, step: null, mayHaveRun: false });
    this.follow(procedure, firstStep(procedure), now);
  }

  /** An answer came from a node, this one included. Answers nobody waits for any more are ignored. */
  onOutcome(from: NodeId, request: RequestId, attempt: number, outcome: Outcome, now: MonoTime): void {
    const call = this.calls.get(request);
    if (call?.sentTo !== from || call.attempts !== attempt) return;
    this.unsend(call);
    if (call.kind === 'step') this.onStepOutcome(call, from, outcome, now);
    else this.onCommandOutcome(call, from, outcome, now);
  }

  /** The link broke: answers under way on it are lost. */
  onLinkDown(peer: NodeId, now: MonoTime): void {
    this.giveUpOn(
      [...this.calls].filter((call) => call.sentTo === peer),
      now,
    );
  }

  /** A group has a new leader: what another node was asked, it may never answer. A group on this node says so itself. */
  onLeader(group: GroupId, leader: NodeId, now: MonoTime): void {
    const { self } = this.options;
    const isStranded = (call: Call): boolean =>
      call.sentTo !== null && call.sentTo !== leader && call.sentTo !== self && groupOf(call) === group;
    this.giveUpOn([...this.calls].filter(isStranded), now);
  }

  /** Ends every call whose deadline has passed. */
  expire(now: MonoTime): void {
    for (const [procedure, { deadlineAt }] of this.procedures) {
      if (deadlineAt > now) break;
      this.finishProcedure(procedure, this.deadlineOf(procedure), now);
    }
    for (const call of this.calls) {
      if (call.deadlineAt > now) break;
      if (call.kind === 'command') this.expireCommand(call, now);
    }
  }

  /** The pause of a lane or a step is over. */
  retryHeld(held: IngressLane | StepCall, now: MonoTime): void {
    if ('kind' in held) {
      if (this.calls.get(held.request) === held) this.sendStep(held, now);
      return;
    }
    if (held.hold !== 'backingOff') return;
    held.hold = 'none';
    this.pump(held, now);
  }

  private giveUpOn(lost: readonly Call[], now: MonoTime): void {
    for (const call of lost) {
      this.unsend(call);
      if (call.kind === 'step') this.doubtStep(call, now);
      else this.askAgain(call, now);
    }
  }

  /** After a refusal the leader is asked, and behind a write of which nobody knows whether it is still to come. */
  private isReadHere({ lane, access }: CommandCall, group: GroupId): boolean {
    const isCertain = lane.setbacks === 0 && lane.doubtful === 0;
    return lane.readsHere && access === 'read' && isCertain && this.host.canReadHere(group);
  }

  private isBusy(peer: NodeId): boolean {
    const { commandsInFlight, requestsPerPeer } = this.options;
    return this.calls.size > commandsInFlight || this.askedOf(peer).requests >= requestsPerPeer;
  }

  private send(call: Call, to: NodeId, group: GroupId, operation: Operation, resumes: boolean): void {
    call.sentTo = to;
    call.attempts += 1;
    if (to !== this.options.self) {
      call.hops += 1;
      this.askedOf(to).requests += 1;
    }
    this.host.send(to, group, call, operation, resumes);
  }

  private unsend(call: Call): void {
    const peer = call.sentTo;
    invariant(peer !== null, 'only what was sent comes back', { request: call.request });
    call.sentTo = null;
    if (call.kind === 'command') call.lane.inFlight -= 1;
    if (peer !== this.options.self) this.askedOf(peer).requests -= 1;
  }

  private askedOf(peer: NodeId): { requests: number } {
    let asked = this.perPeer.get(peer);
    if (asked === undefined) {
      asked = { requests: 0 };
      this.perPeer.set(peer, asked);
    }
    return asked;
  }

  private onCommandOutcome(call: CommandCall, from: NodeId, outcome: Outcome, now: MonoTime): void {
    const { lane } = call;
    switch (outcome.kind) {
      case 'done':
        lane.setbacks = 0;
        lane.frozenTimes = 0;
        if (call.request > lane.doubtful) lane.doubtful = RequestId(0);
        this.end(call, { kind: 'executed', reply: outcome.reply });
        this.settle(lane, now);
        return;
      case 'refused':
        if (isBound(outcome.refusal) && !call.mayHaveRun) {
          this.end(call, busyEnding(outcome.refusal));
          this.settle(lane, now);
          return;
        }
        this.onRefused(call, from, outcome.refusal, now);
        return;
      case 'resolved':
      case 'planned':
      case 'nodes':
      case 'made':
      case 'moving':
      case 'inspected':
      case 'exported':
        this.loseAnswer(call, 'linkLost', now);
        return;
      case 'undecided':
        this.askAgain(call, now);
        return;
      case 'forgotten':
        this.loseAnswer(call, outcome.isSure ? 'replyForgotten' : 'forgotten', now);
        return;
      default:
        unreachable(outcome);
    }
  }

  private onRefused(call: CommandCall, from: NodeId, refusal: Refusal, now: MonoTime): void {
    const { lane } = call;
    const { kind } = refusal;
    if (!isBound(refusal) && kind !== 'frozen') this.host.misrouted(call, refusal);
    if (kind === 'notOwner') lane.mustResolve = true;
    if (kind === 'frozen') lane.isFrozen = true;
    if (kind === 'moved') this.router.shards.learn({ tenant: lane.tenant, ...refusal });
    this.giveBack(call, this.learn(lane.group, from, refusal), now);
  }

  /** Takes the hint in a refusal. Returns whether there is somebody new to ask. */
  private learn(group: GroupId, from: NodeId, refusal: Refusal): boolean {
    if (refusal.kind !== 'notLeader') return refusal.kind === 'notOwner' || refusal.kind === 'moved';
    const { leaders } = this.router;
    const isNews = leaders.learn(group, refusal.leader, refusal.term);
    if (leaders.leaderOf(group) === from) leaders.doubt(group, from);
    else if (leaders.leaderOf(group) === null) leaders.doubt(group, from);
    return isNews;
  }

  /** The command was certainly not executed: it goes back into its lane, in its old place. */
  private giveBack(call: CommandCall, isNews: boolean, now: MonoTime): void {
    const { lane } = call;
    if (lane.isClosed) this.calls.delete(call.request);
    else {
      lane.returned.push(call);
      lane.hold = 'draining';
      if (isNews) lane.hasNews = true;
    }
    this.settle(lane, now);
  }

  /**
   * Nobody knows what became of the command. A write is sent again: if it ran, its session remembers that. So is a
   * read, unless a later write of its lane may have run, which it must not see.
   */
  private askAgain(call: CommandCall, now: MonoTime): void {
    if (call.access === 'write') call.mayHaveRun = true;
    else if (call.request < call.lane.lastWrite) {
      this.loseAnswer(call, 'linkLost', now);
      return;
    }
    this.giveBack(call, false, now);
  }

  /** Goes on with the lane; after a refusal, as soon as nothing of it is under way. */
  private settle(lane: IngressLane, now: MonoTime): void {
    if (lane.hold === 'draining') {
      if (lane.inFlight > 0) return;
      this.requeue(lane);
      if (lane.isFrozen) {
        this.awaitMove(lane, now);
        return;
      }
      const isStuck = !lane.hasNews || lane.setbacks >= limits.setbacksBeforeBackoff;
      lane.hold = 'none';
      lane.hasNews = false;
      lane.setbacks += 1;
      if (isStuck && !lane.mustResolve) {
        this.backOff(lane, now);
        return;
      }
    }
    this.pump(lane, now);
  }

  /** What was refused goes before what was never sent, in the client's order. */
  private requeue(lane: IngressLane): void {
    lane.returned.sort((a, b) => a.request - b.request);
    const waiting = new Queue<CommandCall>();
    for (const call of lane.returned) waiting.push(call);
    for (const call of lane.waiting.drain()) waiting.push(call);
    lane.waiting = waiting;
    lane.returned = [];
  }

  /** That takes a few milliseconds, or, if something is in the way, much longer. */
  private awaitMove(lane: IngressLane, now: MonoTime): void {
    lane.isFrozen = false;
    lane.hasNews = false;
    lane.frozenTimes += 1;
    this.pause(lane, limits.frozenPauseMs * Math.ceil(lane.frozenTimes / limits.frozenPausesAlike), now);
  }

  private backOff(lane: IngressLane, now: MonoTime): void {
    this.pause(lane, this.pauseMs(lane.setbacks), now);
  }

  private pause(lane: IngressLane, pauseMs: number, now: MonoTime): void {
    lane.hold = 'backingOff';
    this.host.schedule({ kind: 'retry', retry: lane, scheduledAt: null }, after(now, pauseMs));
  }

  /** Half fixed, half drawn, so that those who were refused together do not come back together. */
  private pauseMs(setbacks: number): number {
    const pause = Math.min(limits.backoffFirstMs * (1 << Math.min(setbacks, maxDoublings)), limits.backoffLastMs);
    return pause / 2 + (this.random() * pause) / 2;
  }

  private loseAnswer(call: CommandCall, reason: 'linkLost' | 'forgotten' | 'replyForgotten', now: MonoTime): void {
    this.end(call, { kind: 'unknown', reason });
    this.settle(call.lane, now);
  }

  private expireCommand(call: CommandCall, now: MonoTime): void {
    const { lane } = call;
    const wasSent = call.sentTo !== null;
    if (wasSent) this.unsend(call);
    const mayHaveRun = call.mayHaveRun || (wasSent && call.access === 'write');
    const isUnplaced = !wasSent && (lane.hold === 'resolving' || lane.mustResolve);
    const reason = isUnplaced ? 'unplaced' : 'deadline';
    const what = isUnplaced ? String(this.router.homeOf(lane.tenant)) : '';
    this.end(call, mayHaveRun ? { kind: 'unknown', reason: 'deadline' } : { kind: 'notExecuted', reason, what });
    if (wasSent) {
      this.settle(lane, now);
      return;
    }
    lane.returned = lane.returned.filter((other) => other !== call);
    if (lane.waiting.peek() === call) lane.waiting.shift();
  }

  private end(call: CommandCall, ending: Ending): void {
    this.calls.delete(call.request);
    if (ending.kind === 'unknown' && call.access === 'write') call.lane.doubtful = call.request;
    this.host.finished(call, ending);
    forgetAnswered(call.lane);
  }

  /** Holds the lane until whoever keeps its entry has said where its tenant lives. Lanes that ask for the same share one answer. */
  private resolve(lane: IngressLane, now: MonoTime): void {
    lane.hold = 'resolving';
    lane.mustResolve = false;
    const known = this.ensuring.get(lane.tenant);
    if (known !== undefined) {
      known.lanes.add(lane);
      return;
    }
    const { fixedTenants, autoCreateTenants } = this.options;
    const group = fixedTenants?.get(lane.tenant) ?? null;
    if (fixedTenants !== null && group === null) {
      this.resolved(lane, { kind: 'finished', place: null }, now);
      return;
    }
    const procedure = ensureTenant(lane.tenant, autoCreateTenants || fixedTenants !== null, group);
    this.ensuring.set(lane.tenant, { procedure, lanes: new Set([lane]) });
    this.start(procedure, now);
  }

  private resolved(lane: IngressLane, ending: ProcedureEnding, now: MonoTime): void {
    lane.hold = 'none';
    if (lane.isClosed) return;
    const isUnknown = ending.kind === 'finished' && ending.place === null;
    const refused = isUnknown ? notExecuted('unknownTenant', lane.tenant) : ending;
    if (refused.kind === 'notExecuted') {
      for (const call of lane.waiting.drain())
        this.end(call, call.mayHaveRun ? { kind: 'unknown', reason: 'forgotten' } : refused);
      return;
    }
    if (ending.kind === 'deadline') lane.mustResolve = true;
    if (lane.setbacks >= limits.setbacksBeforeBackoff) this.backOff(lane, now);
    else this.pump(lane, now);
  }

  private follow(procedure: Procedure, next: NextStep, now: MonoTime): void {
    if (next.kind === 'loading') {
      this.finishProcedure(procedure, notExecuted('loading', procedure.tenant), now);
      return;
    }
    if (next.kind === 'finished') {
      if (next.place !== null) this.router.shards.learn(next.place);
      this.finishProcedure(procedure, { kind: 'finished', place: next.place }, now);
      return;
    }
    this.makeStep(procedure, next.group, next.operation, now, 0);
  }

  /** Sends a step, at once or after a pause. To the metadata group: to whoever keeps the tenant's entry in its place. */
  private makeStep(procedure: Procedure, group: GroupId, operation: Operation, now: MonoTime, pauseMs: number): void {
    const progress = this.progressOf(procedure);
    const step: StepCall = {
      kind: 'step',
      request: this.calls.nextRequest,
      deadlineAt: after(now, this.options.commandTimeoutMs),
      sentTo: null,
      attempts: 0,
      hops: 0,
      procedure,
      group: group === metadataGroup ? this.router.homeOf(operation.tenant) : group,
      operation,
    };
    this.calls.add(step);
    progress.step = step;
    if (pauseMs > 0) this.host.schedule({ kind: 'retry', retry: step, scheduledAt: null }, after(now, pauseMs));
    else this.sendStep(step, now);
  }

  private sendStep(step: StepCall, now: MonoTime): void {
    const node = this.router.nodeFor(step.group);
    if (node === null) this.repeatStep(step, false, now);
    else this.send(step, node, step.group, step.operation, true);
  }

  private onStepOutcome(step: StepCall, from: NodeId, outcome: Outcome, now: MonoTime): void {
    const { procedure, group } = step;
    if (outcome.kind === 'undecided') {
      this.doubtStep(step, now);
      return;
    }
    // Final, unless it was asked before as well: that may still be logged.
    if (outcome.kind === 'refused' && outcome.refusal.kind === 'quota' && !this.progressOf(procedure).mayHaveRun) {
      this.finishProcedure(procedure, busyEnding(outcome.refusal), now);
      return;
    }
    if (outcome.kind === 'refused' && !isAnswer(outcome.refusal)) {
      this.host.misrouted(step, outcome.refusal);
      this.repeatStep(step, this.learn(group, from, outcome.refusal), now);
      return;
    }
    this.calls.delete(step.request);
    if (changesSomething(step.operation)) this.progressOf(procedure).mayHaveRun = true;
    const next = nextStep(procedure, outcome);
    if (next.kind === 'step' && next.startsOver)
      this.makeStep(procedure, next.group, next.operation, now, this.setBack(procedure));
    else this.follow(procedure, next, now);
  }

  /** Nobody knows what became of it: it is sent again, since it may be. */
  private doubtStep(step: StepCall, now: MonoTime): void {
    if (changesSomething(step.operation)) this.progressOf(step.procedure).mayHaveRun = true;
    this.repeatStep(step, false, now);
  }

  private deadlineOf(procedure: Procedure): ProcedureEnding {
    const { step, mayHaveRun } = this.progressOf(procedure);
    invariant(step !== null, 'a procedure under way has a step', { tenant: procedure.tenant });
    const isOpen = step.sentTo !== null && changesSomething(step.operation);
    return { kind: 'deadline', group: step.group, mayHaveRun: mayHaveRun || isOpen };
  }

  private repeatStep(step: StepCall, isNews: boolean, now: MonoTime): void {
    this.calls.delete(step.request);
    const pauseMs = this.setBack(step.procedure);
    const isStuck = !isNews || this.progressOf(step.procedure).setbacks > limits.setbacksBeforeBackoff;
    this.makeStep(step.procedure, step.group, step.operation, now, isStuck ? pauseMs : 0);
  }

  /** Counts a step that did not help; returns how long to wait before the next. */
  private setBack(procedure: Procedure): number {
    const progress = this.progressOf(procedure);
    progress.setbacks += 1;
    return this.pauseMs(progress.setbacks);
  }

  private progressOf(procedure: Procedure): Progress {
    const progress = this.procedures.get(procedure);
    invariant(progress !== undefined, 'a step belongs to a procedure under way', { tenant: procedure.tenant });
    return progress;
  }

  private finishProcedure(procedure: Procedure, ending: ProcedureEnding, now: MonoTime): void {
    const step = this.procedures.get(procedure)?.step ?? null;
    if (step !== null) {
      if (step.sentTo !== null) this.unsend(step);
      this.calls.delete(step.request);
    }
    this.procedures.delete(procedure);
    const waiting = this.ensuring.get(procedure.tenant);
    if (waiting?.procedure !== procedure) {
      this.host.procedureFinished(procedure, ending);
      return;
    }
    this.ensuring.delete(procedure.tenant);
    for (const lane of waiting.lanes) this.resolved(lane, ending, now);
  }
}

/** How a read ends that was run, or must not be; null if it is to be asked elsewhere. */
function endingOf(outcome: Outcome): Ending | null {
  if (outcome.kind === 'done') return { kind: 'executed', reply: outcome.reply };
  return outcome.kind === 'refused' && isBound(outcome.refusal) ? busyEnding(outcome.refusal) : null;
}

function busyEnding({ what }: Bound): NotExecuted {
  return notExecuted('busy', what);
}

function notExecuted(reason: NotExecuted['reason'], what: string): NotExecuted {
  return { kind: 'notExecuted', reason, what };
}

/** More than may be at a time: to ask elsewhere, or at once again, is of no use. */
type Bound = Extract<Refusal, { kind: 'busy' | 'quota' }>;

function isBound(refusal: Refusal): refusal is Bound {
  return refusal.kind === 'busy' || refusal.kind === 'quota';
}

/** It says where a tenant is or is not: what follows from that, the procedure knows. */
function isAnswer({ kind }: Refusal): boolean {
  return kind === 'notOwner' || kind === 'moved' || kind === 'loading';
}

/** Puts the transaction together. False while a WATCH of it is not answered: it comes before, in the same lane. */
function isPrepared(call: CommandCall, { access, watches, commands, client }: Transaction): boolean {
  if (watches.some(({ reply }) => reply === null)) return false;
  const watched = watches.flatMap((watch) => watch.watched ?? []);
  const args = encodeTransaction(access, watched, commands);
  call.args = client === null ? args : encodeNumbered(client, args);
  return true;
}

const maxDoublings = 10;
