/** There is a bound to the names of tenants: what is new is refused beyond it, at once, and what is known goes on. */
import { describe, expect, test } from 'vitest';
import { Nodes } from './harness.ts';

const all = [1, 2, 3];
const busy = '-BUSY not executed: the cluster has reached its bound of 4 names of tenants (maxTenantNames)\r\n';

function begin(settings: object): Nodes {
  const nodes = new Nodes(3, 3, settings);
  nodes.connectAll();
  return nodes;
}

/** The pieces of an export, by a client of the first node. */
function exported(nodes: Nodes, tenant: string): readonly string[] {
  const pieces: string[] = [];
  let words: readonly string[] = [];
  for (;;) {
    const reply = nodes.ask(1, 1, 'TENANT', 'EXPORT', tenant, ...words);
    const [, id = '', next = '', bytes = ''] =
      /^\*3\r\n\$\d+\r\n(.*)\r\n:(\d+)\r\n\$\d+\r\n([^]*)\r\n$/.exec(reply) ?? [];
    if (bytes !== '') pieces.push(bytes);
    if (Number(next) === 0) return pieces;
    words = [id, next];
  }
}

describe('with a metadata group', () => {
  /** `default` is there, and three others. */
  function full(): Nodes {
    const nodes = begin({ maxTenantNames: 4 });
    expect(nodes.ask(1, 1, 'TENANT', 'CREATE', 'acme')).toBe('+OK\r\n');
    expect(nodes.ask(2, 2, 'SET', '{blue}k', 'v')).toBe('+OK\r\n');
    expect(nodes.ask(3, 3, 'SET', '{corp}k', 'v')).toBe('+OK\r\n');
    return nodes;
  }

  test('a new name is refused, whatever would bring it, through any node', () => {
    const nodes = full();
    const [head = ''] = exported(nodes, 'blue');
    for (const node of all) {
      expect(nodes.ask(node, node, 'SET', '{dune}k', 'v')).toBe(busy);
      expect(nodes.ask(node, node, 'GET', '{dune}k')).toBe(busy);
      expect(nodes.ask(node, node, 'TENANT', 'CREATE', 'dune')).toBe(busy);
      expect(nodes.ask(node, node, 'TENANT', 'IMPORT', 'dune', head)).toBe(busy);
      expect(nodes.ask(node, node, 'TENANT', 'INFO', 'dune')).toBe("-ERR unknown tenant 'dune'\r\n");
      expect(nodes.ask(node, node, 'INFO', 'replication')).toMatch(/\r\ntenant_names:4\r\nmax_tenant_names:4\r\n/);
    }
  });

  test('everybody who waits for the name is told, and what comes behind goes on', () => {
    const nodes = full();
    nodes.connect(3, 4);
    for (const conn of [3, 4]) {
      nodes.send(3, conn, 'SET', '{dune}k', 'v');
      nodes.send(3, conn, 'INCR', '{dune}n');
      nodes.send(3, conn, 'APPEND', '{blue}k', 'w');
    }
    nodes.pass(300);
    expect(nodes.replies(3)).toBe(`${busy}${busy}:2\r\n`);
    expect(nodes.replies(4)).toBe(`${busy}${busy}:3\r\n`);
  });

  test('a name that is known is served, and created again after it was dropped', () => {
    const nodes = full();
    for (const [i, tenant] of ['acme', 'blue', 'corp'].entries())
      expect(nodes.ask(1 + i, 1 + i, 'INCR', `{${tenant}}n`)).toBe(':1\r\n');
    expect(nodes.ask(1, 1, 'TENANT', 'DROP', 'blue')).toBe('+OK\r\n');
    expect(nodes.ask(1, 1, 'TENANT', 'DROP', 'corp')).toBe('+OK\r\n');
    expect(nodes.ask(1, 1, 'TENANT', 'CREATE', 'dune')).toBe(busy);
    expect(nodes.ask(2, 2, 'TENANT', 'CREATE', 'blue')).toBe('+OK\r\n');
    expect(nodes.ask(3, 3, 'INCR', '{corp}n')).toBe(':1\r\n');
  });

  test('an import whose name was taken in goes on, beyond the bound too', () => {
    const nodes = begin({ maxTenantNames: 4 });
    nodes.ask(1, 1, 'TENANT', 'CREATE', 'acme');
    const [head = '', last = ''] = exported(nodes, 'acme');
    const [, move = ''] = /^\*2\r\n:(\d+)\r\n:1\r\n$/.exec(nodes.ask(2, 2, 'TENANT', 'IMPORT', 'copy', head)) ?? [];
    nodes.ask(1, 1, 'TENANT', 'CREATE', 'blue');
    nodes.ask(1, 1, 'TENANT', 'CREATE', 'corp');
    expect(nodes.ask(1, 1, 'TENANT', 'CREATE', 'dune')).toBe(busy);
    expect(nodes.ask(3, 3, 'TENANT', 'IMPORT', 'copy', head)).toBe(`*2\r\n:${move}\r\n:1\r\n`);
    expect(nodes.ask(2, 2, 'TENANT', 'IMPORT', 'copy', move, last)).toBe(`*2\r\n:${move}\r\n:0\r\n`);
    expect(nodes.ask(3, 3, 'INCR', '{copy}n')).toBe(':1\r\n');
  });
});

test('without a metadata group each home counts its own names', () => {
  const nodes = begin({ metadata: 'gossip', maxTenantNames: 2 });
  const names = Array.from({ length: 30 }, (_, i) => `t${String(i)}`);
  const refused =
    /^-BUSY not executed: group [123] has reached its bound of 2 names of tenants \(maxTenantNames\)\r\n$/;
  const created: string[] = [];
  for (const [i, name] of names.entries()) {
    const node = 1 + (i % 3);
    const reply = nodes.ask(node, node, 'SET', `{${name}}k`, 'v');
    if (reply === '+OK\r\n') created.push(name);
    else expect(reply).toMatch(refused);
  }
  // And `default`, in three groups.
  expect(created).toHaveLength(5);
  for (const name of created) expect(nodes.ask(2, 2, 'INCR', `{${name}}n`)).toBe(':1\r\n');
});
