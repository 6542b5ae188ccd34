/**
 * The replicas on this node while it runs: how they begin and end, what they hear from their peers, when they are woken,
 * and what of theirs goes to disk. Whatever happens to a group in a turn is done by the end of it, so that all groups
 * together cost one write.
 */
import { type GroupId, type LogIndex, type NodeId, type ReplicaId, WriteId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { after, type MonoTime, type Now } from '../base/time.ts';
import type { Timer, Timers } from '../base/timers.ts';
import type { Group } from '../group/group.ts';
import type { Submission } from '../group/submission.ts';
import type { LogRecord } from '../log/records.ts';
import { isRemoved, membersOf } from '../raft/configuration.ts';
import { isOfLeader, type MembershipChange } from '../raft/raft.ts';
import type { OutgoingRaftMessage } from '../raft/types.ts';
import type { Router } from '../routing/router.ts';
import type { MadeGroup } from '../wire/groups.ts';
import type { Execute, OrderedChange, Outcome, PeerMessage } from '../wire/messages.ts';
import type { Origin } from './probe.ts';
import type { AlarmKind } from './alarms.ts';
import type { Effect } from './door.ts';
import { Elections } from './elections.ts';
import type { Hosting } from './hosting.ts';
import type { Settings } from './options.ts';
import { placeElsewhere, recoveryOf, type RecoveryView, type Surroundings } from './recovery.ts';
import { SnapshotWork } from './snapshotWork.ts';

type Facts = Readonly<Record<string, string | number>>;

export interface ReplicasHost {
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** What has come to an end in the group goes to whoever asked for it. */
  readonly deliver: (group: Group) => void;
  readonly raise: (kind: AlarmKind, group: GroupId, message: string, facts: Facts) => void;
  readonly log: (message: string, facts: Facts) => void;
  readonly surroundings: () => Surroundings;
}

/** What replicas are woken for. */
export type ReplicaTimer =
  | (Timer & { readonly kind: 'group'; readonly group: Group })
  | (Timer & { readonly kind: 'snapshots' });

type RaftPeerMessage = Extract<PeerMessage, { kind: 'raft' }>;

export class Replicas {
  private readonly hosting: Hosting;
  private readonly router: Router;
  private readonly timers: Pick<Timers<ReplicaTimer>, 'schedule' | 'cancel'>;
  private readonly host: ReplicasHost;
  private readonly elections: Elections<Group>;
  private readonly snapshotWork: SnapshotWork;
  private readonly groupTimers = new Map<Group, ReplicaTimer>();
  private readonly snapshotTimer: ReplicaTimer = { kind: 'snapshots', scheduledAt: null };
  private touchedGroups = new Set<Group>();
  /** Groups with writes that are not on disk, and the last of them. */
  private readonly unsynced = new Map<Group, WriteId>();
  /** To be written before what the groups want written. */
  private readonly tombstones: LogRecord[] = [];
  private nextWrite = WriteId(1);
  private now: Now;
  /** The number of this turn. */
  private turn = 0;
  /** The node is to stop: its replicas do not campaign. */
  private isStopping = false;

  constructor(
    hosting: Hosting,
    router: Router,
    settings: Settings,
    timers: Pick<Timers<ReplicaTimer>, 'schedule' | 'cancel'>,
    now: Now,
    host: ReplicasHost,
  ) {
    this.hosting = hosting;
    this.router = router;
    this.timers = timers;
    this.now = now;
    this.host = host;
    // A candidate asks again after an election timeout at the earliest: by then its place is free.
    this.elections = new Elections(limits.electionsAtATime, settings.electionMs / 2);
    this.snapshotWork = new SnapshotWork(settings.snapshotBytesPerSecond, (group) => {
      this.touch(group);
    });
    for (const group of hosting.groups.values()) this.watch(group);
    spreadElections([...hosting.groups.values()]);
  }

  /** Groups that something happened to in this turn. */
  get touched(): ReadonlySet<Group> {
    return this.touchedGroups;
  }

  beginTurn(now: Now): void {
    this.now = now;
    this.turn += 1;
  }

  /** Something happened to the group in this turn. */
  touch(group: Group): void {
    this.touchedGroups.add(group);
  }

  submit(group: Group, submission: Submission): void {
    group.submit(submission, this.now, this.turn, placeElsewhere(group, submission.operation, this.router));
    this.taken(group);
  }

  /** As `Group.take`. */
  take(group: Group, submission: Submission): Outcome | null {
    const elsewhere = placeElsewhere(group, submission.operation, this.router);
    const outcome = group.take(submission, this.now, this.turn, elsewhere);
    if (outcome === null) this.taken(group);
    return outcome;
  }

  private taken(group: Group): void {
    if (group.isBatchFull) group.proposeBatch(this.now);
    this.touch(group);
  }

  /** As `Group.readAtOnce`. */
  readAtOnce(group: Group, operation: Execute, origin: Origin): Outcome | null {
    if (placeElsewhere(group, operation, this.router) !== null) return null;
    return group.readAtOnce(operation, origin, this.now, this.turn);
  }

  /** Lets it work as far as what happened in this turn goes. */
  advance(group: Group): void {
    // Who is answered may be waited for by what is proposed.
    group.advance(this.now, this.turn);
    group.endTurn(this.now);
    group.advance(this.now, this.turn);
    this.hosting.duties.note(group);
  }

  onRaftMessage(from: NodeId, { group: id, from: sender, to, message }: RaftPeerMessage): void {
    // Only a leader knows of a replica before the replica does.
    const receiver = this.hosting.receiver(id, to, isOfLeader(message));
    if (receiver === null) this.answerVoid(from, id, sender);
    if (receiver === null || (receiver === 'unknown' && this.router.groups.isOutlived(id, to))) return;
    const group = receiver === 'unknown' ? this.begin(id, to) : receiver;
    if (!group.hears(sender, from, message)) return;
    if (this.isStopping && message.kind === 'timeoutNow') group.raft.decline(sender, message.term);
    else group.raft.step(sender, message, this.now.mono);
    this.touch(group);
  }

  /** Who speaks to a replica that was here before another may be none of the group's any more. */
  private answerVoid(to: NodeId, id: GroupId, sender: ReplicaId): void {
    const raft = this.hosting.groups.get(id)?.raft;
    if (raft === undefined || !isRemoved(raft.committedConfiguration, sender)) return;
    const message = { kind: 'removed', term: raft.state.term } as const;
    this.host.post(to, { kind: 'raft', group: id, from: raft.id, to: sender, message });
  }

  /** If the group has gone on in a later generation, what is here of one before waits for its word. */
  onMembersTold(id: GroupId): void {
    const group = this.hosting.groups.get(id);
    if (group === undefined || !this.router.groups.isOutlived(id, group.raft.id)) return;
    const { voters } = this.router.groups.membershipOf(id).configuration;
    for (const { replica, node } of voters) group.introduce(replica, node);
    const successors = voters.map(({ replica }) => replica);
    group.raft.standDown(successors, this.now.mono);
    this.touch(group);
    this.host.raise('outlived', id, 'the group has gone on without what is here: that serves nothing any more', {
      replica: group.raft.id,
    });
  }

  /** What an operator has to know before the group goes on from its replica here alone. */
  recovery(id: GroupId): RecoveryView | 'lost' | 'none' {
    const group = this.hosting.groups.get(id);
    if (group === undefined) return this.hosting.hasLost(id) ? 'lost' : 'none';
    return recoveryOf(group, this.host.surroundings());
  }

  /** Lets the group go on so, unless there is an obstacle. */
  recover(id: GroupId): RecoveryView | 'lost' | 'none' {
    const view = this.recovery(id);
    const former = this.hosting.groups.get(id);
    if (typeof view === 'string' || former === undefined) return view;
    const { obstacle, next: generation, lastIndex } = view;
    if (obstacle !== null || generation === null) return view;
    this.detach(former);
    this.watch(this.hosting.recover(former, generation, this.now.mono));
    this.host.raise('recovered', id, 'the group goes on from the replica here alone: what it lacks is lost', {
      generation,
      lastIndex,
    });
    return view;
  }

  /** Groups were made: those that begin here do. */
  adopt(made: readonly MadeGroup[]): void {
    const begun = made.flatMap((one) => this.hosting.adopt(one) ?? []);
    for (const group of begun) {
      this.watch(group);
      this.host.log('a group that was made begins', { group: group.id, replica: group.raft.id });
    }
    spreadElections(begun);
  }

  /** A leader has added a replica here. One that was here before cannot be a member any more. */
  private begin(id: GroupId, replica: ReplicaId): Group {
    const former = this.hosting.groups.get(id);
    if (former !== undefined) this.end(former);
    const group = this.hosting.begin(id, replica);
    this.watch(group);
    this.host.log('a replica begins', { group: id, replica });
    return group;
  }

  private end(group: Group): void {
    this.detach(group);
    this.tombstones.push(this.hosting.end(group));
    this.host.log('a replica has left its group', { group: group.id, replica: group.raft.id });
  }

  /** It does nothing any more, and whoever waits for it is told. */
  private detach(group: Group): void {
    const timer = this.groupTimers.get(group);
    if (timer !== undefined) this.timers.cancel(timer);
    this.groupTimers.delete(group);
    group.leave(this.now, this.turn);
    this.host.deliver(group);
    this.touchedGroups.delete(group);
    this.unsynced.delete(group);
    this.elections.forget(group);
    this.snapshotWork.forget(group);
  }

  private watch(group: Group): void {
    this.groupTimers.set(group, { kind: 'group', group, scheduledAt: null });
    this.touch(group);
  }

  onPersisted(upTo: WriteId): void {
    for (const [group, last] of this.unsynced) {
      group.onPersisted(upTo, this.now.mono);
      this.touch(group);
      if (last <= upTo) this.unsynced.delete(group);
    }
  }

  /**
   * Groups at rest that a node led have no leader any more, or it does not know that it is one; those led here that
   * have lost their majority with it are led no more.
   */
  onGone(peer: NodeId): void {
    const groups = [...this.hosting.groups.values()];
    const orphans = groups.filter(
      ({ isLeader, leaderNode, raft }) => raft.state.isResting && !isLeader && leaderNode === peer,
    );
    for (const group of orphans) this.wake(group);
    spreadElections(orphans);
    for (const group of groups)
      if (group.isLeader && group.raft.state.isResting && !group.raft.isBacked(this.now.mono)) this.wake(group);
  }

  /** A replica on this node may have missed something, and hears from nobody that its group is at rest. */
  onReturned(peer: NodeId): void {
    for (const group of this.hosting.groups.values()) {
      const { state, configuration } = group.raft;
      if (state.isResting && group.isLeader && membersOf(configuration).some(({ node }) => node === peer))
        this.wake(group);
    }
  }

  private wake(group: Group): void {
    group.raft.wake(this.now.mono);
    this.touch(group);
  }

  onOutlier(id: GroupId, replica: ReplicaId): void {
    const group = this.hosting.groups.get(id);
    if (group?.raft.id !== replica || group.raft.state.isSuspect) return;
    group.raft.suspect(this.now.mono);
    this.touch(group);
    this.host.raise('replicaDiffers', id, 'a replica here holds something else than the others: it is replaced', {
      replica,
    });
  }

  /** Its replica has lost everything: another takes its place. It asks again until it hears which. */
  onLost(from: NodeId, id: GroupId, boot: number): void {
    const group = this.hosting.groups.get(id);
    if (group?.isLeader !== true) return;
    const replica = group.renew(from, boot, this.now.mono);
    this.touch(group);
    if (replica !== null) this.host.post(from, { kind: 'renewed', group: id, boot, replica });
  }

  /**
   * Whoever plans goes by what it has heard: an order for a group that has changed behind `index` is of the past. That may
   * be later than the change: who began with a snapshot knows the members as of that, and not since when they are. Returns
   * whether the group is led here.
   */
  onOrder(id: GroupId, index: LogIndex, change: OrderedChange): boolean {
    const group = this.hosting.groups.get(id);
    if (group?.isLeader !== true) return false;
    if (group.raft.state.log.era.since > index) return true;
    this.touch(group);
    const leaving = change.kind === 'add' ? change.replaces : change.kind === 'remove' ? change.replica : null;
    // It hands over first; the order comes again.
    if (leaving === group.raft.id) group.raft.transferLeadership(null, this.now.mono);
    else group.raft.changeMembership(change.kind === 'add' ? { ...change, joins: true } : change, this.now.mono);
    return true;
  }

  /** Segments of the log are to become free. Returns whether the group is here. */
  save(id: GroupId): boolean {
    const group = this.hosting.groups.get(id);
    const tombstone = this.hosting.tombstone(id);
    if (tombstone !== null) this.tombstones.push(tombstone);
    if (group === undefined) return false;
    group.snapshots.isWanted = true;
    this.touch(group);
    return true;
  }

  /** A save that is under way makes room by itself: another one behind it would say the same again. */
  reclaim(id: GroupId): void {
    if (this.hosting.groups.get(id)?.snapshots.isSaving !== true) this.save(id);
  }

  transfer(id: GroupId, to: NodeId | null): boolean {
    const group = this.hosting.groups.get(id);
    const target = to === null ? null : group?.raft.configuration.voters.find(({ node }) => node === to)?.replica;
    if (group === undefined || target === undefined) return false;
    this.touch(group);
    return group.raft.transferLeadership(target, this.now.mono, true);
  }

  changeMembers(id: GroupId, change: MembershipChange): 'begun' | 'notLeader' | 'busy' | 'unsafe' {
    const group = this.hosting.groups.get(id);
    if (group === undefined) return 'notLeader';
    this.touch(group);
    return group.raft.changeMembership(change, this.now.mono);
  }

  /** What is led here others are to lead; `stays`: for as long as they can. */
  handOver(stays: boolean): void {
    for (const group of this.hosting.groups.values()) {
      if (!group.isLeader) continue;
      group.raft.transferLeadership(null, this.now.mono, stays);
      this.touch(group);
    }
  }

  /** The node is to stop: nothing is led here any more, as far as others can. One after the other is asked. */
  stop(): void {
    this.isStopping = true;
    this.handOver(false);
  }

  onTimer(timer: ReplicaTimer): void {
    if (timer.kind === 'snapshots') this.workOnSnapshots();
    else this.onGroupTimer(timer.group);
  }

  private workOnSnapshots(): void {
    const pauseMs = this.snapshotWork.goOn(this.now.mono);
    if (pauseMs !== null) this.timers.schedule(this.snapshotTimer, after(this.now.mono, pauseMs));
  }

  private onGroupTimer(group: Group): void {
    this.touch(group);
    if (this.isStopping && !group.isLeader) return;
    if (!isElectionDue(group, this.now.mono) || this.elections.begin(group, this.now.mono))
      group.onTimer(this.now.mono);
    // Whoever was asked may stop as well, or be gone: then another is.
    if (this.isStopping) group.raft.transferLeadership(null, this.now.mono);
  }

  /** Those that are over make room for those that wait. */
  holdElections(): void {
    if (this.elections.isIdle) return;
    const { mono } = this.now;
    for (const group of this.touchedGroups) {
      const { role } = group.raft.state;
      const isOver = this.elections.isWaiting(group)
        ? !isElectionDue(group, mono)
        : role === 'leader' || role === 'follower';
      if (isOver) this.elections.forget(group);
    }
    if (this.isStopping) return;
    for (let group = this.elections.takeWaiting(mono); group !== null; group = this.elections.takeWaiting(mono)) {
      group.onTimer(mono);
      this.touch(group);
    }
  }

  /** Sends what groups want sent, and takes what they want written: one write for all of them; null if nothing is. */
  takeWrite(): Effect | null {
    const records: LogRecord[] = this.tombstones.splice(0);
    for (const group of this.touchedGroups) {
      const pieces = group.snapshots.takeRecords(this.nextWrite);
      const { hardState, entries, messages } = group.takeOutput(this.nextWrite);
      this.postRaft(group, messages);
      if (group.raft.state.isRemoved) {
        this.end(group);
        for (const tombstone of this.tombstones.splice(0)) records.push(tombstone);
        continue;
      }
      for (const record of pieces) records.push(record);
      if (hardState !== null) records.push({ kind: 'hardState', group: group.id, replica: group.raft.id, hardState });
      if (entries.length > 0) records.push({ kind: 'entries', group: group.id, entries });
      if (hardState !== null || entries.length > 0 || pieces.length > 0) this.unsynced.set(group, this.nextWrite);
    }
    if (records.length === 0) return null;
    const write = this.nextWrite;
    this.nextWrite = WriteId(write + 1);
    return { kind: 'persist', write, records };
  }

  private postRaft(group: Group, messages: readonly OutgoingRaftMessage[]): void {
    for (const { to, message } of messages) {
      const node = group.nodeOf(to);
      if (node !== null) this.host.post(node, { kind: 'raft', group: group.id, from: group.raft.id, to, message });
    }
  }

  /** Ends a turn: when groups that something happened to want to be woken. */
  schedule(): void {
    for (const group of this.touchedGroups) {
      const timer = this.groupTimers.get(group);
      if (timer !== undefined) this.scheduleGroup(timer, this.deadlineOf(group));
      this.snapshotWork.note(group, this.now.mono);
    }
    if (!this.snapshotWork.isIdle && this.snapshotTimer.scheduledAt === null)
      this.timers.schedule(this.snapshotTimer, after(this.now.mono, limits.snapshotTickMs));
    this.touchedGroups = new Set();
  }

  /**
   * A node that is to stop does not campaign: for a silent leader it does not wait either. Nor does a group whose
   * election waits for others.
   */
  private deadlineOf(group: Group): MonoTime | null {
    if (group.wantsTurn) return this.now.mono;
    if (this.elections.isWaiting(group)) return null;
    return !this.isStopping || group.isLeader ? group.deadlineAt(this.now.mono) : null;
  }

  private scheduleGroup(timer: ReplicaTimer, at: MonoTime | null): void {
    if (at === null) this.timers.cancel(timer);
    else this.timers.schedule(timer, at);
  }
}

function isElectionDue({ isLeader, raft }: Group, now: MonoTime): boolean {
  return !isLeader && raft.deadlineAt !== null && raft.deadlineAt <= now;
}

/** Groups whose elections would begin at the same time: one after the other, those of neighbouring ids far apart. */
function spreadElections(groups: readonly Group[]): void {
  const spanMs = groups.length * limits.msPerElection;
  for (const { id, raft } of groups) raft.postponeElection(spanMs * ((id * goldenRatio) % 1));
}

const goldenRatio = (Math.sqrt(5) - 1) / 2;
