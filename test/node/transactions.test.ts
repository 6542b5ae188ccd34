/** Transactions through any node: what Redis answers, for every step of one. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Forwarder } from '../../core/forward/forwarder.ts';
import { isRedisInstalled, Redis } from '../engine/support/redis.ts';
import { Nodes } from './harness.ts';

let nodes: Nodes;

beforeEach(() => {
  nodes = new Nodes(3, 3);
  for (const node of [1, 2, 3]) nodes.connect(node, node);
});

/** The same commands, line by line, on one connection of a node; all replies together. */
function talk(node: number, ...lines: readonly string[]): string {
  for (const line of lines) nodes.send(node, node, ...line.split(' '));
  nodes.pass(300);
  return nodes.replies(node).replaceAll('\r\n', ' ').trim();
}

function leaderOf(tenant: string): number {
  return Number(/leader\r\n:([0-9]+)/.exec(nodes.ask(1, 1, 'TENANT', 'WHERE', tenant))?.[1]);
}

describe.each([1, 2, 3])('through node %i', (node) => {
  test('a transaction answers for each of its commands', () => {
    expect(talk(node, 'MULTI', 'SET {acme}k v', 'INCR {acme}n', 'GET {acme}k', 'PING', 'ECHO hi', 'EXEC')).toBe(
      '+OK +QUEUED +QUEUED +QUEUED +QUEUED +QUEUED *5 +OK :1 $1 v +PONG $2 hi',
    );
    expect(talk(node, 'GET {acme}k')).toBe('$1 v');
  });

  test('an error at run time stops nothing', () => {
    expect(talk(node, 'MULTI', 'SET {acme}k v', 'RPUSH {acme}k x', 'SET {acme}j w', 'EXEC', 'GET {acme}j')).toBe(
      '+OK +QUEUED +QUEUED +QUEUED *3 +OK -WRONGTYPE Operation against a key holding the wrong kind of value +OK $1 w',
    );
  });

  test('an error at queue time runs nothing', () => {
    expect(talk(node, 'MULTI', 'SET {acme}k', 'SET {acme}k v', 'EXEC', 'EXISTS {acme}k')).toBe(
      "+OK -ERR wrong number of arguments for 'set' command +QUEUED -EXECABORT Transaction discarded because of previous errors. :0",
    );
    expect(talk(node, 'MULTI', 'NONSENSE', 'EXEC')).toContain('-EXECABORT');
    expect(talk(node, 'MULTI', 'CONFIG GET x', 'EXEC')).toContain("'config' is not allowed in a transaction");
  });

  test('EXEC with arguments ends it, and runs nothing', () => {
    const aborted = "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";
    expect(talk(node, 'WATCH {acme}k', 'MULTI', 'SET {acme}k v', 'EXEC x', 'EXISTS {acme}k', 'EXEC')).toBe(
      `+OK +OK +QUEUED ${aborted} :0 -ERR EXEC without MULTI`,
    );
    expect(talk(node, 'SET {acme}k v', 'MULTI', 'GET {acme}k', 'EXEC')).toBe('+OK +OK +QUEUED *1 $1 v');
  });

  test('one that is discarded runs nothing', () => {
    expect(talk(node, 'MULTI', 'SET {acme}k v', 'DISCARD', 'EXISTS {acme}k', 'EXEC', 'DISCARD')).toBe(
      '+OK +QUEUED +OK :0 -ERR EXEC without MULTI -ERR DISCARD without MULTI',
    );
  });

  test('one without commands answers nothing', () => {
    expect(talk(node, 'MULTI', 'MULTI', 'WATCH {acme}k', 'EXEC')).toBe(
      '+OK -ERR MULTI calls can not be nested -ERR WATCH inside MULTI is not allowed *0',
    );
  });

  test('the keys of a transaction belong to one tenant', () => {
    expect(talk(node, 'MULTI', 'SET {acme}k v', 'SET {blue}k v', 'EXEC', 'EXISTS {acme}k')).toContain('-CROSSSLOT');
    expect(talk(node, 'EXISTS {acme}k')).toBe(':0');
    expect(talk(node, 'WATCH {blue}k', 'MULTI', 'SET {acme}k v', 'EXEC')).toContain('-CROSSSLOT');
  });

  test('RESET ends one', () => {
    expect(talk(node, 'MULTI', 'SET {acme}k v', 'RESET', 'EXEC')).toBe('+OK +QUEUED +RESET -ERR EXEC without MULTI');
  });
});

describe('what is watched', () => {
  /** Between WATCH and EXEC, somebody else does this. */
  function raced(key: string, ...meanwhile: readonly string[]): string {
    talk(1, `WATCH {acme}${key}`);
    talk(2, ...meanwhile);
    return talk(1, 'MULTI', 'SET {acme}done yes', 'EXEC');
  }

  const ran = '+OK +QUEUED *1 +OK';
  const didNot = '+OK +QUEUED *-1';

  test('and not touched lets it run', () => {
    talk(1, 'SET {acme}k v', 'RPUSH {acme}l a');
    expect(raced('k')).toBe(ran);
    expect(raced('k', 'GET {acme}k', 'SET {acme}other v', 'SET {blue}k v')).toBe(ran);
    expect(raced('missing', 'DEL {acme}missing', 'SET {acme}other w')).toBe(ran);
    expect(raced('k', 'RPUSH {acme}k x', 'PERSIST {acme}k')).toBe(ran);
  });

  test.each([
    ['k', 'SET {acme}k v'],
    ['k', 'APPEND {acme}k w'],
    ['k', 'DEL {acme}k'],
    ['k', 'PEXPIRE {acme}k 100000'],
    ['k', 'RENAME {acme}k {acme}j'],
    ['k', 'FLUSHDB'],
    ['l', 'RPUSH {acme}l b'],
    ['l', 'LSET {acme}l 0 b'],
    ['l', 'LPOP {acme}l'],
    ['missing', 'SET {acme}missing v'],
  ])('%s and touched by %s does not', (key, command) => {
    talk(1, 'TENANT USE acme', 'SET {acme}k v', 'RPUSH {acme}l a');
    talk(2, 'TENANT USE acme');
    expect(raced(key, command)).toBe(didNot);
    expect(raced(key)).toBe(ran);
  });

  test('and came and went does not, although it is as it was', () => {
    expect(raced('k', 'SET {acme}k v', 'DEL {acme}k')).toBe(didNot);
    talk(1, 'SET {acme}k v');
    expect(raced('k', 'DEL {acme}k', 'SET {acme}k v')).toBe(didNot);
  });

  test('and expired does not', () => {
    talk(1, 'SET {acme}k v PX 350');
    talk(1, 'WATCH {acme}k');
    nodes.pass(400);
    expect(talk(1, 'MULTI', 'SET {acme}done yes', 'EXEC')).toBe(didNot);
  });

  test('is forgotten with UNWATCH, with DISCARD, and when the transaction has run', () => {
    talk(1, 'WATCH {acme}k', 'UNWATCH');
    talk(2, 'SET {acme}k v');
    expect(talk(1, 'MULTI', 'SET {acme}done yes', 'EXEC')).toBe(ran);
    talk(1, 'WATCH {acme}k', 'MULTI', 'DISCARD');
    talk(2, 'SET {acme}k v');
    expect(talk(1, 'MULTI', 'SET {acme}done yes', 'EXEC')).toBe(ran);
    talk(2, 'SET {acme}k v');
    expect(talk(1, 'MULTI', 'SET {acme}done yes', 'EXEC')).toBe(ran);
  });

  test('in one go with the transaction is watched before it runs', () => {
    talk(1, 'SET {acme}k v');
    const other = (leaderOf('acme') % 3) + 1;
    expect(talk(other, 'SET {acme}k w', 'WATCH {acme}k {acme}l', 'MULTI', 'GET {acme}k', 'EXEC')).toBe(
      '+OK +OK +OK +QUEUED *1 $1 w',
    );
    expect(talk(other, 'WATCH {acme}k', 'SET {acme}k x', 'MULTI', 'GET {acme}k', 'EXEC')).toBe(
      '+OK +OK +OK +QUEUED *-1',
    );
  });

  test('again, has a version already and asks for no other', () => {
    const sent = vi.spyOn(Forwarder.prototype, 'command');
    expect(talk(1, 'WATCH {acme}k {acme}k', 'WATCH {acme}k', 'WATCH {acme}j {acme}k', 'WATCH {acme}j', 'PING')).toBe(
      '+OK +OK +OK +OK +PONG',
    );
    expect(sent.mock.calls.map(([, , , args]) => args.length)).toEqual([3, 3]);
    sent.mockRestore();
    talk(2, 'SET {acme}k v');
    expect(talk(1, 'WATCH {acme}k', 'MULTI', 'SET {acme}done yes', 'EXEC')).toBe(`+OK ${didNot}`);
    expect(talk(1, 'WATCH {acme}k', 'MULTI', 'SET {acme}done yes', 'EXEC')).toBe(`+OK ${ran}`);
  });

  test('is bounded, in keys and in bytes, with what is queued too', () => {
    nodes = new Nodes(1, 1, { maxValueBytes: 1024 });
    nodes.connect(1, 1);
    const large = (name: string): string => `{acme}${name}${'-'.repeat(800)}`;
    const tooMuch = '-ERR not executed: too much is watched';
    expect(talk(1, `WATCH ${large('a')}`, `WATCH ${large('b')}`, `WATCH ${large('c')}`)).toBe(`+OK +OK ${tooMuch}`);
    expect(talk(1, 'MULTI', `SET {acme}k ${'-'.repeat(500)}`, 'EXEC')).toBe(
      '+OK -ERR not executed: the transaction is too large -EXECABORT Transaction discarded because of previous errors.',
    );
    const keys = Array.from({ length: 65_536 }, (_, i) => i.toString(36));
    expect(talk(1, `WATCH ${keys.slice(0, 500).join(' ')}`, 'UNWATCH')).toBe('+OK +OK');

    nodes = new Nodes(1, 1);
    nodes.connect(1, 1);
    expect(talk(1, `WATCH ${keys.join(' ')}`, 'WATCH 0', 'WATCH another')).toBe(`+OK +OK ${tooMuch}`);
    expect(talk(1, 'MULTI', 'SET done yes', 'EXEC')).toBe(ran);
  });

  test('in RESP3 answers null', () => {
    talk(1, 'HELLO 3', 'WATCH {acme}k');
    talk(2, 'SET {acme}k v');
    expect(talk(1, 'MULTI', 'GET {acme}k', 'EXEC')).toBe('+OK +QUEUED _');
  });
});

test('a transaction whose leader stops answering runs once at the next', () => {
  talk(1, 'SET {acme}n 0');
  const leader = leaderOf('acme');
  const other = (leader % 3) + 1;
  nodes.paused.add(leader);
  for (const line of ['MULTI', 'INCR {acme}n', 'RPUSH {acme}l x', 'EXEC']) nodes.send(other, other, ...line.split(' '));
  nodes.pass(4000);
  expect(nodes.replies(other)).toBe('+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n');
  nodes.paused.delete(leader);
  nodes.pass(3000);
  expect(talk(other, 'GET {acme}n', 'LLEN {acme}l')).toBe('$1 1 :1');
});

test('a client cannot name what the nodes say to one another', () => {
  for (const name of ['versions', 'execread']) expect(nodes.ask(1, 1, name, '{acme}k')).toContain('unknown command');
});

describe.runIf(isRedisInstalled)('beside a real Redis', () => {
  let redis: Redis;

  beforeAll(async () => {
    redis = await Redis.start();
  });

  afterAll(async () => {
    await redis.stop();
  });

  const line = fc.constantFrom(
    ...['MULTI', 'MULTI', 'EXEC', 'EXEC', 'DISCARD', 'WATCH a', 'WATCH b missing', 'UNWATCH', 'WATCH', 'multi x'],
    ...['exec x', 'EXEC x y', 'DISCARD x', 'UNWATCH x', 'RESET x'],
    ...['SET a 1', 'SET b x', 'INCR a', 'GET b', 'DEL a', 'RPUSH a x', 'LRANGE a 0 -1', 'EXPIRE a 100', 'FLUSHALL x'],
    ...['SET a', 'NONSENSE', 'PING', 'ECHO hi', 'PING a b', 'APPEND b y', 'LPOP a', 'RENAME a b', 'SETRANGE b 2 zz'],
  );

  test('any sequence is answered alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 2, maxLength: 14 }), async (lines) => {
        const commands = [['RESET'], ['FLUSHALL'], ...lines.map((each) => each.split(' ')), ['DISCARD']];
        const theirs = await redis.run(commands);
        for (const command of commands) nodes.send(1, 1, ...command);
        nodes.pass(100);
        expect(nodes.replies(1)).toBe(theirs.join(''));
      }),
      { numRuns: 200 },
    );
  });
});
