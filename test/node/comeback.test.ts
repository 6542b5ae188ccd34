/** The dead do not come back; and each of the rules that keep them away is needed. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Edit } from '../../sim/bugs/bug.ts';
import { comeback } from './comeback.ts';

test('what was given up never counts again', () => {
  expect(comeback()).toEqual([]);
});

const replicas = 'core/node/replicas.ts';
const raft = 'core/raft/raft.ts';
const groupMap = 'core/routing/groupMap.ts';

const bugs: readonly (Edit & { readonly name: string; readonly shows: string })[] = [
  {
    name: 'who hears of a later generation goes on',
    file: replicas,
    find: 'group.raft.standDown(successors, this.now.mono);',
    replace: '',
    shows: 'it serves when its majority has heard',
  },
  {
    name: 'who has stood down acknowledges and votes',
    file: raft,
    find: 'if (s.successors !== null) return;',
    replace: '',
    shows: 'it serves when its majority has heard',
  },
  {
    name: 'what is told is believed, and deleted for',
    file: replicas,
    find: 'group.raft.standDown(successors, this.now.mono);',
    replace: 'group.raft.leave(this.now.mono);',
    shows: 'it deletes what it has on hearsay',
  },
  {
    name: 'who has stood down asks nobody',
    file: raft,
    find: "for (const replica of successors) this.out.sendAfterHardState(replica, { kind: 'heartbeatReply', term, round: 0 });",
    replace: '',
    shows: 'it keeps what it has',
  },
  {
    name: 'of two generations the longer log wins',
    file: groupMap,
    find: 'return generation === present ? told.index > known.index : generation > present;',
    replace: 'return told.index > known.index;',
    shows: 'it keeps what it has',
  },
];

test.each(bugs)('$name: $shows', ({ file, find, replace, shows }) => {
  const preload = new URL('../../sim/bugs/register.js', import.meta.url).href;
  const program = fileURLToPath(new URL('comeback.ts', import.meta.url));
  const env = { ...process.env, LEASEHOLD_BUG: JSON.stringify([{ file, find, replace }]) };
  const out = execFileSync(process.execPath, ['--import', preload, '--import', 'tsx', program], { env });
  expect(JSON.parse(out.toString())).toContain(shows);
});
