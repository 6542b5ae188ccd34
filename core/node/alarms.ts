/**
 * What an operator must know of although the node goes on. An alarm that describes a state ends with it; one that tells
 * what happened stays until somebody has seen it. Kept for this life of the node, and written to its log as well.
 */
import type { GroupId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { WallTime } from '../base/time.ts';

/**
 * `replicaDiffers`: a check has shown that a replica holds something else than the others. `diskShort`: writes are
 * refused. `logLost`: what was on this node's disk could not be read, or was gone. `mapDiffers`: two nodes had different
 * ShardMaps of one version. `recovered`: a group goes on from the replica here alone. `outlived`: a group has gone on so
 * from another, and what is here is no part of it. `tenantElsewhere`: a tenant lives in another group than the
 * configuration says, and stays there.
 */
export type AlarmKind =
  | 'replicaDiffers'
  | 'diskShort'
  | 'logLost'
  | 'mapDiffers'
  | 'recovered'
  | 'outlived'
  | 'tenantElsewhere';

export interface Alarm {
  readonly kind: AlarmKind;
  /** Null if it is of the node as a whole. */
  readonly group: GroupId | null;
  readonly since: WallTime;
  readonly message: string;
}

export class Alarms {
  /** One of a kind and group: the first. */
  private readonly raised = new Map<string, Alarm>();

  get all(): readonly Alarm[] {
    return [...this.raised.values()];
  }

  /** Returns whether it is news. */
  raise(alarm: Alarm): boolean {
    const key = keyOf(alarm.kind, alarm.group);
    if (this.raised.has(key) || this.raised.size >= limits.alarms) return false;
    this.raised.set(key, alarm);
    return true;
  }

  end(kind: AlarmKind, group: GroupId | null): void {
    this.raised.delete(keyOf(kind, group));
  }

  /** Somebody has seen them. What still is so remains. */
  acknowledge(): void {
    for (const [key, { kind }] of this.raised) if (kind !== 'diskShort') this.raised.delete(key);
  }
}

function keyOf(kind: AlarmKind, group: GroupId | null): string {
  return `${kind} ${String(group ?? '')}`;
}
