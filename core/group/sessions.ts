/**
 * What a tenant remembers of the writes it has run, so that sending one again is a question and not a second
 * execution (§6.3). A session is one lane of one life of an ingress; its requests are numbered upwards, run in that
 * order, and are forgotten once the ingress says that it has their answers.
 *
 * All of it is replicated state: it changes by logged operations and log time alone. So do its bounds: a version
 * that has others must not share a group with one that has these.
 */
import { ByteWriter, noBytes } from '../base/bytes.ts';
import type { LaneId, NodeId, RequestId } from '../base/ids.ts';
import { crc32 } from '../base/crc32.ts';
import { Queue } from '../base/queue.ts';
import type { CutClock } from '../engine/keyspaceCut.ts';
import type { WallTime } from '../base/time.ts';
import type { LoggedItem } from '../wire/operation.ts';

/** Milliseconds of log time without a write: longer than any command may take to be answered. */
const idleMs = 15 * 60_000;
/** How often, in log time, idle sessions are looked for. */
const sweepMs = 60_000;
/** Above it the sessions that were used least lately go, a quarter at a time. */
const mostSessions = 16_384;
/** A session remembers no more bytes of replies: of what does not fit it only remembers that it ran. */
const mostReplyBytes = 256 * 1024;

export interface Remembered {
  readonly request: RequestId;
  /** Null if it was too large. */
  readonly reply: Uint8Array | null;
}

interface Session {
  /** The last request that ran. */
  last: number;
  /** Those that ran and may be asked for again, in order. */
  readonly remembered: Queue<Remembered>;
  /** Bytes of replies in it. */
  bytes: number;
  usedAt: WallTime;
}

interface Ingress {
  /** The life of the node whose sessions these are. An earlier one asks for nothing any more. */
  readonly boot: number;
  readonly sessions: Map<LaneId, Session>;
  /** The highest request of a session that was forgotten. */
  forgotten: number;
}

/** All sessions as they were, in an order that equal replicas share. Nobody changes it. */
export interface SessionsImage {
  readonly sweptAt: WallTime;
  readonly ingresses: readonly {
    readonly node: NodeId;
    readonly boot: number;
    readonly forgotten: number;
    readonly sessions: readonly SessionImage[];
  }[];
}

export interface SessionImage {
  readonly lane: LaneId;
  readonly last: number;
  readonly usedAt: WallTime;
  readonly remembered: readonly Remembered[];
}

/** What became of a write: `new` if it has never run; `forgotten` if that can no longer be told. */
export type Memory = Remembered | 'new' | 'forgotten';

export class Sessions {
  private readonly ingresses = new Map<NodeId, Ingress>();
  private readonly clock: CutClock;
  private count = 0;
  private sweptAt: WallTime;
  /** The latest cut these sessions have joined, and how they were then. */
  private joined: object | null = null;
  private cut: SessionsImage | null = null;

  /** `stamp`: the log time of the tenant's adoption. */
  constructor(stamp: WallTime, clock: CutClock = { current: null }) {
    this.sweptAt = stamp;
    this.clock = clock;
  }

  get size(): number {
    return this.count;
  }

  recall({ origin, lane, isRetry }: LoggedItem): Memory {
    const ingress = this.ingresses.get(origin.node);
    if (ingress === undefined || origin.boot > ingress.boot) return 'new';
    if (origin.boot < ingress.boot) return 'forgotten';
    const session = ingress.sessions.get(lane);
    if (session === undefined) return isRetry && origin.request <= ingress.forgotten ? 'forgotten' : 'new';
    if (origin.request > session.last) return 'new';
    for (const remembered of session.remembered) if (remembered.request === origin.request) return remembered;
    return 'forgotten';
  }

  /** Notes that a `new` write has run, and drops what its ingress has the answers of. */
  remember({ origin, lane, ackBelow }: LoggedItem, reply: Uint8Array, stamp: WallTime): void {
    if (this.clock.current !== null) this.partOfCut(this.clock.current);
    const session = this.open(origin.node, origin.boot, lane, stamp);
    const { remembered } = session;
    for (let first = remembered.peek(); first !== undefined && first.request < ackBelow; first = remembered.peek()) {
      remembered.shift();
      session.bytes -= first.reply?.length ?? 0;
    }
    const fits = session.bytes + reply.length <= mostReplyBytes;
    remembered.push({ request: origin.request, reply: fits ? compact(reply) : null });
    if (fits) session.bytes += reply.length;
    session.last = origin.request;
    session.usedAt = stamp;
  }

  /** These sessions as they were when the cut was made; null once they were read out. */
  partOfCut(current: object): SessionsImage | null {
    if (this.joined !== current) {
      this.joined = current;
      this.cut = this.image();
    }
    return this.cut;
  }

  /** Their part of the cut was read out, or is not wanted any more. */
  leaveCut(): void {
    this.cut = null;
  }

  /** Puts back what an image has told of: an ingress, and then its sessions one by one. */
  restoreIngress(node: NodeId, boot: number, forgotten: number): void {
    this.ingresses.set(node, { boot, forgotten, sessions: new Map() });
  }

  restoreSession(node: NodeId, { lane, last, usedAt, remembered }: SessionImage): void {
    const session: Session = { last, usedAt, remembered: new Queue(), bytes: 0 };
    for (const each of remembered) {
      session.remembered.push(each);
      session.bytes += each.reply?.length ?? 0;
    }
    this.ingresses.get(node)?.sessions.set(lane, session);
    this.count += 1;
  }

  /** A checksum over everything, in order of nodes and lanes: equal for equal replicas. */
  digest(): number {
    const writer = new ByteWriter();
    let crc = 0;
    for (const [node, { boot, sessions, forgotten }] of sorted(this.ingresses)) {
      for (const part of [node, boot, forgotten]) writer.varint(part);
      for (const [lane, { last, remembered, usedAt }] of sorted(sessions)) {
        for (const part of [lane, last, usedAt]) writer.varint(part);
        for (const { request, reply } of remembered) {
          writer.varint(request);
          writer.u8(reply === null ? 0 : 1);
          writer.bytes(reply ?? noBytes);
        }
      }
      crc = crc32(writer.take(), crc);
    }
    return crc;
  }

  private image(): SessionsImage {
    const ingresses = [...this.ingresses].map(([node, { boot, forgotten, sessions }]) => ({
      node,
      boot,
      forgotten,
      sessions: [...sessions].map(([lane, { last, usedAt, remembered }]) => ({
        lane,
        last,
        usedAt,
        remembered: [...remembered],
      })),
    }));
    return { sweptAt: this.sweptAt, ingresses };
  }

  private open(node: NodeId, boot: number, lane: LaneId, stamp: WallTime): Session {
    let ingress = this.ingresses.get(node);
    if (ingress === undefined || ingress.boot < boot) {
      this.count -= ingress?.sessions.size ?? 0;
      ingress = { boot, sessions: new Map(), forgotten: 0 };
      this.ingresses.set(node, ingress);
    }
    const known = ingress.sessions.get(lane);
    if (known !== undefined) return known;
    this.makeRoom(stamp);
    const session: Session = { last: 0, remembered: new Queue(), bytes: 0, usedAt: stamp };
    ingress.sessions.set(lane, session);
    this.count += 1;
    return session;
  }

  private makeRoom(stamp: WallTime): void {
    if (stamp - this.sweptAt >= sweepMs) {
      this.sweptAt = stamp;
      this.forget((session) => stamp - session.usedAt >= idleMs);
    }
    if (this.count < mostSessions) return;
    const ages: number[] = [];
    for (const { sessions } of this.ingresses.values()) for (const { usedAt } of sessions.values()) ages.push(usedAt);
    ages.sort((a, b) => a - b);
    const oldest = ages[Math.floor(ages.length / 4)] ?? 0;
    this.forget((session) => session.usedAt <= oldest);
  }

  private forget(isOver: (session: Session) => boolean): void {
    for (const ingress of this.ingresses.values()) {
      for (const [lane, session] of ingress.sessions) {
        if (!isOver(session)) continue;
        ingress.sessions.delete(lane);
        ingress.forgotten = Math.max(ingress.forgotten, session.last);
        this.count -= 1;
      }
    }
  }
}

/** A reply may be a view of a chunk that many share: kept for long it would keep all of that. */
function compact(reply: Uint8Array): Uint8Array {
  return reply.buffer.byteLength > reply.length * 2 ? new Uint8Array(reply) : reply;
}

function sorted<Key extends number, Value>(map: ReadonlyMap<Key, Value>): readonly (readonly [Key, Value])[] {
  return [...map].sort(([a], [b]) => a - b);
}
