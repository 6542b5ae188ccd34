import { availableParallelism } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { bugs } from '../../sim/bugs/bank.ts';
import { type Hunt, hunt } from '../../sim/cli/hunt.ts';

const found = new Map<string, Hunt>();

describe('every planted bug', () => {
  beforeAll(async () => {
    const queue = [...bugs];
    const work = async (): Promise<void> => {
      for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) found.set(bug.name, await hunt(bug));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  }, 600_000);

  it.each(bugs)('is found by its oracle within its seeds: $name', ({ name, oracles, seeds }) => {
    const { rule, message } = found.get(name) ?? { rule: null, message: '' };
    expect(rule === null ? `not found in ${String(seeds)} seeds` : `${rule}: ${message}`).toMatch(
      new RegExp(`^(${oracles.join('|')}): `),
    );
  });
});

describe('a planted bug', () => {
  it('whose text does not stand exactly once in its file is an error', async () => {
    const edits = [{ file: 'core/raft/raft.ts', find: 'const', replace: 'let' }];
    const twice = hunt({ name: 'none', edits, oracles: [], profile: 'calm', from: 1, seeds: 1 });
    await expect(twice).rejects.toThrow(/the text to replace stands in core\/raft\/raft.ts \d+ times: const/);
  });
});
