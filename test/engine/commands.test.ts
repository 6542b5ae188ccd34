/** What a comparison with Redis cannot show: time, limits, memory, and where we differ. */
import { describe, expect, it } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { type CommandSpec, keysOf } from '../../core/engine/command.ts';
import { dataCommands } from '../../core/engine/dataCommands.ts';
import { Tenant } from './support/tenant.ts';

const nil = '$-1\r\n';
const ok = '+OK\r\n';

describe('time', () => {
  it('a key is there until its time and not at it', () => {
    const tenant = new Tenant();
    tenant.run('SET', 'k', 'v', 'PX', '100');
    tenant.now += 99;
    expect([tenant.run('GET', 'k'), tenant.run('PTTL', 'k'), tenant.run('DBSIZE')]).toEqual([
      '$1\r\nv\r\n',
      ':1\r\n',
      ':1\r\n',
    ]);
    tenant.now += 1;
    const answers = ['GET k', 'PTTL k', 'EXPIRETIME k', 'EXISTS k', 'TYPE k', 'DBSIZE', 'KEYS *', 'RANDOMKEY'];
    expect(answers.map((words) => tenant.run(...words.split(' ')))).toEqual([
      nil,
      ':-2\r\n',
      ':-2\r\n',
      ':0\r\n',
      '+none\r\n',
      ':0\r\n',
      '*0\r\n',
      nil,
    ]);
    expect(tenant.keyspace.size).toBe(1);
  });

  it.each([
    ['SET', 'k', 'new', 'KEEPTTL'],
    ['APPEND', 'k', 'new'],
    ['RPUSH', 'k', 'new'],
    ['INCRBY', 'k', '5'],
    ['SETRANGE', 'k', '0', 'new'],
    ['MSETNX', 'k', 'new'],
    ['RENAME', 'other', 'k'],
    ['COPY', 'other', 'k'],
  ])('%s begins anew on a key whose time has come', (...words) => {
    const tenant = new Tenant();
    tenant.run('SET', 'other', 'x');
    tenant.run('SET', 'k', '1', 'PX', '10');
    tenant.now += 10;
    expect(tenant.run(...words)[0]).not.toBe('-');
    expect(tenant.run('TTL', 'k')).toBe(':-1\r\n');
    expect(tenant.run('STRLEN', 'k').startsWith(':4')).toBe(false);
  });

  it('a scan does not show it, a purge removes it and nothing else', () => {
    const tenant = new Tenant();
    tenant.run('SET', 'soon', 'v', 'PX', '10');
    tenant.run('SET', 'later', 'v', 'PX', '20');
    tenant.run('SET', 'never', 'v');
    tenant.now += 10;
    expect(tenant.run('SCAN', '0')).toBe('*2\r\n$1\r\n0\r\n*2\r\n$5\r\nlater\r\n$5\r\nnever\r\n');
    const { keyspace } = tenant;
    keyspace.purge(['soon', 'later', 'never', 'no key'].map(bytesOfBinary), tenant.now as never);
    expect(tenant.run('KEYS', '*')).toBe('*2\r\n$5\r\nlater\r\n$5\r\nnever\r\n');
    expect(keyspace.size).toBe(2);
  });

  it.each([
    ['SET', 'EX', 10, 1_010_000],
    ['SET', 'PX', 10, 1_000_010],
    ['SET', 'EXAT', 1010, 1_010_000],
    ['SET', 'PXAT', 1_000_001, 1_000_001],
  ])('%s %s counts from the stamp of the command', (_, unit, amount, at) => {
    const tenant = new Tenant();
    tenant.run('SET', 'k', 'v', unit, amount);
    expect(tenant.run('PEXPIRETIME', 'k')).toBe(`:${String(at)}\r\n`);
    tenant.run('GETEX', 'k', 'PERSIST');
    expect(tenant.run('GETEX', 'k', unit, amount)).toBe('$1\r\nv\r\n');
    expect(tenant.run('PEXPIRETIME', 'k')).toBe(`:${String(at)}\r\n`);
  });

  it.each([
    ['NX', [0, 0, 0, 1]],
    ['XX', [1, 1, 1, 0]],
    ['GT', [0, 0, 1, 0]],
    ['LT', [1, 0, 0, 1]],
  ])(
    '%s asks for a time before, at or after the present one, and for one where there is none',
    (condition, answers) => {
      const answer = (present: readonly string[], at: number) => {
        const tenant = new Tenant();
        tenant.run('SET', 'k', 'v', ...present);
        return tenant.run('PEXPIREAT', 'k', at, condition);
      };
      const timed = [1_999_999, 2_000_000, 2_000_001].map((at) => answer(['PXAT', '2000000'], at));
      expect([...timed, answer([], 2_000_000)]).toEqual(answers.map((one) => `:${String(one)}\r\n`));
    },
  );

  it('rounds to the nearest second', () => {
    const tenant = new Tenant();
    tenant.run('SET', 'k', 'v', 'PX', '1499');
    expect([tenant.run('TTL', 'k'), tenant.run('EXPIRETIME', 'k')]).toEqual([':1\r\n', ':1001\r\n']);
    tenant.run('PEXPIRE', 'k', '1500');
    expect([tenant.run('TTL', 'k'), tenant.run('EXPIRETIME', 'k')]).toEqual([':2\r\n', ':1002\r\n']);
  });

  it.each([
    ['SET', 'k', 'v', 'PXAT', '1'],
    ['EXPIRE', 'k', '-1'],
    ['GETEX', 'k', 'EXAT', '5'],
  ])('%s to the past deletes at once', (...words) => {
    const tenant = new Tenant();
    tenant.run('SET', 'k', 'v');
    tenant.run(...words);
    expect(tenant.keyspace.size).toBe(0);
  });

  it('ends before a number would lose milliseconds', () => {
    const tenant = new Tenant();
    tenant.run('SET', 'k', 'v');
    expect(tenant.run('PEXPIREAT', 'k', '9007199254740991')).toBe(':1\r\n');
    expect(tenant.run('PEXPIREAT', 'k', '9007199254740992')).toBe(
      "-ERR invalid expire time in 'pexpireat' command\r\n",
    );
    expect(tenant.run('PEXPIRETIME', 'k')).toBe(':9007199254740991\r\n');
  });
});

describe('memory', () => {
  it.each([
    ['SET', 'k', 'tiny'],
    ['RPUSH', 'k', 'tiny'],
    ['SETRANGE', 'k', '0', 'tiny'],
    ['SET', 'k', 'y'.repeat(100)],
    ['RPUSH', 'k', 'y'.repeat(100)],
  ])('%s copies what it stores out of a buffer that changes', (...words) => {
    const tenant = new Tenant();
    // A Buffer, whose own `slice` does not copy.
    const args = words.map((word) => Buffer.from(word));
    tenant.run(...args);
    const digest = tenant.keyspace.digest();
    for (const arg of args) arg.fill(0);
    expect(tenant.keyspace.digest()).toBe(digest);
  });

  it('copies share nothing, however their originals grow', () => {
    const tenant = new Tenant();
    tenant.run('APPEND', 'a', 'x');
    for (let i = 0; i < 20; i += 1) tenant.run('APPEND', 'a', 'x');
    tenant.run('COPY', 'a', 'b');
    tenant.run('RENAME', 'a', 'c');
    tenant.run('APPEND', 'c', 'y');
    tenant.run('SETRANGE', 'b', '0', 'z');
    tenant.run('SETRANGE', 'c', '30', 'w');
    tenant.run('APPEND', 'b', 'u');
    const x = 'x'.repeat(20);
    expect(tenant.run('MGET', 'a', 'b', 'c')).toBe(`*3\r\n${nil}$22\r\nz${x}u\r\n$31\r\nx${x}y${'\0'.repeat(8)}w\r\n`);
  });

  it('lists and their copies do not share either', () => {
    const tenant = new Tenant();
    tenant.run('RPUSH', 'a', '1', '2');
    tenant.run('COPY', 'a', 'b');
    tenant.run('LSET', 'a', '0', 'x');
    tenant.run('RPUSH', 'b', '3');
    expect(tenant.run('LRANGE', 'b', '0', '-1')).toBe('*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n');
  });
});

describe('limits', () => {
  const tooLarge = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n';

  it('a value grows up to the limit and not beyond', () => {
    const tenant = new Tenant(2, 8);
    expect(tenant.run('APPEND', 'k', 'abcd')).toBe(':4\r\n');
    expect(tenant.run('APPEND', 'k', 'abcd')).toBe(':8\r\n');
    expect(tenant.run('APPEND', 'k', 'e')).toBe(tooLarge);
    expect(tenant.run('SETRANGE', 'k', '7', 'z')).toBe(':8\r\n');
    expect(tenant.run('SETRANGE', 'k', '7', 'zz')).toBe(tooLarge);
    expect(tenant.run('SETRANGE', 'new', '8', 'z')).toBe(tooLarge);
    expect([tenant.run('GET', 'k'), tenant.run('EXISTS', 'new')]).toEqual(['$8\r\nabcdabcz\r\n', ':0\r\n']);
  });

  it('strings too long to compare are refused before any memory is taken', () => {
    const tenant = new Tenant();
    tenant.run('SET', 'a', 'x'.repeat(3000));
    tenant.run('SET', 'b', 'x'.repeat(3000));
    expect(tenant.run('LCS', 'a', 'b', 'LEN')).toBe(
      '-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n',
    );
  });
});

describe('OBJECT', () => {
  it.each([
    ['12', 'int'],
    ['9223372036854775808', 'embstr'],
    ['x'.repeat(44), 'embstr'],
    ['x'.repeat(45), 'raw'],
  ])('%s is stored as %s', (value, encoding) => {
    const tenant = new Tenant();
    tenant.run('SET', 'k', value);
    expect(tenant.run('OBJECT', 'ENCODING', 'k')).toBe(`$${String(encoding.length)}\r\n${encoding}\r\n`);
  });

  it('answers what nobody counts with constants', () => {
    const tenant = new Tenant();
    tenant.run('RPUSH', 'k', 'v');
    expect(['ENCODING', 'REFCOUNT', 'IDLETIME', 'FREQ'].map((what) => tenant.run('OBJECT', what, 'k'))).toEqual([
      '$9\r\nquicklist\r\n',
      ':1\r\n',
      ':0\r\n',
      '-ERR An LFU maxmemory policy is not selected, access frequency not tracked.\r\n',
    ]);
    expect(tenant.run('OBJECT', 'FREQ', 'none')).toBe(nil);
    expect(tenant.run('OBJECT', 'HELP')).toMatch(/^\*11\r\n\+OBJECT <subcommand>/);
  });
});

it('FLUSHALL and FLUSHDB empty the tenant; cursors of before lead to nothing old', () => {
  const tenant = new Tenant();
  for (let i = 0; i < 20; i += 1) tenant.run('SET', i, 'v', 'PX', '5');
  expect(tenant.run('SCAN', '0', 'COUNT', '1')).toBe('*2\r\n$1\r\n2\r\n*1\r\n$1\r\n0\r\n');
  expect([tenant.run('FLUSHALL', 'ASYNC'), tenant.run('FLUSHDB', 'sync'), tenant.run('DBSIZE')]).toEqual([
    ok,
    ok,
    ':0\r\n',
  ]);
  tenant.run('SET', 'new', 'v');
  expect(tenant.run('SCAN', '2')).toBe('*2\r\n$1\r\n0\r\n*1\r\n$3\r\nnew\r\n');
  expect(tenant.keyspace.nextExpiry()).toBe(null);
});

it.each([
  ['GET k', [1]],
  ['RENAME a b', [1, 2]],
  ['MGET a b c', [1, 2, 3]],
  ['MSET a 1 b 2', [1, 3]],
  ['OBJECT ENCODING k', [2]],
  ['OBJECT HELP', []],
  ['LCS a b IDX', [1, 2]],
  ['SCAN 0', []],
])('%s has its keys at %j', (line, positions) => {
  const args = line.split(' ').map(bytesOfBinary);
  const spec = dataCommands.get(line.split(' ')[0]?.toLowerCase() ?? '') as CommandSpec;
  expect(keysOf(spec, args)).toEqual(positions);
});

it('every command says what it is', () => {
  for (const [name, { doc, access, flags, scope, firstKey }] of dataCommands) {
    expect([name, doc.summary]).toEqual([name.toLowerCase(), expect.stringMatching(/^[A-Z].*\.$/)]);
    expect(doc.since).toMatch(/^\d+\.\d+\.\d+$/);
    expect([name, access]).toEqual([name, flags.includes('write') ? 'write' : 'read']);
    expect([name, scope]).toEqual([name, firstKey === 0 ? 'keyspace' : 'keys']);
  }
});
