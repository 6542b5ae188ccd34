/**
 * One replica's consensus. Feed it messages, time and proposals during a turn; then `endTurn`, then
 * `takeOutput`; tell it `onPersisted` when the disk has what it wrote. It never sends, writes or looks at a
 * clock itself.
 *
 * This is the only file that changes role, term and vote. Terms are judged once, at the top of `step` (§3.3);
 * below that, a message is of the present term.
 */
import { noBytes } from '../base/bytes.ts';
import { LogIndex, type NodeId, type ReplicaId, Term, type WriteId } from '../base/ids.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { Queue } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import { after, type MonoTime, nextMultiple } from '../base/time.ts';
import { Outbox } from './outbox.ts';
import {
  firstConfiguration,
  isJoint,
  isRemoved,
  isVoter,
  membersOf,
  settled,
  withFirst,
  withLearner,
  without,
  withVote,
} from './configuration.ts';
import { firstTermOf } from './generation.ts';
import { Liveness } from './liveness.ts';
import { Membership } from './membership.ts';
import type { Configuration } from './types.ts';
import { encodeConfiguration } from '../wire/configuration.ts';
import { outcomeOfVote } from './quorum.ts';
import { Replication, type SnapshotChunk, type SnapshotReply } from './replication.ts';
import { type ReadPoint, Reads } from './reads.ts';
import { initialState, isSynced, type Progress, type RaftConfig, type RaftState } from './state.ts';
import type { Entry, EntryKind, LogBase, RaftMessage, RaftOutput, RestoredReplica } from './types.ts';

/** Of the span of election timeouts, what is the home replica's: enough for it to win before another begins. */
const homeShare = 0.25;
/** A disk that takes longer than so many election timeouts has stalled. */
const stalledElections = 2;
/** A replica that did not take leadership over is left alone for so many election timeouts. */
const declinedElections = 16;

/** A group rests when nothing was asked of it for so many heartbeats. */
const restAfterHeartbeats = 3;

type Of<Kind extends RaftMessage['kind']> = Extract<RaftMessage, { kind: Kind }>;

/** Where a replica stands, as its leader sees it. */
export interface ReplicaProgress {
  readonly replica: ReplicaId;
  readonly matchIndex: LogIndex;
  readonly mode: 'self' | Progress['mode'];
  /** It answered within the last election timeout. */
  readonly isAlive: boolean;
}

/** What may be changed in a group: one thing at a time (§4.1). `replaces`: the new replica takes that one's place. */
export type MembershipChange =
  | { readonly kind: 'add'; readonly node: NodeId; readonly joins: boolean; readonly replaces: ReplicaId | null }
  | { readonly kind: 'remove'; readonly replica: ReplicaId }
  /** A voter: the leader is to be there. */
  | { readonly kind: 'prefer'; readonly replica: ReplicaId };

/** What a replica has as of a check. */
export interface ReportedDigest {
  readonly from: ReplicaId;
  readonly message: Of<'stateDigest'>;
}

export class Raft {
  readonly id: ReplicaId;
  readonly state: RaftState;
  private readonly config: RaftConfig;
  private readonly random: Random;
  private readonly out: Outbox;
  private readonly replication: Replication;
  private readonly reads: Reads;
  private readonly liveness: Liveness;
  private readonly membership: Membership;
  private readonly digests = new Queue<ReportedDigest>();

  /** `restored` is what the disk has; all of it counts as durable. */
  constructor(config: RaftConfig, restored: RestoredReplica, random: Random, now: MonoTime) {
    this.id = config.id;
    this.config = config;
    this.random = random;
    this.state = initialState(restored, config.firstTicket, now);
    this.out = new Outbox(this.state);
    this.replication = new Replication(config, this.state, this.out);
    this.reads = new Reads(config, this.state, this.out);
    this.liveness = new Liveness(config, this.state);
    this.membership = new Membership(config.id, this.state, this.liveness);
    this.resetElectionTimer(now);
    // A restart forgets what was promised to a leader (a lease, or that it is alive), so the promise is made
    // anew. A replica that never spoke in any term has promised nothing.
    if (restored.hardState.term > 0) this.state.leaderHeardAt = now;
  }

  /** When `onTimer` wants to be called; null while the group is at rest. */
  get deadlineAt(): MonoTime | null {
    const s = this.state;
    if (s.isResting) return null;
    return s.role === 'leader' ? s.heartbeatAt : s.electionAt;
  }

  /** Nothing of this replica waits for its disk. */
  get isSynced(): boolean {
    return isSynced(this.state);
  }

  /** There are entries that are yet to be given to its disk. */
  get hasUnwritten(): boolean {
    return this.state.unwrittenFrom <= this.state.log.lastIndex;
  }

  /** A follower that keeps up has not answered for everything that was sent to it. */
  get awaitsFollowers(): boolean {
    return this.replication.awaitsFollowers;
  }

  /** Whether it takes data: `full`, the disk does not. */
  get canPropose(): 'yes' | 'notLeader' | 'busy' | 'full' {
    const { canAppend } = this;
    return canAppend === 'yes' && this.config.isDiskShort() ? 'full' : canAppend;
  }

  private get canAppend(): 'yes' | 'notLeader' | 'busy' {
    if (this.state.role !== 'leader' || this.state.transferTo !== null) return 'notLeader';
    return this.state.uncommittedBytes < this.config.maxUncommittedBytes ? 'yes' : 'busy';
  }

  step(from: ReplicaId, message: RaftMessage, now: MonoTime): void {
    const s = this.state;
    if (s.isRemoved) return;
    if (message.kind === 'removed') {
      this.leave(now);
      return;
    }
    if (s.successors !== null) return;
    if (message.kind === 'voteRequest') this.notePetition(from, message, now);
    if (s.isResting && !isEcho(message)) this.wake(now);
    if (this.isVoid(from, message)) {
      this.out.sendAfterHardState(from, { kind: 'removed', term: s.term });
      return;
    }
    if (message.term > s.term && !this.isOnlyAsked(message)) {
      if (message.kind === 'voteRequest' && this.hearsLeader(message, now)) return;
      this.becomeFollower(message.term, isOfLeader(message) ? from : null, now);
    }
    if (message.term < s.term) {
      this.answerOldTerm(from, message);
      return;
    }
    switch (message.kind) {
      case 'voteRequest':
        this.onVoteRequest(from, message, now);
        return;
      case 'voteReply':
        this.onVoteReply(from, message, now);
        return;
      case 'append':
        this.followLeader(from, now);
        // Not acknowledged, so sent again: by then there may be room.
        if (this.config.isDiskShort() && message.entries.some(({ kind }) => kind === 'data')) return;
        this.replication.onAppend(from, message);
        return;
      case 'heartbeat':
        this.followLeader(from, now);
        this.replication.onHeartbeat(from, message);
        return;
      case 'rest':
        this.followLeader(from, now);
        this.onRest(message);
        return;
      case 'snapshotChunk':
        this.followLeader(from, now);
        if (!this.config.isDiskShort()) this.replication.onSnapshotChunk(from, message);
        return;
      case 'snapshotReply':
        if (s.role === 'leader') this.replication.onSnapshotReply(from, message, now);
        return;
      case 'appendReply':
        if (s.role === 'leader') this.replication.onAppendReply(from, message, now);
        this.maybeHandOver();
        return;
      case 'heartbeatReply':
        if (s.role === 'leader') this.replication.onHeartbeatReply(from, message, now);
        return;
      case 'readRequest':
        this.reads.onRequest(from, message, now);
        return;
      case 'readReply':
        this.reads.onReply(message);
        return;
      case 'stateDigest':
        if (s.role === 'leader') this.digests.push({ from, message });
        return;
      case 'timeoutNow':
        if (s.role === 'follower') this.onOffer(from, message, now);
        return;
      default:
        unreachable(message);
    }
  }

  /** The data becomes the next entry. Null if this replica does not lead or too much is uncommitted. */
  propose(data: Uint8Array): LogIndex | null {
    if (this.canPropose !== 'yes') return null;
    return this.appendOwn('data', data);
  }

  /**
   * What a read that has arrived waits for; reads of a turn share it. Null: nobody is known who could say. Points are
   * of no use any more when the term or the role changes.
   */
  requestRead(now: MonoTime): ReadPoint | null {
    if (this.state.role !== 'leader') this.wake(now);
    return this.reads.request(now);
  }

  /** What must be applied before reads of the point run; null: it is not known yet whether they may. */
  readIndexOf(point: ReadPoint): LogIndex | null {
    return this.reads.indexOf(point);
  }

  /** A read that has arrived may run now, if everything committed is applied: it counts as something asked of the leader. */
  hasLease(now: MonoTime): boolean {
    if (!this.reads.hasLease(now)) return false;
    this.state.isBusy = true;
    return true;
  }

  /** The clock, the disk or the state here cannot be trusted: no lease for the rest of the term. */
  dropLease(): void {
    this.state.leaseRevoked = true;
    this.state.leaseUntil = null;
  }

  /** `isIdle`: nobody waits for anything of this replica, so that the group may rest. */
  onTimer(now: MonoTime, isIdle = false): void {
    const s = this.state;
    const { deadlineAt } = this;
    if (s.isRemoved || deadlineAt === null || now < deadlineAt) return;
    if (s.role !== 'leader') {
      if (s.successors !== null) this.askSuccessors(s.successors.replicas, now);
      else if (this.membership.mayLead) this.campaign(false, now);
      else this.askWhetherMember(now);
      return;
    }
    if (s.transferUntil !== null && now >= s.transferUntil) this.endTransfer(now);
    if (!this.replication.hearsQuorum(now)) {
      this.becomeFollower(s.term, null, now);
      return;
    }
    this.watchDisk(now);
    this.makeWay(now);
    this.promoteLearner(now);
    if (s.isBusy) s.idleHeartbeats = 0;
    else s.idleHeartbeats += 1;
    s.isBusy = false;
    if (isIdle && this.mayRest(now)) {
      this.rest();
      return;
    }
    this.replication.onHeartbeatDue(now);
    s.heartbeatAt = nextMultiple(now, this.config.heartbeatMs);
  }

  /** Something is to be done or said, or nothing is heard of the leader's node. */
  wake(now: MonoTime): void {
    const s = this.state;
    if (!s.isResting) return;
    for (const [replica, progress] of s.progress) progress.heardAt = this.liveness.heardAt(replica, progress);
    s.isResting = false;
    if (s.role !== 'leader') {
      const heardAt = s.leader === null ? null : this.config.nodeHeardAt(s.leader);
      if (heardAt !== null && (s.leaderHeardAt === null || heardAt > s.leaderHeardAt)) s.leaderHeardAt = heardAt;
      this.resetElectionTimer(now);
      return;
    }
    s.idleHeartbeats = 0;
    this.replication.startRound(now);
    s.heartbeatAt = nextMultiple(now, this.config.heartbeatMs);
  }

  /** The link to the node of a replica is down: whether that is still what it was is to be seen. */
  onLinkDown(replica: ReplicaId): void {
    const progress = this.state.progress.get(replica);
    if (progress !== undefined) progress.hasAnswered = false;
  }

  /** At rest: the nodes of a majority are alive. */
  isBacked(now: MonoTime): boolean {
    return this.liveness.hasMajority(now);
  }

  /** Many groups that would begin an election at the same time do so one after the other. */
  postponeElection(ms: number): void {
    this.state.electionAt = after(this.state.electionAt, ms);
  }

  onPersisted(upTo: WriteId, now: MonoTime): void {
    this.out.onPersisted(upTo);
    const s = this.state;
    if (s.role === 'leader') this.replication.onOwnLogDurable();
    else if (s.role === 'candidate' && this.membership.isAlone) this.maybeWin(now);
  }

  /**
   * Offers leadership to a follower, null: to the one that is furthest of those that did not decline it, or declined it
   * longest ago. False if there is nobody to offer it to, or an offer is under way. `stays`: the new leader is not to
   * give it back.
   */
  transferLeadership(to: ReplicaId | null, now: MonoTime, stays = false): boolean {
    const s = this.state;
    if (s.role !== 'leader' || s.transferTo !== null) return false;
    this.wake(now);
    s.isBusy = true;
    const target = to ?? this.replication.furthestFollower(now);
    if (target === null || target === this.id || !isVoter(s.log.era.configuration, target)) return false;
    this.dropLease();
    s.transferTo = target;
    s.transferStays = stays;
    s.transferUntil = after(now, this.config.electionMs);
    this.maybeHandOver();
    return true;
  }

  /** Says to the leader of `term` that this replica does not take over, so that another is asked soon. */
  decline(leader: ReplicaId, term: Term): void {
    if (term !== this.state.term) return;
    this.out.sendAfterHardState(leader, { kind: 'voteReply', term, pre: true, granted: false });
  }

  /** While leading: the replica has everything, and was not offered leadership in vain lately. */
  couldTakeOver(replica: ReplicaId, now: MonoTime): boolean {
    const declinedAt = this.state.progress.get(replica)?.declinedAt ?? null;
    if (declinedAt !== null && now < after(declinedAt, declinedElections * this.config.electionMs)) return false;
    return this.isCaughtUp(replica, now);
  }

  /**
   * Begins a change of who belongs to the group. Voters change through a joint configuration, which this leader or
   * the next ends by itself. Returns why not: `notLeader`; `busy` if another change is under way or nothing has been
   * committed in this term; `unsafe` if
   * too few voters are alive for what comes then.
   */
  changeMembership(change: MembershipChange, now: MonoTime): 'begun' | 'notLeader' | 'busy' | 'unsafe' {
    const s = this.state;
    this.wake(now);
    if (this.canAppend !== 'yes') return this.canAppend;
    if (!this.membership.mayChange) return 'busy';
    const next = changed(s.log.era.configuration, change);
    if (!this.membership.hasQuorumIn(next, now)) return 'unsafe';
    // Where the leader is to be is as it was said last.
    if (change.kind === 'prefer') s.stays = false;
    this.configure(next, now);
    return 'begun';
  }

  /** This replica is no member any more. */
  leave(now: MonoTime): void {
    const s = this.state;
    s.isResting = false;
    if (s.role !== 'follower') this.becomeFollower(s.term, null, now);
    s.isRemoved = true;
  }

  /**
   * This replica, which says nothing before that is on disk, begins a generation of its group, alone. The log stays as it
   * is, what was not committed included.
   */
  beginGeneration(generation: number, node: NodeId): void {
    this.setHardState(firstTermOf(generation), null);
    this.appendOwn('configuration', encodeConfiguration(firstConfiguration([{ replica: this.id, node }])));
  }

  /** A later generation of the group is told of: until these of its members have said whether that is so, nothing else is done. */
  standDown(successors: readonly ReplicaId[], now: MonoTime): void {
    const s = this.state;
    if (s.isRemoved) return;
    s.leaderHeardAt = null;
    s.held = [];
    this.becomeFollower(s.term, null, now);
    s.successors = { replicas: successors, since: s.successors?.since ?? now };
    this.askSuccessors(successors, now);
  }

  /** Who belongs to the group, as of what is committed. */
  get committedConfiguration(): Configuration {
    const { log, commitIndex } = this.state;
    return log.configurationAt(commitIndex);
  }

  /** Who belongs to it now, committed or not. */
  get configuration(): Configuration {
    return this.state.log.era.configuration;
  }

  /** Sends what the turn has gathered: entries to followers, and one quorum round for all waiting reads. */
  endTurn(now: MonoTime): void {
    const s = this.state;
    if (s.role !== 'leader') {
      if (!s.isRemoved && isRemoved(this.committedConfiguration, this.id)) this.leave(now);
      if (!s.isRemoved) this.reads.endTurn(now);
      return;
    }
    if (s.isBusy) this.wake(now);
    if (s.isResting) return;
    if (s.commitIndex >= s.log.era.since) this.completeChange(now);
    if (this.state.role !== 'leader') return;
    this.reads.endTurn(now);
    this.replication.endTurn(now);
  }

  /** `write` is the number that the turn's write will have, if there is something to write. */
  takeOutput(write: WriteId): RaftOutput {
    return this.out.take(write);
  }

  entriesBetween(afterIndex: LogIndex, upTo: LogIndex): readonly Entry[] {
    return this.state.log.slice(afterIndex, upTo);
  }

  /** Forgets entries that a durable snapshot stands for. */
  compactTo(index: LogIndex): void {
    const s = this.state;
    invariant(index <= s.commitIndex, 'only what is committed is compacted', { index, commit: s.commitIndex });
    if (index > s.log.baseIndex) s.log.compactTo(index);
  }

  /** Writes again what a snapshot as of `index` does not stand for, so that nothing written before it is needed. */
  rewriteAfter(index: LogIndex): void {
    this.out.rewriteAfter(index);
  }

  /** A piece of a snapshot that came for this follower; null if none waits. */
  takeSnapshotChunk(): SnapshotChunk | null {
    return this.replication.chunks.shift() ?? null;
  }

  /** Says to the leader which piece of its snapshot is wanted next. */
  wantSnapshotChunk({ from, message }: SnapshotChunk, next: number): void {
    const { term, index, round } = message;
    if (term === this.state.term)
      this.out.sendAfterHardState(from, { kind: 'snapshotReply', term, index, next, round });
  }

  /** The state is that of a snapshot now, as of `base`. The leader is told when that is on disk. */
  install(base: LogBase, configuration: Configuration, { from, message }: SnapshotChunk): void {
    this.replication.install(base, configuration);
    if (message.term !== this.state.term) return;
    const { term, round } = message;
    this.out.sendAfterLog(from, {
      kind: 'appendReply',
      term,
      accepted: true,
      index: base.index,
      hintTerm: term,
      round,
    });
  }

  /**
   * A follower that is alive and needs the state, not entries, and is not passed over: of several, one to which it was sent
   * in vain least often. Null if there is none, or this replica does not lead.
   */
  followerInNeed(now: MonoTime): ReplicaId | null {
    if (this.state.role !== 'leader') return null;
    let found: ReplicaId | null = null;
    let fewest = Infinity;
    for (const [replica, progress] of this.state.progress) {
      const { mode, givenUp, passedOverUntil } = progress;
      const isAsking = mode === 'snapshot' && now >= passedOverUntil && this.liveness.isHeard(replica, progress, now);
      if (!isAsking || givenUp >= fewest) continue;
      found = replica;
      fewest = givenUp;
    }
    return found;
  }

  /** The follower takes nothing of the state. If it is alive it is sent none before then, unless it answers after all. */
  passOver(replica: ReplicaId, until: MonoTime, now: MonoTime): void {
    const progress = this.state.progress.get(replica);
    if (progress === undefined || !this.liveness.isHeard(replica, progress, now)) return;
    progress.givenUp += 1;
    progress.passedOverUntil = until;
  }

  /** Sends a piece of the state as of `base` to a follower. */
  sendSnapshotChunk(to: ReplicaId, base: LogBase, number: number, bytes: Uint8Array, isLast: boolean): void {
    const { term, round } = this.state;
    const { index, term: indexTerm } = base;
    this.out.send(to, { kind: 'snapshotChunk', term, index, indexTerm, number, isLast, bytes, round });
  }

  /** Has all replicas compare their states as of the entry. Null if this replica cannot ask for that now. */
  proposeCheck(): LogIndex | null {
    return this.canAppend === 'yes' ? this.appendOwn('check', noBytes) : null;
  }

  /** Tells the leader what this replica has as of a check. */
  reportDigest(index: LogIndex, digest: number): void {
    const { leader, term, role } = this.state;
    if (role !== 'leader' && leader !== null)
      this.out.sendAfterHardState(leader, { kind: 'stateDigest', term, index, digest });
  }

  /** What another replica has as of a check; null if nothing was said. */
  takeDigest(): ReportedDigest | null {
    return this.digests.shift() ?? null;
  }

  /** This replica's state is not what it should be: a leader hands over, and it does not lead again. */
  suspect(now: MonoTime): void {
    this.dropLease();
    this.transferLeadership(null, now, true);
    this.state.isSuspect = true;
  }

  /** What followers have said of the snapshots they are sent; null if nothing new. */
  takeSnapshotReply(): SnapshotReply | null {
    return this.replication.replies.shift() ?? null;
  }

  /**
   * Whether a follower is alive and holds everything committed, while leading. That its node is alive is not enough: it
   * may have lost what it had, and its log with it.
   */
  isCaughtUp(replica: ReplicaId, now: MonoTime): boolean {
    const progress = this.state.progress.get(replica);
    if (progress === undefined || this.state.role !== 'leader') return false;
    return (
      progress.matchIndex >= this.state.commitIndex &&
      progress.hasAnswered &&
      this.liveness.isHeard(replica, progress, now) &&
      progress.mode === 'replicate'
    );
  }

  /** How far each replica is, while leading. */
  progress(now: MonoTime): readonly ReplicaProgress[] {
    return [...this.state.progress].map(([replica, progress]) => {
      const { matchIndex, mode } = progress;
      const isAlive = replica === this.id || this.liveness.isHeard(replica, progress, now);
      return { replica, matchIndex, mode: replica === this.id ? 'self' : mode, isAlive };
    });
  }

  /** What a replica wants that was removed: nothing that may still be of use, since ids are never given twice. */
  private isVoid(from: ReplicaId, { kind }: RaftMessage): boolean {
    if (kind !== 'voteRequest' && kind !== 'heartbeatReply') return false;
    return isRemoved(this.committedConfiguration, from);
  }

  /** A replica without a vote that hears nobody: perhaps it was removed, and missed that. */
  private askWhetherMember(now: MonoTime): void {
    const { log, term } = this.state;
    this.state.leaderHeardAt = null;
    this.resetElectionTimer(now);
    const others = new Set(membersOf(log.era.configuration).map(({ replica }) => replica));
    if (this.state.leader !== null) others.add(this.state.leader);
    others.delete(this.id);
    for (const replica of others) this.out.sendAfterHardState(replica, { kind: 'heartbeatReply', term, round: 0 });
  }

  private askSuccessors(successors: readonly ReplicaId[], now: MonoTime): void {
    const { term } = this.state;
    this.resetElectionTimer(now);
    for (const replica of successors) this.out.sendAfterHardState(replica, { kind: 'heartbeatReply', term, round: 0 });
  }

  private notePetition(from: ReplicaId, { lastIndex, lastTerm }: Of<'voteRequest'>, now: MonoTime): void {
    const { petitions, log } = this.state;
    if (isVoter(log.era.configuration, from)) petitions.set(from, { lastIndex, lastTerm, at: now });
  }

  /** The configuration holds at once (§4.1). */
  private configure(configuration: Configuration, now: MonoTime): void {
    this.appendOwn('configuration', encodeConfiguration(configuration));
    this.replication.followConfiguration(now);
    this.replication.maybeCommit();
  }

  /** The configuration is committed. A joint one is left (§4.3), and a leader that is none of its voters goes. */
  private completeChange(now: MonoTime): void {
    const s = this.state;
    const { configuration } = s.log.era;
    if (isJoint(configuration)) {
      if (s.commitIndex >= s.termStart && this.canAppend === 'yes') this.configure(settled(configuration), now);
      return;
    }
    if (isVoter(configuration, this.id)) return;
    const heir = this.replication.furthestFollower(now);
    if (heir !== null) this.out.send(heir, { kind: 'timeoutNow', term: s.term, stays: false });
    this.becomeFollower(s.term, null, now);
    if (isRemoved(configuration, this.id)) this.leave(now);
  }

  /** Its node begins the replica that is to take its place when another leader speaks to that. */
  private makeWay(now: MonoTime): void {
    const { configuration } = this.state.log.era;
    const own = membersOf(configuration).find(({ replica }) => replica === this.id);
    if (configuration.learners.some(({ node, replica }) => node === own?.node && replica !== this.id))
      this.transferLeadership(null, now);
  }

  /** A learner that is to join does so once it has what was committed a heartbeat ago. */
  private promoteLearner(now: MonoTime): void {
    const s = this.state;
    const goal = s.promotionGoal;
    s.promotionGoal = s.commitIndex;
    if (goal === null || this.canAppend !== 'yes' || !this.membership.mayChange) return;
    const learner = this.membership.readyLearner(goal, now);
    if (learner !== undefined) this.configure(withVote(s.log.era.configuration, learner), now);
  }

  /** For some time nothing was asked, and everybody who is alive has everything. */
  private mayRest(now: MonoTime): boolean {
    const s = this.state;
    const { configuration, since } = s.log.era;
    if (s.idleHeartbeats < restAfterHeartbeats || this.canAppend !== 'yes') return false;
    if (!this.isSynced || s.commitIndex < s.log.lastIndex || s.commitIndex < since) return false;
    if (isJoint(configuration) || configuration.learners.some(({ joins }) => joins)) return false;
    for (const [replica, progress] of s.progress) {
      if (replica === this.id) continue;
      const isAlive = this.liveness.isHeard(replica, progress, now) || this.liveness.isNodeAlive(replica, now);
      if (isAlive && (progress.matchIndex < s.log.lastIndex || progress.mode !== 'replicate')) return false;
    }
    return true;
  }

  private rest(): void {
    const s = this.state;
    s.isResting = true;
    for (const replica of s.progress.keys())
      if (replica !== this.id) this.out.send(replica, { kind: 'rest', term: s.term, commit: s.commitIndex });
  }

  /** Only if this log is what the leader takes it for, and no read waits for its word; otherwise its timer goes on, and wakes the leader. */
  private onRest({ commit }: Of<'rest'>): void {
    const s = this.state;
    s.isResting = commit === s.log.lastIndex && commit === s.commitIndex && this.isSynced && !this.reads.isWaiting;
  }

  /** With a disk that does not answer nothing more can be proposed here, but the others may be well. */
  private watchDisk(now: MonoTime): void {
    const s = this.state;
    const write = s.unsynced[0]?.write ?? null;
    if (write === null) s.awaited = null;
    else if (s.awaited?.write !== write) s.awaited = { write, since: now };
    else if (now >= after(s.awaited.since, stalledElections * this.config.electionMs)) {
      this.dropLease();
      this.transferLeadership(null, now);
    }
  }

  /** A pre-vote asks about a term without anybody entering it (§9.6). */
  private isOnlyAsked(message: RaftMessage): boolean {
    return (
      (message.kind === 'voteRequest' && message.pre) ||
      (message.kind === 'voteReply' && message.pre && message.granted)
    );
  }

  /** Who hears a leader does not help to depose it (§4.2.3), unless the leader itself asked for that. */
  private hearsLeader(message: Of<'voteRequest'>, now: MonoTime): boolean {
    const s = this.state;
    if (message.transfer) return false;
    if (s.role === 'leader') return this.replication.hearsQuorum(now);
    return s.leaderHeardAt !== null && now < after(s.leaderHeardAt, this.config.electionMs);
  }

  /** Tells a replica that lags behind about the present term. */
  private answerOldTerm(from: ReplicaId, message: RaftMessage): void {
    const s = this.state;
    if (isOfLeader(message)) {
      this.out.sendAfterHardState(from, { kind: 'heartbeatReply', term: s.term, round: 0 });
    } else if (message.kind === 'voteRequest') {
      this.out.sendAfterHardState(from, { kind: 'voteReply', term: s.term, pre: message.pre, granted: false });
    }
  }

  private onVoteRequest(from: ReplicaId, message: Of<'voteRequest'>, now: MonoTime): void {
    const s = this.state;
    if (this.hearsLeader(message, now)) return;
    const isFree = message.pre
      ? message.term > s.term || s.votedFor === null || s.votedFor === from
      : this.isVoteFree(from);
    const granted = isFree && this.isUpToDate(message);
    if (granted && !message.pre) {
      this.setHardState(s.term, from);
      this.resetElectionTimer(now);
    }
    // A granted pre-vote is about the term that was asked for; every other answer speaks of ours.
    const term = granted && message.pre ? message.term : s.term;
    this.out.sendAfterHardState(from, { kind: 'voteReply', term, pre: message.pre, granted });
  }

  private isVoteFree(from: ReplicaId): boolean {
    return this.state.votedFor === null || this.state.votedFor === from;
  }

  /** §3.6.1: a leader must have every committed entry. */
  private isUpToDate(message: Of<'voteRequest'>): boolean {
    const { log } = this.state;
    if (message.lastTerm !== log.lastTerm) return message.lastTerm > log.lastTerm;
    return message.lastIndex >= log.lastIndex;
  }

  private onVoteReply(from: ReplicaId, message: Of<'voteReply'>, now: MonoTime): void {
    const s = this.state;
    if (from === s.transferTo && message.pre && !message.granted) this.endTransfer(now);
    if (s.role !== (message.pre ? 'preCandidate' : 'candidate')) return;
    if (message.pre && message.granted && message.term !== s.term + 1) return;
    s.votes.set(from, message.granted);
    this.maybeWin(now);
  }

  private maybeWin(now: MonoTime): void {
    const s = this.state;
    const outcome = outcomeOfVote(s.log.era.quorum, s.votes);
    if (outcome === 'lost') this.becomeFollower(s.term, null, now);
    if (outcome !== 'won') return;
    if (s.role === 'preCandidate') this.becomeCandidate(false, now);
    else if (this.isOwnVoteDurable()) this.becomeLeader(now);
  }

  /** With other voters, the request for their votes has waited for it; alone, nobody else waits. */
  private isOwnVoteDurable(): boolean {
    return !this.membership.isAlone || (!this.state.hardStateChanged && this.state.unsynced.length === 0);
  }

  private campaign(isTransfer: boolean, now: MonoTime): void {
    const s = this.state;
    if (isTransfer || this.membership.isAlone) {
      this.becomeCandidate(isTransfer, now);
      return;
    }
    s.role = 'preCandidate';
    s.leader = null;
    s.votes = new Map([[this.id, true]]);
    this.resetElectionTimer(now);
    const { lastIndex, lastTerm } = s.log;
    const term = Term(s.term + 1);
    for (const voter of this.otherVoters()) {
      const request = { kind: 'voteRequest', term, pre: true, transfer: false, lastIndex, lastTerm } as const;
      this.out.sendAfterHardState(voter, request);
    }
  }

  private otherVoters(): readonly ReplicaId[] {
    const voters = new Set(this.state.log.era.quorum.flat());
    voters.delete(this.id);
    return [...voters];
  }

  private becomeCandidate(isTransfer: boolean, now: MonoTime): void {
    const s = this.state;
    this.setHardState(Term(s.term + 1), this.id);
    s.role = 'candidate';
    s.leader = null;
    s.votes = new Map([[this.id, true]]);
    this.resetElectionTimer(now);
    const { lastIndex, lastTerm } = s.log;
    for (const voter of this.otherVoters()) {
      const request = {
        kind: 'voteRequest',
        term: s.term,
        pre: false,
        transfer: isTransfer,
        lastIndex,
        lastTerm,
      } as const;
      this.out.sendAfterLog(voter, request);
    }
  }

  private becomeLeader(now: MonoTime): void {
    const s = this.state;
    s.role = 'leader';
    s.leader = this.id;
    s.round = 0;
    s.confirmedRound = 0;
    s.rounds = [];
    s.wantsRound = false;
    s.asked = [];
    s.leaseUntil = null;
    s.leaseRevoked = false;
    s.transferTo = null;
    s.transferUntil = null;
    s.uncommittedBytes = 0;
    for (const { data } of s.log.slice(s.commitIndex, s.log.lastIndex)) s.uncommittedBytes += data.length;
    s.promotionGoal = null;
    s.isBusy = true;
    s.termStart = LogIndex(s.log.lastIndex + 1);
    this.replication.startTerm(now);
    this.appendOwn('noop', noBytes);
    this.replication.startRound(now);
    s.heartbeatAt = nextMultiple(now, this.config.heartbeatMs);
  }

  private becomeFollower(term: Term, leader: ReplicaId | null, now: MonoTime): void {
    const s = this.state;
    const wasLeader = s.role === 'leader';
    if (term > s.term) this.setHardState(term, null);
    s.role = 'follower';
    s.isResting = false;
    s.leader = leader;
    s.votes = new Map();
    s.progress = new Map();
    s.transferTo = null;
    s.stays = false;
    s.asked = [];
    s.leaseUntil = null;
    if (wasLeader || leader !== null) this.resetElectionTimer(now);
  }

  /** A message of our term from its leader. */
  private followLeader(from: ReplicaId, now: MonoTime): void {
    const s = this.state;
    invariant(s.role !== 'leader', 'a term has one leader', { term: s.term, from, id: this.id });
    if (s.role !== 'follower' || s.leader !== from) this.becomeFollower(s.term, from, now);
    s.petitions.clear();
    s.leaderHeardAt = now;
    this.resetElectionTimer(now);
  }

  private setHardState(term: Term, votedFor: ReplicaId | null): void {
    const s = this.state;
    invariant(term >= s.term, 'terms never fall', { from: s.term, to: term });
    invariant(Number.isSafeInteger(term), 'a term is a safe integer', { term });
    s.term = term;
    s.votedFor = votedFor;
    s.hardStateChanged = true;
  }

  private appendOwn(kind: EntryKind, data: Uint8Array): LogIndex {
    const s = this.state;
    const index = LogIndex(s.log.lastIndex + 1);
    s.log.append({ index, term: s.term, kind, data });
    s.isBusy = true;
    s.uncommittedBytes += data.length;
    return index;
  }

  private maybeHandOver(): void {
    const s = this.state;
    if (s.role !== 'leader' || s.transferTo === null) return;
    const target = s.progress.get(s.transferTo);
    if (target?.matchIndex !== s.log.lastIndex) return;
    this.out.send(s.transferTo, { kind: 'timeoutNow', term: s.term, stays: s.transferStays });
  }

  /** Whoever was offered leadership has not taken it. */
  private endTransfer(now: MonoTime): void {
    const s = this.state;
    const target = s.transferTo === null ? undefined : s.progress.get(s.transferTo);
    if (target !== undefined) target.declinedAt = now;
    s.transferTo = null;
    s.transferUntil = null;
  }

  /** Leadership is offered to this follower (§3.10). With a disk that is nearly full it would refuse what is written. */
  private onOffer(from: ReplicaId, { term, stays }: Of<'timeoutNow'>, now: MonoTime): void {
    if (!this.membership.mayLead || this.config.isDiskShort()) {
      this.decline(from, term);
      return;
    }
    this.state.stays = stays;
    this.campaign(true, now);
  }

  /** The home replica begins first, and one whose disk is nearly full behind all others. */
  private resetElectionTimer(now: MonoTime): void {
    const { electionMs } = this.config;
    const isHome = this.state.log.era.configuration.voters[0]?.replica === this.id;
    const drawn = this.random();
    const share = isHome ? drawn * homeShare : homeShare + drawn * (1 - homeShare);
    this.state.electionAt = after(now, electionMs * (1 + share + (this.config.isDiskShort() ? 1 : 0)));
  }
}

/** Only a leader says this. */
export function isOfLeader({ kind }: RaftMessage): boolean {
  return kind === 'append' || kind === 'heartbeat' || kind === 'rest' || kind === 'snapshotChunk';
}

/** Answers that come late to a group that rests since: they ask for nothing. */
function isEcho(message: RaftMessage): boolean {
  return message.kind === 'heartbeatReply' ? message.round > 0 : message.kind === 'rest';
}

function changed(configuration: Configuration, change: MembershipChange): Configuration {
  switch (change.kind) {
    case 'add':
      return withLearner(configuration, change.node, change.joins, change.replaces);
    case 'remove':
      return without(configuration, change.replica);
    case 'prefer':
      return withFirst(configuration, change.replica);
  }
}
