/** Planted bugs: reads beside the log: rounds, leases and followers. */
import { type Bug, edit, hunt } from '../bug.ts';

const raft = 'core/raft/raft.ts';
const replication = 'core/raft/replication.ts';
const group = 'core/group/group.ts';

export const reads: readonly Bug[] = [
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
    ...hunt('membership', 100, 1001),
  },
  {
    name: 'a follower serves what came to it as to the leader',
    edits: [
      edit(
        'core/node/node.ts',
        "call.kind === 'command' && call.readsHere;",
        "call.kind === 'command' && call.lane.readsHere;",
      ),
    ],
    oracles: ['L2'],
    ...hunt('stale-map', 60, 2201),
  },
  {
    name: 'a read runs as it comes although what its connection wrote before has not',
    edits: [edit('core/forward/forwarder.ts', 'lane.unanswered.length === 0 && ', '')],
    oracles: ['L2'],
    ...hunt('mixed', 20),
  },
  {
    name: 'a read runs as it comes where its node takes itself for the leader',
    edits: [
      edit(
        'core/group/group.ts',
        'if (!this.canServeAtOnce(now.mono)) return null;',
        'if (this.isExhausted) return null;',
      ),
    ],
    oracles: ['X1', 'L1'],
    ...hunt('mixed', 20),
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
];
