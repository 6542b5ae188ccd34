/** The metadata group has no quorum: what can do without it does, and what cannot says so. */
import { beforeEach, expect, test } from 'vitest';
import { GroupId, metadataGroup, NodeId } from '../../core/base/ids.ts';
import { Nodes } from './harness.ts';

/** Five nodes. Group g is on the nodes g + 1 to g + 3: without 1 and 2 only the metadata group has no majority. */
const gone = [1, 2];
const alive = [3, 4, 5];
const timeoutMs = 2000;
const notExecuted = '-UNAVAILABLE not executed: the metadata group has not answered in time';
let nodes: Nodes;

beforeEach(() => {
  nodes = new Nodes(5, 2, { commandTimeoutMs: timeoutMs, joinToken: 'secret' });
  for (const node of [1, ...alive]) nodes.connect(node, node);
  expect(nodes.ask(1, 1, 'TENANT', 'CREATE', 'acme', 'IN', '1')).toBe('+OK\r\n');
  expect(nodes.ask(1, 1, 'TENANT', 'CREATE', 'blue', 'IN', '2')).toBe('+OK\r\n');
  nodes.pass(500);
});

function takeAway(): void {
  for (const node of gone) {
    nodes.paused.add(node);
    for (const other of alive) nodes.input(other, { kind: 'peerDown', peer: NodeId(node) });
  }
}

function bringBack(): void {
  for (const node of gone) {
    nodes.paused.delete(node);
    for (const other of alive) {
      nodes.input(other, nodes.linkTo(node));
      nodes.input(node, nodes.linkTo(other));
    }
  }
}

function leaderOf(group: GroupId): number {
  return (
    1 + nodes.nodes.findIndex((node, at) => !nodes.paused.has(at + 1) && node.groups.get(group)?.isLeader === true)
  );
}

/** With the time it takes to give up. */
function answer(...words: string[]): string {
  nodes.send(4, 4, ...words);
  nodes.pass(timeoutMs + 100);
  return nodes.replies(4);
}

test('tenants are served, through any node, and groups get other leaders', () => {
  expect(leaderOf(GroupId(1))).toBe(2);
  takeAway();
  nodes.pass(3000);
  expect(leaderOf(metadataGroup)).toBe(0);
  expect(alive).toContain(leaderOf(GroupId(1)));
  for (const node of alive) {
    expect(nodes.ask(node, node, 'INCR', '{acme}n')).toBe(`:${String(node - 2)}\r\n`);
    expect(nodes.ask(node, node, 'INCR', '{blue}n')).toBe(`:${String(node - 2)}\r\n`);
  }
});

const waiting = {
  'TENANT CREATE corp': `${notExecuted}\r\n`,
  'TENANT DROP acme': `${notExecuted}\r\n`,
  'TENANT MOVE acme TO 2': `${notExecuted}\r\n`,
  'TENANT MOVE acme CANCEL': `${notExecuted}\r\n`,
  'TENANT QUOTA acme SET KEYS 5': `${notExecuted}\r\n`,
  'NODE DRAIN 5': `${notExecuted}\r\n`,
  'NODE JOIN h:1 h:2 ZONE z TOKEN secret STORE 0123456789abcdef': `${notExecuted}\r\n`,
  'SET {corp}k v': `${notExecuted}, and only it knows where the tenant lives\r\n`,
  'GET {corp}k': `${notExecuted}, and only it knows where the tenant lives\r\n`,
};

test.each(Object.entries(waiting))('%s waits, and is told that it was not executed', (command, reply) => {
  takeAway();
  nodes.pass(3000);
  expect(answer(...command.split(' '))).toBe(reply);
});

test('what a leader had taken before it lost its quorum may still be executed, and is said to be in doubt', () => {
  const leader = leaderOf(metadataGroup);
  for (const node of [1, 2, 3]) if (node !== leader) nodes.paused.add(node);
  const asker = leader === 1 ? 1 : 4;
  nodes.send(asker, asker, 'TENANT', 'CREATE', 'corp');
  nodes.pass(timeoutMs + 100);
  expect(nodes.replies(asker)).toBe(
    '-UNKNOWN may or may not have been executed: the metadata group has not answered in time\r\n',
  );
});

test('what waited is done once it is asked for again and the quorum is back', () => {
  takeAway();
  nodes.pass(3000);
  expect(answer('TENANT', 'CREATE', 'corp')).toBe(`${notExecuted}\r\n`);
  bringBack();
  nodes.pass(4000);
  expect(answer('TENANT', 'CREATE', 'corp')).toBe('+OK\r\n');
  expect(answer('TENANT', 'MOVE', 'acme', 'TO', '2')).toBe('+OK\r\n');
  expect(answer('NODE', 'DRAIN', '5')).toBe('+OK\r\n');
  expect(nodes.ask(5, 5, 'SET', '{corp}k', 'v')).toBe('+OK\r\n');
});
