/**
 * Shares out what a node does for snapshots: some groups at a time, a piece of each in turn, and no more bytes in a
 * second than the node may read out.
 */
import { limits } from '../base/limits.ts';
import { after, elapsedMs, type MonoTime } from '../base/time.ts';
import type { Group } from '../group/group.ts';

export class SnapshotWork {
  /** Those that have something to do. */
  private readonly groups = new Set<Group>();
  private readonly bytesPerMs: number;
  private readonly touch: (group: Group) => void;
  /** What was read out is what may be until then; null before anything was. */
  private usedUpTo: MonoTime | null = null;

  /** `touch`: something happened to the group. */
  constructor(bytesPerSecond: number, touch: (group: Group) => void) {
    this.bytesPerMs = bytesPerSecond / 1000;
    this.touch = touch;
  }

  get isIdle(): boolean {
    return this.groups.size === 0;
  }

  /** Something happened to the group: it may want to begin. */
  note(group: Group, now: MonoTime): void {
    if (group.snapshots.hasWork(now)) this.groups.add(group);
  }

  /** It is gone. */
  forget(group: Group): void {
    this.groups.delete(group);
  }

  /** Goes on. Returns after how many milliseconds to come again; null if nothing is left to do. */
  goOn(now: MonoTime): number | null {
    const behindMs = this.behindMs(now);
    const mayRead = this.bytesPerMs * Math.max(behindMs, limits.snapshotTickMs);
    let done = 0;
    for (let before = -1; done > before && done < mayRead; ) {
      before = done;
      for (const group of [...this.groups]) done += this.goOnWith(group, now);
    }
    const aheadMs = done / this.bytesPerMs - behindMs;
    this.usedUpTo = this.isIdle ? null : after(now, aheadMs);
    return this.isIdle ? null : Math.max(limits.snapshotTickMs, Math.ceil(aheadMs));
  }

  /** For how long nothing was read that might have been: pieces wait for a slow disk, and that is made up for. */
  private behindMs(now: MonoTime): number {
    const behindMs = this.usedUpTo === null ? 0 : elapsedMs(this.usedUpTo, now);
    return Math.max(0, Math.min(behindMs, limits.snapshotCatchUpBytes / this.bytesPerMs));
  }

  private goOnWith(group: Group, now: MonoTime): number {
    let reading = 0;
    for (const { snapshots } of this.groups) if (snapshots.isReadingOut) reading += 1;
    const bytes = group.snapshots.work(reading < limits.snapshotsAtATime, now);
    if (!group.snapshots.hasWork(now)) this.groups.delete(group);
    this.touch(group);
    return bytes;
  }
}
