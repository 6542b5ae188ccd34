import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { availableParallelism } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { canary } from '../../sim/bugs/bank/elections.ts';
import { bugs } from '../../sim/bugs/bank.ts';
import type { Bug } from '../../sim/bugs/bug.ts';
import { readStored, storedIn } from '../../sim/bugs/stored.ts';
import { type Hunt, hunt, otherNoises, replayWith } from '../../sim/cli/hunt.ts';
import { simulate } from '../../sim/simulate.ts';

const found = new Map<Bug, Hunt>();

describe('every planted bug', () => {
  beforeAll(async () => {
    const queue = [...bugs];
    const work = async (): Promise<void> => {
      for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
        const scenario = readStored(bug);
        if (scenario !== null) found.set(bug, await replayWith(bug, scenario, otherNoises));
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  }, 600_000);

  it.each(bugs)('is found by its oracle in the scenario that is kept for it: $name', (bug) => {
    expect(describeFind(bug)).toMatch(new RegExp(`^(${bug.oracles.join('|')}): `));
  });

  it.each(bugs)('is what that scenario finds, and nothing else: $name', (bug) => {
    const scenario = readStored(bug);
    expect(scenario === null ? 'nothing' : simulate(scenario).verdict.kind).toMatch(/^(clean|invalid)$/);
  });
});

describe('the bank', () => {
  it('is what the manual says it is', () => {
    const manual = readFileSync(new URL('../../docs/simulation.md', import.meta.url), 'utf8');
    const [, section = ''] = manual.split('## Planted bugs');
    const tables = section.split('\n\n').filter((part) => part.startsWith('| bug |'));
    const rows = bugs.map(
      ({ name, oracles, profile, seeds }) => `| ${name} | ${oracles.join(', ')} | ${profile} | ${String(seeds)} |`,
    );
    expect(tables.flatMap((table) => table.trim().split('\n').slice(2))).toEqual(rows);
  });

  it('keeps no scenario of a bug that there is not', () => {
    expect(bugs.filter((bug) => readStored(bug) !== null)).toHaveLength(readdirSync(storedIn).length);
  });
});

describe('a planted bug', () => {
  it('whose text does not stand exactly once in its file is an error', async () => {
    const edits = [{ file: 'core/raft/raft.ts', find: 'const', replace: 'let' }];
    const twice = hunt({ name: 'none', edits, oracles: [], profile: 'calm', from: 1, seeds: 1 });
    await expect(twice).rejects.toThrow(/the text to replace stands in core\/raft\/raft.ts \d+ times: const/);
  });

  it('is hunted until a seed finds it: the canary, by the first', async () => {
    const bug = bugOf(canary);
    const { rule, tries, scenario } = await hunt(bug);
    expect({ rule, tries, name: scenario?.name }).toEqual({
      rule: expect.stringMatching(/^R[16]$/) as unknown,
      tries: 1,
      name: 'mixed 1',
    });
  });

  it('that a swarm meets is reported, with how to see it again and how to make it small: the canary', async () => {
    const { status, out } = await swarmWith(bugOf(canary));
    expect(status).toBe(1);
    expect(out).toMatch(/^seed 1: violation of R[16] at /m);
    expect(out).toContain('npm run sim -- --seed 1 --profile mixed --trace\n');
    expect(out).toContain('npm run sim -- shrink --seed 1 --profile mixed\n');
    expect(out).toContain('2 runs: 0 clean, 0 invalid, 2 violations\n');
  });
});

function describeFind(bug: Bug): string {
  const { rule, message, tries } = found.get(bug) ?? { rule: null, message: '', tries: 0 };
  if (rule !== null) return `${rule}: ${message}`;
  return `not found in ${String(tries)} runs of its scenario: npm run sim -- bugs "${bug.name}" --store`;
}

function bugOf(name: string): Bug {
  const bug = bugs.find((each) => each.name === name);
  if (bug === undefined) throw new Error(`there is no bug '${name}'`);
  return bug;
}

/** The command line itself, in processes that have the bug. */
async function swarmWith({ edits }: Bug): Promise<{ readonly status: number | null; readonly out: string }> {
  const preload = new URL('../../sim/bugs/register.js', import.meta.url).href;
  const main = fileURLToPath(new URL('../../sim/cli/main.ts', import.meta.url));
  const args = ['--import', preload, '--import', 'tsx', main, '--seeds', '1..2', '--jobs', '1'];
  const env = { ...process.env, NO_COLOR: '1', LEASEHOLD_BUG: JSON.stringify(edits) };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { env }, (_, out) => {
      resolve({ status: child.exitCode, out });
    });
  });
}
