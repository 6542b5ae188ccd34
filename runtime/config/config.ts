/**
 * A node's configuration: what the file says, checked before a socket opens. Errors name the key and what it
 * expects. The keys are described in docs/configuration.md.
 */
import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import * as v from 'valibot';
import { parse as parseYaml } from 'yaml';
import {
  defaultSettings,
  GroupId,
  NodeId,
  parseTenantName,
  ReplicaId,
  type Settings,
  settingBounds,
  type TenantName,
  type Topology,
} from '../../core/index.ts';
import { ConfigError } from '../exitCodes.ts';
import { type LogLevel, logLevels } from '../log.ts';

const largestNode = 65_535;
const replicaCounts: readonly number[] = [1, 3, 5, 7];
const mib = 1024 * 1024;

const address = v.pipe(v.string(), v.regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})$/, 'expects HOST:PORT'));
const nodeId = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(largestNode));
const groupId = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31));

function setting(name: keyof typeof settingBounds) {
  const { least, most } = settingBounds[name];
  return v.optional(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)), defaultSettings[name]);
}

const schema = v.strictObject({
  cluster: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, 'expects 1 to 64 characters of A-Z a-z 0-9 . _ -')),
  node: nodeId,
  data: v.pipe(v.string(), v.nonEmpty('expects a directory')),
  nodes: v.pipe(
    v.array(v.strictObject({ id: nodeId, client: address, peer: address })),
    v.nonEmpty('expects at least one node'),
  ),
  groups: v.pipe(
    v.array(v.strictObject({ id: groupId, nodes: v.array(nodeId) })),
    v.nonEmpty('expects at least group 0'),
  ),
  tenants: v.optional(v.record(v.string(), groupId), {}),
  settings: v.optional(
    v.strictObject({
      electionMs: setting('electionMs'),
      heartbeatMs: setting('heartbeatMs'),
      commandTimeoutMs: setting('commandTimeoutMs'),
      gossipMs: setting('gossipMs'),
      maxValueBytes: setting('maxValueBytes'),
      leaseReads: v.optional(v.boolean(), defaultSettings.leaseReads),
      autoCreateTenants: v.optional(v.boolean(), defaultSettings.autoCreateTenants),
      defaultTenant: v.optional(v.boolean(), defaultSettings.defaultTenant),
    }),
    {},
  ),
  clients: v.optional(
    v.strictObject({
      max: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000)), 10_000),
      maxUnreadBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(mib)), 256 * mib),
    }),
    {},
  ),
  peers: v.optional(
    v.strictObject({ maxQueuedBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(mib)), 512 * mib) }),
    {},
  ),
  log: v.optional(v.picklist(logLevels), 'info'),
});

type File = v.InferOutput<typeof schema>;

export interface NodeConfig {
  readonly node: NodeId;
  readonly data: string;
  readonly topology: Topology;
  readonly settings: Settings;
  readonly client: HostPort;
  readonly peer: HostPort;
  readonly maxClients: number;
  readonly maxUnreadBytes: number;
  readonly maxQueuedBytes: number;
  readonly logLevel: LogLevel;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export function readConfig(path: string): NodeConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`--config: cannot read ${path}: ${(error as Error).message}`);
  }
  return checkConfig(parseText(path, text), dirname(resolve(path)));
}

/** `base`: the directory that a relative `data` starts from. */
export function checkConfig(value: unknown, base: string): NodeConfig {
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw new ConfigError(parsed.issues.map((issue) => describe(issue)).join('\n'));
  const file = parsed.output;
  checkTopology(file);
  const own = file.nodes.find(({ id }) => id === file.node);
  if (own === undefined) throw new ConfigError(`node: ${String(file.node)} is not among nodes`);
  return {
    node: NodeId(file.node),
    data: resolve(base, file.data),
    topology: topologyOf(file),
    settings: file.settings,
    client: hostPort(own.client),
    peer: hostPort(own.peer),
    maxClients: file.clients.max,
    maxUnreadBytes: file.clients.maxUnreadBytes,
    maxQueuedBytes: file.peers.maxQueuedBytes,
    logLevel: file.log,
  };
}

export function hostPort(text: string): HostPort {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

function parseText(path: string, text: string): unknown {
  try {
    return extname(path) === '.json' ? JSON.parse(text) : parseYaml(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new ConfigError(`--config: ${path}: ${(error as Error).message}`);
  }
}

function describe(issue: v.BaseIssue<unknown>): string {
  const key = v.getDotPath(issue) ?? '(whole file)';
  return `${key}: ${issue.message}`;
}

function checkTopology(file: File): void {
  const nodes = file.nodes.map(({ id }) => id);
  const groups = file.groups.map(({ id }) => id);
  if (new Set(nodes).size !== nodes.length) throw new ConfigError('nodes: every id must be there once');
  if (new Set(groups).size !== groups.length) throw new ConfigError('groups: every id must be there once');
  if (!groups.includes(0)) throw new ConfigError('groups: group 0, which holds the ShardMap, is missing');
  if (groups.length < 2) throw new ConfigError('groups: expects at least one group for tenants beside group 0');
  for (const { id, nodes: members } of file.groups) {
    if (!replicaCounts.includes(members.length))
      throw new ConfigError(`groups.${String(id)}.nodes: expects 1, 3, 5 or 7 nodes, got ${String(members.length)}`);
    if (new Set(members).size !== members.length)
      throw new ConfigError(`groups.${String(id)}.nodes: every node must be there once`);
    for (const member of members)
      if (!nodes.includes(member))
        throw new ConfigError(`groups.${String(id)}.nodes: there is no node ${String(member)}`);
  }
  for (const [tenant, group] of Object.entries(file.tenants)) {
    if (parseTenantName(tenant) === null)
      throw new ConfigError(`tenants: '${tenant}' is no tenant name (1 to 128 characters of A-Z a-z 0-9 . _ : @ -)`);
    if (group === 0 || !groups.includes(group))
      throw new ConfigError(`tenants.${tenant}: there is no group ${String(group)} for tenants`);
  }
  if (file.settings.heartbeatMs * 2 > file.settings.electionMs)
    throw new ConfigError('settings.heartbeatMs: expects at most half of settings.electionMs');
  for (const { id, client, peer } of file.nodes) {
    for (const text of [client, peer]) {
      const { port } = hostPort(text);
      if (port < 1 || port > 65_535) throw new ConfigError(`nodes.${String(id)}: port ${String(port)} is out of range`);
    }
  }
}

function topologyOf(file: File): Topology {
  const tenants: { tenant: TenantName; group: GroupId }[] = [];
  for (const [name, group] of Object.entries(file.tenants)) {
    const tenant = parseTenantName(name);
    if (tenant !== null) tenants.push({ tenant, group: GroupId(group) });
  }
  return {
    clusterId: file.cluster,
    nodes: [...file.nodes]
      .sort((a, b) => a.id - b.id)
      .map(({ id, client, peer }) => ({ node: NodeId(id), clientAddress: client, peerAddress: peer })),
    groups: [...file.groups]
      .sort((a, b) => a.id - b.id)
      .map(({ id, nodes }) => ({
        group: GroupId(id),
        replicas: nodes.map((node) => ({ replica: ReplicaId(node), node: NodeId(node) })),
      })),
    tenants,
  };
}
