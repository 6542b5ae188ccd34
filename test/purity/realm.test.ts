/** The core runs where there is no host, no clock, no randomness and no promise, and does there what it does here. */
import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { type Conversation, converse } from './conversation.ts';

/** What the language brings along although no two machines agree on it. */
const removed = {
  globalThis:
    'Date Promise Intl WeakRef FinalizationRegistry SharedArrayBuffer Atomics WebAssembly Reflect Proxy console'.split(
      ' ',
    ),
  Math: 'random sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh exp expm1 log log1p log2 log10 pow cbrt hypot'.split(
    ' ',
  ),
  'String.prototype': ['localeCompare', 'toLocaleLowerCase', 'toLocaleUpperCase', 'normalize'],
  'Number.prototype': ['toLocaleString'],
  'Array.prototype': ['toLocaleString'],
  'Object.prototype': ['toLocaleString'],
};

/** In strict mode, where a deletion that does not succeed throws. */
const fence = Object.entries(removed).flatMap(([owner, names]) => names.map((name) => `delete ${owner}.${name};`));

test('three nodes converse in a bare realm as they do in Node.js', () => {
  const here = converse();
  expect(here.replies).toBe('+OK\r\n:1\r\n$5\r\nhello\r\n$1\r\n1\r\n');
  expect(converseInBareRealm()).toEqual(here);
});

function converseInBareRealm(): Conversation {
  const bundle = buildSync({
    entryPoints: [fileURLToPath(new URL('conversation.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'bundle',
    platform: 'neutral',
    target: 'es2023',
  });
  const realm = createContext(Object.create(null) as object, { codeGeneration: { strings: false, wasm: false } });
  new Script(`'use strict';\n${fence.join('\n')}`).runInContext(realm);
  new Script(bundle.outputFiles[0]?.text ?? '').runInContext(realm);
  return JSON.parse(new Script('JSON.stringify(bundle.converse())').runInContext(realm) as string) as Conversation;
}
