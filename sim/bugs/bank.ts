/**
 * The planted bugs. Each is a small change of the source, made when the module is loaded and never in the code
 * itself, that breaks one rule; the oracle of that rule must find it within the seeds it names. A change whose
 * text does not stand exactly once in its file is an error.
 */
import type { Profile } from '../scenario/scenario.ts';

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Bug {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Any of these may be the first to see it. */
  readonly oracles: readonly string[];
  readonly profile: Profile;
  /** The first seed of the hunt, and how many it may take; 0 if only the scenario that is kept is known to find it. */
  readonly from: number;
  readonly seeds: number;
}

const raft = 'core/raft/raft.ts';
const replication = 'core/raft/replication.ts';
const outbox = 'core/raft/outbox.ts';
const group = 'core/group/group.ts';
const machine = 'core/group/tenantMachine.ts';
const forwarder = 'core/forward/forwarder.ts';
const keyspace = 'core/engine/keyspace.ts';
const listValue = 'core/engine/listValue.ts';
const tenantRecords = 'core/group/state/tenantRecords.ts';
const snapshots = 'core/group/snapshots.ts';
const tenantMoves = 'core/group/tenantMoves.ts';
const nextAction = 'core/migration/nextAction.ts';
const quorum = 'core/raft/quorum.ts';
const configuration = 'core/raft/configuration.ts';

/** It shows in every run: if it is not found, hunting does not work. */
export const canary = 'canary: one voter counts as a majority';

export const bugs: readonly Bug[] = [
  {
    name: canary,
    edits: [edit(quorum, 'Math.floor(voters / 2) + 1', 'Math.min(voters, 1)')],
    oracles: ['R1', 'R6'],
    ...hunt('mixed', 1),
  },
  {
    name: 'a replica votes twice in a term',
    edits: [edit(raft, 'return this.state.votedFor === null || this.state.votedFor === from;', 'return true;')],
    oracles: ['R1', 'R10'],
    ...hunt('partitions', 30),
  },
  {
    name: 'a vote goes to a candidate whose log is behind',
    edits: [edit(raft, 'const granted = isFree && this.isUpToDate(message);', 'const granted = isFree;')],
    oracles: ['R4', 'R11'],
    ...hunt('crashes', 30),
  },
  {
    name: 'half of the voters count as a majority',
    edits: [edit('core/raft/quorum.ts', 'Math.floor(voters / 2) + 1', 'Math.floor(voters / 2)')],
    oracles: ['R1', 'R6'],
    ...hunt('mixed', 5),
  },
  {
    name: 'a vote that comes twice counts twice',
    edits: [
      // As a network may double it.
      edit(
        raft,
        "this.out.sendAfterHardState(from, { kind: 'voteReply', term, pre: message.pre, granted });",
        "for (const _ of [1, 2]) this.out.sendAfterHardState(from, { kind: 'voteReply', term, pre: message.pre, granted });",
      ),
      edit(
        raft,
        's.votes.set(from, message.granted);',
        's.votes.set(s.votes.get(from) === true ? (this.otherVoters().find((voter) => !s.votes.has(voter)) ?? from) : from, message.granted);',
      ),
    ],
    oracles: ['R1'],
    ...hunt('partitions', 200),
  },
  {
    name: 'a granted pre-vote counts as a vote',
    edits: [
      edit(
        raft,
        "s.role !== (message.pre ? 'preCandidate' : 'candidate')",
        "s.role !== 'preCandidate' && s.role !== 'candidate'",
      ),
      edit(raft, 'if (message.pre && message.granted && message.term !== s.term + 1) return;', ''),
    ],
    oracles: ['R1'],
    ...hunt('mixed', 5),
  },
  {
    name: 'a candidate keeps the votes of its last candidacy',
    edits: [
      edit(
        raft,
        "s.role = 'candidate';\n    s.leader = null;\n    s.votes = new Map([[this.id, true]]);",
        "s.role = 'candidate';\n    s.leader = null;\n    s.votes = new Map([...s.votes, [this.id, true]]);",
      ),
    ],
    oracles: ['R1'],
    ...hunt('partitions', 60),
  },
  {
    name: 'the vote is not written',
    edits: [edit(outbox, '{ term: s.term, votedFor: s.votedFor }', '{ term: s.term, votedFor: null }')],
    oracles: ['R7', 'R1', 'R10'],
    ...hunt('mixed', 5),
  },
  {
    name: 'the term is not written',
    edits: [edit(outbox, 's.hardStateChanged ? { term', 's.term === 0 ? { term')],
    oracles: ['R7', 'R1'],
    ...hunt('mixed', 5),
  },
  {
    name: 'an append is acknowledged before it is on disk',
    edits: [
      edit(outbox, 'if (isSynced(this.s)) this.send(to, message);', 'if (this.s !== null) this.send(to, message);'),
    ],
    oracles: ['R7'],
    ...hunt('mixed', 5),
  },
  {
    name: 'a leader counts itself before its disk has the entry',
    edits: [
      edit(replication, 's.durableIndex <= own.matchIndex', 's.log.lastIndex <= own.matchIndex'),
      edit(replication, 'own.matchIndex = s.durableIndex;', 'own.matchIndex = s.log.lastIndex;'),
    ],
    oracles: ['R6', 'R8'],
    ...hunt('mixed', 10),
  },
  {
    name: 'a heartbeat is answered before the term is on disk',
    edits: [
      edit(
        replication,
        "this.out.sendAfterHardState(from, { kind: 'heartbeatReply', term, round });",
        "this.out.send(from, { kind: 'heartbeatReply', term, round });",
      ),
    ],
    oracles: ['R7'],
    ...hunt('mixed', 20),
  },
  {
    name: 'the term before an append is not compared',
    edits: [
      edit(
        replication,
        'prevIndex > s.log.lastIndex || (mayDiffer && s.log.termAt(prevIndex) !== prevTerm)',
        'prevIndex > s.log.lastIndex',
      ),
    ],
    oracles: ['R3', 'R5', 'R9'],
    ...hunt('partitions', 120),
  },
  {
    name: 'a conflicting entry is kept',
    edits: [edit(replication, 'if (present === entry.term) continue;', 'if (present !== null) continue;')],
    oracles: ['R3', 'R5', 'R6', 'R9', 'R8'],
    ...hunt('partitions', 30),
  },
  {
    name: 'every append cuts the log',
    edits: [
      edit(replication, 'if (present === entry.term) continue;', ''),
      edit(
        replication,
        "invariant(entry.index > s.commitIndex, 'what is committed is never replaced', {",
        "invariant(entry.index > 0, 'indexes are positive', {",
      ),
    ],
    oracles: ['R11', 'R6', 'R9', 'R8'],
    ...hunt('mixed', 40),
  },
  {
    name: 'an entry of an earlier term is committed by counting',
    edits: [edit(replication, 'if (s.log.termAt(reached) !== s.term) return;', '')],
    oracles: ['R9'],
    ...hunt('crashes', 30),
  },
  {
    name: 'a follower takes the commit index of a heartbeat beyond what it shares',
    edits: [
      edit(
        replication,
        'const commit = LogIndex(Math.min(progress.matchIndex, s.commitIndex));',
        'const commit = s.commitIndex;',
      ),
    ],
    oracles: ['R9', 'R11', 'core'],
    ...hunt('partitions', 40),
  },
  {
    name: 'a follower takes the commit index of an append beyond what it shares',
    edits: [
      // Where all that there is comes in one append, it shares all of it.
      edit(replication, 's.log.sliceBytes(prevIndex, config.maxAppendBytes)', 's.log.sliceBytes(prevIndex, 1)'),
      edit(replication, 'this.learnCommit(Math.min(message.commit, index));', 'this.learnCommit(message.commit);'),
    ],
    oracles: ['R9', 'R11', 'core'],
    ...hunt('partitions', 100),
  },
  {
    name: 'a replica at rest does not notice that the node of its leader is silent',
    edits: [
      edit(
        'core/node/node.ts',
        'for (const peer of this.pulses.takeSilent(mono)) this.replicas.onGone(peer);',
        'this.pulses.takeSilent(mono);',
      ),
    ],
    oracles: ['V1', 'V3', 'V4'],
    ...hunt('idle', 60),
  },
  {
    name: 'a leader that hears no majority goes on leading',
    edits: [
      edit(raft, 'if (!this.replication.hearsQuorum(now)) {', 'if (!this.replication.hearsQuorum(now) && now < 0) {'),
    ],
    oracles: ['V4'],
    ...hunt('partitions', 20),
  },
  {
    name: 'what a follower has refused counts as what it has',
    edits: [
      edit(
        replication,
        'progress.nextIndex = LogIndex(next);',
        'progress.nextIndex = LogIndex(next); progress.matchIndex = LogIndex(Math.max(progress.matchIndex, next - 1));',
      ),
    ],
    oracles: ['R8', 'R6'],
    ...hunt('partitions', 40),
  },
  {
    name: 'every answer of a follower begins another round',
    edits: [
      edit(
        replication,
        'this.heard(progress, message.round, now);\n  }',
        'this.heard(progress, message.round, now);\n    this.s.wantsRound = true;\n  }',
      ),
    ],
    oracles: ['B2'],
    ...hunt('idle', 20),
  },
  {
    name: 'a follower reads without asking its leader',
    edits: [
      edit(
        'core/raft/reads.ts',
        "if (point.kind === 'ticket') return s.granted !== null && s.granted.ticket >= point.ticket ? s.granted.index : null;",
        "if (point.kind === 'ticket') return s.commitIndex;",
      ),
    ],
    oracles: ['X1', 'L1', 'L2'],
    ...hunt('mixed', 20),
  },
  {
    name: 'a leader lets a follower read before a round has confirmed it',
    edits: [edit('core/raft/reads.ts', 'if (round > s.confirmedRound) break;', 'if (round < 0) break;')],
    oracles: ['X1', 'L1'],
    ...hunt('mixed', 60),
  },
  {
    name: 'a follower reads behind a write of which nobody knows whether it is still to come',
    edits: [edit('core/forward/forwarder.ts', 'lane.setbacks === 0 && lane.doubtful === 0', 'lane.setbacks === 0')],
    oracles: ['L2'],
    ...hunt('membership', 400),
  },
  {
    name: 'a node that has lost its log begins as it began first',
    edits: [edit('core/node/hosting.ts', '(restored.isLost ? null : pristine)', 'pristine')],
    oracles: ['R12', 'R1', 'R4', 'R7', 'core'],
    ...hunt('membership', 40),
  },
  {
    name: 'a node that has lost its log begins any replica that a leader speaks to',
    edits: [edit('core/node/hosting.ts', 'Number.POSITIVE_INFINITY', '0')],
    oracles: ['R12', 'R1', 'R4', 'R7', 'core'],
    ...hunt('membership', 40),
  },
  {
    name: 'a follower whose disk is nearly full takes entries',
    edits: [edit(raft, 'if (this.config.isDiskShort() && message', 'if (message.round < 0 && message')],
    oracles: ['disk'],
    ...hunt('crashes', 120),
  },
  {
    name: 'a read does not wait for its quorum round',
    edits: [
      edit(
        'core/raft/reads.ts',
        "return s.role === 'leader' && s.confirmedRound >= point.round ? point.index : null;",
        "return s.role === 'leader' ? point.index : null;",
      ),
    ],
    oracles: ['X1'],
    ...hunt('mixed', 5),
  },
  {
    name: 'a new leader serves reads before it has committed in its term',
    edits: [edit('core/raft/reads.ts', 'if (s.commitIndex < s.termStart) return null;', '')],
    oracles: ['L1', 'L2'],
    ...hunt('mixed', 60),
  },
  {
    name: 'a lease outlives what its voters promised',
    edits: [
      edit(replication, 'const leaseShare = 0.8;', 'const leaseShare = 8;'),
      edit(raft, 'if (!this.replication.hearsQuorum(now)) {', 'if (s.term < 0) {'),
    ],
    oracles: ['X1', 'L1'],
    ...hunt('leases', 20),
  },
  {
    name: 'a lease goes by the wall clock',
    edits: [
      edit(
        group,
        'if (this.reads.hasArrivals && this.reads.rounds < this.limits.readRounds) this.startReads(now.mono);',
        'const self = this as { since?: number }; self.since ??= now.wall * 1000 - now.mono; if (this.reads.hasArrivals && this.reads.rounds < this.limits.readRounds) this.startReads((now.wall * 1000 - self.since) as MonoTime);',
      ),
    ],
    oracles: ['X1', 'L1'],
    ...hunt('leases', 60),
  },
  {
    name: 'a lease survives a restart of those who promised it',
    edits: [edit(raft, 'if (restored.hardState.term > 0) this.state.leaderHeardAt = now;', '')],
    oracles: ['X1', 'L1'],
    ...hunt('leases', 120),
  },
  {
    name: 'a lease is kept while leadership is handed over',
    edits: [
      edit(raft, 'this.dropLease();\n    s.transferTo = target;', 's.transferTo = target;'),
      edit(
        group,
        "if (canPropose === 'notLeader') return this.notLeader();",
        "if (canPropose === 'notLeader' && this.isWritten(submission, lane)) return this.notLeader();",
      ),
    ],
    oracles: ['X1', 'L1'],
    ...hunt('partitions', 400),
  },
  {
    name: 'the receiver trusts the sender about leadership',
    edits: [
      edit(group, 'if (!this.isLeader) return this.refusalOfRead(submission);', ''),
      edit(group, "if (canPropose === 'notLeader') return this.notLeader();", ''),
    ],
    oracles: ['X1'],
    ...hunt('stale-map', 10),
  },
  {
    name: 'remembered replies stay behind when a tenant moves',
    edits: [
      edit(
        tenantRecords,
        '  yield* sessionRecords(writer, image);\n  yield* clientRecords(writer, clients.image());',
        '  yield* clientRecords(writer, clients.image());',
      ),
    ],
    oracles: ['D2', 'D3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a tenant is active at its destination before it has departed from its source',
    edits: [
      edit(
        nextAction,
        "return { at: 'source', step: destination.isSealed ? 'depart' : 'copy' };",
        "return destination.isSealed ? { at: 'destination', step: 'activate' } : { at: 'source', step: 'copy' };",
      ),
    ],
    oracles: ['X2', 'X3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a frozen tenant goes on writing',
    edits: [edit(machine, 'return out?.isFrozen === true;', 'return false;')],
    oracles: ['X2', 'X3'],
    ...hunt('moves', 30),
  },
  {
    name: 'what changes while a tenant is copied is not copied again',
    edits: [edit(keyspace, 'this.changes?.note(key);', ''), edit(tenantMoves, 'whole.keyspace.mark !== mark || ', '')],
    oracles: ['L1', 'L3', 'R5', 'D1'],
    ...hunt('moves', 30),
  },
  {
    name: 'a piece of a copy is taken wherever the copy is',
    edits: [
      edit(
        tenantMoves,
        '!sameCursor(coming.cursor, after)) return;\n    if (takeCopy',
        'coming.cursor === after) return;\n    if (takeCopy',
      ),
      edit(tenantMoves, 'whole.keyspace.mark !== mark || ', ''),
    ],
    oracles: ['R13', 'R5', 'L1', 'D1'],
    ...hunt('moves', 100),
  },
  {
    name: 'a group serves a tenant that has departed',
    edits: [edit(tenantMoves, '    owned.delete(tenant);\n    const left', '    const left')],
    oracles: ['X2', 'X3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a copy is abandoned although its tenant has departed',
    edits: [
      edit(
        nextAction,
        "destination.isSealed) return { at: 'destination', step: 'activate' };",
        "destination.isSealed) return { at: 'destination', step: 'abandon' };",
      ),
    ],
    oracles: ['V1', 'V2', 'V3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a frozen tenant stays although nobody has seen it frozen',
    edits: [edit(tenantMoves, 'here !== null && here.out?.isFrozen !== wasFrozen', 'here === null && wasFrozen')],
    oracles: ['X3', 'L2'],
    ...hunt('moves', 20, 5500),
  },
  {
    name: 'a move is over before its destination knows',
    edits: [edit(nextAction, " || destination.kind === 'none') return", ') return')],
    oracles: ['V2'],
    ...hunt('moves', 20, 5600),
  },
  {
    name: 'an import is visible before it is whole',
    edits: [
      edit(
        'core/group/directoryMachine.ts',
        "return { kind: 'refused', refusal: { kind: 'loading', group: coming.to, incarnation: coming.incarnation } };",
        "return { kind: 'resolved', version: this.directory.version, tenant: { tenant, group: coming.to, epoch: 1 as never, incarnation: coming.incarnation } };",
      ),
      edit(machine, '    if (!isSealed) return this.notOwner(tenant);\n', ''),
      edit(tenantMoves, 'if (coming?.move !== move || !coming.isSealed) return;', 'if (coming?.move !== move) return;'),
    ],
    oracles: ['X2', 'X3'],
    ...hunt('transfers', 20),
  },
  {
    name: 'an export does not keep what is changed under it',
    edits: [edit(keyspace, 'for (const image of this.images) image.keep(item);', ';')],
    oracles: ['E1'],
    ...hunt('transfers', 60),
  },
  {
    name: 'ownership is not checked when a command is applied',
    edits: [
      edit(
        machine,
        'const owned = this.find(operation);\n        if (owned === null) return this.notHere(operation);\n        if (isFrozen(owned)) return frozen;\n        if (operation.access',
        'const owned = this.tenants.get(operation.tenant);\n        if (owned === undefined) return done;\n        if (operation.access',
      ),
    ],
    oracles: ['X2', 'X3'],
    ...hunt('stale-map', 50),
  },
  {
    name: 'what is said of a tenant is believed if it is different',
    edits: [
      edit(
        'core/metadata/place.ts',
        'if (place.incarnation !== known.incarnation) return place.incarnation > known.incarnation;',
        'if (place.incarnation !== known.incarnation) return true;',
      ),
    ],
    oracles: ['X4'],
    ...hunt('stale-map', 50),
  },
  {
    name: 'an earlier place of a tenant wins when maps are merged',
    edits: [
      edit(
        'core/metadata/tenantMap.ts',
        'if (known !== null && !isNewer(place, known)) return false;',
        'if (known !== null && place.incarnation < known.incarnation) return false;',
      ),
    ],
    oracles: ['X4', 'V2'],
    ...hunt('gossip', 20),
  },
  {
    name: 'two groups are the home of a tenant, and both create it',
    edits: [
      edit(
        'core/node/node.ts',
        'homesIn(metadata, topology.groups)',
        'homesIn(metadata, topology.groups.slice(node % 2))',
      ),
      edit(
        'core/group/directoryMachine.ts',
        'return this.home === null || preferred(tenant, this.homes) === this.home;',
        'return true;',
      ),
    ],
    oracles: ['X2'],
    ...hunt('gossip', 20),
  },
  {
    name: 'groups number the moves of their tenants alike',
    edits: [edit('core/metadata/moves.ts', 'this.last = MoveId(home ?? 0);', 'this.last = MoveId(0);')],
    oracles: ['X3', 'X2', 'V2'],
    ...hunt('gossip', 60),
  },
  {
    name: 'changes of the map are taken over behind a gap',
    edits: [edit('core/routing/shardMap.ts', "if (since > this.version) return 'gap';", '')],
    oracles: ['X4'],
    ...hunt('stale-map', 50),
  },
  {
    name: 'what is said of a leader is believed if it is different',
    edits: [edit('core/routing/leaderHints.ts', 'term > hint.term ||', 'term !== hint.term ||')],
    oracles: ['X4'],
    ...hunt('stale-map', 150),
  },
  {
    name: 'waiting replies are kept after stepping down, and found by their index alone',
    edits: [
      edit(
        group,
        'if (oldest !== undefined && (!this.isLeader || oldest.term !== this.raft.state.term)) this.surrender();',
        '',
      ),
      edit(
        group,
        'if (head?.term !== entry.term || head.index > entry.index) return null;',
        'if (head?.index !== entry.index) return null;',
      ),
    ],
    oracles: ['R5', 'L1', 'D1', 'D2', 'V1'],
    ...hunt('partitions', 30),
  },
  {
    name: "a command runs on another tenant's data",
    edits: [
      edit(
        machine,
        'execution.keyspace = owned.keyspace;',
        'execution.keyspace = this.tenants.values().next().value?.keyspace ?? owned.keyspace;',
      ),
    ],
    oracles: ['X7', 'L1', 'R5', 'L4'],
    ...hunt('mixed', 5),
  },
  {
    name: 'expiry goes by the local clock',
    edits: [
      edit(
        group,
        'if (this.hasBacklog) this.applyCommitted();',
        'if (this.hasBacklog) { this.stamp = now.wall; this.applyCommitted(); }',
      ),
    ],
    oracles: ['L1', 'R13', 'L4'],
    ...hunt('mixed', 10),
  },
  {
    name: 'a write that is sent again runs again',
    edits: [edit(machine, 'const memory = sessions.recall(item);', "const memory = 'new' as Memory;")],
    oracles: ['D2', 'R5', 'X3'],
    ...hunt('partitions', 30),
  },
  {
    name: 'a write that its client has numbered runs again',
    edits: [
      edit(
        'core/engine/numbered.ts',
        'const memory = clients.recall(token, number, isResumed);',
        "const memory = 'new' as 'new' | 'forgotten' | { reply: null };",
      ),
    ],
    oracles: ['L1', 'L3', 'R5', 'D3'],
    ...hunt('mixed', 60),
  },
  {
    name: 'what clients have numbered is not in a snapshot',
    edits: [edit(tenantRecords, 'if (numbered !== null) yield* clientRecords(writer, numbered);', '')],
    oracles: ['D3', 'L1', 'L3', 'R5', 'R13'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a session outlives its ingress',
    edits: [
      edit(
        'core/group/sessions.ts',
        "if (ingress === undefined || origin.boot > ingress.boot) return 'new';",
        "if (ingress === undefined) return 'new';",
      ),
      edit('core/group/sessions.ts', 'ingress === undefined || ingress.boot < boot', 'ingress === undefined'),
    ],
    oracles: ['D1', 'L1', 'R5', 'X2'],
    ...hunt('crashes', 30),
  },
  {
    name: 'a write past its deadline is reported as not executed',
    edits: [
      edit(
        forwarder,
        "const mayHaveRun = call.mayHaveRun || (wasSent && call.access === 'write');",
        'const mayHaveRun = false;',
      ),
    ],
    oracles: ['D2'],
    ...hunt('partitions', 50),
  },
  {
    name: 'a lane goes on behind a refused command',
    edits: [edit(group, "if (lane.blocked && !submission.resumes) return { kind: 'outOfOrder' };", '')],
    oracles: ['L2'],
    ...hunt('partitions', 150),
  },
  {
    name: 'a read is asked again behind a write that may have run',
    edits: [edit(forwarder, 'else if (call.request < call.lane.lastWrite) {', 'else if (call.attempts < 0) {')],
    oracles: ['L2'],
    ...hunt('partitions', 30),
  },
  {
    name: 'an answer to an earlier sending is taken for one to the last',
    edits: [edit(forwarder, 'call?.sentTo !== from || call.attempts !== attempt', 'call?.sentTo !== from')],
    oracles: ['D2', 'L2', 'core', 'X6'],
    ...hunt('partitions', 0),
  },
  {
    name: 'a torn write is taken for whole',
    edits: [
      edit(
        'core/log/format.ts',
        "if (reader.failed || crc(payload, 0) !== expected) return 'invalid';",
        "if (reader.failed) return 'invalid';",
      ),
    ],
    oracles: ['disk'],
    ...hunt('crashes', 50),
  },
  {
    name: 'a new segment is written to where the last one ended',
    edits: [edit('core/log/appender.ts', '      this.offset = 0;\n', '')],
    oracles: ['disk', 'R4', 'D1'],
    ...hunt('crashes', 10),
  },
  {
    name: 'a cut does not keep what is changed under it',
    edits: [edit(keyspace, '?.keep(item);', ';')],
    oracles: ['R13', 'R5', 'L1', 'X2'],
    ...hunt('mixed', 40),
  },
  {
    name: 'a list that a cut holds is changed in place',
    edits: [edit(listValue, 'this.owner = {};\n    return frozen;', 'return frozen;')],
    oracles: ['R13', 'R5', 'L1', 'X2'],
    ...hunt('mixed', 40),
  },
  {
    name: 'sessions are not in a snapshot',
    edits: [edit(tenantRecords, 'if (image !== null) yield* sessionRecords(writer, image);', '')],
    oracles: ['D1', 'D2', 'R5', 'X2', 'L1'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a snapshot begins anew without what it does not stand for',
    edits: [edit(snapshots, 'if (saving.chunks === 0) this.raft.rewriteAfter(saving.base.index);', '')],
    oracles: ['disk'],
    ...hunt('crashes', 60),
  },
  {
    name: 'segments go when a snapshot is begun, not when it is complete',
    edits: [edit('core/log/retention.ts', 'span.beginsAt = segment;', 'span.beginsAt = span.needs = segment;')],
    oracles: ['disk'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a snapshot is acknowledged before it is on disk',
    edits: [
      edit(
        raft,
        'const { term, round } = message;\n    this.out.sendAfterLog(from, {',
        'const { term, round } = message;\n    this.out.send(from, {',
      ),
    ],
    oracles: ['R6', 'R7'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a transaction does not look at what was watched',
    edits: [
      edit('core/engine/transaction.ts', 'keyspace.versionOf(binaryString(key), now) !== version', 'version < 0'),
    ],
    oracles: ['L1', 'L3'],
    ...hunt('mixed', 20),
  },
  {
    name: 'a transaction that must not run has run its first command',
    edits: [
      edit(
        'core/engine/transaction.ts',
        'reply.nilArray();\n    return;',
        'e.args = commands[0] ?? [];\n    find(e.args[0] ?? new Uint8Array())?.run(e);\n    reply.rewind();\n    reply.nilArray();\n    return;',
      ),
    ],
    oracles: ['L1'],
    ...hunt('mixed', 60),
  },
  {
    name: 'what a transaction touches has the version of the write before',
    edits: [edit(keyspace, 'this.versions.begin();', 'if (this.size % 2 === 0) this.versions.begin();')],
    oracles: ['L1'],
    ...hunt('mixed', 20),
  },
  {
    name: 'versions are not in a snapshot',
    edits: [edit(keyspace, 'this.versions.restore(versions);', '')],
    oracles: ['R13', 'R5', 'L1'],
    ...hunt('crashes', 30),
  },
  {
    name: 'pieces of two snapshots are put together',
    edits: [
      edit(
        snapshots,
        'receiving?.base.index === base.index && receiving.base.term === base.term',
        'receiving !== null',
      ),
    ],
    oracles: ['R13', 'R5'],
    ...hunt('crashes', 200),
  },
  {
    name: 'a node that has lost its log twice begins the same replica twice',
    edits: [edit(group, 'known?.boot === boot && known.term === term', 'known?.term === term')],
    oracles: ['R12', 'R7', 'R1'],
    ...hunt('membership', 200),
  },
  {
    name: 'a joint configuration asks only the new voters',
    edits: [edit(quorum, 'return [voters, outgoing].filter(', 'return (outgoing.length < 0 ? [] : [voters]).filter(')],
    oracles: ['R1', 'R4', 'R6', 'X1'],
    ...hunt('membership', 60),
  },
  {
    name: 'learners count as voters',
    edits: [
      edit(
        quorum,
        'quorumOf({ voters, outgoing }: Configuration): Quorum {',
        'quorumOf({ voters: full, outgoing, learners }: Configuration): Quorum {\n  const voters = [...full, ...learners];',
      ),
    ],
    oracles: ['R1', 'R6', 'X1'],
    ...hunt('membership', 60),
  },
  {
    name: 'voters change in one step',
    edits: [edit(raft, 'encodeConfiguration(configuration)', 'encodeConfiguration(settled(configuration))')],
    oracles: ['R12'],
    ...hunt('membership', 20),
  },
  {
    name: 'a joint configuration is left before it is committed',
    edits: [edit(raft, 'if (s.commitIndex >= s.log.era.since) this.completeChange(now);', 'this.completeChange(now);')],
    oracles: ['R12'],
    ...hunt('membership', 20),
  },
  {
    name: 'an id is given twice',
    edits: [edit(configuration, '], highest: replica };', '], highest: c.highest };')],
    oracles: ['R12'],
    ...hunt('membership', 20),
  },
  {
    name: 'a replica is spoken to before it is committed that there is one',
    edits: [edit(replication, ' || progress.addedAt > s.commitIndex) continue;', ') continue;')],
    oracles: ['R7', 'R10', 'R6', 'V1', 'core', 'R13', 'V2'],
    ...hunt('membership', 150),
  },
  {
    name: 'a configuration stays when its entry is cut off',
    edits: [
      edit(
        'core/raft/log.ts',
        'this.eras.filter(({ since }) => since < index || since <= this.base.index);',
        'this.eras;',
      ),
    ],
    oracles: ['R13', 'R7', 'R1', 'R6', 'R12', 'V1', 'V2'],
    ...hunt('membership', 200),
  },
  {
    name: 'a snapshot that is installed does not say who belongs to the group',
    edits: [edit(snapshots, 'loader.configuration ?? this.raft.configuration', 'this.raft.configuration')],
    oracles: ['R13', 'R1', 'R6', 'V1'],
    ...hunt('membership', 60),
  },
  {
    name: 'it is not written that a replica has left its group',
    edits: [
      edit('core/node/replicas.ts', 'this.tombstones.push(this.hosting.end(group));', 'this.hosting.end(group);'),
    ],
    oracles: ['disk', 'V2'],
    ...hunt('membership', 400),
  },
  {
    name: 'a replica saves its state before it knows who belongs to its group',
    edits: [
      edit(
        snapshots,
        'return this.raft.state.log.configurationAt(this.owner.applied).voters.length > 0;',
        'return true;',
      ),
    ],
    oracles: ['R13', 'R1', 'R12', 'V1', 'V2', 'core'],
    ...hunt('membership', 400),
  },
  {
    name: 'memory of writes serves for the next before the disk has them',
    edits: [
      edit('core/log/appender.ts', 'if (this.synced === this.sequence) this.writer.reuse();', 'this.writer.reuse();'),
    ],
    oracles: ['disk'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a tenant that has left comes only when the metadata group knows that',
    edits: [
      edit(
        'core/migration/departures.ts',
        "if (action.step === 'prepare') this.prepare(departure);",
        "if (action.step === 'prepare') this.prepare(departure);\n        else if (action.step === 'activate' && !departure.isNoted) this.note(departure, true);",
      ),
    ],
    oracles: ['V5'],
    ...hunt('metadata-down', 200),
  },
  {
    name: 'the metadata group is asked where a tenant is whenever its group has another leader',
    edits: [edit(forwarder, "if (kind === 'notOwner') lane", "if (kind === 'notOwner' || kind === 'notLeader') lane")],
    oracles: ['V5'],
    ...hunt('metadata-down', 60),
  },
  {
    name: 'an order is carried out although its group has changed since',
    edits: [edit('core/node/replicas.ts', ' || group.raft.state.log.era.since > index) return;', ') return;')],
    oracles: ['N5', 'N2'],
    ...hunt('scale-out', 400),
  },
  {
    name: 'an order counts only where the members are known since the same entry',
    edits: [
      edit(
        'core/node/replicas.ts',
        'group.raft.state.log.era.since > index',
        'group.raft.state.log.era.since !== index',
      ),
    ],
    oracles: ['N3', 'N4'],
    ...hunt('scale-out', 60),
  },
  {
    name: 'where an operator has put a leader it stays, whatever the planner says',
    edits: [edit(raft, "if (change.kind === 'prefer') s.stays = false;", '')],
    oracles: ['N3', 'N4', 'V2'],
    ...hunt('scale-out', 400),
  },
  {
    name: 'a drained node is given replicas again',
    edits: [
      edit(
        'core/node/balancer.ts',
        "const isLeaving = state === 'draining' && seen === 'up';",
        "const isLeaving =\n      state === 'draining' &&\n      seen === 'up' &&\n      [...this.router.groups.groups].some((group) => this.router.groups.votersOf(group).includes(node));",
      ),
    ],
    oracles: ['N3', 'N4'],
    ...hunt('scale-out', 60),
  },
  {
    name: 'a member that was to come and is lost is waited for',
    edits: [edit('core/placement/groupDraft.ts', 'joins && !isLost(indexOf(node))', 'joins')],
    oracles: ['N3', 'N4'],
    ...hunt('scale-out', 200),
  },
  {
    name: 'the id of a node that was removed is given again',
    edits: [
      edit(
        'core/metadata/nodeMap.ts',
        'Math.max(0, ...this.nodes.keys()) + 1',
        "Math.max(0, ...[...this.nodes.values()].filter(({ state }) => state !== 'removed').map((known) => known.node)) + 1",
      ),
    ],
    oracles: ['N1'],
    ...hunt('scale-out', 400),
  },
  {
    name: 'a node that has joined takes all that it was told of for the first nodes',
    edits: [edit('core/node/hosting.ts', 'nodes.filter(({ hasJoined }) => !hasJoined)', 'nodes')],
    oracles: ['N1', 'R13', 'R5', 'core'],
    ...hunt('scale-out', 200),
  },
  {
    name: 'a node is removed although it has replicas, which count as up',
    edits: [
      edit('core/node/commands/node.ts', "kind === 'remove' && held.length > 0", 'held.length < 0'),
      edit('core/node/balancer.ts', "const isGone = state === 'removed' || ", 'const isGone = '),
      edit(
        'core/node/balancer.ts',
        'const seen = this.stateOf(node, mono);',
        "const seen = state === 'removed' ? 'up' : this.stateOf(node, mono);",
      ),
    ],
    oracles: ['N3', 'V1', 'V2', 'V3'],
    ...hunt('scale-out', 60),
  },
];

function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}

function hunt(profile: Profile, seeds: number, from = 1): Pick<Bug, 'profile' | 'from' | 'seeds'> {
  return { profile, from, seeds };
}
