/**
 * NODE: the nodes as this one sees them.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { type GroupId, NodeId } from '../../base/ids.ts';
import { membersOf } from '../../raft/configuration.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { NodeView } from '../view.ts';
import { integerOf, wordOf, wrongSubcommand } from './arguments.ts';
import { join, plan } from './joining.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

export const nodeCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'node',
    arity: -2,
    group: 'leasehold',
    since: '0.1.0',
    summary: 'Lists nodes and tells about one.',
    run: runNode,
  }),
];

function runNode(call: NodeCall): void {
  const { args, reply, node } = call;
  const [, subcommand, id] = args;
  if (wordOf(subcommand) === 'join') {
    join(call);
    return;
  }
  switch (`${wordOf(subcommand)} ${String(args.length)}`) {
    case 'list 2': {
      const parts = partsOf(node);
      reply.array(node.nodes.length);
      for (const { node: other } of node.nodes) writeNode(reply, node, other, parts);
      return;
    }
    case 'info 2':
      writeNode(reply, node, node.self, partsOf(node));
      return;
    case 'info 3': {
      const number = integerOf(id ?? noBytes);
      const known = node.nodes.find((other) => other.node === number);
      if (known === undefined) reply.error(`ERR no such node '${binaryString(id ?? noBytes)}'`);
      else writeNode(reply, node, NodeId(known.node), partsOf(node));
      return;
    }
    case 'drain 3':
    case 'undrain 3':
    case 'remove 3':
      change(call, wordOf(subcommand) as 'drain' | 'undrain' | 'remove');
      return;
    case 'replace 4':
      replace(call);
      return;
    case 'alarms 2':
      writeAlarms(reply, node);
      return;
    case 'alarms 3':
      if (wordOf(id) !== 'ack') reply.error('ERR syntax error');
      else {
        node.acknowledgeAlarms();
        reply.ok();
      }
      return;
    case 'help 2':
      reply.array(help.length);
      for (const line of help) reply.simple(line);
      return;
    default:
      reply.error(wrongSubcommand('node', subcommand));
  }
}

const help: readonly string[] = [
  'NODE <subcommand> [<arg> ...]. Subcommands are:',
  'LIST: all nodes, and whether this one has a link to them.',
  'INFO [<node>]: this node, or another as this one sees it.',
  'JOIN <client-address> <peer-address> ZONE <zone> TOKEN <token> STORE <store>: a node that wants to belong says this.',
  'DRAIN <node>: it is to have nothing any more. UNDRAIN <node>: it is to have its share again.',
  'REPLACE <node> <other>: it is to have nothing any more, and the other all that it has. It may be dead.',
  'REMOVE <node>: it belongs to the cluster no more, once it is drained and has no replica. Its id is not used again.',
  'ALARMS: what an operator must know of this node, the oldest first.',
  'ALARMS ACK: somebody has seen them: those of what is over end.',
];

function change(call: NodeCall, kind: 'drain' | 'undrain' | 'remove'): void {
  const { args, reply, node } = call;
  const number = integerOf(args[2] ?? noBytes);
  const known = node.nodes.find((other) => other.node === number);
  if (known === undefined) reply.error(`ERR no such node '${binaryString(args[2] ?? noBytes)}'`);
  else plan(call, { kind, node: known.node });
}

function replace(call: NodeCall): void {
  const { args, reply, node } = call;
  const [known, heir] = args.slice(2).map((arg) => node.nodes.find((other) => other.node === integerOf(arg)));
  const unknown = binaryString((known === undefined ? args[2] : args[3]) ?? noBytes);
  if (known === undefined || heir === undefined) reply.error(`ERR no such node '${unknown}'`);
  else plan(call, { kind: 'replace', node: known.node, heir: heir.node });
}

function writeAlarms(reply: ReplyWriter, { alarms }: NodeView): void {
  reply.array(alarms.length);
  for (const { kind, group, since, message } of alarms) {
    reply.map(4);
    reply.bulkText('kind');
    reply.bulkText(kind);
    reply.bulkText('group');
    if (group === null) reply.nil();
    else reply.integer(group);
    reply.bulkText('since');
    reply.integer(since);
    reply.bulkText('message');
    reply.bulkText(message);
  }
}

/** What a node has in groups. */
interface Part {
  readonly leads: readonly GroupId[];
  /** Voters, learners, and those on their way out. */
  readonly replicas: number;
}

function partsOf(view: NodeView): ReadonlyMap<NodeId, Part> {
  const parts = new Map<NodeId, { leads: GroupId[]; replicas: number }>();
  const partOf = (node: NodeId): { leads: GroupId[]; replicas: number } => {
    const part = parts.get(node) ?? { leads: [], replicas: 0 };
    parts.set(node, part);
    return part;
  };
  for (const { group, leader, configuration } of view.groups()) {
    if (leader !== null) partOf(leader).leads.push(group);
    for (const { node } of membersOf(configuration)) partOf(node).replicas += 1;
  }
  return parts;
}

function writeNode(reply: ReplyWriter, view: NodeView, id: NodeId, parts: ReadonlyMap<NodeId, Part>): void {
  const descriptor = view.nodes.find((other) => other.node === id);
  const isSelf = id === view.self;
  const { leads, replicas } = parts.get(id) ?? { leads: [], replicas: 0 };
  reply.map(isSelf ? 11 : 9);
  reply.bulkText('id');
  reply.integer(id);
  reply.bulkText('client-address');
  reply.bulkText(descriptor?.clientAddress ?? '');
  reply.bulkText('peer-address');
  reply.bulkText(descriptor?.peerAddress ?? '');
  reply.bulkText('zone');
  reply.bulkText(descriptor?.zone ?? '');
  reply.bulkText('state');
  reply.bulkText(descriptor?.state ?? '');
  reply.bulkText('replaced-by');
  if (descriptor?.heir == null) reply.nil();
  else reply.integer(descriptor.heir);
  reply.bulkText('link');
  reply.bulkText(isSelf ? 'self' : view.isReachable(id) ? 'up' : 'down');
  reply.bulkText('leads');
  reply.array(leads.length);
  for (const group of leads) reply.integer(group);
  reply.bulkText('replicas');
  reply.integer(replicas);
  if (!isSelf) return;
  reply.bulkText('boot');
  reply.integer(view.boot);
  reply.bulkText('map-version');
  reply.integer(view.mapVersion);
}
