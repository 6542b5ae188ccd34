import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { matchesGlob, matchesText } from '../../core/engine/glob.ts';

const matches = (pattern: string, text: string, ignoresCase = false) =>
  matchesGlob(bytesOfBinary(pattern), bytesOfBinary(text), ignoresCase);

describe('matches', () => {
  it.each([
    ['', ''],
    ['*', 'anything'],
    ['a*', 'a'],
    ['*c', 'abc'],
    ['a*c*e', 'abcde'],
    ['?', 'ÿ'],
    ['h[ae]llo', 'hallo'],
    ['h[^e]llo', 'hbllo'],
    ['[a-c]', 'b'],
    ['[c-a]', 'b'],
    ['[^', 'x'],
    ['[a', 'a'],
    ['[a-]', ']'],
    ['[\\]]', ']'],
    ['[\\', '\\'],
    ['\\*', '*'],
    ['\\', '\\'],
    ['a\\', 'a\\'],
    ['*[0-9]', 'a1b2'],
  ])('%j, %j', (pattern, text) => {
    expect(matches(pattern, text)).toBe(true);
  });
});

describe('does not match', () => {
  it.each([
    ['*', ''],
    ['', 'a'],
    ['a', 'A'],
    ['?', ''],
    ['?', 'ab'],
    ['a*b', 'abc'],
    ['h[^e]llo', 'hello'],
    ['[]', 'a'],
    ['[a-c]', 'd'],
    ['\\*', 'a'],
    ['a?', 'a'],
  ])('%j, %j', (pattern, text) => {
    expect(matches(pattern, text)).toBe(false);
  });
});

it('folds ASCII letters where it is asked to', () => {
  expect([matches('MAX*', 'maxmemory', true), matches('[A-C]x', 'bX', true), matches('À', 'à', true)]).toEqual([
    true,
    true,
    false,
  ]);
});

/** Obviously right: tries every way to share the text out. */
function slowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const rest = pattern.slice(1);
  if (pattern.startsWith('*')) {
    for (let i = 0; i <= text.length; i += 1) if (slowly(rest, text.slice(i))) return true;
    return false;
  }
  return text !== '' && (pattern.startsWith('?') || pattern.startsWith(text.charAt(0))) && slowly(rest, text.slice(1));
}

const characters = (...all: readonly string[]) => fc.array(fc.constantFrom(...all), { maxLength: 9 });

it('agrees with a slow matcher', () => {
  fc.assert(
    fc.property(characters('a', 'b', '*', '?'), characters('a', 'b', '?'), (p, t) => {
      const [pattern, text] = [p.join(''), t.join('')];
      expect(matchesText(pattern, text, false)).toBe(text === '' ? pattern === '' : slowly(pattern, text));
    }),
    { numRuns: 2000 },
  );
});

it('does not take for ever on any pattern', () => {
  expect(matchesText(`${'*a'.repeat(200)}b`, 'a'.repeat(5000), false)).toBe(false);
});
