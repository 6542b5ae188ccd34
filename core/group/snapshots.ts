/**
 * What a replica does with its state as a whole: saves it to its log, so that older entries can be forgotten; sends
 * it, while it leads, to a follower that needs entries which are gone; takes what a leader sends. It works in small
 * pieces, when its node lets it, and reads out one cut at a time.
 *
 * A save is done when its last piece is on disk, a transfer when the follower acknowledges its index (figure 5.3). What is
 * interrupted begins anew, but a follower keeps the pieces it has: equal state is equal pieces.
 */
import type { GroupId, LogIndex, ReplicaId, WriteId } from '../base/ids.ts';
import { digestOf, emptyDigest } from '../base/digest.ts';
import { invariant } from '../base/invariant.ts';
import { Queue } from '../base/queue.ts';
import { after, elapsedMs, type MonoTime, type WallTime } from '../base/time.ts';
import type { LogRecord } from '../log/records.ts';
import type { Raft } from '../raft/raft.ts';
import type { SnapshotChunk } from '../raft/replication.ts';
import type { LogBase } from '../raft/types.ts';
import type { StateMachine } from './machine.ts';
import type { StateCut } from './state/stateCut.ts';
import type { StateLoader } from './state/stateLoader.ts';

export interface SnapshotLimits {
  /** A save begins when the log since the last one has so many bytes, or as many as that took. As many are kept of what it stands for, for followers that lag. */
  readonly snapshotLogBytes: number;
  readonly snapshotChunkBytes: number;
  /** Pieces on their way to a follower. */
  readonly snapshotChunksInFlight: number;
  /** Pieces are sent again after that long without an answer, and given up after as long again and more. */
  readonly snapshotResendMs: number;
  readonly snapshotGiveUpMs: number;
  /** No state is saved then. */
  readonly isDiskShort: () => boolean;
}

/** The group this is the state of. */
export interface StateOwner {
  readonly id: GroupId;
  readonly applied: LogIndex;
  readonly lastStamp: WallTime;
  /** The machine has another state now. */
  onInstalled(index: LogIndex, stamp: WallTime): void;
}

interface Saving {
  readonly cut: StateCut;
  readonly base: LogBase;
  /** Of the log when it began: what it stands for. */
  readonly logBytes: number;
  /** What of that is kept for followers that lag. */
  readonly keptBytes: number;
  chunks: number;
  bytes: number;
  /** Of the pieces so far; whether it is of a check, so that somebody wants to know. */
  digest: number;
  readonly isCheck: boolean;
  isComplete: boolean;
  /** The write of its latest piece, until that is on disk. */
  write: WriteId | 'next' | null;
}

interface Sending {
  readonly to: ReplicaId;
  readonly term: number;
  readonly cut: StateCut;
  readonly base: LogBase;
  /** Pieces from `acknowledged` on. */
  readonly window: Queue<Uint8Array>;
  acknowledged: number;
  /** What the follower asked for last: less, if it has forgotten what it had. */
  wanted: number;
  /** How many of the window were sent. */
  sent: number;
  isReadOut: boolean;
  heardAt: MonoTime;
  sentAt: MonoTime;
}

interface Receiving {
  readonly base: LogBase;
  readonly loader: StateLoader;
  /** Pieces that came before others that must go first, by number. */
  readonly early: Map<number, SnapshotChunk>;
  next: number;
  bytes: number;
  /** When a piece of it came last. */
  heardAt: MonoTime;
}

/** Of what a save stands for, so many times `snapshotLogBytes` are kept for a transfer that needs what follows it. */
const mostKept = 4;
/** How much longer a follower waits than its leader before it saves its state unasked. */
const patience = 1.25;
/**
 * A follower that takes no pieces, for its disk is full perhaps, gets the first ones so often the next time; each time in
 * vain it is passed over for twice as long, up to so many times.
 */
const trials = 2;
const mostDoublings = 4;
/** Where the log is to be short, so little of that is kept: enough for entries on their way. */
const shortShare = 64;

export class Snapshots {
  /** Somebody asked for a save, to make the log short. */
  isWanted = false;
  private readonly owner: StateOwner;
  private readonly raft: Raft;
  private readonly machine: StateMachine;
  private readonly limits: SnapshotLimits;
  /** The latest snapshot on disk is of this index; 0 if there is none. */
  savedIndex: LogIndex;
  /** The check that this leader has asked for and not applied yet. */
  private check: { readonly index: LogIndex; readonly term: number } | null = null;
  /** What this replica has as of a check, to be told. */
  private digested: { readonly index: LogIndex; readonly digest: number } | null = null;
  private records: LogRecord[] = [];
  /** Of the log that no snapshot stands for; and what the last snapshot took. */
  private logBytes = 0;
  private lastBytes: number;
  private saving: Saving | null = null;
  private sending: Sending | null = null;
  private receiving: Receiving | null = null;

  /** `restoredBytes`: what the snapshot took that this life began with. */
  constructor(owner: StateOwner, raft: Raft, machine: StateMachine, limits: SnapshotLimits, restoredBytes: number) {
    this.owner = owner;
    this.raft = raft;
    this.machine = machine;
    this.limits = limits;
    this.lastBytes = restoredBytes;
    this.savedIndex = raft.state.log.baseIndex;
  }

  /** Whether `work` has something to do, or soon will. */
  hasWork(now: MonoTime): boolean {
    if (this.saving !== null || this.sending !== null || this.isSaveDue) return true;
    return this.raft.followerInNeed(now) !== null;
  }

  /** A cut is being read out: what changes meanwhile is kept twice. */
  get isReadingOut(): boolean {
    return (this.saving !== null && !this.saving.isComplete) || (this.sending !== null && !this.sending.isReadOut);
  }

  get isSaving(): boolean {
    return this.saving !== null;
  }

  /** What is under way, for whoever looks. */
  get activity(): 'none' | 'saving' | 'sending' | 'receiving' {
    if (this.receiving !== null) return 'receiving';
    if (this.sending !== null) return 'sending';
    return this.saving === null ? 'none' : 'saving';
  }

  noteApplied(bytes: number): void {
    this.logBytes += bytes;
  }

  /** Goes on by a piece. Returns its bytes; 0 if nothing can be done now. `mayBegin`: another cut is allowed. */
  work(mayBegin: boolean, now: MonoTime): number {
    this.endSendingIfOver(now);
    if (mayBegin && !this.isReadingOut) this.begin(now);
    if (this.sending !== null) {
      const bytes = this.sendOn(this.sending, now);
      if (bytes > 0) return bytes;
    }
    return this.saving === null ? 0 : this.saveOn(this.saving);
  }

  /** Takes what came for it this turn. */
  hear(now: MonoTime): void {
    for (let reply = this.raft.takeSnapshotReply(); reply !== null; reply = this.raft.takeSnapshotReply()) {
      const { from, message } = reply;
      const { sending } = this;
      if (sending?.to === from && sending.base.index === message.index) onWanted(sending, message.next, now);
    }
    for (let chunk = this.raft.takeSnapshotChunk(); chunk !== null; chunk = this.raft.takeSnapshotChunk())
      this.receive(chunk, now);
    this.endReceivingIfOver(now);
  }

  /** What is to be written in the write of this turn, before what Raft wants written. */
  takeRecords(write: WriteId): readonly LogRecord[] {
    if (this.records.length === 0) return none;
    if (this.saving?.write === 'next') this.saving.write = write;
    const { records } = this;
    this.records = [];
    return records;
  }

  onPersisted(upTo: WriteId): void {
    const { saving } = this;
    if (saving === null || saving.write === null || saving.write === 'next' || saving.write > upTo) return;
    saving.write = null;
    saving.cut.release();
    if (!saving.isComplete) return;
    this.saving = null;
    this.lastBytes = saving.bytes;
    this.savedIndex = saving.base.index;
    this.logBytes -= saving.logBytes;
    this.compact(saving.base.index, saving.keptBytes);
  }

  private get isSaveDue(): boolean {
    if (this.receiving !== null || this.limits.isDiskShort()) return false;
    if (this.isWanted) return this.knowsMembers;
    const dueBytes = Math.max(this.limits.snapshotLogBytes, this.lastBytes);
    // Others wait somewhat longer, for the check by which their leader has all of them save the same.
    return this.logBytes >= (this.raft.state.role === 'leader' ? dueBytes : dueBytes * patience) && this.knowsMembers;
  }

  /** A replica that has the log from its beginning, and no state, learns who its group is from the entry that added it. */
  private get knowsMembers(): boolean {
    return this.raft.state.log.configurationAt(this.owner.applied).voters.length > 0;
  }

  private begin(now: MonoTime): void {
    const to = this.sending === null ? this.raft.followerInNeed(now) : null;
    if (to !== null) this.beginSending(to, now);
    else if (this.saving === null && this.isSaveDue && !this.isCheckAwaited()) this.beginSaving(false);
  }

  /** A leader that would save its state has all save theirs as of the same entry, and compares. */
  private isCheckAwaited(): boolean {
    const { raft, check } = this;
    const { role, term } = raft.state;
    if (this.isWanted || role !== 'leader' || raft.configuration.voters.length === 1) return false;
    if (check?.term === term) return this.owner.applied < check.index;
    const index = raft.proposeCheck();
    this.check = index === null ? null : { index, term };
    return index !== null;
  }

  /** A check is applied: the state as of now is to be saved, if nothing else is being read out. */
  onCheck(): void {
    this.check = null;
    const isBusy = this.saving !== null || this.isReadingOut || this.receiving !== null;
    if (!isBusy && this.knowsMembers && !this.limits.isDiskShort()) this.beginSaving(true);
  }

  /** The digest of what was saved as of a check, once. */
  takeDigest(): { readonly index: LogIndex; readonly digest: number } | null {
    const { digested } = this;
    this.digested = null;
    return digested;
  }

  private base(): LogBase {
    const { applied: index } = this.owner;
    const term = this.raft.state.log.termAt(index);
    invariant(term !== null, 'what is applied is in the log or its base', { index });
    return { index, term };
  }

  private cut(): StateCut {
    const configuration = this.raft.state.log.configurationAt(this.owner.applied);
    return this.machine.cut({ stamp: this.owner.lastStamp, configuration });
  }

  private beginSaving(isCheck: boolean): void {
    const { logBytes, isWanted } = this;
    const { snapshotLogBytes } = this.limits;
    const keptBytes = isWanted ? snapshotLogBytes / shortShare : snapshotLogBytes;
    const base = this.base();
    this.isWanted = false;
    const cut = this.cut();
    const begun = { chunks: 0, bytes: 0, digest: emptyDigest, isComplete: false, write: null };
    this.saving = { cut, base, logBytes, keptBytes, isCheck, ...begun };
  }

  /** The pieces of one turn at a time are on their way to the disk: what others write does not wait for more. */
  private saveOn(saving: Saving): number {
    const isUnderWay = saving.write !== null && saving.write !== 'next';
    if (isUnderWay || saving.isComplete) return 0;
    const { id: group } = this.owner;
    if (saving.chunks === 0 && this.limits.isDiskShort()) {
      // It would begin with what the log holds already, once more.
      saving.cut.close();
      this.saving = null;
      return 0;
    }
    if (saving.chunks === 0) this.raft.rewriteAfter(saving.base.index);
    const bytes = saving.cut.next(this.limits.snapshotChunkBytes);
    saving.write = 'next';
    if (bytes === null) {
      saving.isComplete = true;
      if (saving.isCheck) this.digested = { index: saving.base.index, digest: saving.digest };
      this.records.push({ kind: 'snapshot', group, base: saving.base, chunks: saving.chunks });
      return 1;
    }
    this.records.push({ kind: 'snapshotChunk', group, number: saving.chunks, bytes });
    saving.chunks += 1;
    saving.bytes += bytes.length;
    if (saving.isCheck) saving.digest = digestOf(bytes, saving.digest);
    return bytes.length;
  }

  /** Entries that a snapshot stands for are kept for a while: they are less than the state. */
  private compact(index: LogIndex, keptBytes: number): void {
    const { log } = this.raft.state;
    const { snapshotLogBytes } = this.limits;
    const tail = log.tailOf(index, keptBytes);
    const needed = Math.min(tail, this.sending?.base.index ?? tail);
    this.raft.compactTo(Math.max(needed, log.tailOf(index, mostKept * snapshotLogBytes)) as LogIndex);
  }

  private beginSending(to: ReplicaId, now: MonoTime): void {
    this.sending = {
      to,
      term: this.raft.state.term,
      cut: this.cut(),
      base: this.base(),
      window: new Queue(),
      acknowledged: 0,
      wanted: 0,
      sent: 0,
      isReadOut: false,
      heardAt: now,
      sentAt: now,
    };
  }

  private sendOn(sending: Sending, now: MonoTime): number {
    const { snapshotChunksInFlight, snapshotResendMs } = this.limits;
    const { window, to, base, acknowledged } = sending;
    if (elapsedMs(sending.sentAt, now) >= snapshotResendMs) sending.sent = 0;
    if (sending.sent >= snapshotChunksInFlight) return 0;
    // One more than is sent: only then is it known whether that is the last.
    while (!sending.isReadOut && window.length <= sending.sent + 1) this.readOn(sending);
    const bytes = window.at(sending.sent);
    if (bytes === undefined) return 0;
    sending.sent += 1;
    sending.sentAt = now;
    const isLast = sending.isReadOut && sending.sent === window.length;
    this.raft.sendSnapshotChunk(to, base, acknowledged + sending.sent - 1, bytes, isLast);
    return bytes.length;
  }

  private readOn(sending: Sending): void {
    const bytes = sending.cut.next(this.limits.snapshotChunkBytes);
    if (bytes === null) sending.isReadOut = true;
    else sending.window.push(bytes);
  }

  private endSendingIfOver(now: MonoTime): void {
    const { sending, raft } = this;
    if (sending === null) return;
    const { snapshotGiveUpMs, snapshotResendMs } = this.limits;
    const progress = raft.state.progress.get(sending.to);
    const isWanted = raft.state.term === sending.term && progress?.mode === 'snapshot';
    const isForgotten = sending.wanted < sending.acknowledged && elapsedMs(sending.sentAt, now) >= snapshotResendMs;
    const givenUp = progress?.givenUp ?? 0;
    const isSilent = elapsedMs(sending.heardAt, now) >= (givenUp === 0 ? snapshotGiveUpMs : trials * snapshotResendMs);
    if (isWanted && !isForgotten && !isSilent) return;
    const pauseMs = snapshotGiveUpMs << Math.min(givenUp, mostDoublings);
    if (isWanted && isSilent) raft.passOver(sending.to, after(now, pauseMs), now);
    sending.cut.close();
    this.sending = null;
  }

  private receive(chunk: SnapshotChunk, now: MonoTime): void {
    const { message } = chunk;
    const { state } = this.raft;
    if (state.role !== 'follower' || message.term !== state.term || message.index <= state.commitIndex) return;
    const receiving = this.receivingFor({ index: message.index, term: message.indexTerm }, now);
    const ahead = message.number - receiving.next;
    if (ahead > 0 && ahead < this.limits.snapshotChunksInFlight) receiving.early.set(message.number, chunk);
    for (let next = ahead === 0 ? chunk : undefined; next !== undefined; next = receiving.early.get(receiving.next)) {
      receiving.early.delete(receiving.next);
      if (!this.take(receiving, next)) return;
    }
    this.raft.wantSnapshotChunk(chunk, receiving.next);
  }

  private receivingFor(base: LogBase, now: MonoTime): Receiving {
    const { receiving } = this;
    if (receiving?.base.index === base.index && receiving.base.term === base.term) {
      receiving.heardAt = now;
      return receiving;
    }
    this.abandon();
    const loader = this.machine.loader();
    const begun: Receiving = { base, loader, early: new Map(), next: 0, bytes: 0, heardAt: now };
    this.receiving = begun;
    return begun;
  }

  /** Returns whether more of it is wanted. */
  private take(receiving: Receiving, chunk: SnapshotChunk): boolean {
    const { number, bytes, isLast } = chunk.message;
    const { id: group } = this.owner;
    if (!receiving.loader.add(bytes)) {
      this.receiving = null;
      return false;
    }
    this.records.push({ kind: 'snapshotChunk', group, number, bytes });
    receiving.next += 1;
    receiving.bytes += bytes.length;
    if (!isLast) return true;
    this.receiving = null;
    if (!receiving.loader.finish()) return false;
    const { base, loader, next: chunks } = receiving;
    this.records.push({ kind: 'snapshot', group, base, chunks });
    this.logBytes = 0;
    this.lastBytes = receiving.bytes;
    this.savedIndex = base.index;
    this.raft.install(base, loader.configuration ?? this.raft.configuration, chunk);
    this.owner.onInstalled(base.index, loader.stamp);
    return false;
  }

  /** The log has got there by itself, or nobody sends any more: what has come must not keep this replica from saving what it has. */
  private endReceivingIfOver(now: MonoTime): void {
    const { receiving, raft, limits } = this;
    if (receiving === null) return;
    const isOverdue = elapsedMs(receiving.heardAt, now) >= limits.snapshotGiveUpMs;
    if (isOverdue || receiving.base.index <= raft.state.commitIndex) this.receiving = null;
  }

  /** The state is another's now, or another is coming: what is under way is of no use. */
  abandon(): void {
    this.saving?.cut.close();
    this.saving = null;
    this.sending?.cut.close();
    this.sending = null;
    this.receiving = null;
  }
}

/** The follower has everything before `next`, perhaps since an earlier transfer. */
function onWanted(sending: Sending, next: number, now: MonoTime): void {
  sending.heardAt = now;
  sending.wanted = next;
  for (; sending.acknowledged < next; sending.acknowledged += 1) {
    if (sending.window.shift() === undefined) break;
    sending.sent = Math.max(0, sending.sent - 1);
    sending.sentAt = now;
  }
}

const none: readonly LogRecord[] = [];
