/** Planted bugs: votes, terms and who leads. */
import { type Bug, edit, hunt } from '../bug.ts';

/** It shows in every run: if it is not found, hunting does not work. */
export const canary = 'canary: one voter counts as a majority';

const raft = 'core/raft/raft.ts';
const replication = 'core/raft/replication.ts';
const outbox = 'core/raft/outbox.ts';
const quorum = 'core/raft/quorum.ts';

export const elections: readonly Bug[] = [
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
];
