/**
 * What a replica wants written and said. A message that claims something durable is held here until the disk
 * has confirmed it: that is the whole of the "sync before you answer" rule (§3.8, §10.2.1).
 */
import { LogIndex, type ReplicaId, type WriteId } from '../base/ids.ts';
import { isHardStateSynced, isSynced, type RaftState } from './state.ts';
import type { Entry, HardState, OutgoingRaftMessage, RaftMessage, RaftOutput } from './types.ts';

const nothing: readonly Entry[] = [];

export class Outbox {
  private messages: OutgoingRaftMessage[] = [];
  private readonly s: RaftState;

  constructor(state: RaftState) {
    this.s = state;
  }

  /** Claims nothing that is not on disk: a leader's term has been durable since before it campaigned. */
  send(to: ReplicaId, message: RaftMessage): void {
    this.messages.push({ to, message });
  }

  /** Claims our term and vote. */
  sendAfterHardState(to: ReplicaId, message: RaftMessage): void {
    if (isHardStateSynced(this.s)) this.send(to, message);
    else this.hold(to, message);
  }

  /** Claims our term, our vote and our log. */
  sendAfterLog(to: ReplicaId, message: RaftMessage): void {
    if (isSynced(this.s)) this.send(to, message);
    else this.hold(to, message);
  }

  /** Everything up to `upTo` is on disk. */
  onPersisted(upTo: WriteId): void {
    const { s } = this;
    while (s.unsynced[0] !== undefined && s.unsynced[0].write <= upTo) {
      const written = s.unsynced.shift();
      if (written !== undefined && written.lastIndex > s.durableIndex) s.durableIndex = written.lastIndex;
    }
    while (s.held[0] !== undefined && s.held[0].write !== null && s.held[0].write <= upTo) {
      const released = s.held.shift();
      if (released !== undefined && released.outgoing.message.term === s.term) this.messages.push(released.outgoing);
    }
  }

  /** The log was cut: what is still on its way to the disk does not cover what replaces the cut part. */
  onTruncated(from: LogIndex): void {
    const { s } = this;
    const kept = LogIndex(from - 1);
    if (s.durableIndex > kept) s.durableIndex = kept;
    for (const written of s.unsynced) if (written.lastIndex > kept) written.lastIndex = kept;
    if (s.unwrittenFrom > from) s.unwrittenFrom = from;
  }

  /** Hands over the turn's output; what is to be written gets the number `write`. */
  take(write: WriteId): RaftOutput {
    const { s } = this;
    const { lastIndex } = s.log;
    const hardState: HardState | null = s.hardStateChanged ? { term: s.term, votedFor: s.votedFor } : null;
    const { installed } = s;
    const entries = s.unwrittenFrom > lastIndex ? nothing : s.log.slice(LogIndex(s.unwrittenFrom - 1), lastIndex);
    if (hardState !== null || entries.length > 0 || installed !== null) {
      const covered = entries.length > 0 || installed !== null ? lastIndex : LogIndex(0);
      s.unsynced.push({ write, lastIndex: covered, hasHardState: hardState !== null });
    }
    s.hardStateChanged = false;
    s.installed = null;
    s.unwrittenFrom = LogIndex(lastIndex + 1);
    const last = s.unsynced.at(-1)?.write ?? write;
    for (const held of s.held) held.write ??= last;
    const { messages } = this;
    this.messages = [];
    return { hardState, installed, entries, messages };
  }

  /** All that this replica needs beside a snapshot is written again: the term, the vote, the entries after `index`. */
  rewriteAfter(index: LogIndex): void {
    const { s } = this;
    s.hardStateChanged = true;
    if (s.unwrittenFrom > index + 1) s.unwrittenFrom = LogIndex(index + 1);
  }

  private hold(to: ReplicaId, message: RaftMessage): void {
    this.s.held.push({ write: null, outgoing: { to, message } });
  }
}
