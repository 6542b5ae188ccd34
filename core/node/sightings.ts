/**
 * When members of groups and places of tenants were seen to have changed last, and which groups have to be weighed anew:
 * a planner leaves those to rest for a while. It is noted round by round; a mere question for a plan notes nothing.
 */
import type { Epoch, GroupId, LogIndex, TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { WallTime } from '../base/time.ts';
import type { TenantPlace } from '../wire/messages.ts';

interface SeenMembers {
  readonly index: LogIndex;
  readonly at: WallTime;
}

interface SeenPlace {
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly at: WallTime;
  /** The planner has it moved, or somebody else does. */
  isMoving: boolean;
  /** It was to move since, and stayed where it is: how long it rests after that; 0 if not. */
  readonly restMs: number;
  readonly restsUntil: WallTime;
}

/** What was so when somebody looked first has been so for long. */
const longAgo = WallTime(0);
/** By then a leader has told what has become of its group, or there was nothing to tell. */
const tellsWithinMs = 2 * limits.balanceEveryMs;

export class Sightings {
  private readonly members = new Map<GroupId, SeenMembers>();
  private places: ReadonlyMap<TenantName, SeenPlace> = new Map();
  /** Groups that a tenant came to or left, since when, until their leaders tell anew. */
  private readonly unweighed = new Map<GroupId, WallTime>();

  noteMembers(group: GroupId, index: LogIndex, now: WallTime): void {
    if (this.members.get(group)?.index === index) return;
    this.members.set(group, { index, at: this.membersChangedAt(group, index, now) });
  }

  /** The planner has a tenant moved. */
  noteMove(tenant: TenantName): void {
    const seen = this.places.get(tenant);
    if (seen !== undefined) seen.isMoving = true;
  }

  /** All that are told of, and who of them is on its way; others are forgotten. */
  notePlaces(places: Iterable<TenantPlace>, isMoving: (tenant: TenantName) => boolean, now: WallTime): void {
    const noted = new Map<TenantName, SeenPlace>();
    for (const place of places) {
      const { tenant, group, epoch } = place;
      const seen = this.places.get(tenant);
      const begun = { group, epoch, at: this.movedAt(place, now), isMoving: isMoving(tenant) };
      noted.set(tenant, { ...begun, ...restOf(seen?.epoch === epoch ? seen : undefined, begun.isMoving, now) });
      if (seen === undefined || seen.epoch === epoch) continue;
      this.unweighed.set(seen.group, now);
      this.unweighed.set(group, now);
    }
    this.places = noted;
  }

  weighed(group: GroupId): void {
    this.unweighed.delete(group);
  }

  /** When the group's members became what they are by the entry at `index`. */
  membersChangedAt(group: GroupId, index: LogIndex, now: WallTime): WallTime {
    const seen = this.members.get(group);
    if (seen === undefined) return longAgo;
    return seen.index === index ? seen.at : now;
  }

  movedAt({ tenant, epoch }: TenantPlace, now: WallTime): WallTime {
    const seen = this.places.get(tenant);
    if (seen === undefined) return longAgo;
    return seen.epoch === epoch ? seen.at : now;
  }

  /** It was to move and stayed: whatever the reason was, it may be one still. */
  rests(tenant: TenantName, now: WallTime): boolean {
    return now < (this.places.get(tenant)?.restsUntil ?? longAgo);
  }

  /** What is known of the group's load may be of before somebody came to it or left it. */
  isUnweighed(group: GroupId, now: WallTime): boolean {
    const since = this.unweighed.get(group);
    return since !== undefined && now - since < tellsWithinMs;
  }
}

/** Of a tenant that is where it was when it was seen last. */
function restOf(
  seen: SeenPlace | undefined,
  isMoving: boolean,
  now: WallTime,
): Pick<SeenPlace, 'restMs' | 'restsUntil'> {
  const { restMs: before, restsUntil } = seen ?? { restMs: 0, restsUntil: longAgo };
  if (seen?.isMoving !== true || isMoving) return { restMs: before, restsUntil };
  const restMs = Math.min(Math.max(2 * before, limits.balanceCoolDownMs), limits.balanceLongestRestMs);
  return { restMs, restsUntil: WallTime(now + restMs) };
}
