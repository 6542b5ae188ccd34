/**
 * The process of a hunt: runs seeds of a profile until an oracle objects, and prints what it found.
 */
import { expand } from '../scenario/expand.ts';
import { type Profile, profiles } from '../scenario/scenario.ts';
import { simulate } from '../simulate.ts';
import type { Find } from './hunt.ts';

const [name = '', from = '', seeds = ''] = process.argv.slice(2);
const profile: Profile = profiles.find((known) => known === name) ?? 'mixed';
process.stdout.write(JSON.stringify(search(Number(from), Number(seeds))));

function search(first: number, count: number): Find {
  for (let tried = 1; tried <= count; tried += 1) {
    const { verdict } = simulate(expand(first + tried - 1, profile));
    if (verdict.kind === 'violation') return { rule: verdict.rule, message: verdict.message, seeds: tried };
  }
  return { rule: null, message: '', seeds: count };
}
