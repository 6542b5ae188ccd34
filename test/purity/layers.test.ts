/** Imports inside the core point downwards: what is forbidden is shown to be refused, and what is not is accepted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type IConfiguration, type ICruiseOptions } from 'dependency-cruiser';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { forbidden, options } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as IConfiguration;

type Import = readonly [from: string, kind: 'import' | 'import type', to: string];

const refused: readonly (readonly [...Import, by: string])[] = [
  ['core/base/a.ts', 'import', 'core/raft/b.ts', 'base-imports-downwards'],
  ['core/wire/a.ts', 'import', 'core/log/b.ts', 'wire-imports-downwards'],
  ['core/wire/c.ts', 'import', 'core/raft/types.ts', 'wire-imports-downwards'],
  ['core/log/a.ts', 'import', 'core/wire/b.ts', 'log-imports-downwards'],
  ['core/engine/a.ts', 'import', 'core/raft/b.ts', 'engine-imports-downwards'],
  ['core/engine/c.ts', 'import type', 'core/group/b.ts', 'engine-imports-types-downwards'],
  ['core/raft/a.ts', 'import', 'core/group/b.ts', 'raft-imports-downwards'],
  ['core/metadata/a.ts', 'import', 'core/engine/b.ts', 'metadata-imports-downwards'],
  ['core/group/a.ts', 'import', 'core/forward/b.ts', 'group-imports-downwards'],
  ['core/routing/a.ts', 'import', 'core/forward/b.ts', 'routing-imports-downwards'],
  ['core/forward/a.ts', 'import', 'core/node/b.ts', 'forward-imports-downwards'],
  ['core/elsewhere/a.ts', 'import', 'core/base/b.ts', 'core-folder-has-a-row'],
  ['core/node/a.ts', 'import', 'core/index.ts', 'core-door-is-for-others'],
  ['core/node/c.ts', 'import', 'runtime/b.ts', 'core-imports-only-core'],
  ['core/node/d.ts', 'import type', 'sim/b.ts', 'core-imports-only-core'],
  ['core/node/e.ts', 'import', 'test/b.ts', 'core-imports-only-core'],
  ['runtime/a.ts', 'import', 'sim/b.ts', 'runtime-not-sim-or-test'],
  ['sim/a.ts', 'import type', 'runtime/b.ts', 'sim-not-runtime-or-test'],
  ['sim/c.ts', 'import', 'test/b.ts', 'sim-not-runtime-or-test'],
  ['core/base/c.ts', 'import', 'core/base/d.ts', 'no-cycles'],
];

const accepted: readonly Import[] = [
  // Closes the circle above, which is reported once.
  ['core/base/d.ts', 'import', 'core/base/c.ts'],
  ['core/node/f.ts', 'import', 'core/forward/b.ts'],
  ['core/forward/f.ts', 'import', 'core/routing/b.ts'],
  ['core/group/f.ts', 'import', 'core/raft/b.ts'],
  ['core/raft/f.ts', 'import', 'core/base/b.ts'],
  ['core/wire/f.ts', 'import type', 'core/raft/types.ts'],
  ['core/log/f.ts', 'import', 'core/wire/entry.ts'],
  ['runtime/f.ts', 'import', 'core/index.ts'],
  ['sim/f.ts', 'import', 'core/index.ts'],
];

test('imports point downwards', async () => {
  const violations = await violationsOf([...refused, ...accepted]);
  expect(violations).toEqual(refused.map(([from, , to, by]) => `${by}: ${from} → ${to}`).sort());
});

/** What the project's rules say about a project that consists of these imports. */
async function violationsOf(imports: readonly (readonly [...Import, by?: string])[]): Promise<readonly string[]> {
  const place = mkdtempSync(join(tmpdir(), 'layers-'));
  try {
    const sources = new Map<string, string>(imports.map(([, , to]) => [to, 'export const x = 1;\n']));
    for (const [from, kind, to] of imports) {
      const path = relative(dirname(from), to);
      sources.set(from, `${kind} * as y from '${path.startsWith('.') ? path : `./${path}`}';\nexport const x = 1;\n`);
    }
    for (const [path, source] of sources) {
      mkdirSync(dirname(join(place, path)), { recursive: true });
      writeFileSync(join(place, path), source);
    }
    return await cruised(place);
  } finally {
    rmSync(place, { recursive: true });
  }
}

async function cruised(place: string): Promise<readonly string[]> {
  const ruleSet = { forbidden: forbidden ?? [] };
  const settings: ICruiseOptions = { ...options, baseDir: place, validate: true, ruleSet };
  delete settings.tsConfig;
  const { output } = await cruise(['core', 'runtime', 'sim'], settings);
  if (typeof output === 'string') throw new Error('a report was expected');
  return output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort();
}
