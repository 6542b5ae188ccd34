/** Planted bugs: groups that are made while the cluster runs. */
import { type Bug, edit, hunt } from '../bug.ts';

const hosting = 'core/node/hosting.ts';

export const groups: readonly Bug[] = [
  {
    name: 'a group that was made begins on another data directory than it was made for',
    edits: [edit(hosting, 'node === self && store === own', 'node === self')],
    oracles: ['R12'],
    ...hunt('scale-out', 200),
  },
  {
    name: 'a replica that has left its group begins again as the group was made',
    edits: [edit(hosting, ' || this.removed.has(group) || !this.mayBegin', ' || !this.mayBegin')],
    oracles: ['R12'],
    ...hunt('scale-out', 100),
  },
  {
    name: 'the id of a group that was made is given again',
    edits: [
      edit(
        'core/metadata/nodeMap.ts',
        'Math.max(above, this.made.at(-1)?.group ?? 0)',
        'above - Math.min(1, this.made.length)',
      ),
    ],
    oracles: ['N1'],
    ...hunt('scale-out', 20),
  },
  {
    name: 'groups that were made are not in a snapshot',
    edits: [
      edit(
        'core/group/state/directoryRecords.ts',
        'new NodeMap(this.nodes)',
        'new NodeMap({ ...this.nodes, groups: [] })',
      ),
    ],
    oracles: ['N1', 'X4', 'R13'],
    ...hunt('scale-out', 60),
  },
];
