/**
 * The leader's side of log replication and quorum rounds, and the follower's answers to it. It never changes
 * role, term or vote.
 */
import { LogIndex, type ReplicaId } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { Queue } from '../base/queue.ts';
import { after, MonoTime } from '../base/time.ts';
import type { Outbox } from './outbox.ts';
import { membersOf } from './configuration.ts';
import type { Configuration } from './types.ts';
import { reachedByQuorum } from './quorum.ts';
import type { Progress, RaftConfig, RaftState } from './state.ts';
import type { LogBase, RaftMessage } from './types.ts';

type Of<Kind extends RaftMessage['kind']> = Extract<RaftMessage, { kind: Kind }>;

/** A piece of a snapshot, and who sent it. */
export interface SnapshotChunk {
  readonly from: ReplicaId;
  readonly message: Of<'snapshotChunk'>;
}

export interface SnapshotReply {
  readonly from: ReplicaId;
  readonly message: Of<'snapshotReply'>;
}

/** With the clocks' rates off by at most 10 %: L = 0.8·Emin ≤ Emin·(1−ρ)/(1+ρ). */
const leaseShare = 0.8;

/** Links are streams, so appends are lost only with a link; a disk may well take this long. */
const lostAfterHeartbeats = 5;

export class Replication {
  private readonly config: RaftConfig;
  private readonly s: RaftState;
  private readonly out: Outbox;
  /** For whoever keeps the state: Raft knows only that there is one. */
  readonly chunks = new Queue<SnapshotChunk>();
  readonly replies = new Queue<SnapshotReply>();

  constructor(config: RaftConfig, state: RaftState, out: Outbox) {
    this.config = config;
    this.s = state;
    this.out = out;
  }

  // The leader.

  startTerm(now: MonoTime): void {
    this.s.progress = new Map();
    this.followConfiguration(now);
  }

  /** Keeps track of the members as they are now. */
  followConfiguration(now: MonoTime): void {
    const { s, config } = this;
    const { era, previousEra } = s.log;
    const members = membersOf(era.configuration).map(({ replica }) => replica);
    // What came before the last configuration is committed: changes are made one at a time.
    const settled = membersOf((previousEra ?? era).configuration).map(({ replica }) => replica);
    for (const replica of s.progress.keys()) if (!members.includes(replica)) s.progress.delete(replica);
    for (const replica of members) {
      if (s.progress.has(replica)) continue;
      const isSettled = settled.includes(replica);
      const matchIndex = replica === config.id ? s.durableIndex : LogIndex(0);
      s.progress.set(replica, {
        matchIndex,
        // One that is new has nothing.
        nextIndex: LogIndex(isSettled ? s.log.lastIndex + 1 : 1),
        mode: 'probe',
        inflight: [],
        inflightBytes: 0,
        round: 0,
        hasAnswered: false,
        heardAt: now,
        addedAt: isSettled ? LogIndex(0) : era.since,
        sentRound: 0,
        sentCommit: LogIndex(0),
        wantedCommit: LogIndex(0),
        waitingSince: now,
        givenUp: 0,
        passedOverUntil: now,
        declinedAt: null,
      });
    }
  }

  /** The heartbeat's instant: a round, so that silence is noticed, and what was lost again. */
  onHeartbeatDue(now: MonoTime): void {
    this.resendLost(now);
    this.startRound(now);
  }

  /** Begins a quorum round; `endTurn` sends it. */
  startRound(now: MonoTime): void {
    const { s } = this;
    s.round += 1;
    s.wantsRound = false;
    s.rounds.push({ round: s.round, sentAt: now });
    const own = s.progress.get(this.config.id);
    if (own !== undefined) {
      own.round = s.round;
      own.heardAt = now;
    }
    this.confirmRounds();
  }

  endTurn(now: MonoTime): void {
    const { s } = this;
    if (s.wantsRound) this.startRound(now);
    for (const [replica, progress] of s.progress) {
      if (replica === this.config.id || progress.addedAt > s.commitIndex) continue;
      this.sendAppends(replica, progress, now);
      if (progress.sentRound < s.round || this.awaitsCommit(progress)) this.sendHeartbeat(replica, progress);
    }
  }

  onAppendReply(from: ReplicaId, message: Of<'appendReply'>, now: MonoTime): void {
    const progress = this.s.progress.get(from);
    if (progress === undefined) return;
    this.heard(progress, message.round, now);
    progress.inflightBytes -= progress.inflight.shift() ?? 0;
    progress.waitingSince = now;
    if (!message.accepted) {
      this.onRejected(progress, message);
      return;
    }
    if (message.index > progress.matchIndex) {
      progress.matchIndex = message.index;
      this.maybeCommit();
    }
    if (progress.nextIndex <= message.index) progress.nextIndex = LogIndex(message.index + 1);
    progress.mode = 'replicate';
    takesSnapshots(progress, now);
  }

  /** Something of the state has come to the follower. */
  onSnapshotReply(from: ReplicaId, message: Of<'snapshotReply'>, now: MonoTime): void {
    const progress = this.s.progress.get(from);
    if (progress === undefined) return;
    this.heard(progress, message.round, now);
    takesSnapshots(progress, now);
    this.replies.push({ from, message });
  }

  onHeartbeatReply(from: ReplicaId, message: Of<'heartbeatReply'>, now: MonoTime): void {
    const progress = this.s.progress.get(from);
    if (progress === undefined) return;
    this.heard(progress, message.round, now);
  }

  /** Our own log has reached the disk: only now do we count ourselves (§10.2.1). */
  onOwnLogDurable(): void {
    const { s } = this;
    const own = s.progress.get(this.config.id);
    if (own === undefined || s.durableIndex <= own.matchIndex) return;
    own.matchIndex = s.durableIndex;
    this.maybeCommit();
  }

  get awaitsFollowers(): boolean {
    for (const { mode, hasAnswered, inflight } of this.s.progress.values())
      if (mode === 'replicate' && hasAnswered && inflight.length > 0) return true;
    return false;
  }

  /** A majority has answered a round that began within the last election timeout (§6.2). */
  hearsQuorum(now: MonoTime): boolean {
    const { s, config } = this;
    const reached = reachedByQuorum(s.log.era.quorum, (voter) =>
      voter === config.id ? now : (s.progress.get(voter)?.heardAt ?? 0),
    );
    return after(MonoTime(reached), config.electionMs) > now;
  }

  /** Of those that stay voters; before all, of those that did not decline leadership, or declined it longest ago. */
  furthestFollower(now: MonoTime): ReplicaId | null {
    let furthest: ReplicaId | null = null;
    let reached = -1;
    let declined = Infinity;
    for (const { replica } of this.s.log.era.configuration.voters) {
      const progress = this.s.progress.get(replica);
      if (replica === this.config.id || progress === undefined) continue;
      const { matchIndex, heardAt } = progress;
      const declinedAt = progress.declinedAt ?? 0;
      const isAlive = after(heardAt, this.config.electionMs) > now;
      if (!isAlive || declinedAt > declined || (declinedAt === declined && matchIndex <= reached)) continue;
      furthest = replica;
      reached = matchIndex;
      declined = declinedAt;
    }
    return furthest;
  }

  private heard(progress: Progress, round: number, now: MonoTime): void {
    progress.heardAt = now;
    progress.hasAnswered = true;
    if (round <= progress.round) return;
    progress.round = round;
    this.confirmRounds();
  }

  private confirmRounds(): void {
    const { s, config } = this;
    const confirmed = reachedByQuorum(s.log.era.quorum, (voter) => s.progress.get(voter)?.round ?? 0);
    if (confirmed <= s.confirmedRound) return;
    s.confirmedRound = confirmed;
    for (let oldest = s.rounds[0]; oldest !== undefined && oldest.round <= confirmed; oldest = s.rounds[0]) {
      if (!s.leaseRevoked) s.leaseUntil = after(oldest.sentAt, config.electionMs * leaseShare);
      s.rounds.shift();
    }
  }

  private onRejected(progress: Progress, message: Of<'appendReply'>): void {
    const { s } = this;
    const mayAgree = s.log.lastAgreeable(message.index, message.hintTerm);
    const next = Math.max(progress.matchIndex, Math.min(mayAgree, progress.nextIndex - 1)) + 1;
    progress.nextIndex = LogIndex(next);
    progress.mode = 'probe';
    forgetInflight(progress);
  }

  /**
   * Appends that had no answer for some heartbeats are taken for lost: begin again behind what is known to match. An
   * answer that came twice may have stood for that of one that was lost.
   */
  private resendLost(now: MonoTime): void {
    for (const progress of this.s.progress.values()) {
      const isLost =
        (progress.inflight.length > 0 || isMissing(progress)) &&
        now >= after(progress.waitingSince, lostAfterHeartbeats * this.config.heartbeatMs);
      if (!isLost) continue;
      progress.mode = 'probe';
      forgetInflight(progress);
      progress.nextIndex = LogIndex(progress.matchIndex + 1);
    }
  }

  /** Only entries of our own term are committed by counting; earlier ones follow them (§3.6.2). */
  maybeCommit(): void {
    const { s } = this;
    const matched = reachedByQuorum(s.log.era.quorum, (voter) => s.progress.get(voter)?.matchIndex ?? 0);
    const reached = LogIndex(matched);
    if (reached <= s.commitIndex) return;
    if (s.log.termAt(reached) !== s.term) return;
    for (const { data } of s.log.slice(s.commitIndex, reached)) s.uncommittedBytes -= data.length;
    s.commitIndex = reached;
  }

  private sendAppends(replica: ReplicaId, progress: Progress, now: MonoTime): void {
    const { s, config } = this;
    if (progress.mode === 'snapshot') return;
    if (progress.nextIndex <= s.log.baseIndex) {
      progress.mode = 'snapshot';
      forgetInflight(progress);
      return;
    }
    const window = progress.mode === 'probe' ? 1 : config.maxInflightAppends;
    while (
      progress.inflight.length < window &&
      progress.inflightBytes < config.maxInflightBytes &&
      progress.nextIndex <= s.log.lastIndex
    ) {
      const prevIndex = LogIndex(progress.nextIndex - 1);
      const prevTerm = s.log.termAt(prevIndex);
      invariant(prevTerm !== null, 'a leader knows what it sends', { prevIndex });
      const entries = s.log.sliceBytes(prevIndex, config.maxAppendBytes);
      this.out.send(replica, {
        kind: 'append',
        term: s.term,
        prevIndex,
        prevTerm,
        entries,
        commit: s.commitIndex,
        round: s.round,
      });
      if (progress.inflight.length === 0) progress.waitingSince = now;
      let bytes = 0;
      for (const { data } of entries) bytes += data.length;
      progress.inflight.push(bytes);
      progress.inflightBytes += bytes;
      progress.sentRound = s.round;
      progress.sentCommit = LogIndex(Math.min(s.commitIndex, prevIndex + entries.length));
      if (progress.mode === 'probe') return;
      progress.nextIndex = LogIndex(prevIndex + entries.length + 1);
    }
  }

  /** Reads of the follower wait for news that it would get with the next heartbeat. */
  private awaitsCommit({ matchIndex, sentCommit, wantedCommit }: Progress): boolean {
    return sentCommit < wantedCommit && sentCommit < Math.min(matchIndex, this.s.commitIndex);
  }

  /** Says no more about commitment than what the follower is known to hold. */
  private sendHeartbeat(replica: ReplicaId, progress: Progress): void {
    const { s } = this;
    const commit = LogIndex(Math.min(progress.matchIndex, s.commitIndex));
    this.out.send(replica, { kind: 'heartbeat', term: s.term, commit, round: s.round });
    progress.sentRound = s.round;
    progress.sentCommit = commit;
  }

  // The follower.

  onAppend(from: ReplicaId, message: Of<'append'>): void {
    const { s } = this;
    const { prevIndex, prevTerm, entries, round, term } = message;
    // Before the base everything is committed, and so the same in every log that a leader sends from.
    const mayDiffer = prevIndex >= s.log.baseIndex;
    if (prevIndex > s.log.lastIndex || (mayDiffer && s.log.termAt(prevIndex) !== prevTerm)) {
      const index = s.log.lastAgreeable(LogIndex(Math.min(prevIndex, s.log.lastIndex)), prevTerm);
      const hintTerm = s.log.termAt(index) ?? s.log.lastTerm;
      this.out.sendAfterHardState(from, { kind: 'appendReply', term, accepted: false, index, hintTerm, round });
      return;
    }
    for (const entry of entries) {
      if (entry.index <= s.log.baseIndex) continue;
      const present = s.log.termAt(entry.index);
      if (present === entry.term) continue;
      if (present !== null) {
        invariant(entry.index > s.commitIndex, 'what is committed is never replaced', {
          index: entry.index,
          commit: s.commitIndex,
        });
        this.out.onTruncated(entry.index);
        s.log.truncateFrom(entry.index);
      }
      s.log.append(entry);
    }
    const index = LogIndex(prevIndex + entries.length);
    this.learnCommit(Math.min(message.commit, index));
    this.out.sendAfterLog(from, { kind: 'appendReply', term, accepted: true, index, hintTerm: term, round });
  }

  /** What is in the log already needs no snapshot; the rest is for the owner, which has the state. */
  onSnapshotChunk(from: ReplicaId, message: Of<'snapshotChunk'>): void {
    const { s } = this;
    const { term, round } = message;
    if (message.index > s.commitIndex) this.chunks.push({ from, message });
    else
      this.out.sendAfterLog(from, {
        kind: 'appendReply',
        term,
        accepted: true,
        index: s.commitIndex,
        hintTerm: term,
        round,
      });
  }

  /** Entries behind a snapshot stay if they follow it (figure 5.3). */
  install(base: LogBase, configuration: Configuration): void {
    const { s } = this;
    invariant(base.index > s.commitIndex, 'a snapshot says more than is known', { index: base.index });
    if (s.log.termAt(base.index) === base.term) s.log.compactTo(base.index);
    else {
      this.out.onTruncated(LogIndex(s.log.baseIndex + 1));
      s.log.resetTo(base, configuration);
    }
    s.commitIndex = base.index;
    s.installed = base;
    s.unwrittenFrom = LogIndex(base.index + 1);
    this.out.rewriteAfter(base.index);
  }

  onHeartbeat(from: ReplicaId, message: Of<'heartbeat'>): void {
    const { term, round } = message;
    this.learnCommit(message.commit);
    this.out.sendAfterHardState(from, { kind: 'heartbeatReply', term, round });
  }

  private learnCommit(commit: number): void {
    const { s } = this;
    if (commit > s.commitIndex) s.commitIndex = LogIndex(Math.min(commit, s.log.lastIndex));
  }
}

/** It was sent more than it is known to have. */
function isMissing({ mode, nextIndex, matchIndex }: Progress): boolean {
  return mode === 'replicate' && nextIndex > matchIndex + 1;
}

function takesSnapshots(progress: Progress, now: MonoTime): void {
  progress.givenUp = 0;
  progress.passedOverUntil = now;
}

function forgetInflight(progress: Progress): void {
  progress.inflight.length = 0;
  progress.inflightBytes = 0;
}
