/** The nodes that are getting the map from this one, piece by piece: only so many at a time, and none for ever. */
import type { NodeId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { elapsedMs, type MonoTime } from '../base/time.ts';

export class MapReaders {
  /** When each was last given a piece. */
  private readonly servedAt = new Map<NodeId, MonoTime>();

  /** Whether the node may have its next piece. */
  admit(node: NodeId, now: MonoTime): boolean {
    for (const [other, at] of this.servedAt)
      if (elapsedMs(at, now) >= limits.mapReaderSilentMs) this.servedAt.delete(other);
    if (!this.servedAt.has(node) && this.servedAt.size >= limits.mapReadersAtATime) return false;
    this.servedAt.set(node, now);
    return true;
  }

  /** It has all, or is gone. */
  forget(node: NodeId): void {
    this.servedAt.delete(node);
  }
}
