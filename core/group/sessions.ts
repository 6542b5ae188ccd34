/**
 * What a tenant remembers of the writes it has run, so that sending one again is a question and not a second
 * execution (§6.3). A session is one lane of one life of an ingress; its requests are numbered upwards, run in that
 * order, and are forgotten once the ingress says that it has their answers.
 *
 * All of it is replicated state: it changes by logged operations and log time alone. So do its bounds: a version
 * that has others must not share a group with one that has these.
 */
import { ByteWriter, noBytes } from '../base/bytes.ts';
import type { LaneId, NodeId } from '../base/ids.ts';
import { crc32 } from '../base/crc32.ts';
import type { CutClock } from '../engine/keyspaceCut.ts';
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
} from '../engine/replyMemory.ts';
import type { WallTime } from '../base/time.ts';
import type { Origin } from '../node/probe.ts';
import type { LoggedItem } from '../wire/operation.ts';

interface Ingress {
  /** The life of the node whose sessions these are. An earlier one asks for nothing any more. */
  readonly boot: number;
  readonly sessions: Map<LaneId, ReplyMemory>;
  /** The highest request of a session that was forgotten. */
  forgotten: number;
}

/** All sessions as they were, in an order that equal replicas share. */
export interface SessionsImage {
  readonly sweptAt: WallTime;
  readonly ingresses: readonly {
    readonly node: NodeId;
    readonly boot: number;
    readonly forgotten: number;
    readonly sessions: MemoriesImage<LaneId>;
  }[];
}

export interface SessionImage extends MemoryImage {
  readonly lane: LaneId;
}

export class Sessions {
  private readonly ingresses = new Map<NodeId, Ingress>();
  private readonly clock: CutClock;
  private count = 0;
  private sweptAt: WallTime;
  /**
   * The session that was asked for last: each write asks twice, and those of a pipeline in a row. While
   * writes run, sessions go only when another is opened, which is the latest from then on.
   */
  private latest: ReplyMemory | null = null;
  private latestNode = 0 as NodeId;
  private latestBoot = 0;
  private latestLane = 0 as LaneId;
  /** The latest cut these sessions have joined, how they were then, and those that have changed since. */
  private joined: object | null = null;
  private cut: SessionsImage | null = null;
  private kept: KeptMemories | null = null;

  /** `stamp`: the log time of the tenant's adoption. */
  constructor(stamp: WallTime, clock: CutClock = { current: null }) {
    this.sweptAt = stamp;
    this.clock = clock;
  }

  get size(): number {
    return this.count;
  }

  recall({ origin, lane, isRetry }: LoggedItem): Memory {
    const latest = this.latestOf(origin, lane);
    if (latest !== null) return latest.recall(origin.request);
    const ingress = this.ingresses.get(origin.node);
    if (ingress === undefined || origin.boot > ingress.boot) return 'new';
    if (origin.boot < ingress.boot) return 'forgotten';
    const session = ingress.sessions.get(lane);
    if (session === undefined) return isRetry && origin.request <= ingress.forgotten ? 'forgotten' : 'new';
    this.note(origin, lane, session);
    return session.recall(origin.request);
  }

  /** Notes that a `new` write has run, and drops what its ingress has the answers of. */
  remember({ origin, lane, ackBelow }: LoggedItem, reply: Uint8Array, stamp: WallTime): void {
    const { current } = this.clock;
    if (current !== null) this.partOfCut(current);
    const session = this.latestOf(origin, lane) ?? this.open(origin, lane, stamp);
    if (current !== null) this.kept?.keep(session);
    session.remember(origin.request, ackBelow, reply, stamp);
  }

  /** These sessions as they were when the cut was made; null once they were read out. */
  partOfCut(current: object): SessionsImage | null {
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

  /** Puts back what an image has told of: an ingress, and then its sessions one by one. */
  restoreIngress(node: NodeId, boot: number, forgotten: number): void {
    this.ingresses.set(node, { boot, forgotten, sessions: new Map() });
    this.latest = null;
  }

  restoreSession(node: NodeId, session: SessionImage): void {
    this.ingresses.get(node)?.sessions.set(session.lane, ReplyMemory.of(session));
    this.latest = null;
    this.count += 1;
  }

  /** A checksum over everything, in order of nodes and lanes: equal for equal replicas. */
  digest(): number {
    const writer = new ByteWriter();
    let crc = 0;
    for (const [node, { boot, sessions, forgotten }] of sorted(this.ingresses)) {
      for (const part of [node, boot, forgotten]) writer.varint(part);
      for (const [lane, session] of sorted(sessions)) {
        const { last, remembered, usedAt } = session.image();
        for (const part of [lane, last, usedAt]) writer.varint(part);
        for (const { number, reply } of remembered) {
          writer.varint(number);
          writer.u8(reply === null ? 0 : 1);
          writer.bytes(reply ?? noBytes);
        }
      }
      crc = crc32(writer.take(), crc);
    }
    return crc;
  }

  /** As they are now, to be read before they change, unless `kept` has what does. */
  image(kept = new KeptMemories()): SessionsImage {
    const ingresses = [...this.ingresses].map(([node, { boot, forgotten, sessions }]) => ({
      node,
      boot,
      forgotten,
      sessions: new MemoriesImage(sessions, kept),
    }));
    return { sweptAt: this.sweptAt, ingresses };
  }

  private latestOf({ node, boot }: Origin, lane: LaneId): ReplyMemory | null {
    const isLatest = node === this.latestNode && boot === this.latestBoot && lane === this.latestLane;
    return isLatest ? this.latest : null;
  }

  private note({ node, boot }: Origin, lane: LaneId, session: ReplyMemory): void {
    this.latest = session;
    this.latestNode = node;
    this.latestBoot = boot;
    this.latestLane = lane;
  }

  private open(origin: Origin, lane: LaneId, stamp: WallTime): ReplyMemory {
    const { node, boot } = origin;
    let ingress = this.ingresses.get(node);
    if (ingress === undefined || ingress.boot < boot) {
      this.count -= ingress?.sessions.size ?? 0;
      ingress = { boot, sessions: new Map(), forgotten: 0 };
      this.ingresses.set(node, ingress);
    }
    let session = ingress.sessions.get(lane);
    if (session === undefined) {
      this.makeRoom(stamp);
      session = new ReplyMemory(stamp);
      ingress.sessions.set(lane, session);
      this.count += 1;
    }
    this.note(origin, lane, session);
    return session;
  }

  private makeRoom(stamp: WallTime): void {
    if (stamp - this.sweptAt >= sweepEveryMs) {
      this.sweptAt = stamp;
      this.forget(({ usedAt }) => stamp - usedAt >= forgetAfterMs);
    }
    if (this.count < mostMemories) return;
    const oldest = oldestQuarter([...this.ingresses.values()].flatMap(({ sessions }) => [...sessions.values()]));
    this.forget(({ usedAt }) => usedAt <= oldest);
  }

  private forget(isOver: (session: ReplyMemory) => boolean): void {
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

function sorted<Key extends number, Value>(map: ReadonlyMap<Key, Value>): readonly (readonly [Key, Value])[] {
  return [...map].sort(([a], [b]) => a - b);
}
