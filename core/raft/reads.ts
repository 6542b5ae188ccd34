/**
 * Reads beside the log (§6.4). A leader may read once a quorum round that began after the read arrived is confirmed,
 * or while it has a lease; any other member once its leader, asked after the read arrived, has told it so. Both
 * then wait until everything is applied that was committed at that moment. It never changes role, term or vote.
 */
import type { LogIndex, ReplicaId } from '../base/ids.ts';
import { after, type MonoTime } from '../base/time.ts';
import type { Outbox } from './outbox.ts';
import type { RaftConfig, RaftState } from './state.ts';
import type { RaftMessage } from './types.ts';

type Of<Kind extends RaftMessage['kind']> = Extract<RaftMessage, { kind: Kind }>;

/** What a read waits for: a round of a leader, or the answer to a ticket of another member. */
export type ReadPoint =
  | { readonly kind: 'round'; readonly round: number; readonly index: LogIndex }
  | { readonly kind: 'ticket'; readonly ticket: number };

/** Requests of other members that wait for a round: they ask again. */
const mostAsked = 1024;

export class Reads {
  private readonly config: RaftConfig;
  private readonly s: RaftState;
  private readonly out: Outbox;

  constructor(config: RaftConfig, state: RaftState, out: Outbox) {
    this.config = config;
    this.s = state;
    this.out = out;
  }

  /** Null: there is no leader, or it has committed nothing in its term, so that it cannot know what is committed. */
  request(now: MonoTime): ReadPoint | null {
    const { s } = this;
    if (s.role !== 'leader') {
      if (s.leader === null) return null;
      s.wantsTicket = true;
      return { kind: 'ticket', ticket: s.ticket + 1 };
    }
    if (s.commitIndex < s.termStart) return null;
    s.isBusy = true;
    if (this.hasLease(now)) return { kind: 'round', round: s.confirmedRound, index: s.commitIndex };
    s.wantsRound = true;
    return { kind: 'round', round: s.round + 1, index: s.commitIndex };
  }

  /** What must be applied for reads of this point, all of which are of the present term; null while that is not known. */
  indexOf(point: ReadPoint): LogIndex | null {
    const { s } = this;
    if (point.kind === 'ticket') return s.granted !== null && s.granted.ticket >= point.ticket ? s.granted.index : null;
    return s.role === 'leader' && s.confirmedRound >= point.round ? point.index : null;
  }

  /** Reads may run without a round at this instant (§6.4.1). */
  hasLease(now: MonoTime): boolean {
    const { s } = this;
    return (
      this.config.leases &&
      s.role === 'leader' &&
      s.commitIndex >= s.termStart &&
      s.leaseUntil !== null &&
      now < s.leaseUntil
    );
  }

  // The leader.

  onRequest(from: ReplicaId, { ticket }: Of<'readRequest'>, now: MonoTime): void {
    const { s } = this;
    if (s.role !== 'leader' || s.asked.length >= mostAsked) return;
    const point = this.request(now);
    if (point?.kind === 'round') s.asked.push({ from, ticket, round: point.round, index: point.index });
  }

  // The others.

  onReply({ ticket, index }: Of<'readReply'>): void {
    const { s } = this;
    if (s.granted === null || ticket > s.granted.ticket) s.granted = { ticket, index };
  }

  /** A ticket has no answer yet. */
  get isWaiting(): boolean {
    const { s } = this;
    return s.wantsTicket || s.ticket > (s.granted?.ticket ?? this.config.firstTicket);
  }

  endTurn(now: MonoTime): void {
    if (this.s.role === 'leader') this.answer();
    else this.ask(now);
  }

  private answer(): void {
    const { s } = this;
    let answered = 0;
    for (const { from, ticket, round, index } of s.asked) {
      if (round > s.confirmedRound) break;
      this.out.send(from, { kind: 'readReply', term: s.term, ticket, index });
      const progress = s.progress.get(from);
      if (progress !== undefined && index > progress.wantedCommit) progress.wantedCommit = index;
      answered += 1;
    }
    if (answered > 0) s.asked.splice(0, answered);
  }

  /** One request for all reads of a turn. One that is not answered is asked again, for what came since too. */
  private ask(now: MonoTime): void {
    const { s } = this;
    if (s.leader === null) return;
    const isLost = this.isWaiting && now >= after(s.askedAt, this.config.electionMs);
    if (!s.wantsTicket && !isLost) return;
    s.wantsTicket = false;
    s.ticket += 1;
    s.askedAt = now;
    this.out.sendAfterHardState(s.leader, { kind: 'readRequest', term: s.term, ticket: s.ticket });
  }
}
