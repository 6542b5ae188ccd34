/**
 * Which segments are needed. A group needs everything from its latest complete snapshot's first piece on, or, while
 * it has none, from its first record on: what it had before is written again with that piece. A segment that no
 * group needs is deleted, from the first on, so that the log stays without gaps. Of a replica that was removed, that
 * it was is all that is needed.
 */
import type { GroupId } from '../base/ids.ts';
import type { LogRecord } from './records.ts';

interface Span {
  /** The first segment it needs. */
  needs: number;
  /** Where the latest snapshot to be begun begins, and what it takes so far. */
  beginsAt: number;
  bytes: number;
  /** What its complete snapshot takes. */
  snapshotBytes: number;
}

/** Segments that are never worth writing groups anew for. */
const fewSegments = 3;

export class Retention {
  private readonly groups = new Map<GroupId, Span>();
  private snapshotBytes = 0;

  /** These records went to this segment. */
  note(segment: number, records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.kind === 'boot' || record.kind === 'floor' || record.kind === 'lost') continue;
      let span = this.groups.get(record.group);
      if (span === undefined) {
        span = { needs: segment, beginsAt: segment, bytes: 0, snapshotBytes: 0 };
        this.groups.set(record.group, span);
      }
      if (record.kind === 'removed') {
        this.snapshotBytes -= span.snapshotBytes;
        this.groups.set(record.group, { needs: segment, beginsAt: segment, bytes: 0, snapshotBytes: 0 });
      } else if (record.kind === 'snapshotChunk') {
        if (record.number === 0) {
          span.beginsAt = segment;
          span.bytes = 0;
        }
        span.bytes += record.bytes.length;
      } else if (record.kind === 'snapshot') {
        span.needs = span.beginsAt;
        this.snapshotBytes += span.bytes - span.snapshotBytes;
        span.snapshotBytes = span.bytes;
      }
    }
  }

  /** The first segment that is needed, if `last` is the one that is written to. */
  floor(last: number): number {
    let floor = last;
    for (const { needs } of this.groups.values()) if (needs < floor) floor = needs;
    return floor;
  }

  /**
   * Groups that hold on to the first segment although the log is much longer than what is needed of it: to be
   * written anew, in order of id.
   */
  laggards(last: number, segmentBytes: number): readonly GroupId[] {
    const floor = this.floor(last);
    const needed = 2 * Math.ceil(this.snapshotBytes / segmentBytes) + fewSegments;
    if (last - floor < needed) return [];
    const found: GroupId[] = [];
    for (const [group, { needs }] of this.groups) if (needs === floor) found.push(group);
    return found.sort((a, b) => a - b);
  }
}
