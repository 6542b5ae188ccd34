/** A data directory is begun once and on purpose, and peers know it again. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeId } from '../../core/index.ts';
import { beginStore, openStore, readStore, renewStore } from '../../runtime/disk/store.ts';
import { ConfigError } from '../../runtime/exitCodes.ts';
import { KnownStores } from '../../runtime/peers/knownStores.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('a directory that nobody has begun is refused, and says what to do', () => {
  expect(() => openStore(directory)).toThrow(ConfigError);
  expect(() => openStore(directory)).toThrow(/leasehold init.*leasehold init --lost/);
  expect(readStore(directory)).toBeNull();
});

test('a directory is begun once', () => {
  const begun = beginStore(join(directory, 'deep', 'data'), 'new');
  expect(begun).toMatchObject({ began: 'new', store: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
  expect(openStore(join(directory, 'deep', 'data'))).toEqual(begun);
  expect(() => beginStore(join(directory, 'deep', 'data'), 'lost')).toThrow(/is that of a node already/);
});

test('a directory that a node has used before there were ids is given one', () => {
  mkdirSync(join(directory, 'log'));
  expect(() => beginStore(directory, 'new')).toThrow(/is that of a node already/);
  expect(openStore(directory)).toEqual(readStore(directory));
});

test('a file that is damaged is told as such', () => {
  writeFileSync(join(directory, 'store.json'), '{"store":"12"}');
  expect(() => openStore(directory)).toThrow(/store\.json cannot be read/);
});

test('a peer that comes with another directory is refused, unless it says that its own is lost', () => {
  const [peer, other] = [NodeId(2), NodeId(3)];
  const known = (): KnownStores => new KnownStores(directory);
  const [old, blank, next] = ['a'.repeat(16), 'b'.repeat(16), 'c'.repeat(16)];
  expect(known().refuse(peer, { store: old, began: 'new' })).toBeNull();
  expect(known().refuse(other, { store: blank, began: 'new' })).toBeNull();
  expect(known().refuse(peer, { store: old, began: 'new' })).toBeNull();
  expect(known().refuse(peer, { store: blank, began: 'new' })).toMatch(/another data directory than before/);
  expect(known().refuse(peer, { store: blank, began: 'joined' })).toMatch(/another data directory than before/);
  expect(known().refuse(peer, { store: next, began: 'lost' })).toBeNull();
  expect(known().refuse(peer, { store: next, began: 'lost' })).toBeNull();
  // What was given up does not come back.
  expect(known().refuse(peer, { store: old, began: 'new' })).toMatch(/was given up/);
});

test('peers that cannot be read are told as such', () => {
  writeFileSync(join(directory, 'peers.json'), '[');
  expect(() => new KnownStores(directory)).toThrow(/peers\.json cannot be read/);
});

test('a directory whose log is lost is another one, which peers let in', () => {
  const begun = beginStore(join(directory, 'data'), 'joined');
  const renewed = renewStore(join(directory, 'data'));
  expect(renewed.began).toBe('lost');
  expect(renewed.store).not.toBe(begun.store);
  expect(openStore(join(directory, 'data'))).toEqual(renewed);
  const known = new KnownStores(directory);
  expect(known.refuse(NodeId(2), begun)).toBeNull();
  expect(known.refuse(NodeId(2), renewed)).toBeNull();
  expect(known.refuse(NodeId(2), begun)).toMatch(/was given up/);
});
