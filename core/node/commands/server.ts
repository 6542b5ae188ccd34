/**
 * Commands about the server: COMMAND, CONFIG GET, INFO, TIME, WAIT.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { type CommandSpec, keysOf } from '../../engine/command.ts';
import { matchesGlob } from '../../engine/glob.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { NodeView } from '../view.ts';
import { integerOf, wordOf, wrongSubcommand } from './arguments.ts';
import { serverVersion } from './connection.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

const group = 'server';

export const serverCommands: readonly NodeCommand[] = [
  nodeCommand({ name: 'command', arity: -1, group, since: '2.8.13', summary: 'Describes commands.', run: command }),
  nodeCommand({ name: 'config', arity: -2, group, since: '2.0.0', summary: 'Shows configuration.', run: config }),
  nodeCommand({ name: 'info', arity: -1, group, since: '1.0.0', summary: 'Tells about this node.', run: info }),
  nodeCommand({ name: 'time', arity: 1, group, since: '2.6.0', summary: "Answers the node's wall clock.", run: time }),
  nodeCommand({
    name: 'wait',
    arity: 3,
    group: 'generic',
    since: '3.0.0',
    summary: 'Answers on how many other replicas every acknowledged write is durable.',
    run: wait,
  }),
];

function command(call: NodeCall): void {
  const { args, reply, node } = call;
  const names = args.slice(2).map((name) => binaryString(name).toLowerCase());
  switch (wordOf(args[1])) {
    case '':
      reply.array(node.commands.size);
      for (const spec of node.commands.values()) writeInfo(reply, spec);
      return;
    case 'count':
      reply.integer(node.commands.size);
      return;
    case 'info': {
      const wanted = names.length === 0 ? [...node.commands.keys()] : names;
      reply.array(wanted.length);
      for (const name of wanted) {
        const spec = node.commands.get(name);
        if (spec === undefined) reply.nilArray();
        else writeInfo(reply, spec);
      }
      return;
    }
    case 'docs': {
      const wanted = names.length === 0 ? [...node.commands.keys()] : names.filter((name) => node.commands.has(name));
      reply.map(wanted.length);
      for (const name of wanted) {
        const spec = node.commands.get(name);
        if (spec !== undefined) writeDocs(reply, spec);
      }
      return;
    }
    case 'list':
      list(call);
      return;
    case 'getkeys':
      getKeys(call);
      return;
    case 'help':
      reply.array(help.length);
      for (const line of help) reply.simple(line);
      return;
    default:
      reply.error(wrongSubcommand('command', args[1]));
  }
}

const help: readonly string[] = [
  'COMMAND <subcommand> [<arg> ...]. Subcommands are:',
  '(no subcommand), INFO [<name> ...]: arity, flags and key positions.',
  'COUNT: how many commands there are. LIST [FILTERBY PATTERN <pattern>]: their names.',
  'DOCS [<name> ...]: what they do. GETKEYS <command>: the keys in a full command.',
];

function writeInfo(reply: ReplyWriter, spec: CommandSpec): void {
  reply.array(10);
  reply.bulkText(spec.name);
  reply.integer(spec.arity);
  reply.set(spec.flags.length);
  for (const flag of spec.flags) reply.simple(flag);
  reply.integer(spec.firstKey);
  reply.integer(spec.lastKey);
  reply.integer(spec.keyStep);
  reply.set(spec.categories.length);
  for (const category of spec.categories) reply.simple(category);
  reply.array(0);
  reply.array(0);
  reply.array(0);
}

function writeDocs(reply: ReplyWriter, spec: CommandSpec): void {
  const { doc } = spec;
  reply.bulkText(spec.name);
  reply.map(4);
  reply.bulkText('summary');
  reply.bulkText(doc.summary);
  reply.bulkText('since');
  reply.bulkText(doc.since);
  reply.bulkText('group');
  reply.bulkText(doc.group);
  reply.bulkText('complexity');
  reply.bulkText(doc.complexity);
}

function list({ args, reply, node }: NodeCall): void {
  let names = [...node.commands.keys()];
  if (args.length > 2) {
    const [, , filter, by, value] = args;
    if (args.length !== 5 || wordOf(filter) !== 'filterby' || value === undefined) {
      reply.error('ERR syntax error');
      return;
    }
    if (wordOf(by) === 'pattern') names = names.filter((name) => matchesGlob(value, bytesOf(name), true));
    else if (wordOf(by) === 'aclcat') {
      const category = `@${wordOf(value)}`;
      names = names.filter((name) => node.commands.get(name)?.categories.includes(category) === true);
    } else names = [];
  }
  reply.array(names.length);
  for (const name of names) reply.bulkText(name);
}

function getKeys({ args, reply, node }: NodeCall): void {
  const inner = args.slice(2);
  const spec = node.commands.get(wordOf(inner[0]));
  if (spec === undefined) {
    reply.error('ERR Invalid command specified');
    return;
  }
  const isArityRight = spec.arity >= 0 ? inner.length === spec.arity : inner.length >= -spec.arity;
  if (!isArityRight) {
    reply.error('ERR Invalid number of arguments specified for command');
    return;
  }
  const positions = keysOf(spec, inner);
  if (positions.length === 0) {
    reply.error('ERR The command has no key arguments');
    return;
  }
  reply.array(positions.length);
  for (const position of positions) reply.bulk(inner[position] ?? noBytes);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** What Redis tools ask for, as it is here: every write is durable before it is acknowledged. */
const configuration: readonly (readonly [string, string])[] = [
  ['appendfsync', 'always'],
  ['appendonly', 'yes'],
  ['databases', '1'],
  ['maxmemory', '0'],
  ['maxmemory-policy', 'noeviction'],
  ['save', ''],
];

function config({ args, reply, node }: NodeCall): void {
  if (wordOf(args[1]) !== 'get' || args.length < 3) {
    reply.error(
      wordOf(args[1]) === 'get'
        ? "ERR wrong number of arguments for 'config|get' command"
        : wrongSubcommand('config', args[1]),
    );
    return;
  }
  const all = [...configuration, ...settingsOf(node)];
  const patterns = args.slice(2);
  const matching = all.filter(([name]) => patterns.some((pattern) => matchesGlob(pattern, bytesOf(name), true)));
  reply.map(matching.length);
  for (const [name, value] of matching) {
    reply.bulkText(name);
    reply.bulkText(value);
  }
}

function settingsOf(node: NodeView): readonly (readonly [string, string])[] {
  return Object.entries(node.settings).map(
    ([name, value]) => [`leasehold-${name.toLowerCase()}`, String(value)] as const,
  );
}

function info({ args, reply, node }: NodeCall): void {
  const wanted = new Set(args.slice(1).map((section) => wordOf(section)));
  const isEverything = wanted.size === 0 || wanted.has('all') || wanted.has('default') || wanted.has('everything');
  let text = '';
  for (const [name, facts] of Object.entries(sections)) {
    if (!isEverything && !wanted.has(name.toLowerCase())) continue;
    if (text !== '') text += '\r\n';
    text += `# ${name}\r\n`;
    for (const [key, value] of Object.entries(facts(node))) text += `${key}:${String(value)}\r\n`;
  }
  reply.verbatim('txt', text);
}

type Facts = Readonly<Record<string, string | number>>;

const sections: Readonly<Record<string, (node: NodeView) => Facts>> = {
  Server: (node) => ({
    redis_version: serverVersion,
    redis_mode: 'standalone',
    server_name: 'leasehold',
    leasehold_cluster: node.clusterId,
    leasehold_node: node.self,
    leasehold_boot: node.boot,
    metadata_mode: node.settings.metadata,
    uptime_in_seconds: Math.floor(node.uptimeMs / 1000),
  }),
  Clients: (node) => ({ connected_clients: node.connectionCount(), commands_in_flight: node.inFlight }),
  Persistence: () => ({ loading: 0 }),
  Stats: ({ statistics }) => ({
    total_connections_received: statistics.connections,
    total_commands_processed: statistics.commands,
    commands_forwarded_to_peers: statistics.forwarded,
    commands_forwarded_here: statistics.forwardedHere,
    commands_misrouted: statistics.misrouted,
    commands_outcome_unknown: statistics.unknownOutcomes,
  }),
  Replication: (node) => {
    const { known, hosted, led, leaderless, awayFromHome, resting } = node.groupCounts();
    return {
      role: 'master',
      groups: known,
      groups_hosted: hosted,
      groups_led: led,
      groups_without_leader: leaderless,
      groups_away_from_home: awayFromHome,
      groups_at_rest: resting,
      shard_map_version: node.mapVersion,
      tenant_names: node.tenantNames,
      max_tenant_names: node.settings.maxTenantNames,
      alarms: node.alarms.length,
    };
  },
  Keyspace: (node) => ({ ...node.held() }),
};

function time({ reply, now }: NodeCall): void {
  reply.array(2);
  reply.bulkText(String(Math.floor(now.wall / 1000)));
  reply.bulkText(String((now.wall % 1000) * 1000));
}

/** A write is acknowledged once a majority holds it, so the answer needs no waiting. */
function wait({ args, reply, node, connection }: NodeCall): void {
  const replicas = integerOf(args[1] ?? noBytes);
  const timeoutMs = integerOf(args[2] ?? noBytes);
  if (replicas === null || timeoutMs === null) {
    reply.error('ERR value is not an integer or out of range');
    return;
  }
  if (timeoutMs < 0) {
    reply.error('ERR timeout is negative');
    return;
  }
  reply.integer(Math.floor(node.votersFor(connection.tenant ?? node.defaultTenant) / 2));
}
