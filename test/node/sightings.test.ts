/** What a planner leaves to rest, and for how long. */
import { expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, LogIndex, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { WallTime } from '../../core/base/time.ts';
import { Sightings } from '../../core/node/sightings.ts';
import type { TenantPlace } from '../../core/wire/messages.ts';

const [one, two, three] = [GroupId(1), GroupId(2), GroupId(3)];
const begin = WallTime(1_000_000);

function acmeIn(group: GroupId, epoch: number): TenantPlace {
  return { tenant: 'acme' as TenantName, group, epoch: Epoch(epoch), incarnation: Incarnation(1) };
}

function later(ms: number): WallTime {
  return WallTime(begin + ms);
}

test('what is seen for the first time has been so for long, and what changes has changed when it was noted', () => {
  const sightings = new Sightings();
  expect(sightings.membersChangedAt(one, LogIndex(7), begin)).toBe(0);
  sightings.noteMembers(one, LogIndex(7), begin);
  expect(sightings.membersChangedAt(one, LogIndex(7), later(50))).toBe(0);
  // Asking notes nothing: what has changed since the last round has changed just now, however often one asks.
  expect(sightings.membersChangedAt(one, LogIndex(9), later(60))).toBe(later(60));
  expect(sightings.membersChangedAt(one, LogIndex(9), later(70))).toBe(later(70));
  sightings.noteMembers(one, LogIndex(9), later(80));
  sightings.noteMembers(one, LogIndex(9), later(90));
  expect(sightings.membersChangedAt(one, LogIndex(9), later(99))).toBe(later(80));
});

test('a tenant that came weighs its groups anew: until they tell, or have had the time to', () => {
  const sightings = new Sightings();
  sightings.notePlaces([acmeIn(one, 1)], begin);
  expect([one, two].map((group) => sightings.isUnweighed(group, begin))).toEqual([false, false]);
  sightings.notePlaces([acmeIn(two, 2)], begin);
  expect(sightings.movedAt(acmeIn(two, 2), later(5))).toBe(begin);
  expect([one, two, three].map((group) => sightings.isUnweighed(group, later(5)))).toEqual([true, true, false]);
  sightings.weighed(one);
  expect([one, two].map((group) => sightings.isUnweighed(group, later(5)))).toEqual([false, true]);
  // Nothing has happened in it since it told last.
  expect(sightings.isUnweighed(two, later(2 * limits.balanceEveryMs))).toBe(false);
});

test('a tenant that nobody tells of any more is forgotten', () => {
  const sightings = new Sightings();
  sightings.notePlaces([acmeIn(one, 1)], begin);
  sightings.notePlaces([], begin);
  sightings.notePlaces([acmeIn(two, 2)], begin);
  expect(sightings.movedAt(acmeIn(two, 2), later(1))).toBe(0);
  expect(sightings.isUnweighed(two, later(1))).toBe(false);
});
