/** Planted bugs: where tenants and leaders are said to be. */
import { type Bug, edit, hunt } from '../bug.ts';

export const maps: readonly Bug[] = [
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
    name: 'what a node asks itself about a group that has left it gets no answer',
    edits: [edit('core/node/node.ts', '      this.astray.push({ request, attempt });\n', '')],
    oracles: ['V2', 'V1', 'V3', 'V4', 'V5'],
    ...hunt('moves', 0),
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
];
