/** Configuration: every mistake is named by its key, before anything else happens. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { defaultSettings } from '../../core/index.ts';
import { checkConfig, readConfig } from '../../runtime/config/config.ts';
import { checkGroups, keepGroups } from '../../runtime/config/keptGroups.ts';
import { localConfig } from '../../runtime/dev/topology.ts';
import { ConfigError } from '../../runtime/exitCodes.ts';

const mib = 1024 * 1024;
const good = {
  cluster: 'test',
  node: 1,
  data: 'data',
  nodes: [{ id: 1, client: '127.0.0.1:7001', peer: '[::1]:17001' }],
  groups: [
    { id: 1, nodes: [1] },
    { id: 0, nodes: [1] },
  ],
};

const directories: string[] = [];

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'config-'));
  directories.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

test.each(['static', 'gossip'] as const)('a file without a metadata group: %s', (metadata) => {
  const groups = [{ id: 1, nodes: [1] }];
  const { topology, settings } = checkConfig({ ...good, metadata, groups, tenants: { acme: 1 } }, '/base');
  expect(settings).toEqual({ ...defaultSettings, metadata });
  expect(topology.groups).toEqual([{ group: 1, replicas: [{ replica: 1, node: 1 }] }]);
});

test('a node that has joined may be where another was that has left, and that is still part of what it begins with', () => {
  const [left] = good.nodes;
  const nodes = [...good.nodes, { ...left, id: 2, joined: true }];
  const { topology } = checkConfig({ ...good, node: 2, nodes }, '/base');
  expect(topology.nodes.map(({ node, hasJoined }) => [node, hasJoined])).toEqual([
    [1, false],
    [2, true],
  ]);
});

test('the least a file must say, and what the rest is then', () => {
  expect(checkConfig(good, '/base')).toEqual({
    node: 1,
    data: '/base/data',
    topology: {
      clusterId: 'test',
      nodes: [{ node: 1, clientAddress: '127.0.0.1:7001', peerAddress: '[::1]:17001', zone: '', hasJoined: false }],
      groups: [
        { group: 0, replicas: [{ replica: 1, node: 1 }] },
        { group: 1, replicas: [{ replica: 1, node: 1 }] },
      ],
      tenants: [],
    },
    settings: defaultSettings,
    client: { host: '127.0.0.1', port: 7001 },
    peer: { host: '::1', port: 17_001 },
    maxClients: 10_000,
    maxUnreadBytes: 256 * mib,
    idleMs: 0,
    minFreeBytes: 256 * mib,
    maxQueuedBytes: 512 * mib,
    logLevel: 'info',
  });
});

test('queues have room for the largest value unless told otherwise', () => {
  const config = checkConfig({ ...good, settings: { maxValueBytes: 512 * mib } }, '/');
  expect(config).toMatchObject({ maxUnreadBytes: 1024 * mib, maxQueuedBytes: 1024 * mib });
});

const threeNodes = [1, 2, 3].map((id) => ({ id, client: `h:${String(id)}`, peer: `h:1${String(id)}` }));

const mistakes: readonly (readonly [unknown, string])[] = [
  [null, '(whole file): expects keys and values, got null'],
  [[], '(whole file): expects keys and values, got a list'],
  [{ ...good, cluster: undefined }, 'cluster: expects 1 to 64 characters of A-Z a-z 0-9 . _ -, got undefined'],
  [{ ...good, cluster: 'a b' }, 'cluster: expects 1 to 64 characters of A-Z a-z 0-9 . _ -, got "a b"'],
  [{ ...good, node: 0 }, 'node: expects a whole number from 1 to 65535, got 0'],
  [{ ...good, node: 2 }, 'node: 2 is not among nodes'],
  [{ ...good, data: '' }, 'data: expects a directory, got 0'],
  [{ ...good, colour: 'red' }, 'colour: there is no such key'],
  [{ ...good, settings: { electionMS: 1 } }, 'settings.electionMS: there is no such key'],
  [{ ...good, settings: { electionMs: 1 } }, 'settings.electionMs: expects a whole number from 50 to 60000, got 1'],
  [
    { ...good, settings: { placement: 'random' } },
    'settings.placement: expects one of round-robin, least-loaded, rendezvous, got "random"',
  ],
  [
    { ...good, settings: { isolationPercent: 0 } },
    'settings.isolationPercent: expects a whole number from 1 to 100, got 0',
  ],
  [
    { ...good, settings: { maxTenantNames: 0 } },
    'settings.maxTenantNames: expects a whole number from 1 to 20000000, got 0',
  ],
  [
    { ...good, settings: { maxTenantNames: 1 }, tenants: { acme: 1, blue: 1 } },
    'tenants: there are more than settings.maxTenantNames (1)',
  ],
  [{ ...good, settings: { leaseReads: 'yes' } }, 'settings.leaseReads: expects true or false, got "yes"'],
  [
    { ...good, settings: { electionMs: 100, heartbeatMs: 51 } },
    'settings.heartbeatMs: expects at most half of settings.electionMs',
  ],
  [{ ...good, nodes: [] }, 'nodes: expects at least one node, got 0'],
  [{ ...good, nodes: {} }, 'nodes: expects a list of { id, client, peer }, got Object'],
  [{ ...good, nodes: [{ id: 1, client: 'h:1' }] }, 'nodes.0.peer: is missing, expects HOST:PORT'],
  [{ ...good, nodes: [{ id: 1, client: 'h', peer: 'h:2' }] }, 'nodes.0.client: expects HOST:PORT, got "h"'],
  [{ ...good, nodes: [{ id: 1, client: 'h:0', peer: 'h:2' }] }, 'nodes: h:0: expects a port from 1 to 65535'],
  [{ ...good, nodes: [{ id: 1, client: 'h:1', peer: 'h:1' }] }, 'nodes: h:1 is there more than once'],
  [{ ...good, nodes: [...threeNodes, { id: 1, client: 'h:4', peer: 'h:14' }] }, 'nodes: 1 is there more than once'],
  [{ ...good, groups: [] }, 'groups: group 0, which holds the ShardMap, is missing'],
  [{ ...good, metadata: 'none' }, 'metadata: expects one of raft, static, gossip, got "none"'],
  [{ ...good, metadata: 'static' }, 'groups: there is no group 0, the metadata group, where metadata is static'],
  [{ ...good, metadata: 'gossip', groups: [] }, 'groups: expects at least one group for tenants'],
  [{ ...good, groups: [{ id: 0, nodes: [1] }] }, 'groups: expects at least one group for tenants beside group 0'],
  [
    {
      ...good,
      groups: [
        { id: 0, nodes: [1] },
        { id: 0, nodes: [1] },
      ],
    },
    'groups: 0 is there more than once',
  ],
  [
    {
      ...good,
      groups: [
        { id: 0, nodes: [1] },
        { id: 1, nodes: [1, 2] },
      ],
    },
    'groups.1.nodes: expects 1, 3, 5, 7 nodes, got 2',
  ],
  [
    {
      ...good,
      groups: [
        { id: 0, nodes: [1] },
        { id: 1, nodes: [2] },
      ],
    },
    'groups.1.nodes: there is no node 2',
  ],
  [
    {
      ...good,
      nodes: threeNodes,
      groups: [
        { id: 0, nodes: [1, 2, 1] },
        { id: 1, nodes: [1] },
      ],
    },
    'groups.0.nodes: 1 is there more than once',
  ],
  [
    { ...good, tenants: { 'a b': 1 } },
    "tenants: 'a b' is no tenant name: expects 1 to 128 characters of A-Z a-z 0-9 . _ : @ -",
  ],
  [{ ...good, tenants: { acme: 0 } }, 'tenants.acme: there is no group 0 for tenants'],
  [{ ...good, tenants: { acme: 9 } }, 'tenants.acme: there is no group 9 for tenants'],
  [{ ...good, clients: { max: 0 } }, 'clients.max: expects a whole number from 1 to 100000, got 0'],
  [
    { ...good, clients: { maxUnreadBytes: 64 * mib } },
    'clients.maxUnreadBytes: expects at least twice settings.maxValueBytes, that is 134217728',
  ],
  [
    { ...good, peers: { maxQueuedBytes: mib } },
    'peers.maxQueuedBytes: expects at least twice settings.maxValueBytes, that is 134217728',
  ],
  [{ ...good, log: 'loud' }, 'log: expects one of fatal, error, warn, info, debug, trace, silent, got "loud"'],
  [
    { ...good, node: 'x', colour: 1 },
    'node: expects a whole number from 1 to 65535, got "x"\ncolour: there is no such key',
  ],
];

test.each(mistakes)('mistake %#', (file, message) => {
  expect(() => checkConfig(file, '/')).toThrow(new ConfigError(message));
});

describe('files', () => {
  test('JSON and YAML by their extension; flags go before what they say', async () => {
    const directory = temporary();
    writeFileSync(join(directory, 'a.json'), JSON.stringify(good));
    writeFileSync(
      join(directory, 'a.yaml'),
      'cluster: test\nnode: 1\ndata: data\nnodes:\n  - { id: 1, client: "127.0.0.1:7001", peer: "[::1]:17001" }\n' +
        'groups:\n  - { id: 1, nodes: [1] }\n  - { id: 0, nodes: [1] }\n',
    );
    const json = await readConfig(join(directory, 'a.json'));
    expect(json.data).toBe(join(directory, 'data'));
    expect(await readConfig(join(directory, 'a.yaml'))).toEqual(json);
    const replaced = await readConfig(join(directory, 'a.json'), { data: '/elsewhere', log: 'debug' });
    expect(replaced).toEqual({ ...json, data: '/elsewhere', logLevel: 'debug' });
    await expect(readConfig(join(directory, 'a.json'), { node: 2 })).rejects.toThrow('node: 2 is not among nodes');
  });

  test('what cannot be read is refused, with where', async () => {
    const directory = temporary();
    await expect(readConfig(join(directory, 'none.json'))).rejects.toThrow(
      /^--config: cannot read .*none\.json: ENOENT/,
    );
    writeFileSync(join(directory, 'bad.json'), '{');
    await expect(readConfig(join(directory, 'bad.json'))).rejects.toThrow(ConfigError);
    writeFileSync(join(directory, 'aliases.yaml'), 'a: &a [x, x]\nb: [*a, *a]\n');
    await expect(readConfig(join(directory, 'aliases.yaml'))).rejects.toThrow(/^--config: .*aliases\.yaml: /);
  });

  test('data made for other replicas is refused', () => {
    const directory = temporary();
    const { topology } = checkConfig({ ...good, nodes: threeNodes }, '/');
    expect(checkGroups(directory, topology)).toBe(false);
    keepGroups(directory, topology);
    expect(checkGroups(directory, topology)).toBe(true);
    const groups = [good.groups[1], { id: 1, nodes: [3, 2, 1] }];
    const other = checkConfig({ ...good, nodes: threeNodes, groups }, '/');
    expect(() => {
      checkGroups(directory, other.topology);
    }).toThrow(/^groups: .* was made for other groups or replicas: expects \[\[0,\[1\]\],\[1,\[1\]\]\]$/);
  });
});

describe('the files of a local cluster', () => {
  test.each([1, 2, 3, 5, 9])('are good for %d nodes, and their first replicas are spread', (nodes) => {
    const shape = { nodes, groups: 2 * nodes, port: 7001, rebalance: 'on', metadata: 'raft' } as const;
    const homes = new Map<number, number>();
    for (let node = 1; node <= nodes; node += 1) {
      const { topology, client } = checkConfig(localConfig(shape, node), '/');
      expect(client).toEqual({ host: '127.0.0.1', port: 7000 + node });
      for (const { group, replicas } of topology.groups) {
        expect(replicas.length).toBe(nodes < 3 ? 1 : 3);
        const home = replicas[0]?.node ?? 0;
        if (group > 0 && node === 1) homes.set(home, (homes.get(home) ?? 0) + 1);
      }
    }
    expect([...homes.values()]).toEqual(Array.from({ length: nodes }, () => 2));
  });
});
