/**
 * GROUP: the Raft groups as this node sees them, and what an operator does with those that it leads.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { GroupId, metadataGroup, type NodeId } from '../../base/ids.ts';
import { isJoint, membersOf } from '../../raft/configuration.ts';
import type { Member } from '../../raft/types.ts';
import type { MembershipChange } from '../../raft/raft.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { GroupView, NodeView } from '../view.ts';
import { integerOf, wordOf, wrongSubcommand } from './arguments.ts';
import { isWithoutMetadataGroup } from './begin.ts';
import { createGroups } from './createGroup.ts';
import { recover } from './recover.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

export const groupCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'group',
    arity: -2,
    group: 'leasehold',
    since: '0.1.0',
    summary: 'Lists Raft groups, tells about one, makes more, and changes who belongs to one and who leads it.',
    run: runGroup,
  }),
];

const help: readonly string[] = [
  'GROUP <subcommand> [<arg> ...]. Subcommands are:',
  'LIST: all groups with their leader, term and replicas. Group 0 holds the ShardMap.',
  'INFO <group>: the same for one, and where the replica on this node stands.',
  'CREATE [COUNT <n>] [REPLICAS <n>] [NODES <node>[,<node>...]]: makes groups, by default one with as many replicas as group 0, on the nodes that have least.',
  'SNAPSHOT <group>: saves the state of the replica on this node, so that its log gets shorter.',
  'TRANSFER <group> [<node>]: hands the group, led by this node, to another member.',
  'ADD-REPLICA <group> <node> [LEARNER]: a replica on that node; it gets its vote when it has caught up, a learner never.',
  'REMOVE-REPLICA <group> <node>: the replica on that node leaves the group.',
  'REPLACE <group> <node> <other>: a replica on the other node takes the place of the one on this when it has caught up.',
  'RECOVER <group> [UNSAFE]: what is left if the majority is lost for good; UNSAFE: the group goes on from the replica here.',
];

function runGroup(call: NodeCall): void {
  const { args, reply, node } = call;
  const [, subcommand, id = noBytes, first, second] = args;
  const word = wordOf(subcommand);
  if (word === 'list' && args.length === 2) {
    const groups = node.groups();
    reply.array(groups.length);
    for (const view of groups) writeGroup(reply, view, false);
    return;
  }
  if (word === 'create') {
    const directory = isWithoutMetadataGroup(call) ? null : node.group(metadataGroup);
    if (directory?.local?.role === 'leader') createGroups(call);
    else if (directory !== null) reply.error(notLedHere(node, directory));
    return;
  }
  if (word === 'help' && args.length === 2) {
    reply.array(help.length);
    for (const line of help) reply.simple(line);
    return;
  }
  const takes = argumentsAfterGroup[word];
  if (takes === undefined || args.length - 3 < takes[0] || args.length - 3 > takes[1]) {
    reply.error(wrongSubcommand('group', subcommand));
    return;
  }
  const number = integerOf(id);
  const view = number === null ? null : node.group(GroupId(number));
  if (view === null) {
    reply.error(`ERR no such group '${binaryString(id)}'`);
    return;
  }
  if (word === 'info') writeGroup(reply, view, true);
  else if (word === 'snapshot') save(node, reply, view);
  else if (word === 'recover') recover(node, reply, view.group, first);
  else if (view.local?.role !== 'leader') reply.error(notLedHere(node, view));
  else if (word === 'transfer') transfer(node, reply, view, first);
  else if (word === 'remove-replica') remove(node, reply, view, first);
  else if (word === 'replace') replace(node, reply, view, first, second);
  else add(node, reply, view, first, second);
}

/** How many at least, and at most. */
const argumentsAfterGroup: Readonly<Record<string, readonly [number, number]>> = {
  info: [0, 0],
  snapshot: [0, 0],
  recover: [0, 1],
  transfer: [0, 1],
  'add-replica': [1, 2],
  'remove-replica': [1, 1],
  replace: [2, 2],
};

function notLedHere(node: NodeView, { group, leader }: GroupView): string {
  const found = node.nodes.find((other) => other.node === leader);
  const where =
    found === undefined ? 'nobody leads it now' : `ask node ${String(found.node)} at ${found.clientAddress}`;
  return `ERR this node does not lead group ${String(group)}: ${where}`;
}

function save(node: NodeView, reply: ReplyWriter, { group }: GroupView): void {
  if (node.saveGroup(group)) reply.ok();
  else reply.error(`ERR no replica of group '${String(group)}' on this node`);
}

function transfer(node: NodeView, reply: ReplyWriter, view: GroupView, to: Uint8Array | undefined): void {
  const target = to === undefined ? null : memberOn(view, to);
  const isVoter = target === null || view.configuration.voters.some(({ node: other }) => other === target?.node);
  if (target === undefined || !isVoter || target?.node === node.self)
    reply.error(`ERR '${binaryString(to ?? noBytes)}' is no other voter of group ${String(view.group)}`);
  else if (node.transferGroup(view.group, target?.node ?? null)) reply.ok();
  else
    reply.error(
      `ERR group ${String(view.group)} cannot be handed over now: no other member is alive, or it is on its way`,
    );
}

function add(
  node: NodeView,
  reply: ReplyWriter,
  view: GroupView,
  on: Uint8Array | undefined,
  option: Uint8Array | undefined,
): void {
  if (option !== undefined && wordOf(option) !== 'learner') {
    reply.error('ERR syntax error');
    return;
  }
  const target = nodeNamed(node, on);
  if (target === null) reply.error(noSuchNode(on));
  else if (memberOn(view, on) !== undefined)
    reply.error(`ERR group ${String(view.group)} has a replica on node ${String(target)} already`);
  else change(node, reply, view, { kind: 'add', node: target, joins: option === undefined, replaces: null });
}

function remove(node: NodeView, reply: ReplyWriter, view: GroupView, on: Uint8Array | undefined): void {
  const member = memberOn(view, on);
  const { voters } = view.configuration;
  if (member === undefined) reply.error(noReplica(view, on));
  else if (voters.length === 1 && voters[0]?.replica === member.replica)
    reply.error(`ERR node ${String(member.node)} has the last voter of group ${String(view.group)}`);
  else change(node, reply, view, { kind: 'remove', replica: member.replica });
}

/** On the same node the replica begins anew, with nothing of what it has. */
function replace(
  node: NodeView,
  reply: ReplyWriter,
  view: GroupView,
  on: Uint8Array | undefined,
  by: Uint8Array | undefined,
): void {
  const target = nodeNamed(node, by);
  const member = memberOn(view, on);
  const present = memberOn(view, by);
  if (member === undefined) reply.error(noReplica(view, on));
  else if (target === null) reply.error(noSuchNode(by));
  else if (present !== undefined && present.replica !== member.replica)
    reply.error(`ERR group ${String(view.group)} has a replica on node ${String(target)} already`);
  else if (present !== undefined && target === node.self)
    reply.error(`ERR node ${String(target)} leads group ${String(view.group)}: hand it over first`);
  else change(node, reply, view, { kind: 'add', node: target, joins: true, replaces: member.replica });
}

function change(node: NodeView, reply: ReplyWriter, { group }: GroupView, wanted: MembershipChange): void {
  const answer = node.changeMembers(group, wanted);
  if (answer === 'begun') reply.ok();
  else if (answer === 'busy')
    reply.error(`BUSY not executed: another change of the members of group ${String(group)} is under way`);
  else if (answer === 'unsafe')
    reply.error(`ERR not executed: group ${String(group)} has no voter to spare: too few of the others are alive`);
  else reply.error(`ERR this node does not lead group ${String(group)} any more`);
}

function memberOn(view: GroupView, on: Uint8Array | undefined): Member | undefined {
  const number = integerOf(on ?? noBytes);
  return membersOf(view.configuration).find(({ node }) => node === number);
}

function nodeNamed(node: NodeView, name: Uint8Array | undefined): NodeId | null {
  const number = integerOf(name ?? noBytes);
  return node.nodes.find((other) => other.node === number)?.node ?? null;
}

function noSuchNode(name: Uint8Array | undefined): string {
  return `ERR no such node '${binaryString(name ?? noBytes)}'`;
}

function noReplica({ group }: GroupView, on: Uint8Array | undefined): string {
  return `ERR group ${String(group)} has no replica on node '${binaryString(on ?? noBytes)}'`;
}

function writeGroup(reply: ReplyWriter, view: GroupView, withReplica: boolean): void {
  const { local } = view;
  const isDetailed = withReplica && local !== null;
  const { voters, learners } = view.configuration;
  reply.map(isDetailed ? 17 : 6);
  reply.bulkText('id');
  reply.integer(view.group);
  reply.bulkText('leader');
  if (view.leader === null) reply.nil();
  else reply.integer(view.leader);
  reply.bulkText('term');
  reply.integer(view.term);
  reply.bulkText('replicas');
  reply.array(voters.length);
  for (const { node } of voters) reply.integer(node);
  reply.bulkText('learners');
  reply.array(learners.length);
  for (const { node } of learners) reply.integer(node);
  reply.bulkText('changing');
  reply.integer(isJoint(view.configuration) ? 1 : 0);
  if (!isDetailed) return;
  reply.bulkText('role');
  reply.bulkText(local.role);
  reply.bulkText('resting');
  reply.integer(local.isResting ? 1 : 0);
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
  if (local.held === null) reply.nil();
  else reply.integer(local.held.tenants);
  reply.bulkText('keys');
  reply.integer(local.held?.keys ?? 0);
  const nodes = new Map<number, NodeId>(membersOf(view.configuration).map((member) => [member.replica, member.node]));
  reply.bulkText('progress');
  reply.array(local.progress.length);
  for (const { replica, matchIndex, mode, isAlive } of local.progress) {
    reply.map(5);
    reply.bulkText('replica');
    reply.integer(replica);
    reply.bulkText('node');
    reply.integer(nodes.get(replica) ?? 0);
    reply.bulkText('match-index');
    reply.integer(matchIndex);
    reply.bulkText('mode');
    reply.bulkText(mode);
    reply.bulkText('alive');
    reply.integer(isAlive ? 1 : 0);
  }
}
