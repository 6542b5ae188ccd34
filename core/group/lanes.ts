/**
 * Order within a lane, on the leader's side. A lane is what one client connection does with one tenant; its
 * requests must take effect in the order in which they were sent, although reads go past the log.
 *
 * - A read behind a write of its lane goes through the log, behind it.
 * - A write behind reads of its lane sends those through the log, before it.
 * - After a refusal, or the loss of leadership, everything later in the lane is refused too, until the ingress comes back with `resumes`.
 */
import type { LaneId, NodeId } from '../base/ids.ts';
import type { WaitingRead } from './reads.ts';

export interface Lane {
  /** Logged operations whose fate is not known yet. */
  logged: number;
  /** Reads beside the log, not served yet. */
  readonly reads: WaitingRead[];
  blocked: boolean;
  /** Sweeps since it was last used, or blocked. */
  sweeps: number;
}

/** A sweep may follow at once on the use of a lane: only the next is sure to be a whole interval later. */
const sweepsToForget = 2;

export class Lanes {
  private readonly perNode = new Map<NodeId, Map<LaneId, Lane>>();

  get size(): number {
    let size = 0;
    for (const lanes of this.perNode.values()) size += lanes.size;
    return size;
  }

  /** The lane, as it is or as new. A busy lane is the same object from one use to the next. */
  at(node: NodeId, id: LaneId): Lane {
    const lanes = this.of(node);
    let lane = lanes.get(id);
    if (lane === undefined) {
      lane = { logged: 0, reads: [], blocked: false, sweeps: 0 };
      lanes.set(id, lane);
    }
    lane.sweeps = 0;
    return lane;
  }

  /**
   * To be called once per command timeout: forgets idle lanes, and lifts old blocks. A request that was sent before
   * its lane was blocked, and comes later than that, has been given up by its ingress and keeps no order any more.
   */
  sweep(): void {
    for (const lanes of this.perNode.values()) {
      for (const [id, lane] of lanes) {
        lane.sweeps += 1;
        if (lane.sweeps < sweepsToForget) continue;
        lane.blocked = false;
        if (lane.logged === 0 && lane.reads.length === 0) lanes.delete(id);
      }
    }
  }

  /** The link to this ingress was made anew: what was blocked cannot be followed by what was sent before. */
  unblock(node: NodeId): void {
    for (const lane of this.perNode.get(node)?.values() ?? []) lane.blocked = false;
  }

  private of(node: NodeId): Map<LaneId, Lane> {
    const known = this.perNode.get(node);
    if (known !== undefined) return known;
    const lanes = new Map<LaneId, Lane>();
    this.perNode.set(node, lanes);
    return lanes;
  }
}
