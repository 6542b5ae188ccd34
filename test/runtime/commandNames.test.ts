import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommandNames } from '../../runtime/clients/commandNames.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

test('what is found is what stands there, and one array for all places', () => {
  const names = new CommandNames();
  names.keep(bytes('GET'));
  const said = bytes('$3 GET $3 GEX');
  const found = names.find(said, 3, 6);
  expect(found).toEqual(bytes('GET'));
  expect(names.find(bytes('GET'), 0, 3)).toBe(found);
  expect(names.find(said, 10, 13)).toBe(null);
  expect(names.find(said, 3, 5)).toBe(null);
});

test('it does not change with what it was made from', () => {
  const names = new CommandNames();
  const name = bytes('SET');
  names.keep(name);
  name.fill(0);
  expect(names.find(bytes('SET'), 0, 3)).toEqual(bytes('SET'));
});

test('two that have the same place take turns', () => {
  const names = new CommandNames();
  names.keep(bytes('GAT'));
  names.keep(bytes('GET'));
  expect(names.find(bytes('GAT'), 0, 3)).toBe(null);
  expect(names.find(bytes('GET'), 0, 3)).toEqual(bytes('GET'));
});

test('long words, and none, are no names', () => {
  const names = new CommandNames();
  for (const word of ['', 'x'.repeat(17)]) {
    names.keep(bytes(word));
    expect(names.find(bytes(word), 0, word.length)).toBe(null);
  }
});

test('whatever is kept, what is found is the same bytes', () => {
  const word = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(fc.array(word), word, (kept, asked) => {
      const names = new CommandNames();
      for (const each of kept) names.keep(each);
      const found = names.find(asked, 0, asked.length);
      if (found !== null) expect(Buffer.compare(found, asked)).toBe(0);
      const last = kept.at(-1);
      if (last !== undefined && last.length > 0 && last.length <= 16)
        expect(names.find(last, 0, last.length)).toEqual(Uint8Array.from(last));
    }),
  );
});
