/** Planted bugs: the metadata group, the planner, and nodes that come and go. */
import { type Bug, edit, hunt } from '../bug.ts';

const raft = 'core/raft/raft.ts';
const forwarder = 'core/forward/forwarder.ts';

export const nodes: readonly Bug[] = [
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
    ...hunt('metadata-down', 0),
  },
  {
    name: 'an order is carried out although its group has changed since',
    edits: [edit('core/node/replicas.ts', '    if (group.raft.state.log.era.since > index) return true;\n', '')],
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
    edits: [edit('core/placement/groupDraft.ts', '!coming.every(isGivenUp)', 'coming.length > 0')],
    oracles: ['N3', 'N4'],
    ...hunt('scale-out', 60, 201),
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
      edit('core/group/directoryMachine.ts', 'return count === 0 ? null : {', 'return count >= 0 ? null : {'),
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
