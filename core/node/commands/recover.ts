/** GROUP RECOVER: what is left of a group whose majority is lost for good, and the word that lets it go on from there. */
import { type GroupId, metadataGroup } from '../../base/ids.ts';
import { unreachable } from '../../base/invariant.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { Obstacle, RecoveryView } from '../recovery.ts';
import type { NodeView } from '../view.ts';
import { wordOf } from './arguments.ts';

export function recover(node: NodeView, reply: ReplyWriter, group: GroupId, option: Uint8Array | undefined): void {
  if (option !== undefined && wordOf(option) !== 'unsafe') {
    reply.error('ERR syntax error');
    return;
  }
  const view = option === undefined ? node.recovery(group) : node.recover(group);
  if (view === 'none') reply.error(`ERR no replica of group '${String(group)}' on this node`);
  else if (view === 'lost')
    reply.error(`ERR not executed: what this node had of group ${String(group)} is lost: nothing can go on from it`);
  else if (option === undefined) writeRecovery(reply, view);
  else if (view.obstacle !== null) reply.error(`ERR not executed: ${inTheWay(view.obstacle)}`);
  else writeBegun(reply, view);
}

function writeRecovery(reply: ReplyWriter, view: RecoveryView): void {
  const { obstacle, members } = view;
  reply.map(16);
  reply.bulkText('id');
  reply.integer(view.group);
  reply.bulkText('replica');
  reply.integer(view.replica);
  reply.bulkText('generation');
  reply.integer(view.generation);
  reply.bulkText('next-generation');
  reply.integer(view.next ?? 0);
  reply.bulkText('last-index');
  reply.integer(view.lastIndex);
  reply.bulkText('last-term');
  reply.integer(view.lastTerm);
  reply.bulkText('commit-index');
  reply.integer(view.commitIndex);
  reply.bulkText('log-time');
  reply.integer(view.lastStamp);
  reply.bulkText('leader-silent-ms');
  if (view.silentMs === null) reply.nil();
  else reply.integer(Math.floor(view.silentMs));
  reply.bulkText('members');
  reply.array(members.length);
  for (const { replica, node, isVoter, contact, lastIndex } of members) {
    reply.map(5);
    reply.bulkText('replica');
    reply.integer(replica);
    reply.bulkText('node');
    reply.integer(node);
    reply.bulkText('voter');
    reply.integer(isVoter ? 1 : 0);
    reply.bulkText('contact');
    reply.bulkText(contact);
    reply.bulkText('last-index');
    if (lastIndex === null) reply.nil();
    else reply.integer(lastIndex);
  }
  reply.bulkText('tenants-elsewhere');
  reply.integer(view.elsewhereCount);
  reply.bulkText('map-changes-missing');
  reply.integer(view.missing.places);
  reply.bulkText('node-changes-missing');
  reply.integer(view.missing.nodes);
  const risks = risksOf(view);
  reply.bulkText('at-risk');
  reply.array(risks.length);
  for (const risk of risks) reply.bulkText(risk);
  reply.bulkText('refused');
  if (obstacle === null) reply.nil();
  else reply.bulkText(inTheWay(obstacle));
  reply.bulkText('to-do-it');
  if (obstacle === null) reply.bulkText(`GROUP RECOVER ${String(view.group)} UNSAFE`);
  else reply.nil();
}

function risksOf(view: RecoveryView): readonly string[] {
  const { lastIndex, commitIndex, elsewhere, elsewhereCount, missing, generation, told } = view;
  const risks = [
    `what was acknowledged behind index ${String(lastIndex)} is lost: at most what the group answered since this replica heard its leader last, and what the replica lagged behind then`,
  ];
  if (lastIndex > commitIndex)
    risks.push(
      `what is from index ${String(commitIndex + 1)} to ${String(lastIndex)} takes effect, though its clients may not have been told so`,
    );
  if (told > generation)
    risks.push(`the group was recovered before, as generation ${String(told)}: what it has done since is lost`);
  if (elsewhereCount > 0) {
    const names = elsewhere.join(', ') + (elsewhere.length < elsewhereCount ? ', …' : '');
    risks.push(
      `${String(elsewhereCount)} tenants that this replica has are in other groups since, and stay there: ${names}`,
    );
  }
  if (missing.places > 0)
    risks.push(`the last ${String(missing.places)} changes of the map of tenants are lost, though nodes know of them`);
  if (missing.nodes > 0)
    risks.push(`the last ${String(missing.nodes)} changes of the map of nodes are lost, though nodes know of them`);
  return risks;
}

function writeBegun(reply: ReplyWriter, { group, next, lastIndex }: RecoveryView): void {
  const id = String(group);
  const lines = [
    `group ${id} goes on from index ${String(lastIndex)} with the replica on this node alone, as generation ${String(next)}`,
    `it serves when GROUP INFO ${id} says that this node leads`,
    group === metadataGroup
      ? `then: GROUP ADD-REPLICA ${id} <node>, for each replica it is to have`
      : 'the planner gives it as many replicas as the metadata group has; GROUP ADD-REPLICA does it at once',
    'a node that comes back after all gives up what it had of this group as soon as it hears of that',
  ];
  reply.array(lines.length);
  for (const line of lines) reply.bulkText(line);
}

function inTheWay(obstacle: Obstacle): string {
  switch (obstacle.kind) {
    case 'led':
      return `node ${String(obstacle.node)} leads it`;
    case 'leader': {
      const whose = obstacle.node === null ? 'a leader' : `a leader, node ${String(obstacle.node)},`;
      return `${whose} was heard a moment ago, or this node began then: it is lost when nothing was heard for ${String(Math.ceil(obstacle.waitMs))} ms more`;
    }
    case 'quorum':
      return 'a majority of the voters is left and will elect a leader';
    case 'behind':
      return `node ${String(obstacle.node)} has a longer log: recover the group there`;
    case 'former':
      return `the replica here is no member any more, as was told, and node ${String(obstacle.node)} has one that is: ask there, or wait if that is lost`;
    case 'suspect':
      return "the replica here holds something else than the others' did";
    case 'empty':
      return 'the replica here was never given anything';
    case 'writing':
      return 'the disk of this node has not got everything yet: try again';
    case 'exhausted':
      return 'there are no more generations';
    default:
      return unreachable(obstacle);
  }
}
