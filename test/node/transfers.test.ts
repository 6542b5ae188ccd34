/** A tenant as a file: out of a cluster and into it, on one node and on three, whole replies. */
import { beforeEach, describe, expect, test } from 'vitest';
import { GroupId, type NodeId, parseTenantName } from '../../core/index.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { decodePiece } from '../../core/wire/tenantFile.ts';
import { Nodes } from './harness.ts';

let nodes: Nodes;

/** What `TENANT EXPORT` answers. */
interface Piece {
  readonly id: string;
  readonly next: number;
  readonly bytes: string;
}

function pieceOf(reply: string): Piece {
  const found = /^\*3\r\n\$\d+\r\n([^\r]*)\r\n:(\d+)\r\n\$(\d+)\r\n([^]*)\r\n$/.exec(reply);
  if (found === null) throw new Error(`no piece: ${reply.slice(0, 200)}`);
  const [, id = '', next = '', length = '', bytes = ''] = found;
  expect(bytes).toHaveLength(Number(length));
  return { id, next: Number(next), bytes };
}

/** The pieces of a whole export, by a client of that node. */
function exported(node: number, tenant: string): readonly string[] {
  const pieces: string[] = [];
  let piece = pieceOf(nodes.ask(node, node, 'TENANT', 'EXPORT', tenant));
  pieces.push(piece.bytes);
  while (piece.next > 0) {
    piece = pieceOf(nodes.ask(node, node, 'TENANT', 'EXPORT', tenant, piece.id, String(piece.next)));
    if (piece.bytes !== '') pieces.push(piece.bytes);
  }
  return pieces;
}

interface Taken {
  readonly move: string;
  readonly next: number;
}

function takenOf(reply: string): Taken {
  const found = /^\*2\r\n:(\d+)\r\n:(\d+)\r\n$/.exec(reply);
  if (found === null) throw new Error(`not taken: ${reply}`);
  return { move: found[1] ?? '', next: Number(found[2]) };
}

function begin(node: number, tenant: string, pieces: readonly string[]): Taken {
  return takenOf(nodes.ask(node, node, 'TENANT', 'IMPORT', tenant, pieces[0] ?? ''));
}

function send(node: number, tenant: string, { move }: Taken, piece: string | undefined): string {
  return nodes.ask(node, node, 'TENANT', 'IMPORT', tenant, move, piece ?? '');
}

function imported(node: number, tenant: string, pieces: readonly string[]): void {
  let taken = begin(node, tenant, pieces);
  while (taken.next > 0) taken = takenOf(send(node, tenant, taken, pieces[taken.next]));
}

function digestOf(tenant: string): number | undefined {
  for (const { groups } of nodes.nodes)
    for (const { machine, isLeader } of groups.values()) {
      const owned = machine instanceof TenantMachine ? machine.tenants.get(parseTenantName(tenant)!) : undefined;
      if (isLeader && owned !== undefined) return owned.keyspace.digest();
    }
  return undefined;
}

/** Replicas that have something of a tenant which nobody sees. */
function staged(): number {
  let count = 0;
  for (const { groups } of nodes.nodes)
    for (const { machine } of groups.values()) if (machine instanceof TenantMachine) count += machine.moves.stagedCount;
  return count;
}

const loading = (tenant: string): string => `-LOADING not executed: tenant '${tenant}' is being imported\r\n`;

/** Something of every kind, and enough for some pieces. */
function fill(tenant: string, node = 1): void {
  const ask = (...words: string[]): string => nodes.ask(node, node, ...words);
  ask('SET', `{${tenant}}text`, '\x00\xffvalue');
  ask('SET', `{${tenant}}short`, 'soon gone', 'PX', '400');
  ask('SET', `{${tenant}}long`, 'stays a while', 'EX', '10000');
  ask('SET', `{${tenant}}gone`, 'x');
  ask('DEL', `{${tenant}}gone`);
  ask('RPUSH', `{${tenant}}list`, 'a', '', 'x'.repeat(70_000), 'b');
  ask('SET', `{${tenant}}large`, 'y'.repeat(600_000));
  ask('SET', `{${tenant}}late`, '');
  ask('INCR', `{${tenant}}n`);
}

describe('on one node', () => {
  const ask = (...words: string[]): string => nodes.ask(1, 1, ...words);

  beforeEach(() => {
    nodes = new Nodes(1, 2);
    nodes.connect(1, 1);
    ask('TENANT', 'CREATE', 'acme', 'IN', '1');
  });

  test('what goes out comes in again, under another name too', () => {
    fill('acme');
    ask('TENANT', 'QUOTA', 'acme', 'SET', 'KEYS', '100');
    const pieces = exported(1, 'acme');
    expect(pieces.length).toBeGreaterThan(4);
    imported(1, 'clone', pieces);
    ask('TENANT', 'USE', 'clone');
    expect(ask('KEYS', '*')).toContain('{acme}list');
    expect(ask('LLEN', '{acme}list')).toBe(':4\r\n');
    expect(ask('INCR', '{acme}n')).toBe(':2\r\n');
    expect(ask('GET', '{acme}large')).toHaveLength(600_011);
    expect(ask('TENANT', 'QUOTA', 'clone')).toContain('$4\r\nkeys\r\n:100\r\n');
    expect(staged()).toBe(0);
  });

  test('those under way are listed until they are whole or given up', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    const listed = (tenant: string, { move }: Taken, group: number): string =>
      `*6\r\n$6\r\ntenant\r\n$${String(tenant.length)}\r\n${tenant}\r\n$6\r\nimport\r\n:${move}\r\n$5\r\ngroup\r\n:${String(group)}\r\n`;
    expect(ask('TENANT', 'IMPORTS')).toBe('*0\r\n');
    const [one, two] = [begin(1, 'one', pieces), begin(1, 'two', pieces)];
    expect(ask('TENANT', 'IMPORTS')).toBe(`*2\r\n${listed('one', one, 2)}${listed('two', two, 1)}`);
    imported(1, 'two', pieces);
    expect(ask('TENANT', 'IMPORTS')).toBe(`*1\r\n${listed('one', one, 2)}`);
    ask('TENANT', 'DROP', 'one');
    expect(ask('TENANT', 'IMPORTS')).toBe('*0\r\n');
  });

  test('equal data are equal bytes, whatever they went through', () => {
    fill('acme');
    nodes.pass(500);
    const pieces = exported(1, 'acme');
    imported(1, 'clone', pieces);
    expect(exported(1, 'clone').slice(1)).toEqual(pieces.slice(1));
    ask('TENANT', 'USE', 'acme');
    ask('SET', 'more', 'x');
    ask('DEL', 'more');
    expect(exported(1, 'acme').slice(1)).toEqual(pieces.slice(1));
  });

  test('it is as it was when the export began', () => {
    fill('acme');
    const before = exported(1, 'acme').slice(1);
    const first = pieceOf(ask('TENANT', 'EXPORT', 'acme'));
    const pieces: string[] = [];
    const changes = [
      ['SETRANGE', '{acme}large', '5', 'changed'],
      ['LSET', '{acme}list', '1', 'changed'],
      ['DEL', '{acme}late'],
      ['SET', '{acme}new', 'x'],
      ['EXPIRE', '{acme}text', '5'],
      ['FLUSHALL'],
      ['SET', '{acme}text', 'anew'],
    ];
    for (let { next } = first; next > 0; ) {
      const change = changes.shift();
      if (change !== undefined) ask(...change);
      const piece = pieceOf(ask('TENANT', 'EXPORT', 'acme', first.id, String(next)));
      if (piece.bytes !== '') pieces.push(piece.bytes);
      next = piece.next;
    }
    expect(pieces).toEqual(before);
  });

  test('keys whose time has come are left out, and others keep their time', () => {
    ask('SET', '{acme}a', '1', 'PX', '100');
    ask('SET', '{acme}b', '2', 'PX', '3000');
    const pieces = exported(1, 'acme');
    imported(1, 'clone', pieces);
    ask('TENANT', 'USE', 'clone');
    expect(ask('KEYS', '*')).toBe('*1\r\n$7\r\n{acme}b\r\n');
    nodes.pass(3000);
    expect(ask('DBSIZE')).toBe(':0\r\n');
  });

  test('an empty tenant is two pieces', () => {
    const pieces = exported(1, 'acme');
    expect(pieces).toHaveLength(2);
    imported(1, 'clone', pieces);
    expect(ask('TENANT', 'LIST')).toContain('clone');
  });

  test('nobody sees a tenant before it is whole', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    const taken = begin(1, 'clone', pieces);
    for (const words of [
      ['GET', '{clone}text'],
      ['SET', '{clone}text', 'x'],
      ['TENANT', 'CREATE', 'clone'],
      ['TENANT', 'QUOTA', 'clone'],
      ['TENANT', 'EXPORT', 'clone'],
    ])
      expect(ask(...words)).toBe(loading('clone'));
    expect(ask('TENANT', 'INFO', 'clone')).toBe("-ERR unknown tenant 'clone'\r\n");
    expect(ask('TENANT', 'MOVE', 'clone', 'TO', '1')).toBe("-ERR tenant 'clone' is being imported\r\n");
    expect(ask('TENANT', 'MOVE', 'clone', 'CANCEL')).toBe("-ERR no move of tenant 'clone' is under way\r\n");
    expect(ask('TENANT', 'LIST')).not.toContain('clone');
    for (let { next } = taken; next < pieces.length - 1; next = takenOf(send(1, 'clone', taken, pieces[next])).next)
      expect(ask('GET', '{clone}text')).toBe(loading('clone'));
    expect(takenOf(send(1, 'clone', taken, pieces.at(-1)))).toEqual({ move: taken.move, next: 0 });
    expect(ask('GET', '{clone}text')).toBe('$-1\r\n');
    expect(ask('TENANT', 'LIST')).toContain('clone');
  });

  test('a piece may come again, and the last one too', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    const taken = begin(1, 'clone', pieces);
    for (let at = 1; at < pieces.length; at += 1) {
      const once = send(1, 'clone', taken, pieces[at]);
      expect(send(1, 'clone', taken, pieces[at])).toBe(once);
    }
    expect(exported(1, 'clone').slice(1)).toEqual(pieces.slice(1));
  });

  test('it goes on where it was', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    const taken = begin(1, 'clone', pieces);
    send(1, 'clone', taken, pieces[1]);
    send(1, 'clone', taken, pieces[2]);
    expect(begin(1, 'clone', pieces)).toEqual({ move: taken.move, next: 3 });
    imported(1, 'clone', pieces);
    expect(exported(1, 'clone').slice(1)).toEqual(pieces.slice(1));
  });

  test('pieces go in their order, and belong together', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    ask('SET', '{acme}other', 'x');
    const others = exported(1, 'acme');
    const taken = begin(1, 'clone', pieces);
    expect(send(1, 'clone', taken, pieces[2])).toBe("-ERR not executed: of tenant 'clone' piece 1 is wanted\r\n");
    send(1, 'clone', taken, pieces[1]);
    expect(send(1, 'clone', taken, pieces[4])).toBe("-ERR not executed: of tenant 'clone' piece 2 is wanted\r\n");
    ask('SETRANGE', '{acme}large', '0', 'changed');
    const foreign = exported(1, 'acme');
    for (let at = 2; at < pieces.length - 2; at += 1) send(1, 'clone', taken, pieces[at]);
    const last = pieces.length - 2;
    expect(foreign[last]).not.toBe(pieces[last]);
    expect(send(1, 'clone', taken, foreign[last])).toBe(
      `-ERR not executed: piece ${String(last)} does not follow what was imported of tenant 'clone': it is of another file\r\n`,
    );
    expect(send(1, 'clone', taken, others.at(-1))).toContain('is wanted');
    imported(1, 'clone', pieces);
    expect(exported(1, 'clone').slice(1)).toEqual(pieces.slice(1));
  });

  test('a name that is taken is refused, and stays what it is', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    expect(ask('TENANT', 'IMPORT', 'acme', pieces[0] ?? '')).toBe("-ERR not executed: tenant 'acme' exists\r\n");
    expect(send(1, 'acme', { move: '1', next: 1 }, pieces[1])).toBe(
      "-ERR not executed: no import 1 of tenant 'acme' is under way\r\n",
    );
    expect(send(1, 'acme', { move: '1', next: 1 }, pieces.at(-1))).toBe(
      "-ERR not executed: no import 1 of tenant 'acme' is under way\r\n",
    );
  });

  test('what is given up leaves nothing behind', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    const taken = begin(1, 'clone', pieces);
    send(1, 'clone', taken, pieces[1]);
    expect(staged()).toBe(1);
    expect(ask('TENANT', 'DROP', 'clone')).toBe('+OK\r\n');
    expect(staged()).toBe(0);
    expect(send(1, 'clone', taken, pieces[2])).toBe(
      `-ERR not executed: no import ${taken.move} of tenant 'clone' is under way\r\n`,
    );
    expect(ask('TENANT', 'DROP', 'clone')).toBe("-ERR unknown tenant 'clone'\r\n");
    expect(ask('SET', '{clone}text', 'new')).toBe('+OK\r\n');
    expect(ask('TENANT', 'INFO', 'clone')).toContain('incarnation\r\n:2\r\n');
    ask('TENANT', 'DROP', 'clone');
    imported(1, 'clone', pieces);
    expect(exported(1, 'clone').slice(1)).toEqual(pieces.slice(1));
  });

  test('what fits in every piece and does not make the tenant is refused as a whole', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    const end = decodePiece(bytesOfBinary(pieces.at(-1) ?? ''), crc32);
    if (end.kind !== 'end') throw new Error('no end');
    const forged = Buffer.from(pieces.at(-1) ?? '', 'latin1');
    forged[15] = (forged[15] ?? 0) ^ 1;
    forged.writeUInt32BE(crc32(forged.subarray(12), end.before), 4);
    const taken = begin(1, 'clone', pieces);
    for (let at = 1; at < pieces.length - 1; at += 1) send(1, 'clone', taken, pieces[at]);
    const failed = "-ERR failed: what came does not make tenant 'clone' as it was: DROP it and begin again\r\n";
    expect(send(1, 'clone', taken, forged.toString('latin1'))).toBe(failed);
    expect(staged()).toBe(0);
    expect(ask('TENANT', 'IMPORT', 'clone', pieces[0] ?? '')).toBe(failed);
    expect(ask('GET', '{clone}x')).toBe(loading('clone'));
    expect(ask('TENANT', 'DROP', 'clone')).toBe('+OK\r\n');
    imported(1, 'clone', pieces);
  });

  test('what was imported moves as any other; who leads both groups still has the export that was begun before', () => {
    fill('acme');
    const pieces = exported(1, 'acme');
    imported(1, 'clone', pieces);
    const from = /group\r\n:(\d)/.exec(ask('TENANT', 'INFO', 'clone'))?.[1] ?? '';
    const { id } = pieceOf(ask('TENANT', 'EXPORT', 'clone'));
    expect(ask('TENANT', 'MOVE', 'clone', 'TO', from === '1' ? '2' : '1')).toBe('+OK\r\n');
    nodes.pass(3000);
    expect(ask('TENANT', 'INFO', 'clone')).toContain('epoch\r\n:2\r\n');
    expect(pieceOf(ask('TENANT', 'EXPORT', 'clone', id, '1')).bytes).toBe(pieces[1]);
    expect(exported(1, 'clone').slice(1)).toEqual(pieces.slice(1));
  });

  test('a quota that comes along holds from then on', () => {
    ask('SET', '{acme}a', '1');
    ask('SET', '{acme}b', '2');
    ask('TENANT', 'QUOTA', 'acme', 'SET', 'KEYS', '2');
    imported(1, 'clone', exported(1, 'acme'));
    ask('TENANT', 'USE', 'clone');
    expect(ask('SET', 'c', '3')).toBe("-OOM not executed: tenant 'clone' has reached its quota of 2 keys\r\n");
    expect(ask('INCR', '{acme}a')).toBe(':2\r\n');
  });

  test('where it is to live may be said', () => {
    const pieces = exported(1, 'acme');
    expect(takenOf(ask('TENANT', 'IMPORT', 'clone', pieces[0] ?? '', 'IN', '2')).next).toBe(1);
    imported(1, 'clone', pieces);
    expect(ask('TENANT', 'INFO', 'clone')).toContain('group\r\n:2\r\n');
    expect(ask('TENANT', 'IMPORT', 'other', pieces[0] ?? '', 'IN', '9')).toBe('-ERR no such group for tenants\r\n');
    expect(ask('TENANT', 'IMPORT', 'other', pieces[0] ?? '', 'TO', '2')).toBe('-ERR syntax error\r\n');
    expect(ask('TENANT', 'IMPORT', 'other', pieces[1] ?? '')).toBe(
      '-ERR not executed: an import begins with the first piece of a file\r\n',
    );
  });

  test.each<[string[], string]>([
    [['EXPORT', 'nobody'], "-ERR unknown tenant 'nobody'\r\n"],
    [['EXPORT', 'acme', 'x', '1'], "-TRYAGAIN not executed: that export of tenant 'acme' is gone: begin another\r\n"],
    [['EXPORT', 'acme', 'x', 'y'], '-ERR value is not an integer or out of range\r\n'],
    [['IMPORT', 'x', 'anything'], '-ERR not executed: this is no whole piece of a tenant, or it is damaged\r\n'],
    [['IMPORT', 'x', '0', 'anything'], '-ERR value is not an integer or out of range\r\n'],
  ])('TENANT %j', (words, reply) => {
    expect(ask('TENANT', ...words)).toBe(reply);
  });

  test('exports are few at a time, and end when nobody asks any more', () => {
    fill('acme');
    const open = Array.from({ length: 4 }, () => pieceOf(ask('TENANT', 'EXPORT', 'acme')));
    expect(ask('TENANT', 'EXPORT', 'acme')).toBe(
      "-BUSY not executed: 4 exports are under way on the node that leads the group of tenant 'acme'\r\n",
    );
    nodes.pass(20_000);
    const [first] = open;
    expect(pieceOf(ask('TENANT', 'EXPORT', 'acme', first?.id ?? '', '1')).next).toBe(2);
    nodes.pass(20_000);
    const gone = "-TRYAGAIN not executed: that export of tenant 'acme' is gone: begin another\r\n";
    expect(ask('TENANT', 'EXPORT', 'acme', open[1]?.id ?? '', '1')).toBe(gone);
    expect(pieceOf(ask('TENANT', 'EXPORT', 'acme', first?.id ?? '', '1')).next).toBe(2);
    expect(exported(1, 'acme').length).toBeGreaterThan(1);
  });

  test('a piece of an export may be asked for again', () => {
    fill('acme');
    const { id } = pieceOf(ask('TENANT', 'EXPORT', 'acme'));
    const once = ask('TENANT', 'EXPORT', 'acme', id, '1');
    expect(ask('TENANT', 'EXPORT', 'acme', id, '1')).toBe(once);
    expect(ask('TENANT', 'EXPORT', 'acme', id, '3')).toContain('-TRYAGAIN');
    expect(ask('TENANT', 'EXPORT', 'acme', id, '2')).not.toBe(once);
    expect(ask('TENANT', 'EXPORT', 'acme', id, '1')).toContain('-TRYAGAIN');
  });
});

describe('on three nodes', () => {
  const move = (group: number): void => {
    const leader = leaderOf(group);
    nodes.ask(leader, leader, 'GROUP', 'TRANSFER', String(group));
    expect(leaderOf(group)).not.toBe(leader);
  };

  function leaderOf(group: number): NodeId {
    const found = nodes.nodes.find((node) => node.groups.get(GroupId(group))?.isLeader === true);
    if (found === undefined) throw new Error(`nobody leads group ${String(group)}`);
    return found.id;
  }

  beforeEach(() => {
    nodes = new Nodes(3, 2);
    for (const node of [1, 2, 3]) nodes.connect(node, node);
    nodes.ask(1, 1, 'TENANT', 'CREATE', 'acme', 'IN', '1');
    fill('acme');
    nodes.pass(500);
  });

  test('through any node, and each piece through another', () => {
    const pieces = exported(3, 'acme');
    for (const node of [1, 2]) expect(exported(node, 'acme').slice(1)).toEqual(pieces.slice(1));
    let taken = begin(2, 'clone', pieces);
    for (let node = 1; taken.next > 0; node = (node % 3) + 1)
      taken = takenOf(send(node, 'clone', taken, pieces[taken.next]));
    for (const node of [1, 2, 3]) expect(exported(node, 'clone').slice(1)).toEqual(pieces.slice(1));
    expect(nodes.ask(3, 3, 'TENANT', 'LIST')).toContain('clone');
  });

  test('who leads the metadata group knows which are under way, and the others know who that is', () => {
    begin(2, 'clone', exported(1, 'acme'));
    const planner = leaderOf(0);
    const where = new RegExp(`^-ERR this node does not plan: ask node ${String(planner)} `);
    for (const node of [1, 2, 3])
      expect(nodes.ask(node, node, 'TENANT', 'IMPORTS')).toMatch(node === planner ? /^\*1.*\r\nclone\r\n/s : where);
  });

  test('an export ends with the leader that has it', () => {
    const { id } = pieceOf(nodes.ask(2, 2, 'TENANT', 'EXPORT', 'acme'));
    expect(pieceOf(nodes.ask(2, 2, 'TENANT', 'EXPORT', 'acme', id, '1')).next).toBe(2);
    move(1);
    expect(nodes.ask(2, 2, 'TENANT', 'EXPORT', 'acme', id, '2')).toBe(
      "-TRYAGAIN not executed: that export of tenant 'acme' is gone: begin another\r\n",
    );
    expect(exported(2, 'acme').length).toBeGreaterThan(3);
  });

  test.each([0, 2])('an import goes on when group %i has another leader, at each of its pieces', (group) => {
    const pieces = exported(1, 'acme');
    let taken = takenOf(nodes.ask(1, 1, 'TENANT', 'IMPORT', 'clone', pieces[0] ?? '', 'IN', '2'));
    while (taken.next > 0) {
      move(group);
      taken = takenOf(send(1, 'clone', taken, pieces[taken.next]));
    }
    expect(exported(2, 'clone').slice(1)).toEqual(pieces.slice(1));
  });

  test('a leader that is gone in the middle of it', () => {
    const pieces = exported(1, 'acme');
    const taken = takenOf(nodes.ask(1, 1, 'TENANT', 'IMPORT', 'clone', pieces[0] ?? '', 'IN', '2'));
    send(1, 'clone', taken, pieces[1]);
    const leader = leaderOf(2);
    const asked = leader === 1 ? 2 : 1;
    nodes.send(asked, asked, 'TENANT', 'IMPORT', 'clone', taken.move, pieces[2] ?? '');
    nodes.paused.add(leader);
    for (const peer of [1, 2, 3]) if (peer !== leader) nodes.input(peer, { kind: 'peerDown', peer: leader });
    nodes.pass(3000);
    expect(takenOf(nodes.replies(asked)).next).toBe(3);
    for (let at = 3; at < pieces.length; at += 1) {
      nodes.send(asked, asked, 'TENANT', 'IMPORT', 'clone', taken.move, pieces[at] ?? '');
      nodes.pass(3000);
    }
    expect(nodes.replies(asked)).toMatch(/:0\r\n$/);
    expect(digestOf('clone')).toBeDefined();
    expect(exported(asked, 'clone').slice(1)).toEqual(pieces.slice(1));
  });

  test('a node has so many pieces on their way', () => {
    const pieces = exported(1, 'acme');
    const { move: id } = takenOf(nodes.ask(1, 1, 'TENANT', 'IMPORT', 'clone', pieces[0] ?? '', 'IN', '2'));
    const leader = leaderOf(2);
    const asked = leader === 1 ? 2 : 1;
    nodes.paused.add(leader);
    for (let i = 0; i < 70; i += 1) nodes.send(asked, asked, 'TENANT', 'IMPORT', 'clone', id, pieces[1] ?? '');
    nodes.pass(200);
    for (const peer of [1, 2, 3]) if (peer !== leader) nodes.input(peer, { kind: 'peerDown', peer: leader });
    nodes.pass(4000);
    const answers = nodes.replies(asked);
    expect(answers.match(/-BUSY not executed/g)).toHaveLength(6);
    expect(answers.match(/:2\r\n/g)).toHaveLength(64);
  });
});
