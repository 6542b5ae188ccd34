/** What a tenant may use, and what it is told beyond that: whole replies, on one node and on three. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Nodes } from './harness.ts';

let nodes: Nodes;

beforeEach(() => {
  nodes = new Nodes(1, 2);
  nodes.connect(1, 1);
  nodes.connect(1, 2);
  ask('TENANT', 'USE', 'acme');
  ask('TENANT', 'CREATE', 'acme');
});

const ask = (...words: string[]): string => nodes.ask(1, 1, ...words);
const set = (...words: string[]): string => ask('TENANT', 'QUOTA', 'acme', 'SET', ...words);

/** A map of integers, or of one text among them. */
function fieldsOf(reply: string): ReadonlyMap<string, string> {
  const [, ...lines] = reply.split('\r\n');
  const values = lines.filter((line) => !line.startsWith('$')).map((line) => line.replace(/^:/, ''));
  return new Map(values.flatMap((value, i) => (i % 2 === 0 ? [[value, values[i + 1] ?? ''] as const] : [])));
}

const statistics = (): ReadonlyMap<string, string> => fieldsOf(ask('TENANT', 'STATS', 'acme'));

describe('the quota', () => {
  test('is shown, set in part, and lifted', () => {
    const shown = (bytes: number, keys: number, ops: number, bandwidth: number): string =>
      `*8\r\n$5\r\nbytes\r\n:${String(bytes)}\r\n$4\r\nkeys\r\n:${String(keys)}\r\n$3\r\nops\r\n:${String(ops)}\r\n$9\r\nbandwidth\r\n:${String(bandwidth)}\r\n`;
    expect(ask('TENANT', 'QUOTA', 'acme')).toBe(shown(0, 0, 0, 0));
    expect(set('BYTES', '10000', 'KEYS', '20', 'OPS', '30', 'BANDWIDTH', '4000')).toBe('+OK\r\n');
    expect(set('keys', '21')).toBe('+OK\r\n');
    expect(ask('TENANT', 'QUOTA', 'acme')).toBe(shown(10_000, 21, 30, 4000));
    expect(set('OPS', 'NONE', 'BYTES', '0')).toBe('+OK\r\n');
    expect(ask('TENANT', 'QUOTA', 'acme')).toBe(shown(0, 21, 0, 4000));
  });

  test.each([
    [['TENANT', 'QUOTA', 'nobody'], "-ERR unknown tenant 'nobody'\r\n"],
    [['TENANT', 'STATS', 'nobody'], "-ERR unknown tenant 'nobody'\r\n"],
    [['TENANT', 'QUOTA', 'nobody', 'SET', 'KEYS', '1'], "-ERR unknown tenant 'nobody'\r\n"],
    [['TENANT', 'QUOTA', 'acme', 'SET'], '-ERR syntax error\r\n'],
    [['TENANT', 'QUOTA', 'acme', 'SET', 'KEYS'], '-ERR syntax error\r\n'],
    [['TENANT', 'QUOTA', 'acme', 'SET', 'DISKS', '1'], '-ERR syntax error\r\n'],
    [['TENANT', 'QUOTA', 'acme', 'SET', 'KEYS', '-1'], '-ERR value is not an integer or out of range\r\n'],
    [['TENANT', 'QUOTA', 'acme', 'SET', 'KEYS', 'many'], '-ERR value is not an integer or out of range\r\n'],
  ])('%j', (words, reply) => {
    expect(ask(...words)).toBe(reply);
  });

  test('goes with the tenant that has it: one of the same name has none', () => {
    set('KEYS', '1');
    ask('TENANT', 'DROP', 'acme');
    ask('TENANT', 'CREATE', 'acme');
    expect(fieldsOf(ask('TENANT', 'QUOTA', 'acme')).get('keys')).toBe('0');
  });
});

const noKeys = "-OOM not executed: tenant 'acme' has reached its quota of 2 keys\r\n";

describe('keys and bytes', () => {
  test('at the quota of keys, those that are there may be written, and none comes', () => {
    set('KEYS', '2');
    expect(ask('MSET', 'a', '1', 'b', '2')).toBe('+OK\r\n');
    expect(ask('SET', 'c', '3')).toBe(noKeys);
    expect(ask('MSET', 'a', '4', 'c', '3')).toBe(noKeys);
    expect(ask('RPUSH', 'list', 'x')).toBe(noKeys);
    expect(ask('INCR', 'a')).toBe(':2\r\n');
    expect(ask('EXPIRE', 'a', '100')).toBe(':1\r\n');
    expect(ask('RENAME', 'b', 'c')).toBe('+OK\r\n');
    expect(ask('KEYS', '*')).toBe('*2\r\n$1\r\na\r\n$1\r\nc\r\n');
    expect(ask('DEL', 'a')).toBe(':1\r\n');
    expect(ask('SET', 'd', '3')).toBe('+OK\r\n');
    expect(statistics().get('refused-full')).toBe('3');
  });

  test('at the quota of bytes, what frees memory runs, and what may grow does not', () => {
    ask('SET', 'list', 'x'.repeat(500));
    set('BYTES', '800');
    expect(ask('SET', 'one', 'x'.repeat(500))).toBe('+OK\r\n');
    const full = "-OOM not executed: tenant 'acme' has reached its quota of 800 bytes\r\n";
    expect(ask('SET', 'one', '')).toBe(full);
    expect(ask('APPEND', 'one', 'y')).toBe(full);
    expect(ask('STRLEN', 'one')).toBe(':500\r\n');
    expect(ask('GETDEL', 'list')).toMatch(/^\$500/);
    expect(ask('DEL', 'one')).toBe(':1\r\n');
    expect(ask('SET', 'one', '')).toBe('+OK\r\n');
  });

  test('of a transaction that may not run nothing runs, and what it only removes does', () => {
    set('KEYS', '1');
    ask('SET', 'a', '1');
    ask('MULTI');
    ask('INCR', 'a');
    ask('SET', 'b', '2');
    expect(ask('EXEC')).toBe(
      "-EXECABORT Transaction discarded because of: OOM not executed: tenant 'acme' has reached its quota of 1 keys\r\n",
    );
    expect(ask('GET', 'a')).toBe('$1\r\n1\r\n');
    ask('MULTI');
    ask('DEL', 'a');
    expect(ask('EXEC')).toBe('*1\r\n:1\r\n');
    ask('MULTI');
    ask('SET', 'b', '2');
    ask('SET', 'c', '3');
    expect(ask('EXEC')).toBe('*2\r\n+OK\r\n+OK\r\n');
  });

  test('one tenant that is full is nothing to another', () => {
    set('KEYS', '1', 'BYTES', '1');
    ask('SET', 'a', '1');
    expect(ask('SET', 'b', '1')).toMatch(/^-OOM/);
    nodes.ask(1, 2, 'TENANT', 'USE', 'blue');
    expect(nodes.ask(1, 2, 'SET', 'b', '1')).toBe('+OK\r\n');
  });
});

describe('so many a second', () => {
  const busy = "-BUSY not executed: tenant 'acme' has reached its quota of 3 operations per second\r\n";

  test('operations: a burst of a second, then as they come', () => {
    set('OPS', '3');
    for (let i = 0; i < 5; i += 1) nodes.send(1, 1, 'INCR', 'n');
    nodes.pass(10);
    expect(nodes.replies(1)).toBe(`:1\r\n:2\r\n:3\r\n${busy}${busy}`);
    expect(ask('GET', 'n')).toBe(busy);
    nodes.pass(1000);
    expect(ask('GET', 'n')).toBe('$1\r\n3\r\n');
    expect(statistics().get('refused-ops')).toBe('3');
  });

  test('what is refused does not run, and what comes behind it in the pipeline does when it may', () => {
    set('OPS', '1');
    nodes.send(1, 1, 'SET', 'a', '1');
    nodes.send(1, 1, 'SET', 'a', '2');
    nodes.pass(1100);
    nodes.send(1, 1, 'APPEND', 'a', '3');
    nodes.pass(1100);
    nodes.replies(1);
    expect(ask('GET', 'a')).toBe('$2\r\n13\r\n');
  });

  test('a transaction counts as its commands', () => {
    set('OPS', '3');
    nodes.send(1, 1, 'MULTI');
    for (let i = 0; i < 6; i += 1) nodes.send(1, 1, 'INCR', 'n');
    nodes.send(1, 1, 'EXEC');
    nodes.pass(500);
    expect(nodes.replies(1)).toContain('*6\r\n');
    // Overdrawn by three: that takes a second.
    expect(ask('PING')).toBe('+PONG\r\n');
    expect(ask('GET', 'n')).toBe(busy);
    nodes.pass(1500);
    expect(ask('GET', 'n')).toBe('$1\r\n6\r\n');
  });

  test('bandwidth: a large reply is paid for afterwards', () => {
    ask('SET', 'a', 'x'.repeat(3000));
    set('BANDWIDTH', '1000');
    expect(ask('GET', 'a')).toHaveLength(3009);
    const refused = "-BUSY not executed: tenant 'acme' has reached its quota of 1000 bytes per second\r\n";
    expect(ask('GET', 'b')).toBe(refused);
    nodes.pass(1000);
    expect(ask('GET', 'b')).toBe(refused);
    nodes.pass(1000);
    expect(ask('GET', 'b')).toBe('$-1\r\n');
    expect(statistics().get('refused-bandwidth')).toBe('2');
  });
});

test('what is counted is told', () => {
  ask('SET', 'a', '1');
  ask('GET', 'a');
  ask('GET', 'nothing');
  const figures = statistics();
  const wanted = { keys: '1', ops: '3', reads: '2', writes: '1', 'asked-node': '1', 'connections-here': '1' };
  for (const [name, figure] of Object.entries(wanted)) expect([name, figures.get(name)]).toEqual([name, figure]);
  expect(figures.get('bytes-in')).toBe('19');
  expect(figures.get('bytes-out')).toBe(String('+OK\r\n$1\r\n1\r\n$-1\r\n'.length));
  expect(Number(figures.get('bytes'))).toBeGreaterThan(0);
});

test('the rate is of the last second', () => {
  for (let i = 0; i < 40; i += 1) {
    nodes.send(1, 1, 'INCR', 'n');
    nodes.pass(100);
  }
  nodes.replies(1);
  expect(statistics().get('ops-per-second')).toBe('10');
  nodes.pass(10_000);
  expect(statistics().get('ops-per-second')).toBe('0');
});

test('LIST in steps, with a pattern', () => {
  for (const name of ['a1', 'a2', 'b1', 'a3']) ask('TENANT', 'CREATE', name);
  ask('TENANT', 'DROP', 'a2');
  const names: string[] = [];
  let cursor = '0';
  for (let steps = 0; steps < 20; steps += 1) {
    const [, next = '', , ...rest] = ask('TENANT', 'LIST', 'CURSOR', cursor, 'COUNT', '2', 'MATCH', 'a[0-9]')
      .split('\r\n')
      .filter((line) => !line.startsWith('$'));
    names.push(...rest.filter((line) => line !== ''));
    cursor = next;
    if (cursor === '0') break;
  }
  expect(names).toEqual(['a1', 'a3']);
  expect(ask('TENANT', 'LIST', 'COUNT', '0')).toBe('-ERR value is not an integer or out of range\r\n');
  expect(ask('TENANT', 'LIST', 'CURSOR', 'x')).toBe('-ERR invalid cursor\r\n');
  expect(ask('TENANT', 'LIST', 'SORTED')).toBe('-ERR syntax error\r\n');
});

describe('on three nodes', () => {
  beforeEach(() => {
    nodes = new Nodes(3, 2);
    for (const node of [1, 2, 3]) nodes.connect(node, node);
    nodes.ask(1, 1, 'TENANT', 'CREATE', 'acme', 'IN', '2');
  });

  test('any node shows and sets the quota, and each holds to it', () => {
    expect(nodes.ask(1, 1, 'TENANT', 'QUOTA', 'acme', 'SET', 'KEYS', '1', 'OPS', '2')).toBe('+OK\r\n');
    for (const node of [1, 2, 3])
      expect(fieldsOf(nodes.ask(node, node, 'TENANT', 'QUOTA', 'acme')).get('keys')).toBe('1');
    expect(nodes.ask(3, 3, 'SET', '{acme}a', '1')).toBe('+OK\r\n');
    expect(nodes.ask(2, 2, 'SET', '{acme}b', '1')).toMatch(/^-OOM/);
    nodes.pass(1000);
    for (const node of [1, 2, 3]) nodes.send(node, node, 'SET', '{acme}a', '2');
    nodes.pass(300);
    const replies = [1, 2, 3].map((node) => nodes.replies(node).slice(0, 5)).sort();
    expect(replies).toEqual(['+OK\r\n', '+OK\r\n', '-BUSY']);
  });

  test('a pipeline that is refused comes back at once: nothing is asked again', () => {
    nodes.ask(1, 1, 'TENANT', 'QUOTA', 'acme', 'SET', 'OPS', '2');
    const ingress = nodes.nodes.find((node) => node.groups.get(2 as never)?.isLeader !== true);
    const id = ingress?.id ?? 1;
    const before = ingress?.statistics.forwarded ?? 0;
    for (let i = 0; i < 100; i += 1) nodes.send(id, id, 'INCR', '{acme}n');
    nodes.pass(20);
    expect(nodes.replies(id).match(/-BUSY/g)).toHaveLength(98);
    expect((ingress?.statistics.forwarded ?? 0) - before).toBeLessThan(102);
  });

  test('INFO tells of it where its group is led, STATS everywhere', () => {
    const infos = [1, 2, 3].map((node) => fieldsOf(nodes.ask(node, node, 'TENANT', 'INFO', 'acme')));
    expect(infos.filter((info) => info.get('quota-keys') === '0')).toHaveLength(1);
    const asked = [1, 2, 3].map((node) => fieldsOf(nodes.ask(node, node, 'TENANT', 'STATS', 'acme')).get('asked-node'));
    expect(asked).toEqual(['1', '2', '3']);
  });
});
