/** Planted bugs: who belongs to a group, and replicas that begin anew. */
import { type Bug, edit, hunt } from '../bug.ts';

const raft = 'core/raft/raft.ts';
const replication = 'core/raft/replication.ts';
const group = 'core/group/group.ts';
const snapshots = 'core/group/snapshots.ts';
const quorum = 'core/raft/quorum.ts';
const configuration = 'core/raft/configuration.ts';

export const membership: readonly Bug[] = [
  {
    name: 'a node that has lost its log begins as it began first',
    edits: [
      edit(
        'core/node/hosting.ts',
        'if (made === undefined) return !this.isLost;',
        'if (made === undefined) return true;',
      ),
    ],
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
    name: 'an uncommitted entry says where the leader has to be',
    edits: [
      edit(
        'core/group/group.ts',
        'known !== null && (!leads || nodeIn(raft.committedConfiguration, replica) !== null)',
        'known !== null',
      ),
    ],
    oracles: ['V1', 'V2'],
    ...hunt('scale-out', 60, 50101),
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
    ...hunt('membership', 100, 1001),
  },
  {
    name: 'a learner gets its vote although those that are alive do not decide with it',
    edits: [
      edit(
        'core/raft/membership.ts',
        'return this.hasQuorumIn(withVote(configuration, learner), now);',
        'return true;',
      ),
    ],
    oracles: ['V1', 'V2', 'V3'],
    ...hunt('reconfigure', 60, 7150),
  },
];
