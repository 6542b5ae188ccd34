/** Inline commands are split as Redis splits them. */
import { expect, test } from 'vitest';
import { splitInline } from '../../runtime/clients/inlineCommand.ts';

const cases: readonly (readonly [string, readonly string[] | null])[] = [
  ['', []],
  [' \t ', []],
  ['a b', ['a', 'b']],
  ['"a b" c', ['a b', 'c']],
  ['""', ['']],
  ["''", ['']],
  ['"\\x41\\x0a\\n\\r\\t\\b\\a\\\\\\"\\q"', ['A\n\n\r\t\b\x07\\"q']],
  ['"\\x4"', ['x4']],
  ["'\\n\\'\\x41'", ["\\n'\\x41"]],
  ['a"b c"', ['ab c']],
  ['"a', null],
  ["'a", null],
  ['"a\\"', null],
  ['"a"b', null],
  ["'a'b", null],
  ['\xff\x00', ['\xff\x00']],
];

test.each(cases)('%j', (line, words) => {
  const split = splitInline(Buffer.from(line, 'latin1'));
  expect(split?.map((word) => Buffer.from(word).toString('latin1')) ?? null).toEqual(words);
});
