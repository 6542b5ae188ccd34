/**
 * What a tenant remembers for clients that number their writes themselves, so that one of them may ask again through
 * another node when the node it was connected to is gone. A session has a token, which a node gave to the client.
 *
 * Replicated state: it changes by logged commands and log time alone.
 */
import type { WallTime } from '../base/time.ts';
import type { CutClock } from './keyspaceCut.ts';
import {
  forgetAfterMs,
  KeptMemories,
  MemoriesImage,
  type Memory,
  type MemoryImage,
  mostMemories,
  oldestQuarter,
  ReplyMemory,
  sweepEveryMs,
} from './replyMemory.ts';

/** All sessions as they were, in the order in which they began. */
export interface ClientSessionsImage {
  readonly sweptAt: WallTime;
  readonly hasForgotten: boolean;
  readonly sessions: MemoriesImage<string>;
}

export class ClientSessions {
  private readonly sessions = new Map<string, ReplyMemory>();
  private readonly clock: CutClock;
  private sweptAt: WallTime;
  /** A session was forgotten: of one that is not known nobody can tell any more whether it ever was. */
  private hasForgotten = false;
  /** The latest cut these sessions have joined, how they were then, and those that have changed since. */
  private joined: object | null = null;
  private cut: ClientSessionsImage | null = null;
  private kept: KeptMemories | null = null;

  /** `stamp`: the log time of the tenant's adoption. */
  constructor(stamp: WallTime, clock: CutClock = { current: null }) {
    this.sweptAt = stamp;
    this.clock = clock;
  }

  get size(): number {
    return this.sessions.size;
  }

  /** `isResumed`: the session may have begun through another node. */
  recall(token: string, number: number, isResumed: boolean): Memory {
    const session = this.sessions.get(token);
    if (session !== undefined) return session.recall(number);
    return isResumed && this.hasForgotten ? 'forgotten' : 'new';
  }

  /** Notes that a `new` write has run. */
  remember(token: string, number: number, ackBelow: number, reply: Uint8Array, stamp: WallTime): void {
    const { current } = this.clock;
    if (current !== null) this.partOfCut(current);
    let session = this.sessions.get(token);
    if (session === undefined) {
      this.makeRoom(stamp);
      session = new ReplyMemory(stamp);
      this.sessions.set(token, session);
    }
    if (current !== null) this.kept?.keep(session);
    session.remember(number, ackBelow, reply, stamp);
  }

  /** These sessions as they were when the cut was made; null once they were read out. */
  partOfCut(current: object): ClientSessionsImage | null {
    if (this.joined !== current) {
      this.joined = current;
      this.kept = new KeptMemories();
      this.cut = this.image(this.kept);
    }
    return this.cut;
  }

  /** Their part of the cut was read out, or is not wanted any more. */
  leaveCut(): void {
    this.cut = null;
    this.kept = null;
  }

  /** As they are now, to be read before they change, unless `kept` has what does. */
  image(kept = new KeptMemories()): ClientSessionsImage {
    const { sweptAt, hasForgotten } = this;
    return { sweptAt, hasForgotten, sessions: new MemoriesImage(this.sessions, kept) };
  }

  /** Puts back what an image has told of: when they were looked through, and then each. */
  restore(sweptAt: WallTime, hasForgotten: boolean): void {
    this.sweptAt = sweptAt;
    this.hasForgotten = hasForgotten;
  }

  restoreSession(token: string, image: MemoryImage): void {
    this.sessions.set(token, ReplyMemory.of(image));
  }

  /** With nobody to forget, when that was looked for last says nothing: a state without sessions does not tell. */
  private makeRoom(stamp: WallTime): void {
    if (this.sessions.size === 0) this.sweptAt = stamp;
    if (stamp - this.sweptAt >= sweepEveryMs) {
      this.sweptAt = stamp;
      this.forget(({ usedAt }) => stamp - usedAt >= forgetAfterMs);
    }
    if (this.sessions.size < mostMemories) return;
    const oldest = oldestQuarter(this.sessions.values());
    this.forget(({ usedAt }) => usedAt <= oldest);
  }

  private forget(isOver: (session: ReplyMemory) => boolean): void {
    for (const [token, session] of this.sessions) {
      if (!isOver(session)) continue;
      this.sessions.delete(token);
      this.hasForgotten = true;
    }
  }
}
