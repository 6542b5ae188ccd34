/**
 * A node's configuration: what the file says, checked before a socket opens. Errors name the key and what it
 * expects. The keys are described in docs/configuration.md.
 */
import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import {
  GroupId,
  NodeId,
  parseTenantName,
  ReplicaId,
  type Settings,
  type TenantName,
  type Topology,
} from '../../core/index.ts';
import { ConfigError } from '../exitCodes.ts';
import type { LogLevel } from '../log.ts';
import { type HostPort, hostPort } from './hostPort.ts';
import { checkKeys, type ConfigFile } from './schema.ts';

const replicaCounts: readonly number[] = [1, 3, 5, 7];
const mib = 1024 * 1024;
const usualUnreadBytes = 256 * mib;
const usualQueuedBytes = 512 * mib;
const lastPort = 65_535;

export interface NodeConfig {
  readonly node: NodeId;
  readonly data: string;
  readonly topology: Topology;
  readonly settings: Settings;
  readonly client: HostPort;
  readonly peer: HostPort;
  readonly maxClients: number;
  readonly maxUnreadBytes: number;
  readonly idleMs: number;
  /** With less on the disk, writes are refused. */
  readonly minFreeBytes: number;
  readonly maxQueuedBytes: number;
  readonly logLevel: LogLevel;
}

/** What the command line may put in the place of what the file says. */
export interface ConfigFlags {
  readonly node?: number;
  readonly data?: string;
  readonly log?: string;
}

export async function readConfig(path: string, flags: ConfigFlags = {}): Promise<NodeConfig> {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`--config: cannot read ${path}: ${(error as Error).message}`);
  }
  const file = await parseFile(path, source);
  const isObject = typeof file === 'object' && file !== null && !Array.isArray(file);
  const { data, ...others } = flags;
  const replaced = { ...others, ...(data === undefined ? {} : { data: resolve(data) }) };
  return checkConfig(isObject ? { ...file, ...replaced } : file, dirname(resolve(path)));
}

/** `base`: the directory that a relative `data` starts from. */
export function checkConfig(value: unknown, base: string): NodeConfig {
  const file = checkKeys(value);
  checkTogether(file);
  const own = file.nodes.find(({ id }) => id === file.node) ?? fail('node', 'is not among nodes');
  return {
    node: NodeId(file.node),
    data: resolve(base, file.data),
    topology: topologyOf(file),
    settings: { ...file.settings, metadata: file.metadata, joinToken: file.join.token ?? '' },
    client: hostPort(own.client),
    peer: hostPort(own.peer),
    maxClients: file.clients.max,
    maxUnreadBytes: roomFor(file, 'clients.maxUnreadBytes', file.clients.maxUnreadBytes, usualUnreadBytes),
    idleMs: file.clients.idleMs,
    minFreeBytes: file.disk.minFreeBytes,
    maxQueuedBytes: roomFor(file, 'peers.maxQueuedBytes', file.peers.maxQueuedBytes, usualQueuedBytes),
    logLevel: file.log,
  };
}

async function parseFile(path: string, source: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(source);
    const { parse } = await import('yaml');
    return parse(source, { maxAliasCount: 0 });
  } catch (error) {
    throw new ConfigError(`--config: ${path}: ${(error as Error).message}`);
  }
}

/** What keys mean to one another. */
function checkTogether(file: ConfigFile): void {
  checkNodes(file);
  checkGroups(file);
  const groups = file.groups.map(({ id }) => id);
  for (const [tenant, group] of Object.entries(file.tenants)) {
    if (parseTenantName(tenant) === null) {
      fail('tenants', `'${tenant}' is no tenant name: expects 1 to 128 characters of A-Z a-z 0-9 . _ : @ -`);
    }
    if (group === 0 || !groups.includes(group)) {
      fail(`tenants.${tenant}`, `there is no group ${String(group)} for tenants`);
    }
  }
  const { maxTenantNames } = file.settings;
  if (Object.keys(file.tenants).length > maxTenantNames) {
    fail('tenants', `there are more than settings.maxTenantNames (${String(maxTenantNames)})`);
  }
  if (file.settings.heartbeatMs * 2 > file.settings.electionMs) {
    fail('settings.heartbeatMs', 'expects at most half of settings.electionMs');
  }
}

function checkNodes({ node, nodes }: ConfigFile): void {
  checkOnce(
    'nodes',
    nodes.map(({ id }) => id),
  );
  if (!nodes.some(({ id }) => id === node)) fail('node', `${String(node)} is not among nodes`);
  const addressesOf = (some: typeof nodes): readonly string[] => some.flatMap(({ client, peer }) => [client, peer]);
  // One that has joined may be where another was that has left.
  checkOnce('nodes', addressesOf(nodes.filter(({ joined }) => joined)));
  checkOnce('nodes', addressesOf(nodes.filter(({ joined }) => !joined)));
  for (const address of addressesOf(nodes)) {
    const { port } = hostPort(address);
    if (port < 1 || port > lastPort) fail('nodes', `${address}: expects a port from 1 to ${String(lastPort)}`);
  }
}

function checkGroups({ nodes, groups, metadata }: ConfigFile): void {
  const ids = groups.map(({ id }) => id);
  checkOnce('groups', ids);
  if (metadata !== 'raft') {
    if (ids.includes(0)) fail('groups', `there is no group 0, the metadata group, where metadata is ${metadata}`);
    if (ids.length < 1) fail('groups', 'expects at least one group for tenants');
  } else {
    if (!ids.includes(0)) fail('groups', 'group 0, which holds the ShardMap, is missing');
    if (ids.length < 2) fail('groups', 'expects at least one group for tenants beside group 0');
  }
  for (const { id, nodes: members } of groups) {
    const key = `groups.${String(id)}.nodes`;
    if (!replicaCounts.includes(members.length)) {
      fail(key, `expects ${replicaCounts.join(', ')} nodes, got ${String(members.length)}`);
    }
    checkOnce(key, members);
    for (const member of members) {
      if (!nodes.some((known) => known.id === member)) fail(key, `there is no node ${String(member)}`);
    }
  }
}

function checkOnce(key: string, values: readonly (string | number)[]): void {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) fail(key, `${String(twice)} is there more than once`);
}

function fail(key: string, expects: string): never {
  throw new ConfigError(`${key}: ${expects}`);
}

/** A queue that the largest value does not fit into would never let it through. */
function roomFor({ settings }: ConfigFile, key: string, given: number | undefined, usual: number): number {
  const least = 2 * settings.maxValueBytes;
  if (given !== undefined && given < least) {
    fail(key, `expects at least twice settings.maxValueBytes, that is ${String(least)}`);
  }
  return given ?? Math.max(usual, least);
}

function topologyOf(file: ConfigFile): Topology {
  const tenants: { tenant: TenantName; group: GroupId }[] = [];
  for (const [name, group] of Object.entries(file.tenants)) {
    const tenant = parseTenantName(name);
    if (tenant !== null) tenants.push({ tenant, group: GroupId(group) });
  }
  return {
    clusterId: file.cluster,
    nodes: [...file.nodes]
      .sort((a, b) => a.id - b.id)
      .map(({ id, client, peer, zone, joined }) => {
        return { node: NodeId(id), clientAddress: client, peerAddress: peer, zone, hasJoined: joined };
      }),
    groups: [...file.groups]
      .sort((a, b) => a.id - b.id)
      .map(({ id, nodes }) => ({
        group: GroupId(id),
        replicas: nodes.map((node) => ({ replica: ReplicaId(node), node: NodeId(node) })),
      })),
    tenants,
  };
}
