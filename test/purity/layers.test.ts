/** Imports inside the core point downwards. Each forbidden direction is shown to be refused. */
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseOptions } from 'dependency-cruiser';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { forbidden, options } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as {
  forbidden: unknown[];
  options: ICruiseOptions;
};

const wrong: Readonly<Record<string, readonly [file: string, imports: string]>> = {
  'base from raft': ['core/base/upward.ts', '../raft/quorum.ts'],
  'raft from group': ['core/raft/upward.ts', '../group/machine.ts'],
  'engine from raft, its neighbour': ['core/engine/sideways.ts', '../raft/quorum.ts'],
  'wire from log, which is built on it': ['core/wire/sideways.ts', '../log/appender.ts'],
  'group from forward': ['core/group/upward.ts', '../forward/procedure.ts'],
  'routing from node': ['core/routing/upward.ts', '../node/defaults.ts'],
  'core from runtime': ['core/node/outward.ts', '../../runtime/random.ts'],
  'runtime from sim': ['runtime/sideways.ts', '../sim/base/hash.ts'],
  'sim from runtime': ['sim/sideways.ts', '../runtime/random.ts'],
};

let found = new Set<string>();
let place = '';

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'layers-'));
  for (const folder of ['core', 'runtime', 'sim']) cpSync(join(root, folder), join(place, folder), { recursive: true });
  for (const file of ['tsconfig.json', 'package.json']) cpSync(join(root, file), join(place, file));
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  for (const [file, imports] of Object.values(wrong))
    writeFileSync(join(place, file), `import * as x from '${imports}';\nexport const y = x;\n`);
  const result = await cruise(['core', 'runtime', 'sim'], {
    tsPreCompilationDeps: options.tsPreCompilationDeps ?? true,
    doNotFollow: options.doNotFollow ?? {},
    enhancedResolveOptions: options.enhancedResolveOptions ?? {},
    baseDir: place,
    validate: true,
    ruleSet: { forbidden } as NonNullable<ICruiseOptions['ruleSet']>,
  });
  if (typeof result.output === 'string') throw new Error('a result was expected');
  found = new Set(result.output.summary.violations.map(({ from }) => from));
}, 120_000);

afterAll(() => {
  rmSync(place, { recursive: true, force: true });
});

test.each(Object.entries(wrong))('%s is refused', (_, [file]) => {
  expect([...found]).toContain(file);
});

test('nothing else is', () => {
  expect(found).toEqual(new Set(Object.values(wrong).map(([file]) => file)));
});
