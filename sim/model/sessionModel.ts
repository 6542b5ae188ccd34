/**
 * What a tenant must remember of the writes it ran, told a second time: a reply for every request of every lane,
 * until the ingress says that it has it. Runs are too short for anything to be forgotten with age.
 */
import type { LoggedItem } from '../../core/wire/operation.ts';

/** `again`: it ran before; its reply then, or null if no reply may be given. */
export type Recollection = 'first' | { readonly again: string | null };

/** A write that ran, and what it answered. */
export interface RememberedWrite {
  readonly item: LoggedItem;
  readonly reply: string;
}

interface Lane {
  last: number;
  /** By request. */
  readonly replies: Map<number, RememberedWrite>;
}

export class SessionModel {
  /** By node: its latest life that was heard of, and that life's lanes. */
  private readonly lives = new Map<number, { boot: number; lanes: Map<number, Lane> }>();

  /** How many lanes there are. */
  get size(): number {
    let size = 0;
    for (const { lanes } of this.lives.values()) size += lanes.size;
    return size;
  }

  /** All that may be asked for again. */
  *remembered(): IterableIterator<RememberedWrite> {
    for (const { lanes } of this.lives.values()) for (const { replies } of lanes.values()) yield* replies.values();
  }

  /** The same, to go on by itself. */
  copy(): SessionModel {
    const copy = new SessionModel();
    for (const [node, { boot, lanes }] of this.lives) {
      const copied = new Map<number, Lane>();
      for (const [lane, { last, replies }] of lanes) copied.set(lane, { last, replies: new Map(replies) });
      copy.lives.set(node, { boot, lanes: copied });
    }
    return copy;
  }

  recall({ origin, lane }: LoggedItem): Recollection {
    const life = this.lives.get(origin.node);
    if (life === undefined || life.boot < origin.boot) return 'first';
    if (life.boot > origin.boot) return { again: null };
    const known = life.lanes.get(lane);
    if (known === undefined || origin.request > known.last) return 'first';
    return { again: known.replies.get(origin.request)?.reply ?? null };
  }

  remember(item: LoggedItem, reply: string): void {
    const { origin, lane, ackBelow } = item;
    let life = this.lives.get(origin.node);
    if (life?.boot !== origin.boot) this.lives.set(origin.node, (life = { boot: origin.boot, lanes: new Map() }));
    let known = life.lanes.get(lane);
    if (known === undefined) life.lanes.set(lane, (known = { last: 0, replies: new Map() }));
    for (const request of [...known.replies.keys()]) if (request < ackBelow) known.replies.delete(request);
    known.replies.set(origin.request, { item, reply });
    known.last = origin.request;
  }
}
