/**
 * The planted bugs. Each is a small change of the source, made when the module is loaded and never in the code
 * itself, that breaks one rule; the oracle of that rule must find it within the seeds it names. A change whose
 * text does not stand exactly once in its file is an error.
 */
import type { Bug } from './bug.ts';
import { elections } from './bank/elections.ts';
import { exactlyOnce } from './bank/exactlyOnce.ts';
import { groups } from './bank/groups.ts';
import { maps } from './bank/maps.ts';
import { membership } from './bank/membership.ts';
import { moves } from './bank/moves.ts';
import { nodes } from './bank/nodes.ts';
import { reads } from './bank/reads.ts';
import { logs } from './bank/logs.ts';
import { storage } from './bank/storage.ts';

/** By what they break, as the manual lists them. */
export const bugs: readonly Bug[] = [
  ...elections,
  ...logs,
  ...reads,
  ...membership,
  ...exactlyOnce,
  ...storage,
  ...moves,
  ...maps,
  ...nodes,
  ...groups,
];
