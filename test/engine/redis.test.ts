/** Differences from a real Redis: the same commands to both, the replies compared byte for byte. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../core/engine/dataCommands.ts';
import { isRedisInstalled, Redis } from './support/redis.ts';
import { Tenant, type Word } from './support/tenant.ts';

type Command = readonly Word[];

const key = fc.constantFrom('a', 'b', 'c', '');
const small = fc.integer({ min: -6, max: 12 });
const integer = fc.oneof(
  { weight: 8, arbitrary: small.map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['', 'x', '+1', '01', ' 1', '1.5', '-0', '9223372036854775807', '9223372036854775808'],
      ...['-9223372036854775808', '-9223372036854775809', '99999999999999999999', '1000000000000000'],
    ),
  },
);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('x', 'y', 'abc', '', '10', '-7', '3.5', '9223372036854775807', '1e3') },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
);
const element = fc.constantFrom('x', 'y', 'z', '1', '');
/** Absolute and far ahead, or past: what does not depend on when the test runs. */
const instantSeconds = fc.oneof(
  fc.integer({ min: 4_000_000_000, max: 4_000_000_005 }).map(String),
  fc.constantFrom('-5', '1', '0', 'x', '-9223372036854775', '-9223372036854776', '9223372036854775807'),
);
const instantMillis = fc.oneof(
  fc.integer({ min: 4_000_000_000_000, max: 4_000_000_002_000 }).map(String),
  fc.constantFrom('-5', '1', '0', '', '-9223372036854775808', '9223372036854775808'),
);
const someCase = (...words: readonly string[]) => fc.constantFrom(...words, ...words.map((word) => word.toLowerCase()));
const expiryOption = fc.oneof(
  fc.tuple(someCase('EXAT'), instantSeconds),
  fc.tuple(someCase('PXAT'), instantMillis),
  fc.tuple(someCase('EX'), fc.constantFrom('0', '-1', 'x', '9223372036854775807', '9223372036854775')),
  fc.tuple(someCase('PX'), fc.constantFrom('0', '-1', 'x', '9223372036854775807')),
);
const options = (...choices: readonly fc.Arbitrary<readonly Word[]>[]) =>
  fc.array(fc.oneof(...choices), { maxLength: 3 }).map((chosen) => chosen.flat());
const word = (...words: readonly string[]) => someCase(...words).map((one): readonly Word[] => [one]);
const command = (...parts: readonly (string | fc.Arbitrary<Word | readonly Word[]>)[]): fc.Arbitrary<Command> =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((words) => words.flat() as Command);
const pattern = fc
  .array(fc.constantFrom('a', 'b', 'c', '*', '?', '[', ']', '^', '-', '\\', '['), { maxLength: 7 })
  .map((characters) => characters.join(''));
const side = fc.constantFrom('LEFT', 'right', 'Left', 'up');
const keys = fc.array(key, { minLength: 1, maxLength: 3 });
const some = (arbitrary: fc.Arbitrary<Word>) => fc.array(arbitrary, { minLength: 1, maxLength: 4 });
const maybe = (arbitrary: fc.Arbitrary<Word>) => fc.array(arbitrary, { maxLength: 2 });

const strings: readonly fc.Arbitrary<Command>[] = [
  command('SET', key, value),
  command('SET', key, value, options(word('NX', 'XX', 'GET', 'KEEPTTL', 'PERSIST', 'EX', 'what'), expiryOption)),
  command('GET', key),
  command('GETEX', key, options(word('PERSIST', 'KEEPTTL', 'PX'), expiryOption)),
  command('GETDEL', key),
  command('GETSET', key, value),
  command('SETNX', key, value),
  command('SETEX', key, fc.constantFrom('0', '-1', 'x', '9223372036854775807'), value),
  command('PSETEX', key, fc.constantFrom('0', '-1', 'x', '9223372036854775807'), value),
  command('APPEND', key, value),
  command('STRLEN', key),
  command('SETRANGE', key, integer, value),
  command('GETRANGE', key, integer, integer),
  command('SUBSTR', key, integer, integer),
  command('MGET', keys),
  command('MSET', some(key)),
  command('MSETNX', some(key)),
  command('LCS', key, key, options(word('LEN', 'IDX', 'WITHMATCHLEN', 'what'), command('MINMATCHLEN', integer))),
];

/** From the plain to the extreme: what is added and printed with 64 bits. */
const decimal = fc.oneof(
  fc
    .tuple(fc.integer({ min: -9999, max: 9999 }), fc.nat(999_999))
    .map(([whole, part]) => `${String(whole)}.${String(part)}`),
  fc.double().map(String),
  fc.bigInt(-(2n ** 70n), 2n ** 70n).map(String),
  fc
    .tuple(fc.nat(), fc.integer({ min: -4970, max: 1500 }))
    .map(([digits, power]) => `${String(digits)}e${String(power)}`),
);

const counters: readonly fc.Arbitrary<Command>[] = [
  command('INCR', key),
  command('DECR', key),
  command('INCRBY', key, integer),
  command('DECRBY', key, integer),
  command('INCRBYFLOAT', key, decimal),
  command('SET', key, decimal),
  command('INCRBYFLOAT', key, fc.oneof(integer, fc.constantFrom('0.1', '1e2', 'inf', '-inf', 'nan', '0x1p-3', '.5e1'))),
];

const expiries: readonly fc.Arbitrary<Command>[] = [
  command('EXPIREAT', key, instantSeconds, options(word('NX', 'XX', 'GT', 'LT', 'What'))),
  command('PEXPIREAT', key, instantMillis, options(word('NX', 'XX', 'GT', 'LT', 'What'))),
  command('EXPIRE', key, fc.constantFrom('0', '-1', 'x', '9223372036854775807', '-9223372036854775808')),
  command('PEXPIRE', key, fc.constantFrom('0', '-1', 'x', '9223372036854775807', '-9223372036854775808')),
  command('EXPIRETIME', key),
  command('PEXPIRETIME', key),
  command('PERSIST', key),
];

const generics: readonly fc.Arbitrary<Command>[] = [
  command('DEL', keys),
  command('UNLINK', keys),
  command('EXISTS', keys),
  command('TOUCH', keys),
  command('TYPE', key),
  command('RENAME', key, key),
  command('RENAMENX', key, key),
  command('COPY', key, key, options(word('REPLACE', 'DB', 'what'), command('DB', integer))),
  command('KEYS', fc.oneof(fc.constant('*'), pattern)),
  command(
    'SCAN',
    fc.constantFrom('0', '', '+0', 'x', '18446744073709551616'),
    options(
      command('COUNT', fc.constantFrom('0', '-1', 'x', '100')),
      command('MATCH', pattern),
      command('TYPE', fc.constantFrom('string', 'list', 'LIST', 'zset')),
      word('COUNT', 'what'),
    ),
  ).map((words) => (words.includes('100') ? words : [...words, 'COUNT', '100'])),
  fc.constant(['FLUSHDB', 'what']),
  fc.constantFrom(['OBJECT'], ['object', 'What', 'a'], ['OBJECT', 'Encoding'], ['OBJECT', 'REFCOUNT', 'a', 'b']),
];

/** Redis 7.0 cannot negate the least one. */
const rank = integer.filter((one) => one !== '-9223372036854775808');

const lists: readonly fc.Arbitrary<Command>[] = [
  ...['LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX'].map((name) => command(name, key, some(element))),
  ...['LPOP', 'RPOP'].map((name) => command(name, key, maybe(integer))),
  command('LLEN', key),
  command('LRANGE', key, integer, integer),
  command('LINDEX', key, integer),
  command('LSET', key, integer, element),
  command('LREM', key, integer, element),
  command('LTRIM', key, integer, integer),
  command('LINSERT', key, fc.constantFrom('BEFORE', 'after', 'what'), element, element),
  command(
    'LPOS',
    key,
    element,
    options(...['RANK', 'count', 'MAXLEN'].map((name) => command(name, rank)), word('RANK', 'what')),
  ),
  command('LMOVE', key, key, side, side),
  command('RPOPLPUSH', key, key),
];

/** Redis answers in the order of its hash table. */
function inOrder(words: Command, reply: string): string {
  const name = String(words[0]).toLowerCase();
  if ((name !== 'keys' && name !== 'scan') || reply.startsWith('-')) return reply;
  const [head = '', ...found] = reply.split(/(?=\$)/);
  return [head, ...found.sort()].join('');
}

const title = isRedisInstalled
  ? 'like a real redis-server'
  : 'like a real redis-server: not compared, none is installed';

describe.skipIf(!isRedisInstalled)(title, () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await Redis.start();
  });
  afterAll(async () => redis.stop());

  const compare = async (commands: readonly Command[], protocol: 2 | 3) => {
    const tenant = new Tenant(protocol);
    tenant.now = Date.now();
    const ours = commands.map((words) => inOrder(words, tenant.run(...words)));
    const [, , ...replies] = await redis.run([['HELLO', protocol], ['FLUSHALL'], ...commands]);
    const theirs = replies.map((reply, i) => inOrder(commands[i] ?? [], reply));
    const show = (all: readonly string[]) =>
      commands.map(
        (words, i) => `${words.map((one) => JSON.stringify(String(one))).join(' ')} → ${JSON.stringify(all[i])}`,
      );
    expect(show(ours)).toEqual(show(theirs));
  };

  const families: readonly (readonly [string, readonly fc.Arbitrary<Command>[]])[] = [
    ['strings', strings],
    ['counters', [...counters, ...strings.slice(0, 3)]],
    ['expiry', [...strings.slice(0, 4), ...expiries]],
    ['lists', lists],
    ['everything', [...strings, ...counters, ...expiries, ...generics, ...lists]],
  ];
  it.each(families)('%s', async (_, commands) => {
    const sequence = fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 60, size: 'max' });
    await fc.assert(fc.asyncProperty(sequence, fc.constantFrom(2, 3), compare), {
      numRuns: Number(process.env['FC_RUNS'] ?? 80),
    });
  });

  it('says the same of each command', async () => {
    const names = [...dataCommands.keys()].filter((name) => name !== 'object');
    const [, ...replies] = await redis.run([['HELLO', 2], ...names.map((name) => ['COMMAND', 'INFO', name])]);
    const theirs = replies.map((reply) => {
      const words = reply.split('\r\n').filter((line) => /^[:+]|^[a-z]/.test(line));
      const numbers = words
        .filter((line) => line.startsWith(':'))
        .slice(0, 4)
        .map((line) => Number(line.slice(1)));
      const simple = words.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
      return {
        numbers,
        flags: simple.filter((one) => /^(readonly|write|denyoom|fast)$/.test(one)).slice(0, 3),
        acl: simple.filter((one) => one.startsWith('@')).sort(),
      };
    });
    const ours = [...dataCommands.values()]
      .filter(({ name }) => name !== 'object')
      .map((spec) => ({
        numbers: [spec.arity, spec.firstKey, spec.lastKey, spec.keyStep],
        flags: [...spec.flags],
        acl: [...spec.categories].sort(),
      }));
    expect(names.map((name, i) => [name, ours[i]])).toEqual(names.map((name, i) => [name, theirs[i]]));
  });
});
