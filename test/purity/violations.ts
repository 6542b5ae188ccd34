/**
 * Ways out of the core: what each is called, a source that tries it, and what refuses it. `TS` and a number is the
 * compiler; anything else is a lint rule. A source is right in every other respect.
 */
export type Violation = readonly [name: string, source: string, refusedBy: readonly string[]];

const syntax = 'no-restricted-syntax';
const globals = 'no-restricted-globals';
const imports = 'no-restricted-imports';
const properties = 'no-restricted-properties';
const moduleState = 'core/module-state';
const bannedComment = '@typescript-eslint/ban-ts-comment';
const reference = '@typescript-eslint/triple-slash-reference';
const noSuchName = 'TS2304';
const notInTheLibrary = 'TS2583';
const onlyAsType = 'TS2585';
const onlyInBrowsers = 'TS2584';
const onlyInNode = 'TS2591';
const noPromises = 'TS2705';
const outsideTheProject = 'TS6059';

/** What uses something that a host offers, or that differs between machines. */
export const uses: readonly Violation[] = [
  ['Date.now', 'export const x = (): number => Date.now();', [globals]],
  ['new Date', 'export const x = (): number => new Date().getTime();', [globals]],
  ['globalThis.Date', 'export const x = (): number => globalThis.Date.now();', [globals]],
  ['performance', 'export const x = (): number => performance.now();', [noSuchName, globals]],
  ['Math.random', 'export const x = (): number => Math.random();', [properties]],
  ["Math['random']", "export const x = (): number => Math['random']();", [properties, syntax]],
  ['Math taken apart', 'const { random } = Math;\nexport const x = (): number => random();', [properties, syntax]],
  ['Math under another name', 'const m = Math;\nexport const x = (): number => m.random();', [syntax]],
  [
    'Math passed on',
    'const f = (m: { random: () => number }): number => m.random();\nexport const x = (): number => f(Math);',
    [syntax],
  ],
  ['Math.pow', 'export const x = (a: number): number => Math.pow(a, 1.5);', [properties]],
  ['a ** b', 'export const x = (a: number): number => a ** 1.5;', [syntax]],
  ['crypto', 'export const x = (): unknown => crypto.randomUUID();', [noSuchName, globals]],
  ['setTimeout', 'export const x = (): void => { setTimeout(() => undefined, 1); };', [noSuchName, globals]],
  ['setImmediate', 'export const x = (): void => { setImmediate(() => undefined); };', [noSuchName, globals]],
  ['queueMicrotask', 'export const x = (): void => { queueMicrotask(() => undefined); };', [noSuchName, globals]],
  ['process', 'export const x = (): unknown => process.env;', [onlyInNode, globals]],
  ['Buffer', 'export const x = (): unknown => Buffer.alloc(1);', [onlyInNode, globals]],
  ['console', 'export const x = (): void => { console.log(1); };', [onlyInBrowsers, globals]],
  ['fetch', "export const x = (): unknown => fetch('http://localhost');", [noSuchName, globals]],
  ['TextEncoder', 'export const x = (): unknown => new TextEncoder();', [noSuchName, globals]],
  ['structuredClone', 'export const x = (o: object): unknown => structuredClone(o);', [noSuchName, globals]],
  ['a host object that lint has no name for', 'export const x = (): unknown => new AbortController();', [noSuchName]],
  ['require', "export const x = (): unknown => require('fs');", [onlyInNode, globals]],
  ['an async function', 'export async function x(): Promise<void> {}', [syntax]],
  ['an async arrow', 'export const x = async () => 1;', [syntax]],
  ['await', 'export const x = async (p: PromiseLike<number>) => { await p; };', [noPromises, syntax]],
  ['an await of the module', 'export const x = await 1;', [syntax]],
  ['an async generator', 'export async function* x() { yield 1; }', [syntax]],
  ['new Promise', 'export const x = (): unknown => new Promise((r: () => void) => { r(); });', [onlyAsType, globals]],
  ['the type of a promise', 'export type X = Promise<number>;', [syntax]],
  ['eval', "export const x = (): unknown => eval('1');", [globals]],
  ['new Function', "export const x = (): unknown => new Function('return 1')();", [globals]],
  ['.constructor', "export const x = (): unknown => (() => 1).constructor('return Date.now()');", [syntax]],
  [
    'constructor taken apart',
    'export const x = (f: () => number): unknown => { const { constructor } = f; return constructor; };',
    [syntax],
  ],
  ['Reflect', "export const x = (o: object): unknown => Reflect.get(o, 'constructor');", [notInTheLibrary, globals]],
  ['Intl', 'export const x = (): unknown => new Intl.NumberFormat();', [globals]],
  ['localeCompare', 'export const x = (a: string, b: string): number => a.localeCompare(b);', [properties]],
  ['toLocaleString', 'export const x = (a: number): string => a.toLocaleString();', [properties]],
  ['normalize', 'export const x = (a: string): string => a.normalize();', [properties]],
  ['the stack of an error', 'export const x = (e: Error): unknown => e.stack;', [syntax]],
  ['WeakRef', 'export const x = (o: object): unknown => new WeakRef(o);', [noSuchName, globals]],
  ['Atomics', 'export const x = (a: Int32Array): number => Atomics.add(a, 0, 1);', [notInTheLibrary, globals]],
  [
    'for-in',
    'export const x = (o: object): string[] => { const r: string[] = []; for (const k in o) r.push(k); return r; };',
    [syntax],
  ],
  [
    'a sort without a comparison',
    'export const x = (a: number[]): number[] => a.sort();',
    ['@typescript-eslint/require-array-sort-compare'],
  ],
  ['a variable of the module', 'let n = 0;\nexport const x = (): number => ++n;', [syntax]],
  ['an exported variable', 'export let n = 0;\nexport const x = (): number => ++n;', [syntax]],
  [
    'a map of the module',
    "const m = new Map<string, number>();\nexport const x = (): unknown => m.set('a', 1);",
    [syntax, moduleState],
  ],
  [
    'a map that a function made',
    'const make = (): Map<string, number> => new Map();\nexport const x = make();',
    [moduleState],
  ],
  ['an array of the module', 'const a: number[] = [];\nexport const x = (): unknown => a.push(1);', [moduleState]],
  ['an object of the module', 'const o = { n: 0 };\nexport const x = (): number => ++o.n;', [moduleState]],
  [
    'an instance of the module',
    'class C { #n = 0; next(): number { return ++this.#n; } }\nexport const x = new C();',
    [syntax],
  ],
  [
    'a regular expression that remembers',
    'const r = /a/g;\nexport const x = (s: string): boolean => r.test(s);',
    [syntax],
  ],
  ['a static field', 'export class X { static n = 0; bump(): void { X.n += 1; } }', [syntax]],
  ['a static field that can be changed', 'export class X { static readonly seen: string[] = []; }', [moduleState]],
  [
    'an ambient function',
    'declare function setTimeout(f: () => void, ms: number): unknown;\nexport const x = (): unknown => setTimeout(() => undefined, 1);',
    [syntax],
  ],
  [
    'an ambient variable',
    'declare const process: { readonly env: unknown };\nexport const x = (): unknown => process.env;',
    [syntax],
  ],
  ['a lint rule switched off', '/* eslint-disable */\nexport const x = (): number => Math.random();', [properties]],
  [
    'a lint rule switched off for a line',
    'export const x = (): number => Math.random(); // eslint-disable-line',
    [properties],
  ],
  ['ts-ignore', '// @ts-ignore\nexport const x = (): unknown => process.env;', [bannedComment, globals]],
  ['ts-expect-error', '// @ts-expect-error\nexport const x = (): unknown => process.env;', [bannedComment, globals]],
  ['ts-nocheck', '// @ts-nocheck\nexport const x = () => process.env;', [bannedComment, globals]],
];

/** What brings in something from elsewhere. What these declare is known to every file that is compiled with them. */
export const arrivals: readonly Violation[] = [
  ['an import of node', "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;", [imports]],
  [
    'an import of a package',
    "import seedrandom from 'seedrandom';\nexport const x = (): unknown => seedrandom('a');",
    [imports],
  ],
  ['an import of types of node', "import type { Socket } from 'node:net';\nexport type X = Socket;", [imports]],
  ['an export from node', "export { readFileSync } from 'node:fs';", [imports]],
  [
    'an import of runtime',
    "import { exitCodes } from '../runtime/exitCodes.ts';\nexport const x = exitCodes;",
    [outsideTheProject, imports],
  ],
  [
    'an import of types of runtime',
    "import type * as R from '../runtime/exitCodes.ts';\nexport type X = typeof R;",
    [imports],
  ],
  [
    'an import of sim',
    "import { RollingHash } from '../sim/base/hash.ts';\nexport const x = (): unknown => RollingHash;",
    [outsideTheProject, imports],
  ],
  [
    'an import of test',
    "import { uses } from '../test/purity/violations.ts';\nexport const x = uses;",
    [outsideTheProject, imports],
  ],
  ['a dynamic import', "export const x = (): unknown => import('node:fs');", [syntax]],
  ['an import() type', "export type X = import('node:net').Socket;", [syntax]],
  ['a global declaration', 'declare global { const host: unknown }\nexport const x = (): unknown => host;', [syntax]],
  [
    'a reference to types',
    '/// <reference types="node" />\nexport const x = (): string => __dirname;',
    [reference, globals],
  ],
  [
    'a reference to a library',
    '/// <reference lib="dom" />\nexport const x = (): unknown => navigator;',
    [reference, globals],
  ],
];

/** Ways out of the simulated world, from a file of `sim/`. */
export const simulated: readonly Violation[] = [
  ['the clock', 'export const x = (): number => Date.now();', [globals]],
  ['randomness', 'export const x = (): number => Math.random();', [properties]],
  ['timers', 'export const x = (): void => { setTimeout(() => undefined, 1); };', [globals]],
  ['sockets', "import { connect } from 'node:net';\nexport const x = connect;", [imports]],
  ['files', "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;", [imports]],
  [
    'an import of runtime',
    "import { exitCodes } from '../runtime/exitCodes.ts';\nexport const x = exitCodes;",
    [outsideTheProject, imports],
  ],
];

/** What is allowed in the core, so that refusing everything would not pass. */
export const innocent = `
import { noBytes } from './base/bytes.ts';

const sizes: ReadonlyMap<string, number> = new Map([['small', 1]]);
const names = ['a', 'b'] as const;
const digits = /^[0-9]+$/;

export function longest(parts: readonly Uint8Array[]): Uint8Array {
  let found = noBytes;
  for (const part of parts) if (part.length > found.length) found = part;
  return found;
}

export function describe(name: string): string {
  const size = Math.max(0, sizes.get(name) ?? 0);
  return digits.test(name) ? \`number \${size}\` : names.join();
}
`;
