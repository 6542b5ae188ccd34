/**
 * The guard before redis-parser: every case whole, byte by byte and with bytes behind it; then any stream, however
 * it is cut, and any bytes at all.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandFramer, type FramerLimits } from '../../runtime/clients/commandFramer.ts';

const kib = 1024;
const limits: FramerLimits = { maxArguments: 1000, maxBulkBytes: 64 * kib, maxCommandBytes: 128 * kib };

interface Seen {
  readonly commands: readonly (readonly string[])[];
  readonly end: string | null;
}

/** What came of it, and the most memory that was held for a command that was not complete. */
function feed(chunks: readonly Buffer[], given = limits, atATime = 3): Seen & { readonly mostHeld: number } {
  const commands: string[][] = [];
  let end: string | null = null;
  const framer = new CommandFramer(given, {
    command: (args) => {
      // Never a Buffer: its slices are not copies.
      expect(args.map((arg) => arg.constructor)).toEqual(args.map(() => Uint8Array));
      commands.push(args.map((arg) => Buffer.from(arg).toString('latin1')));
    },
    malformed: (error) => {
      expect(end).toBe(null);
      end = error;
    },
    webRequest: () => {
      expect(end).toBe(null);
      end = 'web request';
    },
  });
  let mostHeld = 0;
  let mostAtOnce = 0;
  const inPortions = (hand: () => void): void => {
    const before = commands.length;
    hand();
    mostAtOnce = Math.max(mostAtOnce, commands.length - before);
    mostHeld = Math.max(mostHeld, framer.heldBytes);
  };
  for (const chunk of chunks) {
    inPortions(() => {
      framer.feed(chunk, atATime);
    });
    while (framer.isBehind)
      inPortions(() => {
        framer.goOn(atATime);
      });
  }
  expect(mostAtOnce).toBeLessThanOrEqual(atATime);
  return { commands, end, mostHeld };
}

function seen(chunks: readonly Buffer[], given?: FramerLimits, atATime?: number): Seen {
  const { commands, end } = feed(chunks, given, atATime);
  return { commands, end };
}

const whole = (text: string): readonly Buffer[] => [Buffer.from(text, 'latin1')];
const bytewise = (text: string): readonly Buffer[] =>
  Array.from(Buffer.from(text, 'latin1'), (byte) => Buffer.of(byte));

const good: readonly (readonly [string, readonly (readonly string[])[]])[] = [
  ['*1\r\n$4\r\nPING\r\n', [['PING']]],
  ['*2\r\n$3\r\nGET\r\n$0\r\n\r\n', [['GET', '']]],
  ['*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n*1\r\n', [['SET', 'k', '\r\n*1']]],
  ['*2\r\n$4\r\nECHO\r\n$3\r\n\x00\xff$\r\n', [['ECHO', '\x00\xff$']]],
  ['*0\r\n*1\r\n$4\r\nPING\r\n', [['PING']]],
  ['*-1\r\n*-10\r\n*1\r\n$4\r\nPING\r\n', [['PING']]],
  ['PING\r\nPING\n', [['PING'], ['PING']]],
  ['\r\n\n  \r\nPING\r\n', [['PING']]],
  ['  SET  k  "a b"\t\'c d\' \r\n', [['SET', 'k', 'a b', 'c d']]],
  ['$4\r\n', [['$4']]],
  ['%1\r\n+OK\r\n', [['%1'], ['+OK']]],
  [
    'PING\r\n*1\r\n$4\r\nPING\r\nECHO x\r\n*2\r\n$4\r\nECHO\r\n$1\r\ny\r\n',
    [['PING'], ['PING'], ['ECHO', 'x'], ['ECHO', 'y']],
  ],
  ['GET / HTTP/1.1\r\n', [['GET', '/', 'HTTP/1.1']]],
  ['*1\r\n$4\r\nPOST\r\n', [['POST']]],
];

describe('complete commands', () => {
  test.each(good)('%j', (text, commands) => {
    expect(seen(whole(text))).toEqual({ commands, end: null });
    expect(seen(bytewise(text))).toEqual({ commands, end: null });
    expect(seen(whole(`${text}*2\r\n$3\r\nGE`))).toEqual({ commands, end: null });
  });
});

const hostile: readonly (readonly [string, readonly (readonly string[])[], string])[] = [
  ['*33554432\r\n', [], 'invalid multibulk length'],
  ['*1001\r\n', [], 'invalid multibulk length'],
  ['*4294967296\r\n', [], 'invalid multibulk length'],
  ['*99999999999999999999\r\n', [], 'invalid multibulk length'],
  ['*1x\r\n', [], 'invalid multibulk length'],
  ['*\r\n', [], 'invalid multibulk length'],
  ['*-\r\n', [], 'invalid multibulk length'],
  ['*+1\r\n', [], 'invalid multibulk length'],
  ['*01\r\n', [], 'invalid multibulk length'],
  ['* 1\r\n', [], 'invalid multibulk length'],
  ['*1\n$4\r\nPING\r\n', [], 'invalid multibulk length'],
  ['*1\rx', [], 'invalid multibulk length'],
  ['*1\r\n*1\r\n*1\r\n$4\r\nPING\r\n', [], "expected '$', got '*'"],
  ['*1\r\n:1\r\n', [], "expected '$', got ':'"],
  ['*1\r\n\x01', [], "expected '$', got '?'"],
  ['*1\r\n$a\r\n', [], 'invalid bulk length'],
  ['*1\r\n$-1\r\n', [], 'invalid bulk length'],
  ['*1\r\n$\r\n', [], 'invalid bulk length'],
  ['*1\r\n$65537\r\n', [], 'invalid bulk length'],
  ['*1\r\n$99999999999\r\n', [], 'invalid bulk length'],
  ['*1\r\n$536870913\r\n', [], 'invalid bulk length'],
  ['*1\r\n$4\r\nPINGxx', [], 'expected CRLF after an argument'],
  ['*1\r\n$4\r\nPING\rx', [], 'expected CRLF after an argument'],
  [`*${'1'.repeat(17)}`, [], 'invalid multibulk length'],
  ['*1\r\n$4\r\nPING\n\n', [], 'expected CRLF after an argument'],
  ['*1\r\n$4\r\nPING\r\n*2\r\n$x', [['PING']], 'invalid bulk length'],
  ['ECHO "a\r\n', [], 'unbalanced quotes in request'],
  ["ECHO 'a'b\r\n", [], 'unbalanced quotes in request'],
  ['x'.repeat(64 * kib + 1), [], 'too big inline request'],
];

describe('what is not the protocol', () => {
  test.each(hostile.map((each) => [each[0].slice(0, 40), ...each] as const))('%j', (_, text, commands, error) => {
    const end = `ERR Protocol error: ${error}`;
    expect(seen(whole(text))).toEqual({ commands, end });
    expect(seen(bytewise(text))).toEqual({ commands, end });
    expect(seen(whole(`${text}\r\n*1\r\n$4\r\nPING\r\n`))).toEqual({ commands, end });
    expect(seen([...whole(text), ...whole('*1\r\n$4\r\nPING\r\n')])).toEqual({ commands, end });
  });

  test.each(['POST / HTTP/1.1\r\n', 'post x\r\n', 'Host: example.org\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nPING\r\n'])(
    'a web request: %j',
    (text) => {
      const commands = text.startsWith('GET') ? [['GET', '/', 'HTTP/1.1']] : [];
      expect(seen(whole(text))).toEqual({ commands, end: 'web request' });
      expect(seen(bytewise(text))).toEqual({ commands, end: 'web request' });
    },
  );

  test('arguments that are allowed one by one but not together', () => {
    const bulk = `$${String(60 * kib)}\r\n${'x'.repeat(60 * kib)}\r\n`;
    const end = 'ERR Protocol error: command too large';
    expect(seen(whole(`*3\r\n${bulk}${bulk}$${String(60 * kib)}\r\n`))).toEqual({ commands: [], end });
  });

  test('limits are inclusive', () => {
    const args = Array.from({ length: limits.maxArguments }, (_, i) => String(i));
    expect(seen([encode(args)])).toEqual({ commands: [args], end: null });
    const value = ['x'.repeat(limits.maxBulkBytes)];
    expect(seen([encode(value)])).toEqual({ commands: [value], end: null });
  });
});

describe('so many at a time', () => {
  test('what is left stays bytes until it is asked for', () => {
    const words: string[] = [];
    const framer = new CommandFramer(limits, {
      command: ([word = new Uint8Array()]) => words.push(Buffer.from(word).toString()),
      malformed: (error) => words.push(error),
      webRequest: () => words.push('web request'),
    });
    framer.feed(Buffer.from('a\r\n*1\r\n$1\r\nb\r\nc\r\n*1\r\n$1\r\nd\r\n*1\r\n$1\r'), 3);
    expect([words, framer.isBehind, framer.heldBytes]).toEqual([['a', 'b', 'c'], true, 0]);
    framer.goOn(3);
    expect([words.slice(3), framer.isBehind]).toEqual([['d'], false]);
    framer.feed(Buffer.from('\ne\r\nf\r\ng\r\nh\r\n'), 3);
    expect([words.slice(4), framer.isBehind]).toEqual([['e', 'f', 'g'], true]);
    framer.goOn(3);
    framer.goOn(3);
    expect([words.slice(7), framer.isBehind]).toEqual([['h'], false]);
  });

  test('exactly so many leave nothing behind', () => {
    expect(seen(whole('a\r\nb\r\nc\r\n')).commands).toEqual([['a'], ['b'], ['c']]);
    expect(seen(bytewise('a\r\nb\r\nc\r\nd')).commands).toEqual([['a'], ['b'], ['c']]);
  });

  test('an error behind them is an error when it is their turn', () => {
    const end = "ERR Protocol error: expected '$', got '?'";
    expect(seen(whole('a\r\nb\r\nc\r\nd\r\n*1\r\n\x01'))).toEqual({ commands: [['a'], ['b'], ['c'], ['d']], end });
  });
});

describe('memory and time', () => {
  test('nothing is allocated for what is only announced', () => {
    const generous = { maxArguments: 1024 * kib, maxBulkBytes: 512 * kib * kib, maxCommandBytes: 1024 * kib * kib };
    const announced = `*1048576\r\n$536870912\r\n`;
    expect(feed(whole(announced), generous).mostHeld).toBeLessThan(kib);
    expect(feed(bytewise(announced), generous).mostHeld).toBeLessThan(kib);
  });

  test('a long argument, a long line and many arguments arrive byte by byte', () => {
    const generous = { ...limits, maxArguments: 1024 * kib, maxBulkBytes: 2048 * kib, maxCommandBytes: 4096 * kib };
    const commands = [['x'.repeat(1100 * kib)], Array.from({ length: 100_000 }, () => ''), ['y'.repeat(63 * kib)]];
    const [long = [], many = [], line = []] = commands;
    const text = Buffer.concat([encode(long), encode(many), Buffer.from(`${line.join('')}\r\n`)]).toString('latin1');
    const { end, mostHeld, commands: found } = feed(bytewise(text), generous);
    expect(end).toBe(null);
    expect(found).toEqual(commands);
    expect(mostHeld).toBeLessThan(1200 * kib);
  });
});

function encode(args: readonly string[]): Buffer {
  const parts = args.map((arg) => `$${String(arg.length)}\r\n${arg}\r\n`);
  return Buffer.from(`*${String(args.length)}\r\n${parts.join('')}`, 'latin1');
}

function cut(bytes: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  chunks.push(bytes.subarray(Math.min(at, bytes.length)));
  return chunks.filter((chunk) => chunk.length > 0);
}

const latin1 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const multiBulk = fc.array(latin1, { minLength: 1, maxLength: 6 });
const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 200 });
const portions = fc.integer({ min: 1, max: 6 });
/** Bytes that look like the protocol more often than chance would have it. */
const noise = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '*',
        '$',
        '\r\n',
        '\r',
        '\n',
        '-',
        '0',
        '1',
        '2',
        '3',
        '"',
        "'",
        'x',
        ' ',
        '*1\r\n',
        '$1\r\n',
        '\\',
      ),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

describe('however the bytes are cut', () => {
  test('commands come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(multiBulk, { maxLength: 8 }), lengths, portions, (commands, at, atATime) => {
        expect(seen(cut(Buffer.concat(commands.map(encode)), at), limits, atATime)).toEqual({ commands, end: null });
      }),
    );
  });

  test.each([1, 35, 60, 100, 300, 20_000, 70_000])('a long argument behind a first chunk of %i bytes', (first) => {
    const command = ['SET', 'k', Array.from({ length: 40_000 }, (_, i) => String(i)).join(' ')];
    const bytes = encode(command);
    const rest = Array.from({ length: Math.ceil(bytes.length / (64 * kib)) }, () => 64 * kib);
    const large = { ...limits, maxBulkBytes: bytes.length, maxCommandBytes: bytes.length };
    const [found] = seen(cut(bytes, [first, ...rest]), large).commands;
    expect(found?.join('\n') === command.join('\n')).toBe(true);
  });

  test('any bytes give the same, hold no more than twice what was received, and end at the first error', () => {
    fc.assert(
      fc.property(noise, lengths, portions, (text, at, atATime) => {
        const bytes = Buffer.from(text, 'latin1');
        const all = feed([bytes], limits, 1000);
        const pieces = feed(cut(bytes, at), limits, atATime);
        expect({ commands: pieces.commands, end: pieces.end }).toEqual({ commands: all.commands, end: all.end });
        expect(pieces.mostHeld).toBeLessThanOrEqual(Math.max(2 * bytes.length, 256));
        expect(all.commands.every((args) => args.length > 0)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
