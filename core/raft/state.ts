/**
 * A replica's state as plain data. Only `raft.ts` changes role, term and vote.
 */
import { LogIndex, type ReplicaId, type Term, type WriteId } from '../base/ids.ts';
import type { MonoTime } from '../base/time.ts';
import { RaftLog } from './log.ts';
import type { LogBase, OutgoingRaftMessage, RestoredReplica } from './types.ts';

export interface RaftConfig {
  readonly id: ReplicaId;
  /** Elections start after a silence drawn from [electionMs, 2·electionMs), and so much later while the disk is nearly full. */
  readonly electionMs: number;
  /** All leaders of a node have their heartbeat at the same instants, so that they share a frame. */
  readonly heartbeatMs: number;
  readonly maxAppendBytes: number;
  /** To one follower without an answer: appends, and bytes of entries, unless a single one is larger. */
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
  readonly maxUncommittedBytes: number;
  readonly leases: boolean;
  /** The disk is nearly full: it takes no more of the owner's data, and all else. */
  readonly isDiskShort: () => boolean;
  /** Higher than any ticket of an earlier life of the replica. */
  readonly firstTicket: number;
  /** When anything of the node of a replica was heard last, while its group is at rest; null: never. */
  readonly nodeHeardAt: (replica: ReplicaId) => MonoTime | null;
}

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** What a leader knows of a follower. */
export interface Progress {
  /** The follower's log agrees with ours, durably, up to here. */
  matchIndex: LogIndex;
  nextIndex: LogIndex;
  /**
   * `probe`: one append at a time until one is accepted. `replicate`: as many as the window allows. `snapshot`: the
   * entries it needs are gone, so it gets none until it has the state instead.
   */
  mode: 'probe' | 'replicate' | 'snapshot';
  /** Appends without an answer, by their bytes, and what those add up to. */
  inflight: number[];
  inflightBytes: number;
  /** The latest quorum round it has answered in this term. */
  round: number;
  /** It has answered in this term, and since its node was linked last: it is not only taken to be there. */
  hasAnswered: boolean;
  /** When it answered last, for check-quorum. */
  heardAt: MonoTime;
  /** Where the log adds it: until that is committed it is not spoken to, for its id might be given to another yet. */
  addedAt: LogIndex;
  /** The latest round that something sent to it carried. */
  sentRound: number;
  /** Of what it holds, it was told that this much is committed; and reads of its wait for that of so much. */
  sentCommit: LogIndex;
  wantedCommit: LogIndex;
  /** Since when appends in flight have had no answer. */
  waitingSince: MonoTime;
  /** Transfers of the state to it that were given up one after the other although it was alive; and until when none is begun. */
  givenUp: number;
  passedOverUntil: MonoTime;
  /** When it was offered leadership last and did not take it; null: not in this term. */
  declinedAt: MonoTime | null;
}

/** What a voter that asks for votes says of its log. */
export interface Petition {
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly at: MonoTime;
}

/** Entries up to `lastIndex` are on disk once `write` is. */
export interface UnsyncedWrite {
  readonly write: WriteId;
  /** 0 if the write held no entries that are still in the log. */
  lastIndex: LogIndex;
  readonly hasHardState: boolean;
}

/** A message that claims what is not on disk yet. */
export interface HeldMessage {
  /** Null until the turn's write has got its number. */
  write: WriteId | null;
  readonly outgoing: OutgoingRaftMessage;
}

export interface RaftState {
  role: Role;
  term: Term;
  votedFor: ReplicaId | null;
  leader: ReplicaId | null;
  readonly log: RaftLog;
  commitIndex: LogIndex;
  /** Everything up to here is on this replica's disk, as it stands in the log now. */
  durableIndex: LogIndex;
  /** Who granted this (pre-)candidacy, and who refused. */
  votes: Map<ReplicaId, boolean>;
  /** Its state differs from the others': it serves no reads and does not campaign. */
  isSuspect: boolean;
  /** Not a member any more: this replica says and does nothing ever again. */
  isRemoved: boolean;
  /** The group goes on in a later generation, as was told: this replica does nothing but ask these whether that is so, since then. */
  successors: { readonly replicas: readonly ReplicaId[]; readonly since: MonoTime } | null;
  /** How far the voters are that asked for votes since a leader was followed last, and when they did. */
  petitions: Map<ReplicaId, Petition>;
  /** One per member while leading, itself included. */
  progress: Map<ReplicaId, Progress>;
  /**
   * Everybody has everything: no timer runs, and nothing is said. A leader wakes when there is something to do; its
   * followers with the next message, or when its node falls silent.
   */
  isResting: boolean;
  /** Something was asked of this leader since its last heartbeat; and heartbeats since then. */
  isBusy: boolean;
  idleHeartbeats: number;
  electionAt: MonoTime;
  heartbeatAt: MonoTime;
  /** When a leader was heard last; (pre-)votes are refused for `electionMs` after it. */
  leaderHeardAt: MonoTime | null;
  /** The latest quorum round that was started, and the latest that a majority answered. */
  round: number;
  confirmedRound: number;
  /** When each unconfirmed round was started, the oldest first. */
  rounds: { readonly round: number; readonly sentAt: MonoTime }[];
  /** Reads wait for a round that has not been started. */
  wantsRound: boolean;
  /** Reads of other members that wait for a round of this leader, in the order of rounds. */
  asked: { readonly from: ReplicaId; readonly ticket: number; readonly round: number; readonly index: LogIndex }[];
  /** The latest ticket that this replica asked its leader to answer, and when; and whether reads wait for the next. */
  ticket: number;
  askedAt: MonoTime;
  wantsTicket: boolean;
  /** The latest that was answered. */
  granted: { readonly ticket: number; readonly index: LogIndex } | null;
  leaseUntil: MonoTime | null;
  /** No lease for the rest of this term: leadership was offered to another, or the clock jumped. */
  leaseRevoked: boolean;
  transferTo: ReplicaId | null;
  transferUntil: MonoTime | null;
  /** The transfer under way is for good: whoever takes over is not to give it back. */
  transferStays: boolean;
  /** So was the one that made this replica lead, and nobody has wished for anything else since. */
  stays: boolean;
  /** While leading: what is in the log behind the commit index, of earlier terms too. */
  uncommittedBytes: number;
  /** The first index of our own term; reads wait until it is committed. */
  termStart: LogIndex;
  /** What a learner must have to get its vote: what was committed at the last heartbeat. */
  promotionGoal: LogIndex | null;
  /** From here on the log is to be written; beyond its end if nothing is. */
  unwrittenFrom: LogIndex;
  hardStateChanged: boolean;
  /** A snapshot that replaced the log and is not written yet. */
  installed: LogBase | null;
  unsynced: UnsyncedWrite[];
  held: HeldMessage[];
  /** The oldest write that a leader's disk had not confirmed when it last looked, and since when that is so. */
  awaited: { readonly write: WriteId; readonly since: MonoTime } | null;
}

export function initialState(restored: RestoredReplica, firstTicket: number, electionAt: MonoTime): RaftState {
  const { hardState, base, configuration, entries } = restored;
  const log = new RaftLog(base, configuration, entries);
  return {
    role: 'follower',
    term: hardState.term,
    votedFor: hardState.votedFor,
    leader: null,
    log,
    commitIndex: base.index,
    durableIndex: log.lastIndex,
    votes: new Map(),
    isSuspect: false,
    isRemoved: false,
    successors: null,
    petitions: new Map(),
    progress: new Map(),
    isResting: false,
    isBusy: false,
    idleHeartbeats: 0,
    electionAt,
    heartbeatAt: electionAt,
    leaderHeardAt: null,
    round: 0,
    confirmedRound: 0,
    rounds: [],
    wantsRound: false,
    asked: [],
    ticket: firstTicket,
    askedAt: electionAt,
    wantsTicket: false,
    granted: null,
    leaseUntil: null,
    leaseRevoked: false,
    transferTo: null,
    transferUntil: null,
    transferStays: false,
    stays: false,
    uncommittedBytes: 0,
    termStart: LogIndex(0),
    promotionGoal: null,
    unwrittenFrom: LogIndex(log.lastIndex + 1),
    hardStateChanged: false,
    installed: null,
    unsynced: [],
    held: [],
    awaited: null,
  };
}

/** Everything of ours is on disk: the term, the vote and the whole log. */
export function isSynced(s: RaftState): boolean {
  return s.unsynced.length === 0 && !s.hardStateChanged && s.installed === null && s.unwrittenFrom > s.log.lastIndex;
}

/** Our term and vote are on disk, whatever the log. */
export function isHardStateSynced(s: RaftState): boolean {
  return !s.hardStateChanged && !s.unsynced.some(({ hasHardState }) => hasHardState);
}
