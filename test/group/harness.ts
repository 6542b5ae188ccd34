/** One replica of a group, driven by hand: its disk is as fast as thought, and its peers say what they are told to. */
import { bytesOfBinary } from '../../core/base/bytes.ts';
import {
  GroupId,
  Incarnation,
  LaneId,
  LogIndex,
  NodeId,
  ReplicaId,
  RequestId,
  type TenantName,
  Term,
  WriteId,
} from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { MonoTime, type Now, WallTime } from '../../core/base/time.ts';
import { Group, type GroupLimits } from '../../core/group/group.ts';
import type { StateMachine } from '../../core/group/machine.ts';
import { firstConfiguration } from '../../core/raft/configuration.ts';
import { Raft } from '../../core/raft/raft.ts';
import type { Submission } from '../../core/group/submission.ts';
import type { LogRecord } from '../../core/log/records.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type { Execute, Outcome } from '../../core/wire/messages.ts';

/** For machines that have nothing to keep. */
export const stateless: Pick<StateMachine, 'cut' | 'loader'> = {
  cut: () => {
    throw new Error('nobody asks for its state');
  },
  loader: () => {
    throw new Error('nobody gives it a state');
  },
};

/** Of the replica's Raft. */
interface UncommittedLimit {
  readonly uncommittedBytes: number;
}

const lane = LaneId(5);
const ingress = NodeId(2);
const peer = ReplicaId(2);

export class OneReplica {
  readonly group: Group;
  /** What it has written and said since somebody looked. */
  readonly records: LogRecord[] = [];
  readonly said: RaftMessage[] = [];
  /** To whom it has sent pieces of its state, each time. */
  readonly sentPiecesTo: ReplicaId[] = [];
  private turns = 0;
  private micros = 1_000_000;

  constructor(machine: StateMachine, changed: Partial<GroupLimits & UncommittedLimit> = {}, leases = false) {
    const id = ReplicaId(1);
    const config = {
      id,
      electionMs: 100,
      heartbeatMs: 20,
      maxAppendBytes: limits.appendBytes,
      maxInflightAppends: limits.appendsInFlight,
      maxInflightBytes: limits.appendBytesInFlight,
      maxUncommittedBytes: changed.uncommittedBytes ?? limits.uncommittedBytes,
      leases,
      firstTicket: 0,
      isDiskShort: () => false,
      nodeHeardAt: () => null,
    };
    const base = { index: LogIndex(0), term: Term(0) };
    const members = [id, peer, ReplicaId(3)].map((replica) => ({ replica, node: NodeId(replica) }));
    const configuration = firstConfiguration(members);
    const restored = { configuration, hardState: { term: Term(0), votedFor: null }, base, entries: [] };
    const raft = new Raft(config, restored, () => 0, this.now.mono);
    this.group = new Group(
      GroupId(1),
      raft,
      machine,
      { bytes: 0, stamp: WallTime(0) },
      { ...limits, snapshotLogBytes: 1_000_000_000, maxValueBytes: 1_000_000, isDiskShort: () => false, ...changed },
      null,
    );
  }

  /** What a peer says, and a turn with it. */
  hear(message: RaftMessage, from: ReplicaId = peer): void {
    this.group.raft.step(from, message, this.now.mono);
    this.endTurn();
  }

  endTurn(): void {
    this.turns += 1;
    const { group, now, turns } = this;
    group.advance(now, turns);
    group.endTurn(now);
    group.advance(now, turns);
    this.write();
    group.onPersisted(WriteId(turns), now.mono);
    group.advance(now, turns);
    this.turns += 1;
    this.write();
    group.onPersisted(WriteId(this.turns), now.mono);
  }

  private write(): void {
    const write = WriteId(this.turns);
    this.records.push(...this.group.snapshots.takeRecords(write));
    const { messages } = this.group.takeOutput(write);
    this.said.push(...messages.map(({ message }) => message));
    this.sentPiecesTo.push(...messages.flatMap(({ to, message }) => (message.kind === 'snapshotChunk' ? [to] : [])));
  }

  /** What is to be done for snapshots, once. */
  work(): void {
    this.group.snapshots.work(true, this.now.mono);
    this.endTurn();
  }

  pass(ms: number): void {
    this.micros += ms * 1000;
  }

  /** Lets it campaign and win. */
  lead(): void {
    const { raft } = this.group;
    this.micros += 1_000_000;
    raft.onTimer(this.now.mono);
    const term = Term(raft.state.term + 1);
    this.hear({ kind: 'voteReply', term, pre: true, granted: true });
    this.hear({ kind: 'voteReply', term, pre: false, granted: true });
  }

  /** The peer has the whole log, and has answered the latest round. */
  agree(): void {
    const { term, log, round } = this.group.raft.state;
    this.hear({ kind: 'appendReply', term, accepted: true, index: log.lastIndex, hintTerm: term, round });
  }

  submit(request: number, resumes: boolean, access: 'read' | 'write' = 'write', readsHere = false): void {
    const submission: Submission = {
      origin: { node: ingress, boot: 1, request: RequestId(request) },
      attempt: 1,
      lane,
      ackBelow: RequestId(request),
      isRetry: false,
      resumes,
      readsHere,
      operation: any(access),
    };
    this.group.submit(submission, this.now, this.turns + 1);
  }

  /** A read that is not submitted: what it is answered now; null if it must be. */
  readAtOnce(): Outcome | null {
    const origin = { node: ingress, boot: 1, request: RequestId(1) };
    return this.group.readAtOnce(any('read'), origin, this.now, this.turns + 1);
  }

  /** What came to an end since it was asked last. */
  outcomes(): readonly (readonly [number, Outcome])[] {
    return this.group.completions.drain().map(({ origin, outcome }) => [origin.request, outcome]);
  }

  get instant(): MonoTime {
    return this.now.mono;
  }

  private get now(): Now {
    return { mono: MonoTime(this.micros), wall: WallTime(this.micros / 1000) };
  }
}

function any(access: 'read' | 'write'): Execute {
  const tenant = 'acme' as TenantName;
  return { kind: 'execute', tenant, incarnation: Incarnation(1), access, protocol: 2, args: [bytesOfBinary('any')] };
}
