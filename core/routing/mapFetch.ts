/**
 * A map that is being fetched piece by piece. What has come is at any time the first part of the sender's map as of one
 * version, since each piece brings what has changed in it meanwhile. So another peer can go on where one has left off.
 */
import { ByteReader } from '../base/bytes.ts';
import { MapVersion, type NodeId } from '../base/ids.ts';
import { MapBuilder, type TenantMap } from '../metadata/tenantMap.ts';
import type { MapPiece, MapWanted } from '../wire/messages.ts';

export class MapFetch {
  /** Who was asked for the next piece; null if nobody is. */
  from: NodeId | null = null;
  /** Something came since it was last looked. */
  hasProgress = false;
  private builder = new MapBuilder();
  private since = MapVersion(0);

  get wanted(): MapWanted {
    return { since: this.since, after: this.builder.last };
  }

  /**
   * Takes a piece. `ignored`: it does not go on from here; `wrong`: it cannot be used, and what there was neither.
   * A map: that was the last.
   */
  add(piece: MapPiece): TenantMap | 'more' | 'ignored' | 'wrong' {
    const { since, after, changes, places, isLast, digest } = piece;
    const isNext = after === this.builder.last && (after === null || since === this.since);
    if (after !== null && !isNext) return 'ignored';
    if (after === null) this.builder = new MapBuilder();
    this.hasProgress = true;
    this.since = MapVersion(since + changes.length);
    this.builder.change(changes);
    if (!this.builder.add(new ByteReader(places))) return 'wrong';
    if (!isLast) return this.builder.last === after ? 'wrong' : 'more';
    return this.builder.finish(this.since, digest) ?? 'wrong';
  }
}
