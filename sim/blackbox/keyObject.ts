/** What one key does, from Redis's documentation and nothing else: no expiry, answers as RESP2. */
import type { SequentialObject } from './search.ts';

type Value = string | readonly string[] | null;

export const keyObject: SequentialObject<readonly string[]> = {
  first: JSON.stringify(null),
  step(state, [name = '', , ...rest]) {
    const { value, answer } = run(JSON.parse(state) as Value, name, rest);
    return { state: JSON.stringify(value), answer };
  },
};

interface Ran {
  readonly value: Value;
  readonly answer: string;
}

function run(value: Value, name: string, rest: readonly string[]): Ran {
  const text = typeof value === 'string' ? value : '';
  const list = Array.isArray(value) ? (value as readonly string[]) : [];
  switch (name) {
    case 'GET':
      return { value, answer: bulk(value === null ? null : text) };
    case 'STRLEN':
      return { value, answer: integer(text.length) };
    case 'LLEN':
      return { value, answer: integer(list.length) };
    case 'LRANGE': {
      const shown = list.slice(rest[0] === '0' ? 0 : Number(rest[0]));
      return { value, answer: `*${String(shown.length)}\r\n${shown.map(bulk).join('')}` };
    }
    case 'SET':
      return { value: rest[0] ?? '', answer: '+OK\r\n' };
    case 'APPEND': {
      const longer = text + (rest[0] ?? '');
      return { value: longer, answer: integer(longer.length) };
    }
    case 'INCR': {
      const next = String(Number(value ?? '0') + 1);
      return { value: next, answer: integer(Number(next)) };
    }
    case 'RPUSH':
      return { value: [...list, ...rest], answer: integer(list.length + rest.length) };
    case 'DEL':
      return { value: null, answer: integer(value === null ? 0 : 1) };
    default:
      throw new Error(`no such command: ${name}`);
  }
}

function bulk(text: string | null): string {
  return text === null ? '$-1\r\n' : `$${String(text.length)}\r\n${text}\r\n`;
}

function integer(n: number): string {
  return `:${String(n)}\r\n`;
}
