/** Commands on the whole keyspace of a tenant: KEYS, SCAN, RANDOMKEY, DBSIZE, FLUSHDB. */
import { binaryString, bytesOfBinary } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { argument, positionAt, wordAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { matchesText } from './glob.ts';
import { typeOf } from './keyspace.ts';

const generic = family('generic', '@keyspace');
const server = family('server', '@keyspace');

export const wholeKeyspaceCommands: readonly DataCommand[] = [
  generic('keys', 2, 'readonly dangerous', 'none', '1.0.0', 'O(N) for N keys', 'Answers the keys that match.', keys),
  generic('scan', -2, 'readonly', 'none', '2.8.0', 'O(COUNT)', 'Walks along the keys in steps.', scan),
  generic('randomkey', 1, 'readonly', 'none', '1.0.0', 'O(1)', 'Answers a random key.', randomkey),
  server('dbsize', 1, 'readonly fast', 'none', '1.0.0', 'O(1)', 'Counts the keys of the tenant.', dbsize),
  server('flushdb', -1, 'write dangerous', 'none', '1.0.0', 'O(N) for N keys', 'Deletes all keys.', flush),
  server('flushall', -1, 'write dangerous', 'none', '1.0.0', 'O(N) for N keys', 'Deletes all keys.', flush),
];

/** The pattern that is not even compared, so that it is the only one with a star that matches the empty key. */
const everything = '*';

function keys(e: Execution): void {
  const pattern = binaryString(argument(e, 1));
  const matching: string[] = [];
  for (const { key } of e.keyspace.visible(e.now)) {
    if (pattern === everything || matchesText(pattern, key, false)) matching.push(key);
  }
  replyKeys(e, matching);
}

function replyKeys(e: Execution, keysFound: readonly string[]): void {
  e.reply.array(keysFound.length);
  for (const key of keysFound) e.reply.bulk(bytesOfBinary(key));
}

/** Items looked at by a SCAN that says nothing else, as in Redis. */
const defaultCount = 10;

interface ScanOptions {
  count: number;
  pattern: string;
  /** In lower case; null for any. */
  type: string | null;
}

function scan(e: Execution): void {
  const cursor = cursorOf(binaryString(argument(e, 1)));
  if (cursor === null) {
    e.reply.error('ERR invalid cursor');
    return;
  }
  const options = readScanOptions(e);
  if (options === null) return;
  const { count, pattern, type } = options;
  const { next, items } = e.keyspace.scan(cursor, count, e.now);
  const matching: string[] = [];
  for (const { key, value } of items) {
    if (type !== null && typeOf(value) !== type) continue;
    if (pattern === everything || matchesText(pattern, key, false)) matching.push(key);
  }
  e.reply.array(2);
  e.reply.bulkText(String(next));
  replyKeys(e, matching);
}

const largestCursor = 2n ** 64n - 1n;

/** What `strtoul` reads: a sign is allowed, and a negative number is a very high one. Null if it is no cursor. */
function cursorOf(text: string): number | null {
  if (text === '') return 0;
  const parts = /^([+-]?)([0-9]+)$/.exec(text);
  if (parts === null) return null;
  const [, sign, digits = ''] = parts;
  const value = BigInt(digits);
  if (value > largestCursor) return null;
  return sign === '-' && value > 0n ? Number(largestCursor - value) : Number(value);
}

function readScanOptions(e: Execution): ScanOptions | null {
  const options: ScanOptions = { count: defaultCount, pattern: everything, type: null };
  for (let i = 2; i < e.args.length; i += 2) {
    const word = wordAt(e, i);
    const isComplete = i + 1 < e.args.length;
    if (word === 'count' && isComplete) {
      const count = positionAt(e, i + 1);
      if (count === null) return null;
      options.count = count;
    } else if (word === 'match' && isComplete) options.pattern = binaryString(argument(e, i + 1));
    else if (word === 'type' && isComplete) options.type = wordAt(e, i + 1);
    else options.count = 0;
    if (options.count < 1) {
      e.reply.error(errors.syntax);
      return null;
    }
  }
  return options;
}

function randomkey(e: Execution): void {
  const item = e.keyspace.random(e.random, e.now);
  if (item === null) e.reply.nil();
  else e.reply.bulk(bytesOfBinary(item.key));
}

function dbsize(e: Execution): void {
  e.reply.integer(e.keyspace.visibleSize(e.now));
}

function flush(e: Execution): void {
  const mode = wordAt(e, 1);
  if (e.args.length > 2 || (e.args.length === 2 && mode !== 'sync' && mode !== 'async')) {
    e.reply.error(errors.syntax);
    return;
  }
  e.keyspace.clear();
  e.reply.ok();
}
