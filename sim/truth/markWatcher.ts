/**
 * Reads the marks off what the oracles hear. It judges nothing.
 */
import { binaryString, noBytes } from '../../core/base/bytes.ts';
import { metadataGroup, type NodeId } from '../../core/base/ids.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import type { Entry, LogBase, RaftMessage } from '../../core/raft/types.ts';
import type { MoveStep } from '../../core/wire/moves.ts';
import type { Answer, Oracle, Truth } from '../oracles/oracle.ts';
import type { Arrival, Command } from './commands.ts';
import type { CommittedEntry, GroupTruth, Leadership, ReplicaTruth } from './groupTruth.ts';
import type { Histories } from './histories.ts';
import type { Mark, Marks } from './marks.ts';

export function watchForMarks(truth: Truth, histories: Histories, marks: Marks): Oracle {
  const votes = watchVotes(marks);
  const rest = watchRest(marks);
  return {
    rule: 'S1',
    raftSent(replica: ReplicaTruth, to: number, message: RaftMessage): void {
      votes.sent(replica, to, message);
      rest(replica, message);
      if (message.kind === 'appendReply' && !message.accepted) marks.hit('appendRefused');
    },
    elected(group: GroupTruth, leadership: Leadership, replica: ReplicaTruth): void {
      votes.elected(group, leadership, replica);
      if (truth.isMetadataOut && group.id !== metadataGroup) marks.hit('electedWithoutMetadata');
    },
    replicaChanged({ raft, role, term }: ReplicaTruth): void {
      if (role === 'leader' && raft?.state.role === 'follower' && raft.state.term === term)
        marks.hit('leaderSteppedDown');
    },
    entriesWritten({ role, written }: ReplicaTruth, [first]: readonly Entry[]): void {
      const present = first === undefined ? undefined : written[first.index - 1];
      if (role !== 'leader' && present !== undefined && present.term !== first?.term) marks.hit('conflictCut');
    },
    snapshotWritten({ written }: ReplicaTruth, { index, term }: LogBase): void {
      if (index > 0) marks.hit(written[index - 1]?.term === term ? 'stateSaved' : 'snapshotInstalled');
    },
    committed(group: GroupTruth, { entry, items }: CommittedEntry): void {
      if (entry.kind === 'configuration') markChange(group, marks);
      if (histories.of(group.id).verdicts[entry.index]?.some(({ isAgain }) => isAgain === true) === true)
        marks.hit('numberedAgain');
      for (const [position, { operation }] of items.entries()) {
        const isOfFile = histories.of(group.id).verdicts[entry.index]?.[position]?.isOfFile === true;
        const mark = isOfFile ? fileMarkOf(operation) : markOf(operation);
        if (mark !== null) marks.hit(mark);
        const without = group.id === metadataGroup ? null : withoutMetadata(operation);
        // A move takes less time than it takes until nobody leads.
        const isOut = without === 'servedWithoutMetadata' ? truth.isMetadataOut : truth.hasMetadataNoQuorum;
        if (without !== null && isOut) marks.hit(without);
      }
    },
    applied({ group }: ReplicaTruth, { executed, reply, origin, term }: AppliedOperation): void {
      if (executed || reply === null || group.id === metadataGroup) return;
      marks.hit('rememberedReply');
      const ranAt = truth.commands.of(origin)?.ranAt;
      if (ranAt != null && (group.committedAt(ranAt.index)?.entry.term ?? term) < term) marks.hit('retryAcrossLeaders');
    },
    readServed({ group }: ReplicaTruth, { term, isFollowers }: ServedRead, _command, { at }: Arrival): void {
      if (isFollowers) marks.hit('followerRead');
      else if (!truth.leaseReads) marks.hit('roundRead');
      else if ((group.leaders.get(term)?.roundSentAt.at(-1) ?? at) < at) marks.hit('leaseRead');
    },
    misrouted(reason: string): void {
      if (reason === 'notLeader') marks.hit('wrongNode');
      if (reason === 'notOwner') marks.hit('wrongGroup');
      if (reason === 'moved') marks.hit('tenantFollowed');
    },
    nodesHeard(_node: NodeId, { nodes }: NodeMapImage): void {
      if (nodes.some(({ state }) => state === 'draining')) marks.hit('nodeDrains');
    },
    answered({ text }: Answer): void {
      if (text.startsWith('-') && text.includes('the metadata group')) marks.hit('waitedForMetadata');
    },
    commandFinished({ outcome, reply, args }: Command): void {
      if (outcome === 'unknown') marks.hit('unknownOutcome');
      if (outcome === 'notExecuted' && reply?.includes('the disk of the leader') === true)
        marks.hit('shortDiskRefusal');
      if (outcome !== 'executed' || binaryString(args[0] ?? noBytes) !== 'EXEC') return;
      marks.hit(reply === '*-1\r\n' || reply === '_\r\n' ? 'transactionNil' : 'transactionRan');
    },
  };
}

function withoutMetadata(operation: CommittedEntry['items'][number]['operation']): Mark | null {
  if (operation.kind === 'execute') return operation.access === 'write' ? 'servedWithoutMetadata' : null;
  if (operation.kind !== 'move') return null;
  if (operation.step.kind === 'depart') return 'departedWithoutMetadata';
  return operation.step.kind === 'activate' ? 'activatedWithoutMetadata' : null;
}

function markOf(operation: CommittedEntry['items'][number]['operation']): Mark | null {
  switch (operation.kind) {
    case 'execute':
      return operation.access === 'read' ? 'loggedRead' : null;
    case 'purge':
      return 'keysPurged';
    case 'release':
      return 'tenantReleased';
    case 'adopt':
      return operation.incarnation > 1 ? 'tenantReturned' : null;
    case 'move':
      return moveMarks[operation.step.kind] ?? null;
    case 'setQuota':
    case 'inspectTenant':
    case 'exportTenant':
    case 'resolveTenant':
    case 'dropTenant':
    case 'planMove':
    case 'planNode':
    case 'planGroups':
      return null;
  }
}

/** Of what is done with a tenant that comes from a file. */
function fileMarkOf({ kind }: CommittedEntry['items'][number]['operation']): Mark | null {
  if (kind === 'move') return 'importBegun';
  if (kind === 'adopt') return 'importAdopted';
  return kind === 'release' ? 'importDropped' : null;
}

const moveMarks: Readonly<Partial<Record<MoveStep['kind'], Mark>>> = {
  start: 'moveStarted',
  prepare: 'movePrepared',
  stage: 'moveCopied',
  freeze: 'moveFrozen',
  seal: 'moveSealed',
  depart: 'moveDeparted',
  activate: 'moveActivated',
  erase: 'moveErased',
  cancel: 'moveCancelled',
  thaw: 'moveCancelled',
  abandon: 'moveAbandoned',
};

function markChange({ configurations }: GroupTruth, marks: Marks): void {
  const [before, next] = configurations.slice(-2).map(({ configuration }) => configuration);
  if (before === undefined || next === undefined) return;
  if (next.outgoing.length > 0) marks.hit('jointConfiguration');
  const learned = before.learners.map(({ replica }) => replica);
  if (next.voters.some(({ replica }) => learned.includes(replica))) marks.hit('learnerPromoted');
}

function watchVotes(marks: Marks) {
  /** The latest candidate, and the latest to whom leadership was offered. */
  const candidates = new WeakMap<GroupTruth, { readonly term: number; readonly replica: number }>();
  const heirs = new WeakMap<GroupTruth, { readonly term: number; readonly replica: number }>();
  return {
    sent({ group, replica }: ReplicaTruth, to: number, message: RaftMessage): void {
      const { term, kind } = message;
      if (kind === 'timeoutNow') heirs.set(group, { term, replica: to });
      if (kind !== 'voteRequest' || message.pre) return;
      const other = candidates.get(group);
      if (other?.term === term && other.replica !== replica) marks.hit('splitVote');
      candidates.set(group, { term, replica });
    },
    elected(group: GroupTruth, { term }: Leadership, { replica }: ReplicaTruth): void {
      const heir = heirs.get(group);
      if (heir?.replica === replica && heir.term === term - 1) marks.hit('transfer');
    },
  };
}

function watchRest(marks: Marks): (replica: ReplicaTruth, message: RaftMessage) => void {
  /** The term in which it went to rest, of groups that are. */
  const resting = new WeakMap<GroupTruth, number>();
  return ({ group }, { kind, term }) => {
    if (kind === 'rest') {
      if (resting.get(group) !== term) marks.hit('groupRested');
      resting.set(group, term);
    } else if ((kind === 'append' || kind === 'heartbeat') && resting.get(group) === term) {
      resting.delete(group);
      marks.hit('groupWoke');
    }
  };
}
