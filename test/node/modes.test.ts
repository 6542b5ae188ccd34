/**
 * Routing is the same whoever keeps the directory of tenants: one suite for the three modes of metadata, and what each of
 * them has for itself.
 */
import { describe, expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, MapVersion, type NodeId, type TenantName } from '../../core/base/ids.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { type MetadataMode, metadataModes } from '../../core/metadata/homes.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import { ShardMap } from '../../core/routing/shardMap.ts';
import { expand } from '../../sim/scenario/expand.ts';
import { simulate } from '../../sim/simulate.ts';
import { Nodes } from './harness.ts';

const size = 3;
const groups = 3;
const all = [1, 2, 3];
const names = ['acme', 'blue', 'corp', 'dune'];
/** In every mode: what is configured need not be created by anybody. */
const configured = names.map((tenant, i) => ({ tenant: tenant as TenantName, group: GroupId(1 + (i % groups)) }));

function begin(metadata: MetadataMode, settings: object = {}): Nodes {
  const nodes = new Nodes(size, groups, { metadata, ...settings }, undefined, () => configured);
  for (const node of all) nodes.connect(node, node);
  return nodes;
}

/** The groups that own the tenant, as each replica says. */
function ownersOf({ nodes }: Nodes, tenant: string): readonly number[] {
  const owners = new Set<number>();
  for (const node of nodes)
    for (const { id, machine } of node.groups.values())
      if (machine instanceof TenantMachine && machine.tenants.has(tenant as TenantName)) owners.add(id);
  return [...owners];
}

function leaderOf({ nodes }: Nodes, group: number): number {
  return 1 + nodes.findIndex((node) => node.groups.get(GroupId(group))?.isLeader === true);
}

/** As if the node had kept a map of long ago. */
function believe(nodes: Nodes, node: number, tenant: string, group: number): void {
  const shards = nodes.nodes[node - 1]?.router.shards;
  const map = new TenantMap();
  const place = { group: GroupId(group), epoch: Epoch(0), incarnation: Incarnation(1) };
  map.apply({ kind: 'placed', tenant: tenant as TenantName, ...place });
  const edition = (shards?.edition ?? 0) + 1;
  if (shards !== undefined) Object.assign(shards, new ShardMap(map, shards.merges), { edition });
}

describe.each(metadataModes)('with metadata: %s', (metadata) => {
  test('any node takes any command', () => {
    const nodes = begin(metadata);
    for (const [i, name] of names.entries())
      expect(nodes.ask(1 + (i % size), 1 + (i % size), 'SET', `{${name}}k`, name)).toBe('+OK\r\n');
    for (const node of all)
      for (const name of names) expect(nodes.ask(node, node, 'GET', `{${name}}k`)).toBe(`$4\r\n${name}\r\n`);
    for (const { tenant, group } of configured) expect(ownersOf(nodes, tenant)).toEqual([group]);
    for (const node of all) expect(nodes.ask(node, node, 'TENANT', 'LIST')).toContain('acme');
  });

  test('a stale map costs a hop, and never runs a command in the wrong group', () => {
    const nodes = begin(metadata);
    nodes.ask(1, 1, 'SET', '{acme}n', '1');
    for (const node of all) {
      for (const wrong of [2, 3]) {
        believe(nodes, node, 'acme', wrong);
        expect(nodes.ask(node, node, 'INCR', '{acme}n')).toMatch(/^:\d+\r\n$/);
      }
    }
    expect(nodes.ask(1, 1, 'GET', '{acme}n')).toBe('$1\r\n7\r\n');
    expect(ownersOf(nodes, 'acme')).toEqual([1]);
  });

  test('what a leader that has fallen silent was asked runs once, under the next', () => {
    const nodes = begin(metadata);
    nodes.ask(1, 1, 'SET', '{acme}n', '1');
    const leader = leaderOf(nodes, 1);
    const other = (leader % size) + 1;
    nodes.paused.add(leader);
    nodes.send(other, other, 'INCR', '{acme}n');
    for (const node of all) if (node !== leader) nodes.input(node, { kind: 'peerDown', peer: leader as NodeId });
    nodes.pass(4000);
    expect(nodes.replies(other)).toBe(':2\r\n');
    for (const name of names) expect(nodes.ask(other, other, 'INCR', `{${name}}m`)).toBe(':1\r\n');
  });

  test('quotas are set and obeyed', () => {
    const nodes = begin(metadata);
    expect(nodes.ask(2, 2, 'TENANT', 'QUOTA', 'acme', 'SET', 'KEYS', '1')).toBe('+OK\r\n');
    expect(nodes.ask(3, 3, 'SET', '{acme}a', 'v')).toBe('+OK\r\n');
    expect(nodes.ask(1, 1, 'SET', '{acme}b', 'v')).toMatch(/^-OOM not executed/);
  });

  test('members of groups change by command', () => {
    const nodes = new Nodes(4, 1, { metadata }, undefined, () => configured.slice(0, 1));
    const [leader, away] = [leaderOf(nodes, 1), 1 + nodes.nodes.findIndex((node) => !node.groups.has(GroupId(1)))];
    nodes.connect(leader, leader);
    nodes.ask(leader, leader, 'SET', '{acme}k', 'v');
    expect(nodes.ask(leader, leader, 'GROUP', 'ADD-REPLICA', '1', String(away))).toBe('+OK\r\n');
    nodes.pass(3000);
    const added = nodes.nodes[away - 1]?.groups.get(GroupId(1))?.machine;
    expect(added instanceof TenantMachine && added.tenants.has('acme' as TenantName)).toBe(true);
  });

  test('a node that starts again goes on as it was, and all together do', () => {
    const nodes = begin(metadata);
    for (const name of names) nodes.ask(1, 1, 'SET', `{${name}}n`, '1');
    for (const restarted of [[2], all]) {
      nodes.kill(...restarted);
      nodes.pass(2000);
      for (const node of restarted) nodes.start(node);
      nodes.pass(4000);
      for (const node of restarted) nodes.connect(node, node);
      for (const name of names) expect(nodes.ask(2, 2, 'INCR', `{${name}}n`)).toMatch(/^:\d+\r\n$/);
    }
    for (const name of names) expect(nodes.ask(3, 3, 'GET', `{${name}}n`)).toBe('$1\r\n3\r\n');
    for (const { tenant, group } of configured) expect(ownersOf(nodes, tenant)).toEqual([group]);
  });

  test('after a loss of power everything is as it was acknowledged', { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const drawn = expand(seed, 'calm');
      const tenants = drawn.tenants.map(({ name }, i) => ({ name, group: 1 + (i % (drawn.groups.length - 1)) }));
      const workload = { ...drawn.workload, dropPermille: 0, createPermille: 0 };
      const { verdict } = simulate({ ...drawn, metadata, tenants, workload, powerLoss: true });
      expect(verdict).toEqual({ kind: 'clean' });
    }
  });
});

describe.each(['raft', 'gossip'] as const)('where tenants come and go, with metadata: %s', (metadata) => {
  test('one that nobody knows is created by the first command that names it', () => {
    const nodes = begin(metadata);
    expect(nodes.ask(2, 2, 'SET', '{new}k', 'v')).toBe('+OK\r\n');
    for (const node of all) expect(nodes.ask(node, node, 'GET', '{new}k')).toBe('$1\r\nv\r\n');
    expect(ownersOf(nodes, 'new')).toHaveLength(1);
  });

  test('one that all nodes create at once is created once', () => {
    const nodes = begin(metadata);
    for (let i = 0; i < 20; i += 1) {
      const name = `tenant-${String(i)}`;
      for (const node of all) nodes.send(node, node, 'TENANT', 'CREATE', name, 'IN', String(node));
      for (const node of all) nodes.send(node, node, 'INCR', `{${name}}n`);
      nodes.pass(300);
      for (const node of all) nodes.replies(node);
      expect(nodes.ask(1, 1, 'GET', `{${name}}n`)).toBe('$1\r\n3\r\n');
      expect(ownersOf(nodes, name)).toHaveLength(1);
    }
  });

  test('one that was dropped is empty when it comes again, in its next incarnation, wherever that is', () => {
    const nodes = begin(metadata);
    for (let incarnation = 1; incarnation <= 6; incarnation += 1) {
      const group = 1 + (incarnation % groups);
      expect(nodes.ask(1, 1, 'TENANT', 'CREATE', 'new', 'IN', String(group))).toBe('+OK\r\n');
      expect(nodes.ask(2, 2, 'INCR', '{new}n')).toBe(':1\r\n');
      expect(ownersOf(nodes, 'new')).toEqual([group]);
      expect(nodes.ask(3, 3, 'TENANT', 'INFO', 'new')).toContain(`incarnation\r\n:${String(incarnation)}\r\n`);
      expect(nodes.ask(3, 3, 'TENANT', 'DROP', 'new')).toBe('+OK\r\n');
      expect(nodes.ask(3, 3, 'TENANT', 'INFO', 'new')).toBe("-ERR unknown tenant 'new'\r\n");
      expect(ownersOf(nodes, 'new')).toEqual([]);
    }
  });

  test('one that moves keeps what it has, and every node finds it', () => {
    const nodes = begin(metadata);
    nodes.ask(1, 1, 'SET', '{acme}n', '0');
    for (const [i, to] of [2, 3, 1, 3].entries()) {
      expect(nodes.ask(2, 2, 'TENANT', 'MOVE', 'acme', 'TO', String(to))).toBe('+OK\r\n');
      nodes.send(3, 3, 'INCR', '{acme}n');
      nodes.pass(4000);
      expect(nodes.replies(3)).toBe(`:${String(i + 1)}\r\n`);
      expect(ownersOf(nodes, 'acme')).toEqual([to]);
      expect(nodes.ask(1, 1, 'TENANT', 'MOVE', 'acme', 'STATUS')).toBe(
        "-ERR no move of tenant 'acme' is under way\r\n",
      );
      for (const node of all) {
        const { router } = nodes.nodes[node - 1]!;
        expect(router.shards.find('acme' as TenantName)).toEqual({ group: to, epoch: i + 2, incarnation: 1 });
      }
    }
    expect(nodes.ask(1, 1, 'TENANT', 'DROP', 'acme')).toBe('+OK\r\n');
    expect(ownersOf(nodes, 'acme')).toEqual([]);
    expect(nodes.ask(1, 1, 'EXISTS', '{acme}n')).toBe(':0\r\n');
  });

  test('moves of many tenants at once do not disturb one another', () => {
    const nodes = begin(metadata);
    for (const name of names) nodes.ask(1, 1, 'SET', `{${name}}k`, name);
    for (const { tenant, group } of configured)
      nodes.send(1, 1, 'TENANT', 'MOVE', tenant, 'TO', String((group % groups) + 1));
    nodes.pass(4000);
    for (const { tenant, group } of configured) {
      expect(ownersOf(nodes, tenant)).toEqual([(group % groups) + 1]);
      expect(nodes.ask(2, 2, 'GET', `{${tenant}}k`)).toBe(`$4\r\n${tenant}\r\n`);
    }
  });
});

describe('with metadata: gossip', () => {
  test('a tenant that is created is known on every node long before any would ask', () => {
    const nodes = begin('gossip', { gossipMs: 60_000 });
    nodes.send(1, 1, 'TENANT', 'CREATE', 'new');
    nodes.pass(20);
    for (const { router } of nodes.nodes) expect(router.shards.find('new' as TenantName)).not.toBe(null);
  });

  test('a node that was away learns what it has missed', () => {
    const nodes = begin('gossip');
    nodes.ask(1, 1, 'SET', '{new}k', 'v');
    const { router } = nodes.nodes[2]!;
    const shards = new ShardMap(new TenantMap(), true);
    Object.assign(router.shards, shards, { edition: router.shards.edition + 1 });
    expect(router.shards.find('new' as TenantName)).toBe(null);
    nodes.pass(5000);
    expect(router.shards.find('new' as TenantName)).not.toBe(null);
    expect(new Set(nodes.nodes.map((node) => node.router.shards.digest)).size).toBe(1);
  });

  test('without a majority of a group the others go on, and tenants of which it is not the home are created', () => {
    const nodes = new Nodes(6, 6, { metadata: 'gossip' });
    for (const node of [1, 2, 3, 4, 5, 6]) nodes.connect(node, node);
    // Group 1 is on nodes 2 to 4.
    const gone = [3, 4];
    for (const peer of gone) {
      nodes.paused.add(peer);
      for (const node of [1, 2, 5, 6]) nodes.input(node, { kind: 'peerDown', peer: peer as NodeId });
    }
    nodes.pass(3000);
    const replies = Array.from({ length: 12 }, (_, i) => {
      nodes.send(1, 1, 'SET', `{new-${String(i)}}k`, 'v');
      nodes.pass(6000);
      return nodes.replies(1);
    });
    expect(replies).toContain('+OK\r\n');
    const late = replies.filter((reply) => reply !== '+OK\r\n');
    // Groups 1 and 2 have lost two of their three.
    expect(late.length).toBeGreaterThan(0);
    for (const reply of late) expect(reply).toMatch(/^-UNAVAILABLE not executed: group [12] has not answered in time/);
  });
});

describe('with metadata: static', () => {
  test('there are no tenants but those that are configured', () => {
    const nodes = begin('static');
    expect(nodes.ask(1, 1, 'SET', '{new}k', 'v')).toBe("-ERR unknown tenant 'new'\r\n");
    expect(nodes.ask(1, 1, 'SET', 'k', 'v')).toBe("-ERR unknown tenant 'default'\r\n");
    expect(nodes.ask(1, 1, 'TENANT', 'QUOTA', 'new')).toBe("-ERR unknown tenant 'new'\r\n");
    expect(nodes.ask(1, 1, 'SET', '{acme}k', 'v')).toBe('+OK\r\n');
  });

  test('nobody creates, drops, moves or imports any', () => {
    const nodes = begin('static');
    const error = '-ERR not executed: tenants are where the configuration says: the metadata mode is static\r\n';
    expect(nodes.ask(1, 1, 'TENANT', 'CREATE', 'new')).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'DROP', 'acme')).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'MOVE', 'acme', 'TO', '2')).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'MOVE', 'acme', 'STATUS')).toBe(error);
    const exported = nodes.ask(1, 1, 'TENANT', 'EXPORT', 'acme');
    const head = /^\*3\r\n\$\d+\r\n.*\r\n:\d+\r\n\$\d+\r\n([^]*)\r\n$/.exec(exported)?.[1] ?? '';
    expect(nodes.ask(1, 1, 'TENANT', 'IMPORT', 'new', head)).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'IMPORT', 'new', head, 'IN', '1')).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'IMPORT', 'new', '1', head)).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'IMPORTS')).toBe(error);
  });

  test('a file that has changed adopts what is new, and moves nothing; who is named no more waits to be named again', () => {
    const nodes = begin('static');
    for (const name of names) nodes.ask(1, 1, 'SET', `{${name}}k`, name);
    const [acme, blue, corp] = configured;
    const restartWith = (tenants: typeof configured): void => {
      nodes.tenants = () => tenants;
      for (const node of all) {
        nodes.kill(node);
        nodes.pass(1000);
        nodes.start(node);
        nodes.pass(3000);
        nodes.connect(node, node);
      }
    };
    restartWith([acme!, { ...blue!, group: GroupId(3) }, { tenant: 'new' as TenantName, group: GroupId(3) }]);
    expect(nodes.ask(1, 1, 'GET', '{blue}k')).toBe('$4\r\nblue\r\n');
    expect(nodes.ask(2, 2, 'SET', '{new}k', 'v')).toBe('+OK\r\n');
    expect(nodes.ask(3, 3, 'GET', '{corp}k')).toBe("-ERR unknown tenant 'corp'\r\n");
    expect(['acme', 'blue', 'new'].map((name) => ownersOf(nodes, name))).toEqual([[1], [2], [3]]);
    expect(all.map((node) => nodes.ask(node, node, 'NODE', 'ALARMS')).join('')).toContain(
      "tenant 'blue' is configured in group 3 and lives in group 2: it stays there",
    );
    restartWith([acme!, blue!, corp!]);
    expect(nodes.ask(3, 3, 'GET', '{corp}k')).toBe('$4\r\ncorp\r\n');
  });

  test('where files differ a tenant has one group all the same, and all nodes find it; an alarm tells', () => {
    const other = configured.map(({ tenant, group }) => ({ tenant, group: GroupId((group % groups) + 1) }));
    const nodes = new Nodes(size, groups, { metadata: 'static' }, undefined, (node) =>
      node === 1 ? configured : other,
    );
    for (const node of all) nodes.connect(node, node);
    for (const name of names)
      for (const [i, node] of all.entries())
        expect(nodes.ask(node, node, 'INCR', `{${name}}n`)).toBe(`:${String(i + 1)}\r\n`);
    for (const name of names) expect(ownersOf(nodes, name)).toHaveLength(1);
    // Who leads a tenant's home next may have read the other file.
    for (const group of [1, 2, 3]) {
      const leader = leaderOf(nodes, group);
      nodes.ask(leader, leader, 'GROUP', 'TRANSFER', String(group), String(leader === 1 ? 2 : 1));
    }
    nodes.pass(1000);
    expect(all.map((node) => nodes.ask(node, node, 'NODE', 'ALARMS')).join('')).toContain('tenantElsewhere');
  });
});

test.each(['static', 'gossip'] as const)(
  'with metadata: %s there is nobody to plan, and nodes neither come nor go',
  (metadata) => {
    const nodes = begin(metadata);
    const error = `-ERR not executed: that is for the metadata group to do, and the metadata mode is ${metadata}\r\n`;
    expect(nodes.ask(1, 1, 'PLACEMENT', 'PLAN')).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'PIN', 'acme', 'TO', '2')).toBe(error);
    expect(nodes.ask(1, 1, 'TENANT', 'UNPIN', 'acme')).toBe(error);
    expect(nodes.ask(1, 1, 'NODE', 'DRAIN', '2')).toBe(error);
    expect(nodes.ask(1, 1, 'NODE', 'UNDRAIN', '2')).toBe(error);
    expect(nodes.ask(1, 1, 'NODE', 'REPLACE', '2', '3')).toBe(error);
    expect(nodes.ask(1, 1, 'NODE', 'JOIN', 'h:1', 'h:2', 'ZONE', '', 'TOKEN', 't', 'STORE', '0')).toBe(error);
    expect(nodes.nodes[0]?.router.shards.version).toBeGreaterThan(MapVersion(0));
  },
);
