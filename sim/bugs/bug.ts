/** A planted bug: a small change of the source that breaks one rule, and where its oracle finds it. */
import type { Profile } from '../scenario/scenario.ts';

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Bug {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Any of these may be the first to see it. */
  readonly oracles: readonly string[];
  readonly profile: Profile;
  /** The first seed of the hunt, and how many it may take; 0 if only the scenario that is kept is known to find it. */
  readonly from: number;
  readonly seeds: number;
}

export function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}

export function hunt(profile: Profile, seeds: number, from = 1): Pick<Bug, 'profile' | 'from' | 'seeds'> {
  return { profile, from, seeds };
}
