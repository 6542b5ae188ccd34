/**
 * What is true of one Raft group, as only an observer of all its replicas can know: who was elected when, what
 * is committed, and what each replica's disk holds. Kept up from the writes that nodes ask for and the syncs
 * that end, never from what a replica says of itself.
 */
import type { GroupId, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { invariant } from '../../core/base/invariant.ts';
import { equalBytes } from '../../core/base/bytes.ts';
import type { LogRecord, RestoredLog } from '../../core/log/records.ts';
import { firstConfiguration } from '../../core/raft/configuration.ts';
import type { Configuration, Member } from '../../core/raft/types.ts';
import { decodeConfiguration } from '../../core/wire/configuration.ts';
import type { Raft } from '../../core/raft/raft.ts';
import type { Role } from '../../core/raft/state.ts';
import type { Entry, HardState, LogBase } from '../../core/raft/types.ts';
import type { LoggedItem } from '../../core/wire/operation.ts';

/** The rule of a term by one life of a node. */
export interface Leadership {
  readonly term: Term;
  readonly node: NodeId;
  readonly boot: number;
  readonly electedAt: number;
  /** When each of its quorum rounds was first sent; by round. */
  readonly roundSentAt: number[];
  /** The latest round that each replica has answered in this term; by replica. */
  readonly roundAnswered: number[];
}

export interface CommittedEntry {
  readonly entry: Entry;
  /** The term of the leader that was first to know it committed. */
  readonly commitTerm: Term;
  /** Log time once it is applied: the latest stamp up to here. */
  readonly stamp: number;
  readonly items: readonly LoggedItem[];
}

export class ReplicaTruth {
  readonly group: GroupTruth;
  readonly node: NodeId;
  readonly replica: ReplicaId;
  /** The life its node is in. */
  boot = 0;
  /** The log as the node last asked for it to be written, and as it would be found after a crash. */
  written: Entry[] = [];
  durable: Entry[] = [];
  writtenHard: HardState = nothingPromised;
  durableHard: HardState = nothingPromised;
  /** Of the pieces of the snapshot that it writes. */
  snapshotDigest = 0;
  /** Every vote that ever was on disk: candidate by term. */
  readonly votes = new Map<Term, ReplicaId>();
  /** As of the end of its node's last step; null while the node is down. */
  raft: Raft | null = null;
  role: Role = 'follower';
  term = 0;
  /** The term in which it led when its node's present turn began; null if it did not. */
  ledIn: number | null = null;
  commitIndex = 0;
  applied = 0;
  /** Its disk says that it has left the group. */
  isRemoved = false;
  /** Its disk has known it. */
  wasOnDisk = false;

  constructor(group: GroupTruth, node: NodeId, replica: ReplicaId) {
    this.group = group;
    this.node = node;
    this.replica = replica;
  }

  /** A write was asked for. */
  write(record: LogRecord): void {
    if (record.kind === 'hardState') this.writtenHard = record.hardState;
    if (record.kind === 'entries') splice(this.written, record.entries);
    if (record.kind === 'snapshotChunk')
      this.snapshotDigest = crc32(record.bytes, record.number === 0 ? 0 : this.snapshotDigest);
    if (record.kind === 'snapshot') this.install(this.written, record.base);
  }

  /** A write has reached the disk. */
  sync(record: LogRecord): void {
    this.wasOnDisk = true;
    if (record.kind === 'hardState') {
      this.durableHard = record.hardState;
      const { term, votedFor } = record.hardState;
      if (votedFor !== null) this.votes.set(term, votedFor);
    }
    if (record.kind === 'removed') this.isRemoved = true;
    if (record.kind === 'entries') splice(this.durable, record.entries);
    if (record.kind === 'snapshot') this.install(this.durable, record.base);
  }

  /** A turn is over. */
  note(): void {
    this.ledIn = this.role === 'leader' ? this.term : null;
  }

  /** Its node died. */
  stop(): void {
    this.raft = null;
    this.role = 'follower';
    this.ledIn = null;
  }

  /** The disk has lost it. What it had counts for what was committed on its word. */
  lose(): void {
    this.stop();
    this.isRemoved = true;
  }

  /** A new life begins with what is on disk. */
  restart(raft: Raft, boot: number): void {
    this.boot = boot;
    this.written = [...this.durable];
    this.writtenHard = this.durableHard;
    this.raft = raft;
    this.role = 'follower';
    this.term = raft.state.term;
    this.commitIndex = raft.state.commitIndex;
    this.applied = raft.state.log.baseIndex;
  }

  /** A snapshot is as good as the entries it stands for, and takes the place of others. */
  private install(log: Entry[], { index, term }: LogBase): void {
    if (index === 0 || log[index - 1]?.term === term) return;
    log.length = 0;
    for (let i = 1; i <= index; i += 1) {
      const committed = this.group.committedAt(i);
      if (committed !== undefined) log.push(committed.entry);
    }
  }
}

const nothingPromised: HardState = { term: 0 as Term, votedFor: null };

/** Whether recovery found exactly what the replica's disk is taken to hold. */
export function isAsOnDisk(truth: ReplicaTruth, restored: RestoredLog): boolean {
  const { group, durable, durableHard } = truth;
  const found = restored.groups.get(group.id);
  if (found === undefined) return durable.length === 0 && durableHard === nothingPromised && !truth.isRemoved;
  const { replica, isRemoved, hardState, base, entries } = found;
  if (isRemoved !== truth.isRemoved || (replica !== 0 && replica !== truth.replica)) return false;
  if (isRemoved) return true;
  if (base.index > 0 && durable[base.index - 1]?.term !== base.term) return false;
  if (
    hardState.term !== durableHard.term ||
    hardState.votedFor !== durableHard.votedFor ||
    base.index + entries.length !== durable.length
  )
    return false;
  return entries.every((entry) => {
    const expected = durable[entry.index - 1];
    return entry.term === expected?.term && equalBytes(entry.data, expected.data);
  });
}

export class GroupTruth {
  readonly id: GroupId;
  /** All that ever were. */
  readonly replicas = new Map<ReplicaId, ReplicaTruth>();
  /** What is committed of who belongs to the group, and where in the log; the last holds. */
  readonly configurations: { readonly index: number; readonly configuration: Configuration }[];
  /** By term. */
  readonly leaders = new Map<Term, Leadership>();
  latestLeader: Leadership | null = null;
  /** Entry i is at `committed[i - 1]`. */
  readonly committed: CommittedEntry[] = [];

  constructor(id: GroupId, members: readonly Member[]) {
    this.id = id;
    this.configurations = [{ index: 0, configuration: firstConfiguration(members) }];
  }

  /** Those whom the static map names are there from the beginning, whatever their disks say. */
  beginEverywhere(): void {
    for (const { node, replica } of this.configuration.voters) this.add(node, replica).wasOnDisk = true;
  }

  add(node: NodeId, replica: ReplicaId): ReplicaTruth {
    const added = new ReplicaTruth(this, node, replica);
    this.replicas.set(replica, added);
    return added;
  }

  replica(id: ReplicaId): ReplicaTruth {
    const found = this.replicas.get(id);
    invariant(found !== undefined, 'only replicas speak for a group', { group: this.id, replica: id });
    return found;
  }

  /** Who belongs to the group, as of what is committed. */
  get configuration(): Configuration {
    const last = this.configurations.at(-1);
    invariant(last !== undefined, 'there always is a configuration', { group: this.id });
    return last.configuration;
  }

  commit(committed: CommittedEntry): void {
    const { kind, index, data } = committed.entry;
    this.committed.push(committed);
    if (kind !== 'configuration') return;
    const configuration = decodeConfiguration(data);
    if (configuration !== null) this.configurations.push({ index, configuration });
  }

  committedAt(index: number): CommittedEntry | undefined {
    return this.committed[index - 1];
  }

  /** Whether a majority of the voters, and of the outgoing ones if there are any, is such. */
  isQuorum({ voters, outgoing }: Configuration, is: (replica: ReplicaTruth) => boolean): boolean {
    return [voters, outgoing].every((set) => {
      const such = set.filter(({ replica }) => {
        const truth = this.replicas.get(replica);
        return truth !== undefined && is(truth);
      });
      return set.length === 0 || such.length * 2 > set.length;
    });
  }

  /** The replica that leads with the highest term now, if one does. */
  currentLeader(): ReplicaTruth | null {
    let found: ReplicaTruth | null = null;
    for (const replica of this.replicas.values()) {
      if (replica.role === 'leader' && replica.raft !== null && replica.term > (found?.term ?? -1)) found = replica;
    }
    return found;
  }
}

/** Replaces the log from the first of `entries` on. */
function splice(log: Entry[], entries: readonly Entry[]): void {
  const first = entries[0];
  if (first === undefined) return;
  log.length = Math.min(log.length, first.index - 1);
  for (const entry of entries) log.push(entry);
}
