/**
 * A handful of replicas with a network and disks that a test plays by hand: every message waits until it is
 * delivered or dropped, every write until it is synced or lost. After each step the safety rules are checked.
 */
import { LogIndex, NodeId, ReplicaId, Term, WriteId } from '../../core/base/ids.ts';
import { after, MonoTime } from '../../core/base/time.ts';
import { firstConfiguration, unknownConfiguration } from '../../core/raft/configuration.ts';
import { firstReplicaOf } from '../../core/raft/generation.ts';
import { type MembershipChange, Raft } from '../../core/raft/raft.ts';
import type { ReadPoint } from '../../core/raft/reads.ts';
import type { Entry, HardState, RaftMessage } from '../../core/raft/types.ts';

export const electionMs = 100;
export const heartbeatMs = 20;

export interface Flying {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly message: RaftMessage;
}

interface PendingWrite {
  readonly write: WriteId;
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
}

interface Replica {
  raft: Raft;
  hardState: HardState;
  stored: Entry[];
  pending: PendingWrite[];
  nextWrite: number;
  /** Reads that wait: the round and index, and what was committed anywhere when they were asked. */
  reads: { readonly term: Term; readonly point: ReadPoint; readonly committed: number }[];
  lives: number;
}

export interface Manners {
  /** Nobody asks for anything but what a test asks: groups may rest. */
  readonly rests?: boolean;
  /** Messages leave although the disk has not got what they claim. */
  readonly ignoresHolding?: boolean;
}

export class RaftCluster {
  readonly flying: Flying[] = [];
  now = MonoTime(1_000_000);
  /** The longest log that any replica has called committed, as `term` by index. */
  readonly committed: Entry[] = [];
  /** The term in which each of them was committed. */
  private readonly committedIn: Term[] = [];
  private readonly replicas = new Map<ReplicaId, Replica>();
  private readonly firstVoters: readonly ReplicaId[];
  private readonly manners: Manners;
  private readonly leaders = new Map<Term, ReplicaId>();
  /** What everybody has heard of the nodes, one replica each; nothing if a test does not say. */
  readonly nodesHeardAt = new Map<ReplicaId, MonoTime>();
  /** Those whose disks are nearly full. */
  readonly short = new Set<number>();
  private draws = 1;
  readsConfirmed = 0;

  constructor(size: number, manners: Manners = {}) {
    this.firstVoters = Array.from({ length: size }, (_, i) => ReplicaId(i + 1));
    this.manners = manners;
    for (const id of this.firstVoters) this.add(id);
  }

  /** An empty replica, which knows of nobody unless it is one of the first. */
  add(id: ReplicaId): void {
    const hardState: HardState = { term: Term(0), votedFor: null };
    const raft = this.make(id, hardState, [], 1);
    this.replicas.set(id, { raft, hardState, stored: [], pending: [], nextWrite: 1, reads: [], lives: 1 });
  }

  /** All that ever were, in order of id. */
  get ids(): readonly ReplicaId[] {
    return [...this.replicas.keys()];
  }

  raft(id: number): Raft {
    return this.of(id).raft;
  }

  get leader(): Raft | undefined {
    return [...this.replicas.values()].map(({ raft }) => raft).find(({ state }) => state.role === 'leader');
  }

  /** Time passes for everybody; those whose instant has come act. */
  pass(ms: number): void {
    this.now = after(this.now, ms);
    for (const [id, { raft }] of this.replicas)
      if (raft.deadlineAt !== null && raft.deadlineAt <= this.now)
        this.turn(id, () => raft.onTimer(this.now, this.manners.rests));
  }

  /** The replica's own timer fires, whatever the others' do. */
  fire(id: number): void {
    const { raft } = this.of(id);
    if (raft.deadlineAt !== null && raft.deadlineAt > this.now) this.now = raft.deadlineAt;
    this.turn(id, () => raft.onTimer(this.now, this.manners.rests));
  }

  propose(id: number, text: string): void {
    this.turn(id, () => this.of(id).raft.propose(new TextEncoder().encode(text)));
  }

  read(id: number): void {
    this.turn(id, () => {
      const replica = this.of(id);
      const point = replica.raft.requestRead(this.now);
      if (point !== null)
        replica.reads.push({ term: replica.raft.state.term, point, committed: this.committed.length });
    });
  }

  /** A member that is added begins to exist when it is first spoken to. */
  change(id: number, change: MembershipChange): string {
    let answer = '';
    this.turn(id, () => {
      answer = this.of(id).raft.changeMembership(change, this.now);
    });
    return answer;
  }

  /** The owner has heard nothing of the node of its leader, or has something to say. */
  wake(id: number): void {
    this.turn(id, () => this.of(id).raft.wake(this.now));
  }

  /** It is told that these are members of a later generation. */
  standDown(id: number, ...successors: readonly number[]): void {
    this.turn(id, () => {
      this.of(id).raft.standDown(
        successors.map((successor) => ReplicaId(successor)),
        this.now,
      );
    });
  }

  /** Another generation begins with what is on the disk of a replica, which ends. Returns the id of its first. */
  beginGeneration(id: number, generation: number): number {
    const { hardState, stored, lives } = this.of(id);
    const first = firstReplicaOf(generation);
    const raft = this.make(first, hardState, stored, lives + 1);
    this.replicas.delete(ReplicaId(id));
    const restored = { hardState, stored, pending: [], nextWrite: 1, reads: [], lives: lives + 1 };
    this.replicas.set(first, { raft, ...restored });
    this.turn(first, () => {
      raft.beginGeneration(generation, NodeId(id));
    });
    return first;
  }

  transfer(id: number): void {
    this.turn(id, () => this.of(id).raft.transferLeadership(null, this.now));
  }

  deliver(at: number): void {
    const [flying] = this.flying.splice(at, 1);
    if (flying !== undefined) this.receive(flying);
  }

  deliverCopy(at: number): void {
    const flying = this.flying[at];
    if (flying !== undefined) this.receive(flying);
  }

  drop(at: number): void {
    this.flying.splice(at, 1);
  }

  /** The disk gets everything that was written so far. */
  sync(id: number): void {
    const replica = this.of(id);
    const last = replica.pending.at(-1);
    if (last === undefined) return;
    for (const write of replica.pending.splice(0)) store(replica, write);
    this.turn(id, () => replica.raft.onPersisted(last.write, this.now));
  }

  /** What was not synced is lost, but for the first `kept` writes. */
  crash(id: number, kept: number): void {
    const replica = this.of(id);
    for (const write of replica.pending.splice(0).slice(0, kept)) store(replica, write);
    replica.lives += 1;
    replica.raft = this.make(ReplicaId(id), replica.hardState, replica.stored, replica.lives);
    replica.nextWrite = 1;
    replica.reads = [];
  }

  /** Delivers and syncs until nothing is left to do. */
  settle(): void {
    for (let steps = 0; steps < 10_000; steps += 1) {
      for (const id of this.replicas.keys()) this.sync(id);
      const isQuiet = [...this.replicas.values()].every(({ pending }) => pending.length === 0);
      if (this.flying.length === 0 && isQuiet) return;
      this.deliver(0);
    }
    throw new Error('the messages never end');
  }

  /** One of them leads and everything is quiet. */
  elect(id: number): void {
    this.fire(id);
    this.settle();
    if (this.raft(id).state.role !== 'leader') throw new Error(`replica ${String(id)} was not elected`);
  }

  private receive({ from, to, message }: Flying): void {
    if (!this.replicas.has(to)) this.add(to);
    this.turn(to, () => this.of(to).raft.step(from, message, this.now));
  }

  private turn(id: number, act: () => unknown): void {
    const replica = this.of(id);
    const { raft } = replica;
    act();
    raft.endTurn(this.now);
    const write = WriteId(replica.nextWrite);
    const { hardState, entries, messages } = raft.takeOutput(write);
    if (hardState !== null || entries.length > 0) {
      replica.pending.push({ write, hardState, entries });
      replica.nextWrite += 1;
    }
    for (const { to, message } of messages) this.flying.push({ from: raft.id, to, message });
    if (this.manners.ignoresHolding === true)
      for (const { outgoing } of raft.state.held.splice(0)) this.flying.push({ from: raft.id, ...outgoing });
    this.check(replica);
  }

  private check(replica: Replica): void {
    const { raft, reads } = replica;
    const { state, id } = raft;
    if (state.role === 'leader') {
      const known = this.leaders.get(state.term);
      if (known !== undefined && known !== id)
        throw new Error(`election safety: ${String(known)} and ${String(id)} lead term ${String(state.term)}`);
      this.leaders.set(state.term, id);
    }
    for (const entry of raft.entriesBetween(LogIndex(0), state.commitIndex)) {
      const agreed = this.committed[entry.index - 1];
      if (agreed === undefined) {
        this.committed.push(entry);
        this.committedIn.push(state.term);
      } else if (agreed.term !== entry.term)
        throw new Error(`state machine safety: index ${String(entry.index)} is of two terms`);
    }
    if (state.role === 'leader' && state.commitIndex >= state.termStart) this.checkCompleteness(raft);
    replica.reads = reads.filter((read) => {
      const asLeader = read.point.kind === 'round';
      if (read.term !== state.term || asLeader !== (state.role === 'leader')) return false;
      const index = raft.readIndexOf(read.point);
      if (index === null) return true;
      this.readsConfirmed += 1;
      if (index < read.committed)
        throw new Error(`stale read: index ${String(index)} of ${String(read.committed)} committed`);
      return false;
    });
  }

  /** What was committed in an earlier term; a leader that is deposed and does not know it needs no more. */
  private checkCompleteness({ state }: Raft): void {
    for (const [at, entry] of this.committed.entries()) {
      if ((this.committedIn[at] ?? 0) >= state.term || state.log.termAt(entry.index) === entry.term) continue;
      throw new Error(`leader completeness: index ${String(entry.index)} is missing`);
    }
  }

  private make(id: ReplicaId, hardState: HardState, entries: readonly Entry[], life: number): Raft {
    const config = {
      id,
      electionMs,
      heartbeatMs,
      maxAppendBytes: 64,
      maxInflightAppends: 4,
      maxInflightBytes: 200,
      maxUncommittedBytes: 10_000,
      leases: false,
      firstTicket: life * 1000,
      isDiskShort: () => this.short.has(id),
      nodeHeardAt: (replica: ReplicaId) => this.nodesHeardAt.get(replica) ?? null,
    };
    const random = (): number => {
      this.draws = (this.draws * 48_271) % 2_147_483_647;
      return this.draws / 2_147_483_647;
    };
    const base = { index: LogIndex(0), term: Term(0) };
    const isFirst = this.firstVoters.includes(id);
    const members = this.firstVoters.map((replica) => ({ replica, node: NodeId(replica) }));
    const configuration = isFirst ? firstConfiguration(members) : unknownConfiguration;
    return new Raft(config, { hardState, base, configuration, entries: [...entries] }, random, this.now);
  }

  private of(id: number): Replica {
    const replica = this.replicas.get(ReplicaId(id));
    if (replica === undefined) throw new Error(`there is no replica ${String(id)}`);
    return replica;
  }
}

function store(replica: Replica, { hardState, entries }: PendingWrite): void {
  if (hardState !== null) replica.hardState = hardState;
  const [first] = entries;
  if (first !== undefined) replica.stored = [...replica.stored.slice(0, first.index - 1), ...entries];
}
