/** Clients that number their writes: whatever node they ask again, a write runs once and has one reply. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Nodes } from './harness.ts';

let nodes: Nodes;
/** The token of a session that connection 1, on node 1, has begun. */
let token: string;

function textOf(bulk: string): string {
  return bulk.split('\r\n')[1] ?? '';
}

beforeEach(() => {
  nodes = new Nodes(3, 2, {});
  nodes.connect(1, 1);
  nodes.connect(2, 2);
  token = textOf(nodes.ask(1, 1, 'SESSION', 'NEW'));
});

describe('a write that is asked for again', () => {
  test('through another node is not run again', () => {
    expect(nodes.ask(1, 1, 'INCR', '{acme}n')).toBe(':1\r\n');
    expect(nodes.ask(1, 1, 'INCR', '{acme}n')).toBe(':2\r\n');
    expect(nodes.ask(2, 2, 'SESSION', 'RESUME', token, 'FROM', '2')).toBe('+OK\r\n');
    expect(nodes.ask(2, 2, 'INCR', '{acme}n')).toBe(':2\r\n');
    expect(nodes.ask(2, 2, 'INCR', '{acme}n')).toBe(':3\r\n');
    expect(nodes.ask(2, 2, 'GET', '{acme}n')).toBe('$1\r\n3\r\n');
  });

  test('runs if it never had', () => {
    expect(nodes.ask(2, 2, 'SESSION', 'RESUME', token, 'FROM', '1')).toBe('+OK\r\n');
    expect(nodes.ask(2, 2, 'INCR', '{acme}n')).toBe(':1\r\n');
  });

  test('is a whole transaction, if it was one', () => {
    const transact = (node: number, conn: number): string => {
      for (const words of [['MULTI'], ['INCR', '{acme}n'], ['RPUSH', '{acme}l', 'x']]) nodes.ask(node, conn, ...words);
      return nodes.ask(node, conn, 'EXEC');
    };
    expect(transact(1, 1)).toBe('*2\r\n:1\r\n:1\r\n');
    nodes.ask(2, 2, 'SESSION', 'RESUME', token, 'FROM', '1');
    expect(transact(2, 2)).toBe('*2\r\n:1\r\n:1\r\n');
    expect(nodes.ask(2, 2, 'LLEN', '{acme}l')).toBe(':1\r\n');
  });

  test('of which the client said that it has the reply is in doubt, and does not run', () => {
    for (let i = 0; i < 3; i += 1) nodes.ask(1, 1, 'INCR', '{acme}n');
    nodes.ask(2, 2, 'SESSION', 'RESUME', token, 'FROM', '4');
    expect(nodes.ask(2, 2, 'INCR', '{acme}n')).toBe(':4\r\n');
    nodes.ask(1, 1, 'SESSION', 'RESUME', token, 'FROM', '2');
    expect(nodes.ask(1, 1, 'INCR', '{acme}n')).toMatch(/^-UNKNOWN may or may not have been executed: /);
    expect(nodes.ask(1, 1, 'GET', '{acme}n')).toBe('$1\r\n4\r\n');
  });
});

test('reads, and what is refused before it is anybody’s, take no number', () => {
  nodes.ask(1, 1, 'INCR', '{acme}n');
  nodes.ask(1, 1, 'GET', '{acme}n');
  expect(nodes.ask(1, 1, 'INCR')).toMatch(/^-ERR wrong number/);
  expect(nodes.ask(1, 1, 'MSET', '{acme}a', '1', '{blue}b', '2')).toMatch(/^-CROSSSLOT/);
  expect(nodes.ask(1, 1, 'SESSION', 'INFO')).toBe(
    `*4\r\n$5\r\ntoken\r\n$${String(token.length)}\r\n${token}\r\n$4\r\nnext\r\n:2\r\n`,
  );
});

test('a session is numbered over all tenants, and known to each', () => {
  nodes.ask(1, 1, 'INCR', '{acme}n');
  nodes.ask(1, 1, 'INCR', '{blue}n');
  nodes.ask(2, 2, 'SESSION', 'RESUME', token, 'FROM', '1');
  expect(nodes.ask(2, 2, 'INCR', '{acme}n')).toBe(':1\r\n');
  expect(nodes.ask(2, 2, 'INCR', '{blue}n')).toBe(':1\r\n');
});

test('without a session a write is numbered by nobody', () => {
  expect(nodes.ask(1, 1, 'SESSION', 'END')).toBe('+OK\r\n');
  expect(nodes.ask(1, 1, 'SESSION', 'INFO')).toBe('$-1\r\n');
  expect(nodes.ask(1, 1, 'INCR', '{acme}n')).toBe(':1\r\n');
  nodes.ask(2, 2, 'SESSION', 'RESUME', token, 'FROM', '1');
  expect(nodes.ask(2, 2, 'INCR', '{acme}n')).toBe(':2\r\n');
});

test('RESET ends it', () => {
  nodes.ask(1, 1, 'RESET');
  expect(nodes.ask(1, 1, 'SESSION', 'INFO')).toBe('$-1\r\n');
});

test('no two sessions have the same token', () => {
  const others = [1, 1, 2, 2].map((conn) => textOf(nodes.ask(conn, conn, 'SESSION', 'NEW')));
  expect(new Set([token, ...others]).size).toBe(5);
});

test.each([
  [['RESUME', 'to ken', 'FROM', '1'], '-ERR not executed: that is no token of a session\r\n'],
  [['RESUME', '', 'FROM', '1'], '-ERR not executed: that is no token of a session\r\n'],
  [['RESUME', 'x'.repeat(129), 'FROM', '1'], '-ERR not executed: that is no token of a session\r\n'],
  [['RESUME', 'x', 'FROM', '0'], '-ERR not executed: writes are numbered from 1 on\r\n'],
  [['RESUME', 'x', 'FROM', 'one'], '-ERR not executed: writes are numbered from 1 on\r\n'],
  [['RESUME', 'x', 'SINCE', '1'], '-ERR syntax error\r\n'],
])('SESSION %j is refused', (words, answer) => {
  expect(nodes.ask(1, 1, 'SESSION', ...words)).toBe(answer);
});
