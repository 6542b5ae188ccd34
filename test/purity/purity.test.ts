/**
 * The core is pure, and stays so: each way out that we know of is shown to be shut, by the compiler or by lint;
 * and the core as a whole runs in a realm that has neither a clock nor randomness, promises or a host.
 */
import { mkdtempSync, rmSync, symlinkSync, cpSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { buildSync } from 'esbuild';
import { ESLint } from 'eslint';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { innocent, violations } from './violations.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const names = Object.keys(violations);
const fileOf = (name: string): string => `violation${String(names.indexOf(name))}.ts`;

/** By file name: what the compiler and lint have to say about it. */
const complaints = new Map<string, string[]>();
let place = '';

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'purity-'));
  for (const folder of ['core', 'runtime', 'sim']) cpSync(join(root, folder), join(place, folder), { recursive: true });
  for (const file of ['tsconfig.json', 'eslint.config.js', 'package.json']) cpSync(join(root, file), join(place, file));
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  mkdirSync(join(place, 'sim'), { recursive: true });
  for (const [name, source] of Object.entries(violations)) writeFileSync(join(place, 'core', fileOf(name)), source);
  writeFileSync(join(place, 'core', 'innocent.ts'), innocent);
  const files = [...names.map(fileOf), 'innocent.ts'];
  for (const file of files) complaints.set(file, []);
  const note = (path: string, text: string): void => void complaints.get(path.split('/').at(-1) ?? '')?.push(text);
  compile(note);
  const eslint = new ESLint({ cwd: place });
  for (const result of await eslint.lintFiles(files.map((file) => join('core', file)))) {
    for (const message of result.messages) note(result.filePath, message.ruleId ?? message.message);
  }
}, 120_000);

afterAll(() => {
  rmSync(place, { recursive: true, force: true });
});

function compile(note: (path: string, text: string) => void): void {
  const config = ts.readConfigFile(join(place, 'core', 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const parsed = ts.parseJsonConfigFileContent(config.config, ts.sys, join(place, 'core'));
  const program = ts.createProgram(parsed.fileNames, {
    ...parsed.options,
    noEmit: true,
    composite: false,
    incremental: false,
  });
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    if (diagnostic.file !== undefined)
      note(diagnostic.file.fileName, ts.flattenDiagnosticMessageText(diagnostic.messageText, ' '));
  }
}

describe('rejected in core/', () => {
  test.each(names)('%s', (name) => {
    expect(complaints.get(fileOf(name))).not.toEqual([]);
  });
});

test('ordinary code is accepted', () => {
  expect(complaints.get('innocent.ts')).toEqual([]);
});

const removed = [
  'Date',
  'Promise',
  'Intl',
  'WeakRef',
  'FinalizationRegistry',
  'SharedArrayBuffer',
  'Atomics',
  'WebAssembly',
  'Reflect',
  'Proxy',
];
const fence = `
  for (const name of ${JSON.stringify(removed)}) delete globalThis[name];
  delete Math.random;
  for (const name of ['sin','cos','tan','exp','log','log2','log10','pow','hypot','cbrt']) delete Math[name];
  delete String.prototype.localeCompare;
`;

test('the core runs where there is no clock, no randomness, no promise and no host', () => {
  const built = buildSync({
    stdin: { contents: scenario, resolveDir: join(root, 'core'), loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'result',
    platform: 'neutral',
    target: 'es2023',
  });
  const context = createContext(Object.create(null) as object, { codeGeneration: { strings: false, wasm: false } });
  new Script(fence).runInContext(context);
  new Script(`${built.outputFiles[0]?.text ?? ''}; globalThis.answer = result.answer;`).runInContext(context);
  expect((context as { answer: string }).answer).toBe('+OK\r\n$5\r\nhello\r\n');
});

/** One node, one group for tenants, one client: SET, then GET, with the disk and the clock played by hand. */
const scenario = `
import { binaryString, bytesOfBinary, ConnId, defaultSettings, GroupId, MonoTime, Node, NodeId, WallTime } from './index.ts';
const one = { node: NodeId(1), clientAddress: '', peerAddress: '' };
const group = (id) => ({ group: GroupId(id), replicas: [{ replica: 1, node: NodeId(1) }] });
let micros = 1;
const now = () => ({ mono: MonoTime(micros), wall: WallTime(1_000_000) });
let seed = 1;
const random = () => () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const topology = { clusterId: 'c', nodes: [one], groups: [group(0), group(1)], tenants: [] };
const restored = { boots: 0, groups: new Map() };
const node = new Node({ node: NodeId(1), boot: 1, topology, settings: defaultSettings, restored, random, now: now() });
let heard = '';
function run(inputs) {
  const queue = [...inputs];
  for (let turns = 0; turns < 2000; turns += 1) {
    const effects = node.step(queue.splice(0), now());
    for (const effect of effects) {
      if (effect.kind === 'sendToClient') heard += binaryString(effect.bytes);
      if (effect.kind === 'persist') queue.push({ kind: 'persisted', upTo: effect.write });
    }
    micros += 5000;
    queue.push({ kind: 'timer' });
  }
}
const conn = ConnId(1);
const command = (...words) => ({ kind: 'clientCommand', conn, args: words.map((word) => bytesOfBinary(word)) });
run([{ kind: 'clientOpened', conn, address: '' }]);
run([command('SET', '{acme}k', 'hello')]);
run([command('GET', '{acme}k')]);
export const answer = heard;
`;
