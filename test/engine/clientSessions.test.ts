/** What a tenant remembers of writes that clients have numbered, and what it admits to have forgotten. */
import { beforeEach, expect, test } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { WallTime } from '../../core/base/time.ts';
import { ClientSessions } from '../../core/engine/clientSessions.ts';

const minute = 60_000;
const reply = bytesOfBinary(':1\r\n');
let sessions: ClientSessions;

beforeEach(() => {
  sessions = new ClientSessions(WallTime(0));
});

function remember(token: string, number: number, ms: number, ackBelow = 1): void {
  sessions.remember(token, number, ackBelow, reply, WallTime(ms));
}

test('a session that is not known is new, while none was ever forgotten', () => {
  expect(sessions.recall('a', 7, true)).toBe('new');
  remember('a', 1, 0);
  expect(sessions.recall('b', 7, true)).toBe('new');
});

test('an idle session is forgotten, and then nobody can tell of one that is resumed', () => {
  remember('a', 1, 0);
  remember('b', 1, 16 * minute);
  expect(sessions.size).toBe(1);
  expect(sessions.recall('a', 1, true)).toBe('forgotten');
  expect(sessions.recall('a', 2, true)).toBe('forgotten');
  expect(sessions.recall('c', 1, false)).toBe('new');
  expect(sessions.recall('b', 1, true)).toEqual({ number: 1, reply });
});

test('sessions are bounded: those used least lately go first', () => {
  const most = 16_384;
  for (let i = 1; i <= most + 1; i += 1) remember(`s${String(i)}`, 1, i);
  expect(sessions.size).toBeLessThanOrEqual(most);
  expect(sessions.size).toBeGreaterThan(most / 2);
  expect(sessions.recall('s1', 1, true)).toBe('forgotten');
  expect(sessions.recall(`s${String(most)}`, 1, true)).toEqual({ number: 1, reply });
});

test('when nobody was left to look through, that says nothing of when it was done', () => {
  const restored = new ClientSessions(WallTime(5 * minute));
  for (const each of [sessions, restored]) each.remember('a', 1, 1, reply, WallTime(6 * minute));
  expect(restored.image()).toEqual(sessions.image());
});
