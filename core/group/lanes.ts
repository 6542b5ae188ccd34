/**
 * Order within a lane, on the leader's side. A lane is what one client connection does with one tenant; its
 * requests must take effect in the order in which they were sent, although reads go past the log.
 *
 * - A read behind a write of its lane goes through the log, behind it.
 * - A write behind reads of its lane sends those through the log, before it.
 * - After a refusal everything later in the lane is refused too, until the ingress comes back with `resumes`.
 */
import { type LaneId, type NodeId, Term } from '../base/ids.ts';
import type { WaitingRead } from './reads.ts';

export interface Lane {
  /** Logged operations whose fate is not known yet. */
  logged: number;
  /** In which term the latest of them was submitted. */
  term: Term;
  /** Reads beside the log, not served yet. */
  readonly reads: WaitingRead[];
  blocked: boolean;
}

/** Room for every node id below every lane id in one safe integer. */
const nodeSpan = 0x1_0000;

export class Lanes {
  private readonly lanes = new Map<number, Lane>();
  /** Blocked since the last call of `forgetOldBlocks`, and since the one before. */
  private newBlocks: number[] = [];
  private oldBlocks: number[] = [];

  get size(): number {
    return this.lanes.size;
  }

  find(node: NodeId, lane: LaneId): Lane | undefined {
    return this.lanes.get(lane * nodeSpan + node);
  }

  open(node: NodeId, lane: LaneId): Lane {
    const key = lane * nodeSpan + node;
    const known = this.lanes.get(key);
    if (known !== undefined) return known;
    const opened: Lane = { logged: 0, term: Term(0), reads: [], blocked: false };
    this.lanes.set(key, opened);
    return opened;
  }

  block(node: NodeId, laneId: LaneId): void {
    const lane = this.open(node, laneId);
    if (!lane.blocked) this.newBlocks.push(laneId * nodeSpan + node);
    lane.blocked = true;
  }

  /**
   * To be called once per command timeout. A request that was sent before its lane was blocked, and comes later
   * than that, has been given up by its ingress and keeps no order any more.
   */
  forgetOldBlocks(): void {
    for (const key of this.oldBlocks) {
      const lane = this.lanes.get(key);
      if (lane === undefined) continue;
      lane.blocked = false;
      if (lane.logged === 0 && lane.reads.length === 0) this.lanes.delete(key);
    }
    this.oldBlocks = this.newBlocks;
    this.newBlocks = [];
  }

  /** Forgets the lane if nothing depends on it any more. */
  settle(node: NodeId, laneId: LaneId, lane: Lane): void {
    if (lane.logged === 0 && lane.reads.length === 0 && !lane.blocked) this.lanes.delete(laneId * nodeSpan + node);
  }

  /** The link to this ingress was made anew: what was blocked cannot be followed by what was sent before. */
  unblock(node: NodeId): void {
    for (const [key, lane] of this.lanes) {
      if (key % nodeSpan !== node) continue;
      lane.blocked = false;
      if (lane.logged === 0 && lane.reads.length === 0) this.lanes.delete(key);
    }
  }
}
