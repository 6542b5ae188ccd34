/**
 * GROUP and NODE: the cluster as this node sees it.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { GroupId, NodeId } from '../../base/ids.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { GroupView, NodeView } from '../view.ts';
import { integerOf, wordOf, wrongSubcommand } from './arguments.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

const group = 'leasehold';
const since = '0.1.0';

export const clusterCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'group',
    arity: -2,
    group,
    since,
    summary: 'Lists Raft groups and tells about one.',
    run: runGroup,
  }),
  nodeCommand({ name: 'node', arity: -2, group, since, summary: 'Lists nodes and tells about one.', run: runNode }),
];

function runGroup({ args, reply, node }: NodeCall): void {
  const [, subcommand, id] = args;
  switch (`${wordOf(subcommand)} ${String(args.length)}`) {
    case 'list 2': {
      const groups = node.groups();
      reply.array(groups.length);
      for (const view of groups) writeGroup(reply, view, false);
      return;
    }
    case 'info 3': {
      const number = integerOf(id ?? noBytes);
      const view = number === null ? null : node.group(GroupId(number));
      if (view === null) reply.error(`ERR no such group '${binaryString(id ?? noBytes)}'`);
      else writeGroup(reply, view, true);
      return;
    }
    case 'help 2':
      reply.array(3);
      reply.simple('GROUP <subcommand> [<arg> ...]. Subcommands are:');
      reply.simple('LIST: all groups with their leader, term and replicas. Group 0 holds the ShardMap.');
      reply.simple('INFO <group>: the same for one, and where the replica on this node stands.');
      return;
    default:
      reply.error(wrongSubcommand('group', subcommand));
  }
}

function writeGroup(reply: ReplyWriter, view: GroupView, withReplica: boolean): void {
  const { local } = view;
  const isDetailed = withReplica && local !== null;
  reply.map(isDetailed ? 12 : 4);
  reply.bulkText('id');
  reply.integer(view.group);
  reply.bulkText('leader');
  if (view.leader === null) reply.nil();
  else reply.integer(view.leader);
  reply.bulkText('term');
  reply.integer(view.term);
  reply.bulkText('replicas');
  reply.array(view.replicas.length);
  for (const { node } of view.replicas) reply.integer(node);
  if (!isDetailed) return;
  reply.bulkText('role');
  reply.bulkText(local.role);
  reply.bulkText('last-index');
  reply.integer(local.lastIndex);
  reply.bulkText('durable-index');
  reply.integer(local.durableIndex);
  reply.bulkText('commit-index');
  reply.integer(local.commitIndex);
  reply.bulkText('applied-index');
  reply.integer(local.applied);
  reply.bulkText('tenants');
  if (local.tenants === null) reply.nil();
  else reply.integer(local.tenants);
  reply.bulkText('keys');
  reply.integer(local.keys);
  reply.bulkText('progress');
  reply.array(local.progress.length);
  for (const { replica, matchIndex } of local.progress) {
    reply.map(2);
    reply.bulkText('replica');
    reply.integer(replica);
    reply.bulkText('match-index');
    reply.integer(matchIndex);
  }
}

function runNode({ args, reply, node }: NodeCall): void {
  const [, subcommand, id] = args;
  switch (`${wordOf(subcommand)} ${String(args.length)}`) {
    case 'list 2':
      reply.array(node.nodes.length);
      for (const { node: other } of node.nodes) writeNode(reply, node, other);
      return;
    case 'info 2':
      writeNode(reply, node, node.self);
      return;
    case 'info 3': {
      const number = integerOf(id ?? noBytes);
      const known = node.nodes.find((other) => other.node === number);
      if (known === undefined) reply.error(`ERR no such node '${binaryString(id ?? noBytes)}'`);
      else writeNode(reply, node, NodeId(known.node));
      return;
    }
    case 'help 2':
      reply.array(3);
      reply.simple('NODE <subcommand> [<arg> ...]. Subcommands are:');
      reply.simple('LIST: all nodes, and whether this one has a link to them.');
      reply.simple('INFO [<node>]: this node, or another as this one sees it.');
      return;
    default:
      reply.error(wrongSubcommand('node', subcommand));
  }
}

function writeNode(reply: ReplyWriter, view: NodeView, id: NodeId): void {
  const descriptor = view.nodes.find((other) => other.node === id);
  const isSelf = id === view.self;
  const leads = view.groups().filter((other) => other.leader === id);
  reply.map(isSelf ? 7 : 5);
  reply.bulkText('id');
  reply.integer(id);
  reply.bulkText('client-address');
  reply.bulkText(descriptor?.clientAddress ?? '');
  reply.bulkText('peer-address');
  reply.bulkText(descriptor?.peerAddress ?? '');
  reply.bulkText('link');
  reply.bulkText(isSelf ? 'self' : view.isReachable(id) ? 'up' : 'down');
  reply.bulkText('leads');
  reply.array(leads.length);
  for (const led of leads) reply.integer(led.group);
  if (!isSelf) return;
  reply.bulkText('boot');
  reply.integer(view.boot);
  reply.bulkText('map-version');
  reply.integer(view.mapVersion);
}
