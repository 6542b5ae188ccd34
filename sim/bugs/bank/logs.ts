/** Planted bugs: the log of a group and what of it counts. */
import { type Bug, edit, hunt } from '../bug.ts';

const raft = 'core/raft/raft.ts';
const replication = 'core/raft/replication.ts';
const outbox = 'core/raft/outbox.ts';
const group = 'core/group/group.ts';

export const logs: readonly Bug[] = [
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
    name: 'a follower whose disk is nearly full takes entries',
    edits: [edit(raft, 'if (this.config.isDiskShort() && message', 'if (message.round < 0 && message')],
    oracles: ['disk'],
    ...hunt('crashes', 120),
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
];
