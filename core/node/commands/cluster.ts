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
  const [, subcommand, id, to] = args;
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
    case 'snapshot 3': {
      const number = integerOf(id ?? noBytes);
      if (number !== null && node.saveGroup(GroupId(number))) reply.ok();
      else reply.error(`ERR no replica of group '${binaryString(id ?? noBytes)}' on this node`);
      return;
    }
    case 'transfer 3':
    case 'transfer 4':
      transfer(node, reply, id ?? noBytes, to);
      return;
    case 'help 2':
      reply.array(5);
      reply.simple('GROUP <subcommand> [<arg> ...]. Subcommands are:');
      reply.simple('LIST: all groups with their leader, term and replicas. Group 0 holds the ShardMap.');
      reply.simple('INFO <group>: the same for one, and where the replica on this node stands.');
      reply.simple('SNAPSHOT <group>: saves the state of the replica on this node, so that its log gets shorter.');
      reply.simple('TRANSFER <group> [<node>]: hands the group, led by this node, to another member.');
      return;
    default:
      reply.error(wrongSubcommand('group', subcommand));
  }
}

function transfer(node: NodeView, reply: ReplyWriter, id: Uint8Array, to: Uint8Array | undefined): void {
  const number = integerOf(id);
  const view = number === null ? null : node.group(GroupId(number));
  const target = to === undefined ? null : integerOf(to);
  const isMember = to === undefined || view?.replicas.some((replica) => replica.node === target) === true;
  if (view === null) reply.error(`ERR no such group '${binaryString(id)}'`);
  else if (view.local?.role !== 'leader') {
    const leader = node.nodes.find((other) => other.node === view.leader);
    const where =
      leader === undefined ? 'nobody leads it now' : `ask node ${String(leader.node)} at ${leader.clientAddress}`;
    reply.error(`ERR this node does not lead group ${String(view.group)}: ${where}`);
  } else if (!isMember || target === node.self)
    reply.error(`ERR '${binaryString(to ?? noBytes)}' is no other member of group ${String(view.group)}`);
  else if (node.transferGroup(view.group, target === null ? null : NodeId(target))) reply.ok();
  else
    reply.error(
      `ERR group ${String(view.group)} cannot be handed over now: no other member is alive, or it is on its way`,
    );
}

function writeGroup(reply: ReplyWriter, view: GroupView, withReplica: boolean): void {
  const { local } = view;
  const isDetailed = withReplica && local !== null;
  reply.map(isDetailed ? 14 : 4);
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
  reply.bulkText('snapshot-index');
  reply.integer(local.snapshotIndex);
  reply.bulkText('snapshot-activity');
  reply.bulkText(local.snapshotActivity);
  reply.bulkText('tenants');
  if (local.tenants === null) reply.nil();
  else reply.integer(local.tenants);
  reply.bulkText('keys');
  reply.integer(local.keys);
  reply.bulkText('progress');
  reply.array(local.progress.length);
  for (const { replica, matchIndex, mode, isAlive } of local.progress) {
    reply.map(4);
    reply.bulkText('replica');
    reply.integer(replica);
    reply.bulkText('match-index');
    reply.integer(matchIndex);
    reply.bulkText('mode');
    reply.bulkText(mode);
    reply.bulkText('alive');
    reply.integer(isAlive ? 1 : 0);
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
