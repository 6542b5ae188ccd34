/**
 * One line per event, for reading. The legend is part of the output. Nothing in a run depends on whether it is
 * traced.
 */
import { binaryString } from '../../core/base/bytes.ts';
import { unreachable } from '../../core/base/invariant.ts';
import type { LogRecord } from '../../core/log/records.ts';
import type { Input } from '../../core/node/door.ts';
import type { Configuration, Member } from '../../core/raft/types.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type { Operation, Outcome, PeerMessage } from '../../core/wire/messages.ts';

export const legend: readonly string[] = [
  'seconds  node (n) or client (k)  event',
  '  <  an input of the turn        >  a message leaves        *  something happens to the world',
  '  g2 append t3 @14/2 +1 c13 r7   group 2: append in term 3 behind index 14 (term 2), 1 entry, commit 13, round 7',
  '  g2 appended t3 @15 r7          accepted up to 15; "refused" instead of "appended": no',
  '  g2 vote? / vote. t4            asks for a vote / answers; "pre" asks without a term',
  '  disk w12 g2:hs(t4,v1)+3@14     write 12: hard state (term 4, vote 1) and 3 entries from index 14',
];

export class Trace {
  private readonly write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.write = write;
    for (const line of legend) write(`# ${line}`);
  }

  world(at: number, node: number, text: string): void {
    this.line(at, node, `* ${text}`);
  }

  answered(at: number, client: number, text: string): void {
    this.write(`${instant(at)}  k${String(client)}  < ${escape(text)}`);
  }

  input(at: number, node: number, input: Input): void {
    if (input.kind === 'peerMessages')
      for (const message of input.messages) this.line(at, node, `< n${String(input.from)} ${describePeer(message)}`);
    else this.line(at, node, `< ${describeInput(input)}`);
  }

  sent(at: number, node: number, to: number, message: PeerMessage): void {
    this.line(at, node, `> n${String(to)} ${describePeer(message)}`);
  }

  written(at: number, node: number, write: number, records: readonly LogRecord[]): void {
    this.line(at, node, `> disk w${String(write)} ${records.map(describeRecord).join(' ')}`);
  }

  private line(at: number, node: number, text: string): void {
    this.write(`${instant(at)}  n${String(node)}  ${text}`);
  }
}

function instant(at: number): string {
  return (at / 1_000_000).toFixed(6).padStart(11);
}

function describeInput(input: Exclude<Input, { kind: 'peerMessages' }>): string {
  switch (input.kind) {
    case 'clientCommand':
      return `c${String(input.conn)} ${words(input.args)}`;
    case 'clientOpened':
    case 'clientClosed':
    case 'clientMalformed':
      return `c${String(input.conn)} ${input.kind}`;
    case 'peerUp':
    case 'peerDown':
      return `n${String(input.peer)} ${input.kind}`;
    case 'persisted':
      return `disk has w${String(input.upTo)}`;
    case 'reclaim':
      return `reclaim ${input.groups.map((group) => `g${String(group)}`).join(' ')}`;
    case 'diskSpace':
      return input.isShort ? 'disk nearly full' : 'disk has room';
    case 'timer':
    case 'drain':
      return input.kind;
    default:
      return unreachable(input);
  }
}

function describePeer(message: PeerMessage): string {
  switch (message.kind) {
    case 'raft':
      return `g${String(message.group)} ${describeRaft(message.message)}`;
    case 'request':
      return `g${String(message.group)} request ${String(message.boot)}.${String(message.request)} ${describeOperation(message.operation)}`;
    case 'reply':
      return `reply ${String(message.boot)}.${String(message.request)} ${describeOutcome(message.outcome)}`;
    case 'outlier':
      return `g${String(message.group)} outlier ${String(message.replica)}`;
    case 'lost':
      return `g${String(message.group)} lost`;
    case 'renewed':
      return `g${String(message.group)} renewed ${String(message.replica)}`;
    case 'pulse':
      return `pulse ${String(message.boot)}`;
    case 'mapVersion':
      return `map v${String(message.version)}`;
    case 'mapChanges':
      return `map v${String(message.since)} +${String(message.changes.length)}`;
    case 'mapWanted':
      return `map wanted behind ${message.after ?? 'nothing'} as of v${String(message.since)}`;
    case 'mapPiece':
      return `map v${String(message.since)} +${String(message.changes.length)}, a piece behind ${message.after ?? 'nothing'}`;
    case 'placesDigest':
      return `places #${message.digest.toString(16)}`;
    case 'partDigests':
      return `digests of ${String(message.digests.length)} parts`;
    case 'partsWanted':
      return `wanted parts ${message.parts.join(' ')}`;
    case 'places':
      return `places, ${String(message.places.length)} bytes`;
    case 'leader':
      return `g${String(message.group)} leader n${String(message.node)} t${String(message.term)}`;
    case 'leads':
      return `leads ${message.groups.map(({ group, term }) => `g${String(group)} t${String(term)}`).join(' ')}`;
    case 'loads':
      return `loads of ${String(message.groups.length)}`;
    case 'order':
      return `order g${String(message.group)} @${String(message.index)} ${message.change.kind}`;
    case 'nodesVersion':
      return `nodes v${String(message.version)}`;
    case 'nodes':
      return `nodes v${String(message.map.version)}: ${String(message.map.nodes.length)}, ${String(message.map.groups.length)} groups made`;
    case 'groupsVersion':
      return `groups v${String(message.version)}`;
    case 'groups':
      return message.groups
        .map(({ group, configuration }) => `g${String(group)} ${describeMembers(configuration)}`)
        .join(' ');
    default:
      return unreachable(message);
  }
}

function describeRaft(message: RaftMessage): string {
  const term = `t${String(message.term)}`;
  switch (message.kind) {
    case 'voteRequest':
      return `${message.pre ? 'prevote?' : 'vote?'} ${term} @${String(message.lastIndex)}/${String(message.lastTerm)}${message.transfer ? ' transfer' : ''}`;
    case 'voteReply':
      return `${message.pre ? 'prevote.' : 'vote.'} ${term} ${message.granted ? 'yes' : 'no'}`;
    case 'append':
      return `append ${term} @${String(message.prevIndex)}/${String(message.prevTerm)} +${String(message.entries.length)} c${String(message.commit)} r${String(message.round)}`;
    case 'appendReply':
      return `${message.accepted ? 'appended' : 'refused'} ${term} @${String(message.index)} r${String(message.round)}`;
    case 'heartbeat':
      return `heartbeat ${term} c${String(message.commit)} r${String(message.round)}`;
    case 'stateDigest':
      return `digest ${term} @${String(message.index)} ${message.digest.toString(16)}`;
    case 'readRequest':
      return `read? ${term} #${String(message.ticket)}`;
    case 'readReply':
      return `read. ${term} #${String(message.ticket)} @${String(message.index)}`;
    case 'rest':
      return `rest ${term} c${String(message.commit)}`;
    case 'heartbeatReply':
      return `alive ${term} r${String(message.round)}`;
    case 'snapshotChunk':
      return `snapshot ${term} @${String(message.index)}/${String(message.indexTerm)} #${String(message.number)}${message.isLast ? ' last' : ''}`;
    case 'snapshotReply':
      return `snapshot? ${term} @${String(message.index)} #${String(message.next)}`;
    case 'removed':
      return `removed ${term}`;
    case 'timeoutNow':
      return `timeoutNow ${term}`;
    default:
      return unreachable(message);
  }
}

function describeMembers({ voters, outgoing, learners }: Configuration): string {
  const list = (members: readonly Member[]): string =>
    members.map(({ replica, node }) => `r${String(replica)}@n${String(node)}`).join(',');
  return `{${[voters, outgoing, learners].map(list).join('|')}}`;
}

function describeOperation(operation: Operation): string {
  if (operation.kind === 'execute')
    return `${operation.tenant}#${String(operation.incarnation)} ${words(operation.args)}`;
  if (operation.kind === 'move') return `move ${operation.tenant} m${String(operation.move)} ${operation.step.kind}`;
  if (operation.kind === 'planMove') return `planMove ${operation.tenant} ${operation.plan.kind}`;
  return `${operation.kind} ${operation.tenant}`;
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'done':
      return `done ${escape(binaryString(outcome.reply))}`;
    case 'resolved':
      return outcome.tenant === null
        ? 'resolved: none'
        : `resolved: g${String(outcome.tenant.group)}#${String(outcome.tenant.incarnation)}`;
    case 'refused':
      return `refused: ${outcome.refusal.kind}`;
    case 'planned':
      return outcome.move === null ? `planned: none ${outcome.why}` : `planned: m${String(outcome.move.move)}`;
    case 'moving':
      return `moving: ${outcome.state.kind}`;
    case 'exported':
      return `exported: ${outcome.answer.kind}`;
    case 'nodes':
      return `nodes: v${String(outcome.map.version)} ${outcome.why}`;
    case 'made':
      return `made: ${outcome.groups.map((group) => `g${String(group)}`).join(' ')} ${outcome.why}`;
    case 'forgotten':
    case 'inspected':
    case 'undecided':
      return outcome.kind;
    default:
      return unreachable(outcome);
  }
}

function describeRecord(record: LogRecord): string {
  switch (record.kind) {
    case 'boot':
      return `boot(${String(record.boot)})`;
    case 'hardState':
      return `g${String(record.group)}:r${String(record.replica)}:hs(t${String(record.hardState.term)},v${String(record.hardState.votedFor ?? 0)})`;
    case 'entries':
      return `g${String(record.group)}:+${String(record.entries.length)}@${String(record.entries[0]?.index ?? 0)}`;
    case 'removed':
      return `g${String(record.group)}:r${String(record.replica)}:removed`;
    case 'lost':
      return 'lost';
    case 'floor':
      return `floor(${String(record.segment)})`;
    case 'snapshotChunk':
      return `g${String(record.group)}:piece(${String(record.number)})`;
    case 'snapshot':
      return `g${String(record.group)}:snapshot(@${String(record.base.index)}/${String(record.base.term)})`;
    default:
      return unreachable(record);
  }
}

function words(args: readonly Uint8Array[]): string {
  return escape(args.map((arg) => binaryString(arg)).join(' '));
}

function escape(text: string): string {
  return text.replaceAll('\r\n', '⏎');
}
