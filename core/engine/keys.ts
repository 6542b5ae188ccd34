/** Commands on keys they name, whatever these hold. */
import { binaryString } from '../base/bytes.ts';
import { errors, unknownSubcommand, wrongArity } from '../resp/errors.ts';
import { parseInteger } from '../resp/numbers.ts';
import { argument, itemToRead, itemToWrite, keyAt, wordAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { isList, type Item, typeOf, type Value } from './keyspace.ts';

const generic = family('generic', '@keyspace');

export const keyCommands: readonly DataCommand[] = [
  generic('del', -2, 'write', 'all', '1.0.0', 'O(N) for N keys', 'Deletes keys.', del),
  generic('unlink', -2, 'write fast', 'all', '4.0.0', 'O(N) for N keys', 'Deletes keys.', del),
  generic('exists', -2, 'readonly fast', 'all', '1.0.0', 'O(N) for N keys', 'Counts the keys that exist.', exists),
  generic('touch', -2, 'readonly fast', 'all', '3.2.1', 'O(N) for N keys', 'Counts the keys that exist.', exists),
  generic('type', 2, 'readonly fast', 'first', '1.0.0', 'O(1)', 'Answers what a key holds.', type),
  generic('rename', 3, 'write', 'firstTwo', '1.0.0', 'O(1)', 'Renames a key.', rename),
  generic('renamenx', 3, 'write fast', 'firstTwo', '1.0.0', 'O(1)', 'Renames a key to a free name.', renamenx),
  generic('copy', -3, 'write denyoom', 'firstTwo', '6.2.0', 'O(N) for N elements', 'Copies a key.', copy),
  generic('object', -2, 'readonly', 'second', '2.2.3', 'O(1)', 'Tells how a value is stored.', object),
];

function del(e: Execution): void {
  let deleted = 0;
  for (let i = 1; i < e.args.length; i += 1) {
    const item = itemToWrite(e, i);
    if (item === null) continue;
    e.keyspace.remove(item);
    deleted += 1;
  }
  e.reply.integer(deleted);
}

function exists(e: Execution): void {
  let found = 0;
  for (let i = 1; i < e.args.length; i += 1) if (itemToRead(e, i) !== null) found += 1;
  e.reply.integer(found);
}

function type(e: Execution): void {
  const item = itemToRead(e, 1);
  e.reply.simple(item === null ? 'none' : typeOf(item.value));
}

function rename(e: Execution): void {
  const item = itemToWrite(e, 1);
  if (item === null) {
    e.reply.error(errors.noSuchKey);
    return;
  }
  const target = keyAt(e, 2);
  if (item.key !== target) move(e, item, target);
  e.reply.ok();
}

function renamenx(e: Execution): void {
  const item = itemToWrite(e, 1);
  if (item === null) {
    e.reply.error(errors.noSuchKey);
    return;
  }
  const target = keyAt(e, 2);
  const isFree = e.keyspace.findForWrite(target, e.now) === null;
  if (isFree) move(e, item, target);
  e.reply.integer(isFree ? 1 : 0);
}

function move(e: Execution, item: Item, target: string): void {
  const { value, expireAt } = item;
  e.keyspace.remove(item);
  place(e, target, value, expireAt);
}

/** Gives a key a value and an expiry, both in place of what it had. */
function place(e: Execution, key: string, value: Value, expireAt: Item['expireAt']): void {
  const item = e.keyspace.put(key, e.keyspace.findForWrite(key, e.now), value);
  if (expireAt === null) e.keyspace.persist(item);
  else e.keyspace.expire(item, expireAt, e.now);
}

const smallestDatabase = -2_147_483_648;
const largestDatabase = 2_147_483_647;

function copy(e: Execution): void {
  let replaces = false;
  for (let i = 3; i < e.args.length; i += 1) {
    const word = wordAt(e, i);
    if (word === 'replace') replaces = true;
    else if (word === 'db' && i + 1 < e.args.length) {
      i += 1;
      if (!isOwnDatabase(e, i)) return;
    } else {
      e.reply.error(errors.syntax);
      return;
    }
  }
  const target = keyAt(e, 2);
  if (keyAt(e, 1) === target) {
    e.reply.error('ERR source and destination objects are the same');
    return;
  }
  const source = itemToWrite(e, 1);
  if (source === null || (!replaces && e.keyspace.findForWrite(target, e.now) !== null)) {
    e.reply.integer(0);
    return;
  }
  const { value, expireAt } = source;
  place(e, target, isList(value) ? value.copy() : new Uint8Array(value), expireAt);
  e.reply.integer(1);
}

/** A tenant has database 0 alone; false with the error replied for any other. */
function isOwnDatabase(e: Execution, index: number): boolean {
  const database = parseInteger(argument(e, index));
  if (database === 0) return true;
  if (database === null) e.reply.error(errors.notAnInteger);
  else if (database >= smallestDatabase && database <= largestDatabase) e.reply.error('ERR DB index is out of range');
  else e.reply.error('ERR value is out of range, value must between -2147483648 and 2147483647');
  return false;
}

const objectHelp: readonly string[] = [
  'OBJECT <subcommand> [<key>], with one of these:',
  'ENCODING <key>',
  '    How the value would be stored by Redis.',
  'FREQ <key>',
  '    An error: nothing is evicted here, so nobody counts.',
  'IDLETIME <key>',
  '    0: nobody notes when a key is used.',
  'REFCOUNT <key>',
  '    1: no value is shared.',
  'HELP',
  '    Prints this help.',
];

function object(e: Execution): void {
  const word = wordAt(e, 1);
  const isHelp = word === 'help';
  if (!isHelp && word !== 'encoding' && word !== 'refcount' && word !== 'idletime' && word !== 'freq') {
    e.reply.error(unknownSubcommand('object', binaryString(argument(e, 1))));
  } else if (e.args.length !== (isHelp ? 2 : 3)) e.reply.error(wrongArity(`object|${word}`));
  else if (isHelp) {
    e.reply.array(objectHelp.length);
    for (const line of objectHelp) e.reply.simple(line);
  } else describe(e, word);
}

function describe(e: Execution, what: 'encoding' | 'refcount' | 'idletime' | 'freq'): void {
  const item = itemToRead(e, 2);
  if (item === null) e.reply.nil();
  else if (what === 'encoding') e.reply.bulkText(encodingOf(item.value));
  else if (what === 'refcount') e.reply.integer(1);
  else if (what === 'idletime') e.reply.integer(0);
  else e.reply.error('ERR An LFU maxmemory policy is not selected, access frequency not tracked.');
}

/** The longest string that Redis stores in one piece with its header. */
const longestEmbedded = 44;

/** Follows from the value alone: unlike in Redis, how it came about leaves no trace. */
function encodingOf(value: Value): string {
  if (isList(value)) return 'quicklist';
  if (parseInteger(value) !== null) return 'int';
  return value.length <= longestEmbedded ? 'embstr' : 'raw';
}
