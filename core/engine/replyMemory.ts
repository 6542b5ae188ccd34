/**
 * What the writes of one sender were answered. They are numbered upwards, run in that order, and are remembered until
 * the sender is known to have their answers. It is replicated state, and so are its bounds: a version that has others
 * must not share a group with one that has these.
 */
import { Queue } from '../base/queue.ts';
import type { WallTime } from '../base/time.ts';

/** Replies of one sender, in bytes: of what does not fit it is only remembered that it ran. */
const mostReplyBytes = 256 * 1024;

export interface Remembered {
  readonly number: number;
  /** Null if it was too large. */
  readonly reply: Uint8Array | null;
}

/** A memory as it was. Nobody changes it. */
export interface MemoryImage {
  readonly last: number;
  readonly usedAt: WallTime;
  readonly remembered: readonly Remembered[];
}

/** What became of a write: `new` if it has never run; `forgotten` if that can no longer be told, or if it has and its reply is gone. */
export type Memory = Remembered | 'new' | 'forgotten';

export class ReplyMemory {
  /** The last write that ran. */
  last = 0;
  usedAt: WallTime;
  /** Those that ran and may be asked for again, in order. */
  private readonly remembered = new Queue<Remembered>();
  /** Bytes of replies in it. */
  private bytes = 0;

  constructor(usedAt: WallTime) {
    this.usedAt = usedAt;
  }

  recall(number: number): Memory {
    if (number > this.last) return 'new';
    for (const remembered of this.remembered) if (remembered.number === number) return remembered;
    return 'forgotten';
  }

  /** Notes that a `new` write has run, and drops what its sender has the answers of. */
  remember(number: number, ackBelow: number, reply: Uint8Array, stamp: WallTime): void {
    const { remembered } = this;
    for (let first = remembered.peek(); first !== undefined && first.number < ackBelow; first = remembered.peek()) {
      remembered.shift();
      this.bytes -= first.reply?.length ?? 0;
    }
    const fits = this.bytes + reply.length <= mostReplyBytes;
    remembered.push({ number, reply: fits ? compact(reply) : null });
    if (fits) this.bytes += reply.length;
    this.last = number;
    this.usedAt = stamp;
  }

  image(): MemoryImage {
    return { last: this.last, usedAt: this.usedAt, remembered: [...this.remembered] };
  }

  static of({ last, usedAt, remembered }: MemoryImage): ReplyMemory {
    const memory = new ReplyMemory(usedAt);
    memory.last = last;
    for (const each of remembered) {
      memory.remembered.push(each);
      memory.bytes += each.reply?.length ?? 0;
    }
    return memory;
  }
}

/** What memories were when a cut was made, those that were written to since. */
export class KeptMemories {
  private readonly images = new Map<ReplyMemory, MemoryImage>();

  /** The memory is about to change. */
  keep(memory: ReplyMemory): void {
    if (!this.images.has(memory)) this.images.set(memory, memory.image());
  }

  imageOf(memory: ReplyMemory): MemoryImage {
    return this.images.get(memory) ?? memory.image();
  }
}

/**
 * Memories as they were, in the order in which they began, to be read out one by one. Only who they are is noted when it
 * is made; what each had is with `kept` if it has changed since.
 */
export class MemoriesImage<Key> {
  private readonly memories: readonly (readonly [Key, ReplyMemory])[];
  private readonly kept: KeptMemories;

  constructor(memories: ReadonlyMap<Key, ReplyMemory>, kept: KeptMemories) {
    this.memories = [...memories];
    this.kept = kept;
  }

  get size(): number {
    return this.memories.length;
  }

  *[Symbol.iterator](): IterableIterator<readonly [Key, MemoryImage]> {
    for (const [key, memory] of this.memories) yield [key, this.kept.imageOf(memory)];
  }
}

/** How long, in milliseconds of log time, a sender may be silent before it is forgotten: longer than any command may take to be answered. */
export const forgetAfterMs = 15 * 60_000;
/** How often, in log time, those are looked for. */
export const sweepEveryMs = 60_000;
/** Memories of one kind in a tenant: beyond it those used least lately go, a quarter at a time. */
export const mostMemories = 16_384;

/** Up to when the quarter was used that was used least lately. */
export function oldestQuarter(memories: Iterable<ReplyMemory>): WallTime {
  const ages = Array.from(memories, ({ usedAt }) => usedAt).sort((a, b) => a - b);
  return ages[Math.floor(ages.length / 4)] ?? (0 as WallTime);
}

/** A reply may be a view of a chunk that many share: kept for long it would keep all of that. */
function compact(reply: Uint8Array): Uint8Array {
  return reply.buffer.byteLength > reply.length * 2 ? new Uint8Array(reply) : reply;
}
