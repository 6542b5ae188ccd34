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

const nobody = (): boolean => false;

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
  sightings.notePlaces([acmeIn(one, 1)], nobody, begin);
  expect([one, two].map((group) => sightings.isUnweighed(group, begin))).toEqual([false, false]);
  sightings.notePlaces([acmeIn(two, 2)], nobody, begin);
  expect(sightings.movedAt(acmeIn(two, 2), later(5))).toBe(begin);
  expect([one, two, three].map((group) => sightings.isUnweighed(group, later(5)))).toEqual([true, true, false]);
  sightings.weighed(one);
  expect([one, two].map((group) => sightings.isUnweighed(group, later(5)))).toEqual([false, true]);
  // Nothing has happened in it since it told last.
  expect(sightings.isUnweighed(two, later(2 * limits.balanceEveryMs))).toBe(false);
});

test('a tenant that nobody tells of any more is forgotten', () => {
  const sightings = new Sightings();
  sightings.notePlaces([acmeIn(one, 1)], nobody, begin);
  sightings.notePlaces([], nobody, begin);
  sightings.notePlaces([acmeIn(two, 2)], nobody, begin);
  expect(sightings.movedAt(acmeIn(two, 2), later(1))).toBe(0);
  expect(sightings.isUnweighed(two, later(1))).toBe(false);
});

test('a tenant that was to move and stayed rests, each time twice as long, until it has moved', () => {
  const sightings = new Sightings();
  const rests = (ms: number): boolean => sightings.rests(acmeIn(one, 1).tenant, later(ms));
  sightings.notePlaces([acmeIn(one, 1)], nobody, begin);
  expect(rests(0)).toBe(false);
  let now = 0;
  let restMs: number = limits.balanceCoolDownMs;
  for (let n = 0; n < 8; n += 1) {
    sightings.noteMove(acmeIn(one, 1).tenant);
    // Whether somebody has seen it on its way or not.
    if (n % 2 === 0) sightings.notePlaces([acmeIn(one, 1)], () => true, later(now + 1));
    expect(rests(now + 1)).toBe(false);
    sightings.notePlaces([acmeIn(one, 1)], nobody, later(now + 2));
    sightings.notePlaces([acmeIn(one, 1)], nobody, later(now + 3));
    expect([rests(now + 1 + restMs), rests(now + 2 + restMs)]).toEqual([true, false]);
    now += 2 + restMs;
    restMs = Math.min(2 * restMs, limits.balanceLongestRestMs);
  }
  expect(restMs).toBe(limits.balanceLongestRestMs);
  sightings.noteMove(acmeIn(one, 1).tenant);
  sightings.notePlaces([acmeIn(two, 2)], nobody, later(now));
  expect(rests(now)).toBe(false);
  sightings.noteMove(acmeIn(one, 1).tenant);
  sightings.notePlaces([acmeIn(two, 2)], nobody, later(now));
  expect(rests(now + limits.balanceCoolDownMs)).toBe(false);
  expect(rests(now + limits.balanceCoolDownMs - 1)).toBe(true);
});
