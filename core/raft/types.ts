/**
 * The vocabulary of consensus: entries, messages between replicas, and what a replica hands to its owner.
 * Raft has never heard of a command; an entry's `data` is opaque bytes.
 * Source: Ongaro, "Consensus: Bridging Theory and Practice" (2014), cited by section as §.
 */
import type { LogIndex, NodeId, ReplicaId, Term } from '../base/ids.ts';

/**
 * `noop` is what a new leader writes to commit an entry of its own term (§6.4); `data` is the owner's;
 * `configuration` says who belongs to the group (§4); at a `check` all replicas compare their states.
 */
export type EntryKind = 'noop' | 'data' | 'configuration' | 'check';

export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** Never written to after the entry was made. Empty for a `noop`. */
  readonly data: Uint8Array;
}

/** A replica and where it is. Raft makes nothing of the node. */
export interface Member {
  readonly replica: ReplicaId;
  readonly node: NodeId;
}

/** Gets the log and has no vote (§4.2.1). */
export interface Learner extends Member {
  /** It becomes a voter by itself when it has caught up. */
  readonly joins: boolean;
  /** Whom it takes the place of then; null: nobody's. */
  readonly replaces: ReplicaId | null;
}

/** Who belongs to a group: `configuration.ts`. */
export interface Configuration {
  /** The leader belongs on the first. */
  readonly voters: readonly Member[];
  /** Those of before, while the configuration is joint; otherwise empty. */
  readonly outgoing: readonly Member[];
  readonly learners: readonly Learner[];
  /** The highest id that the group has given away. Ids are never given twice. */
  readonly highest: ReplicaId;
}

/** The last entry of those that a snapshot stands for: index 0, term 0 if there is none. */
export interface LogBase {
  readonly index: LogIndex;
  readonly term: Term;
}

/** What a replica begins a life with. */
export interface RestoredReplica {
  readonly hardState: HardState;
  readonly base: LogBase;
  /** As of `base`. */
  readonly configuration: Configuration;
  /** Contiguous, right behind `base`. */
  readonly entries: readonly Entry[];
}

/** What must be on disk before a replica speaks in a term (§3.8). */
export interface HardState {
  readonly term: Term;
  readonly votedFor: ReplicaId | null;
}

export type RaftMessage =
  /** `pre` asks "would you?" without changing a term (§9.6). `transfer` lifts the refusal of voters that hear a leader (§3.10). */
  | {
      readonly kind: 'voteRequest';
      readonly term: Term;
      readonly pre: boolean;
      readonly transfer: boolean;
      readonly lastIndex: LogIndex;
      readonly lastTerm: Term;
    }
  | { readonly kind: 'voteReply'; readonly term: Term; readonly pre: boolean; readonly granted: boolean }
  /** `round` numbers the leader's quorum rounds; every reply returns it (§6.4). */
  | {
      readonly kind: 'append';
      readonly term: Term;
      readonly prevIndex: LogIndex;
      readonly prevTerm: Term;
      readonly entries: readonly Entry[];
      readonly commit: LogIndex;
      readonly round: number;
    }
  /** Accepted: the logs agree, durably, up to `index`. Refused: they may agree up to `index`, where this log has `hintTerm`. */
  | {
      readonly kind: 'appendReply';
      readonly term: Term;
      readonly accepted: boolean;
      readonly index: LogIndex;
      readonly hintTerm: Term;
      readonly round: number;
    }
  /** `commit` never exceeds what the receiver is known to hold. */
  | { readonly kind: 'heartbeat'; readonly term: Term; readonly commit: LogIndex; readonly round: number }
  | { readonly kind: 'heartbeatReply'; readonly term: Term; readonly round: number }
  /** Everybody has everything up to `commit`: the leader says nothing more until there is something to say. Not answered. */
  | { readonly kind: 'rest'; readonly term: Term; readonly commit: LogIndex }
  /**
   * A piece of the state as of `index`, for a follower that needs entries the leader has no more (figure 5.3). Pieces are
   * numbered from 0 on; every reply says which one is wanted next.
   */
  | {
      readonly kind: 'snapshotChunk';
      readonly term: Term;
      readonly index: LogIndex;
      readonly indexTerm: Term;
      readonly number: number;
      readonly isLast: boolean;
      readonly bytes: Uint8Array;
      readonly round: number;
    }
  /** `index` is the snapshot's. One that is installed is acknowledged with an `appendReply`. */
  | {
      readonly kind: 'snapshotReply';
      readonly term: Term;
      readonly index: LogIndex;
      readonly next: number;
      readonly round: number;
    }
  /** A member wants to read: may it, and what must it have applied? Tickets of a replica grow, over all its lives. */
  | { readonly kind: 'readRequest'; readonly term: Term; readonly ticket: number }
  /** Every read that waited when that ticket was sent may run once everything up to `index` is applied. */
  | { readonly kind: 'readReply'; readonly term: Term; readonly ticket: number; readonly index: LogIndex }
  /** The digest of the sender's state as of the check at `index`. */
  | { readonly kind: 'stateDigest'; readonly term: Term; readonly index: LogIndex; readonly digest: number }
  /** The receiver is no member any more, and will never be one again. `term` is the sender's. */
  | { readonly kind: 'removed'; readonly term: Term }
  /** Leadership transfer: campaign at once (§3.10). `stays`: an operator's wish, so it is not given back. */
  | { readonly kind: 'timeoutNow'; readonly term: Term; readonly stays: boolean };

export interface OutgoingRaftMessage {
  readonly to: ReplicaId;
  readonly message: RaftMessage;
}

/** What one turn of a replica asks of its owner. Every message in it may leave at once. */
export interface RaftOutput {
  /** To be written and synced, together with `entries`, in the write whose id was given to `takeOutput`. */
  readonly hardState: HardState | null;
  /** A snapshot was installed: its end is to be written, before `entries` and in the same write. */
  readonly installed: LogBase | null;
  /** Contiguous; the first one's index says from where the stored log is replaced. */
  readonly entries: readonly Entry[];
  readonly messages: readonly OutgoingRaftMessage[];
}
