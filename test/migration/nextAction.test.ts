/** What is done for a move is a table, and safe whatever stale picture of it somebody goes by. */
import { expect, test } from 'vitest';
import { type MoveAction, nextAction } from '../../core/migration/nextAction.ts';
import { copyStart, type MoveState } from '../../core/wire/moves.ts';

const states = {
  none: { kind: 'none' },
  copying: { kind: 'copying', lastSerial: 5 },
  frozen: { kind: 'frozen', lastSerial: 5 },
  departed: { kind: 'departed' },
  staged: { kind: 'staged', cursor: copyStart, isSealed: false },
  sealed: { kind: 'staged', cursor: copyStart, isSealed: true },
  active: { kind: 'active' },
  ended: { kind: 'ended' },
} as const satisfies Readonly<Record<string, MoveState>>;
type Name = keyof typeof states;
const names = Object.keys(states) as Name[];

const table: readonly (readonly [source: Name, destination: Name, action: string])[] = [
  ['none', 'none', 'start'],
  ['none', 'ended', 'cancel'],
  ['copying', 'none', 'prepare'],
  ['copying', 'staged', 'copy'],
  ['copying', 'ended', 'cancel'],
  // A source that was recovered from a replica that lags (docs/decisions/0026) departs again.
  ['copying', 'active', 'freeze'],
  ['frozen', 'active', 'depart'],
  ['frozen', 'none', 'thaw'],
  ['frozen', 'staged', 'copy'],
  ['frozen', 'sealed', 'depart'],
  ['frozen', 'ended', 'thaw'],
  ['departed', 'sealed', 'activate'],
  ['departed', 'active', 'over, moved'],
  ['departed', 'ended', 'over, moved'],
  ['departed', 'none', 'nowhere'],
  ['departed', 'staged', 'nowhere'],
  ['ended', 'none', 'abandon'],
  ['ended', 'staged', 'abandon'],
  ['ended', 'sealed', 'abandon'],
  ['ended', 'active', 'over, moved'],
  ['ended', 'ended', 'over, stayed'],
];

function nameOf(action: MoveAction): string {
  if (action.at === 'metadata') return action.hasDeparted ? 'over, moved' : 'over, stayed';
  return action.at === 'nowhere' ? 'nowhere' : action.step;
}

test.each(table)('source %s, destination %s: %s', (source, destination, action) => {
  expect(nameOf(nextAction(states[source], states[destination]))).toBe(action);
});

test('nobody acts against the log of the source', () => {
  const pairs = names.flatMap((source) => names.map((destination) => [source, destination] as const));
  const when = (action: string): readonly string[] =>
    pairs.filter(([s, d]) => nameOf(nextAction(states[s], states[d])) === action).map(([s, d]) => `${s} ${d}`);
  expect(when('depart')).toEqual(['frozen sealed', 'frozen active']);
  expect(when('activate')).toEqual(['departed sealed']);
  expect(when('abandon')).toEqual(['ended none', 'ended staged', 'ended sealed']);
});
