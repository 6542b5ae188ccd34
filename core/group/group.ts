/**
 * One replica of one group: Raft below, a state machine above, and the operations under way between them.
 *
 * Operations are submitted by an ingress, here or on another node, and each ends in exactly one completion.
 * What is submitted in one turn becomes one log entry, and a logged operation ends when that is applied. If
 * leadership is lost before, nobody here can tell what becomes of it: it ends undecided, and its session lets the
 * ingress ask the next leader.
 */
import {
  type GroupId,
  LogIndex,
  type NodeId,
  type ReplicaId,
  type Term,
  unordered,
  type WriteId,
} from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { Queue } from '../base/queue.ts';
import { MonoTime, type Now, WallTime } from '../base/time.ts';
import type { Placed } from '../metadata/place.ts';
import type { Origin, Probe } from '../node/probe.ts';
import { membersOf, nodeIn } from '../raft/configuration.ts';
import { isOfLeader, type Raft } from '../raft/raft.ts';
import type { Configuration, Entry, RaftMessage, RaftOutput } from '../raft/types.ts';
import { exportAnswerBytes } from '../wire/exports.ts';
import type { Execute, Outcome, Refusal } from '../wire/messages.ts';
import { stepBytes } from '../wire/moves.ts';
import { decodeEntryBatch, encodeEntryBatch, type EntryBatch, type LoggedOperation } from '../wire/operation.ts';
import { Checks } from './checks.ts';
import { Gathering, type GatheringLimits } from './gathering.ts';
import { type Lane, Lanes } from './lanes.ts';
import type { Applied, StateMachine } from './machine.ts';
import { ReadQueue, type WaitingRead } from './reads.ts';
import { type SnapshotLimits, Snapshots, type StateOwner } from './snapshots.ts';
import type { Completion, Submission } from './submission.ts';

export interface GroupLimits extends SnapshotLimits, GatheringLimits {
  /** A batch that reaches this many bytes becomes an entry before its turn ends. */
  readonly entryBytes: number;
  /** Operations run in one turn, and bytes of replies made in it; the rest follow in the next. */
  readonly operationsPerTurn: number;
  readonly replyBytesPerTurn: number;
  /** Reads beside the log that may wait at a time. */
  readonly waitingReads: number;
  /** Quorum rounds for reads under way at a time; reads that come meanwhile share the next. */
  readonly readRounds: number;
  /** What a command may make a value grow to: goes into the entries this replica proposes. */
  readonly maxValueBytes: number;
  /** Operations proposed and not applied at a time. */
  readonly proposedOperations: number;
}

/** What the state that this life begins with took on disk, and its log time. */
export interface RestoredState {
  readonly bytes: number;
  readonly stamp: WallTime;
}

/** An entry of our own that is not applied yet. */
interface Proposal {
  readonly index: LogIndex;
  readonly term: Term;
  readonly batch: OwnBatch;
}

/** What an entry takes on disk beside its data, roughly. */
const entryOverheadBytes = 32;

interface OwnBatch extends EntryBatch {
  readonly items: readonly Submission[];
}

export class Group implements StateOwner {
  readonly id: GroupId;
  readonly raft: Raft;
  readonly machine: StateMachine;
  readonly snapshots: Snapshots;
  /** What came to an end since the owner last drained it. */
  readonly completions = new Queue<Completion>();
  readonly lanes = new Lanes();
  /** Replicas whose state differs from the others', as this leader has found. */
  readonly outliers = new Set<ReplicaId>();
  /** Since when this replica has led without a break; null if it does not. */
  ledSince: MonoTime | null = null;
  /** What was told of it last: the log index of the configuration that is committed. */
  toldConfiguration = LogIndex(0);
  /** Operations that it was asked for. */
  submitted = 0;
  private readonly nodes = new Map<ReplicaId, NodeId>();
  /** Replicas that this leader has put in the place of lost ones: by node, in which life of it and in which term. */
  private readonly renewals = new Map<
    NodeId,
    { readonly boot: number; readonly term: Term; readonly replica: ReplicaId }
  >();
  private readonly limits: GroupLimits;
  private readonly probe: Probe | null;
  private appliedIndex: LogIndex;
  private stamp: WallTime;
  /** The turn it was advanced in last, and what that turn may still run. */
  private turn = 0;
  private operationsLeft: number;
  private replyBytesLeft: number;
  /** A turn may put off what is committed, if the last one did not, and if this one has. */
  private mayPutOff = true;
  private hasPutOff = false;
  private batch: Submission[] = [];
  private batchBytes = 0;
  private readonly gathering: Gathering;
  /** Of the present term, by index. */
  private readonly proposals = new Queue<Proposal>();
  private proposedCount = 0;
  private readonly reads = new ReadQueue();
  private readonly checks = new Checks();
  /** What waits in it arrived while this replica led. */
  private readsAsLeader = false;

  /** `machine` has the state of `raft`'s base. */
  constructor(
    id: GroupId,
    raft: Raft,
    machine: StateMachine,
    restored: RestoredState,
    limits: GroupLimits,
    probe: Probe | null,
  ) {
    this.id = id;
    this.raft = raft;
    this.machine = machine;
    this.limits = limits;
    this.gathering = new Gathering(limits);
    this.operationsLeft = limits.operationsPerTurn;
    this.replyBytesLeft = limits.replyBytesPerTurn;
    this.probe = probe;
    this.appliedIndex = raft.state.log.baseIndex;
    this.stamp = restored.stamp;
    this.snapshots = new Snapshots(this, raft, machine, limits, restored.bytes);
  }

  get applied(): LogIndex {
    return this.appliedIndex;
  }

  /** The latest log time this replica has applied. */
  get lastStamp(): WallTime {
    return this.stamp;
  }

  get isLeader(): boolean {
    return this.raft.state.role === 'leader';
  }

  /** The node of a replica of this group. Null if it was not heard of. */
  nodeOf(replica: ReplicaId): NodeId | null {
    const { raft, nodes } = this;
    const committed = nodeIn(raft.committedConfiguration, replica);
    // What is committed never changes, and is remembered of those that leave. What is not may be taken back.
    if (committed !== null) nodes.set(replica, committed);
    return nodes.get(replica) ?? raft.state.log.nodeOf(replica);
  }

  /** A replica speaks that nothing committed here names: there are newer configurations. */
  introduce(replica: ReplicaId, node: NodeId): void {
    this.nodes.set(replica, node);
  }

  /**
   * Whether what a replica says on this node is to be heard. Two leaders may have given one id, to replicas on different
   * nodes, and only one of them got it committed: if that leads now, what is in the log here and not committed is wrong.
   */
  hears(replica: ReplicaId, node: NodeId, message: RaftMessage): boolean {
    const known = this.nodeOf(replica);
    if (known === node) return true;
    const { raft } = this;
    const leads = isOfLeader(message) && message.term >= raft.state.term;
    if (known !== null && (!leads || nodeIn(raft.committedConfiguration, replica) !== null)) return false;
    this.introduce(replica, node);
    return true;
  }

  /** The node that leads, as far as this replica knows. */
  get leaderNode(): NodeId | null {
    const { leader } = this.raft.state;
    return leader === null ? null : this.nodeOf(leader);
  }

  /** True while committed entries wait to be applied. */
  get hasBacklog(): boolean {
    return this.appliedIndex < this.raft.state.commitIndex;
  }

  /** True if a turn ended before everything that could run had run. */
  get wantsTurn(): boolean {
    return this.hasBacklog || this.isExhausted;
  }

  /** Operations that wait for something in here: bounded by `limits`. */
  get waiting(): number {
    return this.proposedCount + this.reads.length;
  }

  /**
   * Takes an operation. Its completion follows, in this turn or a later one. `turn` as in `advance`. `elsewhere`: where its
   * tenant is, if it is known to be in another group whatever the state here says.
   */
  submit(submission: Submission, now: Now, turn: number, elsewhere: Placed | null = null): void {
    const outcome = this.take(submission, now, turn, elsewhere);
    if (outcome !== null) this.complete(submission, outcome);
  }

  /** As `submit`, but what comes to an end at once is returned, and has no completion. */
  take(submission: Submission, now: Now, turn: number, elsewhere: Placed | null): Outcome | null {
    this.beginTurn(turn);
    this.submitted += 1;
    const lane = submission.lane === unordered ? null : this.lanes.at(submission.origin.node, submission.lane);
    const refusal = this.refusalOf(submission, lane) ?? (elsewhere === null ? null : { kind: 'moved', ...elsewhere });
    const outcome: Outcome | null =
      refusal === null ? this.machine.judge(submission, now.mono) : { kind: 'refused', refusal };
    if (outcome !== null) {
      if (outcome.kind === 'refused' && outcome.refusal.kind !== 'quota') this.block(submission);
      return outcome;
    }
    if (this.machine.accessOf(submission.operation) === 'read') return this.read(submission, lane, now);
    this.write(submission, lane);
    return null;
  }

  /**
   * Runs a client's read if it need not wait for anything, neither for a proof that this replica leads nor for what is
   * committed to be applied; null if it must be submitted. Nothing of its lane may be under way. `turn` as in `advance`.
   */
  readAtOnce(operation: Execute, origin: Origin, now: Now, turn: number): Outcome | null {
    this.beginTurn(turn);
    if (!this.canServeAtOnce(now.mono)) return null;
    const refusal = this.machine.judge({ operation, isRetry: false }, now.mono);
    if (refusal !== null) return refusal;
    this.submitted += 1;
    this.probe?.readRegistered({ group: this.id, term: this.raft.state.term, origin });
    return this.run(operation, origin, now);
  }

  /**
   * Ends the turn for what was submitted: one entry, one quorum round. What comes while the last entry is on its
   * way gathers for the next, and reads that come while rounds are under way share the next: the busier the
   * group, the larger its batches. What is committed is to be applied before (`advance`).
   */
  endTurn(now: Now): void {
    if (!this.isLeader) this.ledSince = null;
    else this.ledSince ??= now.mono;
    if (!this.isLeader || (this.raft.isSynced && !this.isGathering(now.mono))) this.proposeBatch(now);
    if (this.reads.hasArrivals && this.reads.rounds < this.limits.readRounds) this.startReads(now.mono);
    this.raft.endTurn(now.mono);
  }

  /** When `onTimer` wants to be called: for Raft, or for a batch that waits no longer. Null while the group is at rest. */
  deadlineAt(now: MonoTime): MonoTime | null {
    const { deadlineAt } = this.raft;
    const until = this.batch.length > 0 ? this.gathering.deadlineAt(now) : null;
    return until !== null && deadlineAt !== null ? MonoTime(Math.min(deadlineAt, until)) : deadlineAt;
  }

  private isGathering(mono: MonoTime): boolean {
    return this.gathering.isWaiting(this.batch.length, this.raft.awaitsFollowers, mono);
  }

  onLinkDown(peer: NodeId): void {
    this.lanes.unblock(peer);
    if (!this.isLeader) return;
    for (const { node, replica } of membersOf(this.raft.configuration))
      if (node === peer) this.raft.onLinkDown(replica);
  }

  /** Raft's timer. A group for which nobody waits may rest. */
  onTimer(now: MonoTime): void {
    const isIdle = this.waiting === 0 && !this.hasBacklog && !this.snapshots.hasWork(now);
    this.raft.onTimer(now, isIdle);
  }

  /** Applies what is committed and serves the reads that have become ready. `turn` numbers the turns of the node. */
  advance(now: Now, turn: number): void {
    this.beginTurn(turn);
    this.snapshots.hear(now.mono);
    this.compareStates();
    if (this.hasBacklog && !this.putsOff()) this.applyCommitted(now.mono);
    const oldest = this.proposals.peek();
    if (oldest !== undefined && (!this.isLeader || oldest.term !== this.raft.state.term)) this.surrender();
    if (this.reads.length > 0) this.serveReads(now);
  }

  private beginTurn(turn: number): void {
    if (turn === this.turn) return;
    this.turn = turn;
    this.operationsLeft = this.limits.operationsPerTurn;
    this.replyBytesLeft = this.limits.replyBytesPerTurn;
    this.mayPutOff = !this.hasPutOff;
    this.hasPutOff = false;
  }

  /**
   * At a follower the state comes behind the disk: nobody waits for what is applied here, but a quorum may for what this
   * turn has to write. So what is committed is left to the next turn, and never two turns in a row.
   */
  private putsOff(): boolean {
    if (this.isLeader || !this.mayPutOff || !this.raft.hasUnwritten) return false;
    this.hasPutOff = true;
    return true;
  }

  /**
   * A node has lost its replica, in that life of it: another takes its place, once only. Returns the id of that when
   * it is committed; null if it is not yet, or cannot be begun now.
   */
  renew(node: NodeId, boot: number, now: MonoTime): ReplicaId | null {
    const { raft } = this;
    const { term } = raft.state;
    const known = this.renewals.get(node);
    const isIn = (configuration: Configuration): boolean =>
      membersOf(configuration).some(({ replica }) => replica === known?.replica);
    // One that was put in its place may have been replaced since, by somebody who did not know.
    if (known?.boot === boot && known.term === term && isIn(raft.configuration))
      return isIn(raft.committedConfiguration) ? known.replica : null;
    const lost = membersOf(raft.configuration).find((member) => member.node === node);
    if (lost === undefined) return null;
    const learner = raft.configuration.learners.find(({ replica }) => replica === lost.replica);
    const { joins, replaces } = learner ?? { joins: true, replaces: lost.replica };
    if (raft.changeMembership({ kind: 'add', node, joins, replaces }, now) === 'begun')
      this.renewals.set(node, { boot, term, replica: raft.configuration.highest });
    return null;
  }

  /** The replica is no member any more: whoever waits for it is told. */
  leave(now: Now, turn: number): void {
    this.raft.leave(now.mono);
    this.endTurn(now);
    this.advance(now, turn);
  }

  takeOutput(write: WriteId): RaftOutput {
    return this.raft.takeOutput(write);
  }

  onPersisted(upTo: WriteId, now: MonoTime): void {
    this.raft.onPersisted(upTo, now);
    this.snapshots.onPersisted(upTo);
  }

  onInstalled(index: LogIndex, stamp: WallTime): void {
    this.appliedIndex = index;
    this.stamp = stamp;
  }

  /** Tells the leader what this replica has as of a check, or, as the leader, looks who differs. */
  private compareStates(): void {
    const { raft, checks } = this;
    const own = this.snapshots.takeDigest();
    if (own !== null && !this.isLeader) raft.reportDigest(own.index, own.digest);
    if (own !== null) checks.note(raft.id, own.index, own.digest);
    let isNews = own !== null;
    for (let report = raft.takeDigest(); report !== null; report = raft.takeDigest()) {
      checks.note(report.from, report.message.index, report.message.digest);
      isNews = true;
    }
    if (!isNews || !this.isLeader) return;
    for (const outlier of checks.outliers(raft.configuration.voters.map(({ replica }) => replica)))
      this.outliers.add(outlier);
  }

  /** Puts another in the place of a replica whose state differs from the others'. True when that is begun, or no use. */
  replaceOutlier(outlier: ReplicaId, now: MonoTime): boolean {
    const { raft } = this;
    const member = membersOf(raft.configuration).find(({ replica }) => replica === outlier);
    if (!this.isLeader || member === undefined) return true;
    const learner = raft.configuration.learners.find(({ replica }) => replica === outlier);
    const { joins, replaces } = learner ?? { joins: true, replaces: outlier };
    return raft.changeMembership({ kind: 'add', node: member.node, joins, replaces }, now) === 'begun';
  }

  private refusalOf(submission: Submission, lane: Lane | null): Refusal | null {
    if (lane !== null) {
      if (lane.blocked && !submission.resumes) return { kind: 'outOfOrder' };
      lane.blocked = false;
    }
    if (!this.isLeader) return this.refusalOfRead(submission);
    const { canPropose } = this.raft;
    if (canPropose === 'busy') return { kind: 'busy', what: 'uncommitted bytes of the group' };
    if (canPropose === 'notLeader') return this.notLeader();
    if (canPropose === 'full' && this.isWritten(submission, lane)) return diskShort;
    if (this.proposedCount >= this.limits.proposedOperations)
      return { kind: 'busy', what: 'proposed operations of the group' };
    if (this.reads.length >= this.limits.waitingReads) return { kind: 'busy', what: 'waiting reads of the group' };
    return null;
  }

  /** What does not lead serves nothing but reads whose clients asked for it. */
  private refusalOfRead({ readsHere, operation }: Submission): Refusal | null {
    if (!readsHere || !this.canRead || this.machine.accessOf(operation) !== 'read') return this.notLeader();
    if (this.reads.length >= this.limits.waitingReads) return { kind: 'busy', what: 'waiting reads of the group' };
    return null;
  }

  /** There is a leader, here or elsewhere, to say what must be applied for a read, and it is not known to be silent. */
  get canRead(): boolean {
    const { leader, leaderHeardAt, isRemoved, isSuspect } = this.raft.state;
    return leader !== null && (this.isLeader || leaderHeardAt !== null) && !isRemoved && !isSuspect;
  }

  private notLeader(): Refusal {
    const { term } = this.raft.state;
    return { kind: 'notLeader', leader: this.isLeader ? null : this.leaderNode, term };
  }

  private write(submission: Submission, lane: Lane | null): void {
    if (lane !== null) {
      for (const read of lane.reads) {
        read.isLogged = true;
        lane.logged += 1;
        this.append(read.submission);
      }
      lane.reads.length = 0;
      lane.logged += 1;
    }
    this.append(submission);
  }

  /** Returns what it is answered if it need not wait. */
  private read(submission: Submission, lane: Lane | null, now: Now): Outcome | null {
    if (lane !== null && lane.logged > 0) {
      lane.logged += 1;
      this.append(submission);
      return null;
    }
    this.probe?.readRegistered({ group: this.id, term: this.raft.state.term, origin: submission.origin });
    if ((lane === null || lane.reads.length === 0) && this.canServeAtOnce(now.mono)) return this.serve(submission, now);
    const read: WaitingRead = { submission, isLogged: false };
    lane?.reads.push(read);
    if (this.reads.length === 0) this.readsAsLeader = this.isLeader;
    this.reads.add(read);
    return null;
  }

  /** A lease says what a quorum round would, and everything that is committed is applied: nothing is to be waited for. */
  private canServeAtOnce(mono: MonoTime): boolean {
    return !this.hasBacklog && !this.isExhausted && this.raft.hasLease(mono);
  }

  private append(submission: Submission): void {
    this.batch.push(submission);
    this.batchBytes += sizeOf(submission.operation);
    this.proposedCount += 1;
  }

  /** True when the batch has grown to an entry of its own. */
  get isBatchFull(): boolean {
    return this.batchBytes >= this.limits.entryBytes;
  }

  /** Makes an entry of what was submitted so far. */
  proposeBatch({ mono, wall }: Now): void {
    if (this.batch.length === 0) return;
    const submissions = this.batch;
    this.batch = [];
    this.batchBytes = 0;
    this.gathering.onProposed(submissions.length, mono);
    const batch: OwnBatch = { stamp: wall, maxValueBytes: this.limits.maxValueBytes, items: submissions };
    const index = this.isLeader ? this.raft.propose(encodeEntryBatch(batch)) : null;
    if (index === null) {
      this.proposedCount -= submissions.length;
      const refusal = this.refusalOfProposal();
      for (const submission of submissions) this.refuseLogged(submission, refusal);
      return;
    }
    const { term } = this.raft.state;
    this.proposals.push({ index, term, batch });
    this.probe?.proposed({ group: this.id, term, index, origins: submissions.map(({ origin }) => origin) });
  }

  private refusalOfProposal(): Refusal {
    if (!this.isLeader) return this.notLeader();
    return this.raft.canPropose === 'full' ? diskShort : { kind: 'busy', what: 'uncommitted bytes of the group' };
  }

  /** It goes to the log: a write, or a read behind a write of its lane. */
  private isWritten({ operation }: Submission, lane: Lane | null): boolean {
    return this.machine.accessOf(operation) === 'write' || (lane !== null && lane.logged > 0);
  }

  private startReads(mono: MonoTime): void {
    const point = this.raft.requestRead(mono);
    if (point !== null) this.reads.start(this.raft.state.term, point);
  }

  private serveReads(now: Now): void {
    const { raft } = this;
    if (this.isLeader !== this.readsAsLeader || !this.canRead) {
      this.readsAsLeader = this.isLeader;
      this.refuseReads(this.reads.takeAll());
      return;
    }
    for (
      let stale = this.reads.takeStale(raft.state.term);
      stale !== null;
      stale = this.reads.takeStale(raft.state.term)
    ) {
      this.refuseReads(stale);
    }
    while (!this.isExhausted) {
      const read = this.reads.takeReady(this.appliedIndex, (point) => raft.readIndexOf(point));
      if (read === null) return;
      if (read.isLogged) {
        this.operationsLeft -= 1;
        continue;
      }
      this.forgetRead(read);
      this.complete(read.submission, this.serve(read.submission, now));
    }
  }

  private refuseReads(reads: readonly WaitingRead[]): void {
    const refusal = this.notLeader();
    for (const read of reads) {
      if (read.isLogged) continue;
      this.forgetRead(read);
      this.refuse(read.submission, refusal);
    }
  }

  private serve(submission: Submission, now: Now): Outcome {
    const outcome = this.run(submission.operation, submission.origin, now);
    if (outcome.kind === 'refused') this.block(submission);
    return outcome;
  }

  /** Beside the log, as of what is applied now. */
  private run(operation: LoggedOperation, origin: Origin, now: Now): Outcome {
    this.operationsLeft -= 1;
    const outcome = this.machine.read(operation, WallTime(Math.max(now.wall, this.stamp)));
    this.count(outcome);
    if (this.probe === null || outcome.kind !== 'done' || operation.kind !== 'execute') return outcome;
    const { tenant, incarnation, args } = operation;
    const { term } = this.raft.state;
    this.probe.readServed({
      group: this.id,
      term,
      applied: this.appliedIndex,
      origin,
      tenant,
      incarnation,
      args,
      isFollowers: !this.isLeader,
      reply: outcome.reply,
    });
    return outcome;
  }

  private forgetRead(read: WaitingRead): void {
    const { origin, lane: laneId } = read.submission;
    if (laneId === unordered) return;
    const { reads } = this.lanes.at(origin.node, laneId);
    if (reads[0] === read) reads.shift();
    else reads.splice(reads.indexOf(read), 1);
  }

  /** This turn has run what it may. */
  private get isExhausted(): boolean {
    return this.operationsLeft <= 0 || this.replyBytesLeft <= 0;
  }

  private applyCommitted(now: MonoTime): void {
    const { commitIndex } = this.raft.state;
    for (const entry of this.raft.entriesBetween(this.appliedIndex, commitIndex)) {
      if (this.isExhausted) return;
      this.operationsLeft -= this.applyEntry(entry, now);
    }
  }

  /** Returns how many operations it was. */
  private applyEntry(entry: Entry, now: MonoTime): number {
    invariant(entry.index === this.appliedIndex + 1, 'entries are applied without gaps', { index: entry.index });
    this.appliedIndex = entry.index;
    this.snapshots.noteApplied(entry.data.length + entryOverheadBytes);
    const proposal = this.takeProposal(entry);
    if (entry.kind === 'check') this.snapshots.onCheck();
    if (entry.kind !== 'data') return 1;
    if (proposal !== null) {
      this.applyBatch(entry, proposal.batch);
      for (const submission of proposal.batch.items) this.unlog(submission);
      this.gathering.onAnswered(proposal.batch.items.length, this.batch.length, now);
      return proposal.batch.items.length;
    }
    const batch = decodeEntryBatch(entry.data);
    invariant(batch !== 'malformed', 'a committed entry can be read', { group: this.id, index: entry.index });
    this.applyBatch(entry, batch);
    return batch.items.length;
  }

  private applyBatch(entry: Entry, { stamp, maxValueBytes, items }: EntryBatch | OwnBatch): void {
    if (stamp > this.stamp) this.stamp = stamp;
    const terms = { stamp: this.stamp, maxValueBytes };
    for (let position = 0; position < items.length; position += 1) {
      const item = items[position];
      if (item === undefined) continue;
      const isOurs = 'resumes' in item;
      const applied = this.machine.apply(item, terms, isOurs);
      if (isOurs) this.answer(item, applied);
      if (this.probe === null) continue;
      const executed = applied.kind !== 'refused' && applied.kind !== 'remembered' && applied.kind !== 'forgotten';
      const reply = isOurs ? replyOf(applied) : null;
      const { index, term } = entry;
      this.probe.applied({
        group: this.id,
        index,
        term,
        position,
        origin: item.origin,
        operation: item.operation,
        executed,
        reply,
      });
    }
  }

  /** What comes behind one that is refused must not run before it has come again. */
  private answer(submission: Submission, applied: Applied): void {
    const outcome = outcomeOf(applied);
    this.count(outcome);
    if (outcome.kind === 'refused') this.block(submission);
    this.complete(submission, outcome);
  }

  /** The proposal that became this entry, if it is ours. */
  private takeProposal(entry: Entry): Proposal | null {
    const head = this.proposals.peek();
    if (head?.term !== entry.term || head.index > entry.index) return null;
    invariant(head.index === entry.index, 'proposals of a term are applied in order', { head: head.index });
    this.proposals.shift();
    this.proposedCount -= head.batch.items.length;
    return head;
  }

  /** Leadership is gone: what becomes of what was proposed under it, only later leaders know. */
  private surrender(): void {
    for (const { batch } of this.proposals.drain()) {
      this.proposedCount -= batch.items.length;
      for (const submission of batch.items) {
        this.unlog(submission);
        this.block(submission);
        this.complete(submission, undecided);
      }
    }
  }

  private refuseLogged(submission: Submission, refusal: Refusal): void {
    this.unlog(submission);
    this.refuse(submission, refusal);
  }

  private unlog(submission: Submission): void {
    const { origin, lane: laneId } = submission;
    if (laneId !== unordered) this.lanes.at(origin.node, laneId).logged -= 1;
  }

  private refuse(submission: Submission, refusal: Refusal): void {
    this.block(submission);
    this.complete(submission, { kind: 'refused', refusal });
  }

  private block(submission: Submission): void {
    if (submission.lane !== unordered) this.lanes.at(submission.origin.node, submission.lane).blocked = true;
  }

  private complete({ origin, attempt, operation }: Submission, outcome: Outcome): void {
    this.completions.push({ origin, attempt, tenant: operation.tenant, outcome });
  }

  /** What this turn has left for replies. */
  private count(outcome: Outcome): void {
    if (outcome.kind === 'done') this.replyBytesLeft -= outcome.reply.length;
    else if (outcome.kind === 'exported') this.replyBytesLeft -= exportAnswerBytes(outcome.answer);
  }
}

const undecided: Outcome = { kind: 'undecided' };
const diskShort: Refusal = { kind: 'busy', what: 'the disk of the leader is nearly full' };

/** To who asked, it makes no difference that it ran when it was asked for the first time. */
function outcomeOf(applied: Applied): Outcome {
  return applied.kind === 'remembered' ? { kind: 'done', reply: applied.reply } : applied;
}

function replyOf(applied: Applied): Uint8Array | null {
  return applied.kind === 'done' || applied.kind === 'remembered' ? applied.reply : null;
}

/** Bytes the operation will take in the log, roughly. */
function sizeOf(operation: LoggedOperation): number {
  let bytes = operationOverheadBytes;
  if (operation.kind === 'execute') for (const arg of operation.args) bytes += arg.length;
  else if (operation.kind === 'purge') for (const key of operation.keys) bytes += key.length;
  else if (operation.kind === 'move') bytes += stepBytes(operation.step);
  return bytes;
}

const operationOverheadBytes = 32;
