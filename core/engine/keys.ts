/** Commands on keys whatever they hold. */
import { bytesOfBinary } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { parseInteger, parseSafeInteger } from '../resp/numbers.ts';
import { arg, itemAt, keyArg, word } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { matchesGlob } from './glob.ts';
import type { Item, Value } from './keyspace.ts';
import { ListValue } from './listValue.ts';

const generic = family('generic', '@keyspace');
const server = family('server', '@keyspace');

export const keyCommands: readonly DataCommand[] = [
  generic('del', -2, 'write', 'all', '1.0.0', 'O(N)', 'Deletes keys.', del),
  generic('unlink', -2, 'write', 'all', '4.0.0', 'O(1)', 'Deletes keys.', del),
  generic('exists', -2, 'read', 'all', '1.0.0', 'O(1)', 'Counts which of the keys exist.', exists),
  generic('touch', -2, 'read', 'all', '3.2.1', 'O(1)', 'Counts which of the keys exist.', exists),
  generic('type', 2, 'read', 'first', '1.0.0', 'O(1)', 'Answers what a key holds.', type),
  generic('rename', 3, 'write', 'firstTwo', '1.0.0', 'O(1)', 'Renames a key.', rename),
  generic('renamenx', 3, 'write', 'firstTwo', '1.0.0', 'O(1)', 'Renames a key unless the new name exists.', renamenx),
  generic('copy', -3, 'write', 'firstTwo', '6.2.0', 'O(N)', 'Copies a key.', copy),
  generic('keys', 2, 'read', 'none', '1.0.0', 'O(N)', 'Answers all keys that match a pattern.', keys),
  generic('scan', -2, 'read', 'none', '2.8.0', 'O(1)', 'Walks through the keys.', scan),
  generic('randomkey', 1, 'read', 'none', '1.0.0', 'O(1)', 'Answers a random key.', randomkey),
  server('dbsize', 1, 'read', 'none', '1.0.0', 'O(1)', 'Counts the keys of the tenant.', (e) => {
    e.reply.integer(e.keyspace.size);
  }),
  server('flushdb', -1, 'write', 'none', '1.0.0', 'O(N)', 'Deletes all keys of the tenant.', flush),
  server('flushall', -1, 'write', 'none', '1.0.0', 'O(N)', 'Deletes all keys of the tenant.', flush),
];

function del(e: Execution): void {
  let deleted = 0;
  for (let i = 1; i < e.args.length; i += 1) {
    const item = itemAt(e, i, true);
    if (item === null) continue;
    e.keyspace.remove(item);
    deleted += 1;
  }
  e.reply.integer(deleted);
}

function exists(e: Execution): void {
  let found = 0;
  for (let i = 1; i < e.args.length; i += 1) if (itemAt(e, i, false) !== null) found += 1;
  e.reply.integer(found);
}

function type(e: Execution): void {
  const item = itemAt(e, 1, false);
  e.reply.simple(item === null ? 'none' : typeOf(item.value));
}

function typeOf(value: Value): string {
  return value instanceof ListValue ? 'list' : 'string';
}

function rename(e: Execution): void {
  const item = itemAt(e, 1, true);
  if (item === null) {
    e.reply.error(errors.noSuchKey);
    return;
  }
  if (item.key !== keyArg(e, 2)) move(e, item, keyArg(e, 2));
  e.reply.ok();
}

function renamenx(e: Execution): void {
  const item = itemAt(e, 1, true);
  if (item === null) {
    e.reply.error(errors.noSuchKey);
    return;
  }
  if (itemAt(e, 2, true) !== null) {
    e.reply.integer(0);
    return;
  }
  move(e, item, keyArg(e, 2));
  e.reply.integer(1);
}

function move(e: Execution, item: Item, target: string): void {
  const { value, expireAt } = item;
  e.keyspace.remove(item);
  const moved = e.keyspace.put(target, value, e.now);
  if (expireAt !== null) e.keyspace.setExpiry(moved, expireAt);
}

function copy(e: Execution): void {
  let replaces = false;
  for (let i = 3; i < e.args.length; i += 1) {
    const option = word(e, i);
    if (option === 'replace') replaces = true;
    else if (option === 'db' && i + 1 < e.args.length) {
      const database = parseInteger(arg(e, i + 1));
      if (database === null) {
        e.reply.error(errors.notAnInteger);
        return;
      }
      if (database !== 0) {
        e.reply.error('ERR DB index is out of range');
        return;
      }
      i += 1;
    } else {
      e.reply.error(errors.syntax);
      return;
    }
  }
  const target = keyArg(e, 2);
  if (keyArg(e, 1) === target) {
    e.reply.error('ERR source and destination objects are the same');
    return;
  }
  const item = itemAt(e, 1, true);
  if (item === null || (!replaces && itemAt(e, 2, true) !== null)) {
    e.reply.integer(0);
    return;
  }
  const copied = e.keyspace.put(
    target,
    item.value instanceof ListValue ? item.value.copy() : item.value.slice(),
    e.now,
  );
  if (item.expireAt !== null) e.keyspace.setExpiry(copied, item.expireAt);
  e.reply.integer(1);
}

function keys(e: Execution): void {
  const pattern = arg(e, 1);
  const matching: Uint8Array[] = [];
  for (const { key } of e.keyspace.live(e.now)) {
    const bytes = bytesOfBinary(key);
    if (matchesGlob(pattern, bytes, false)) matching.push(bytes);
  }
  e.reply.array(matching.length);
  for (const key of matching) e.reply.bulk(key);
}

/** Places looked at by a SCAN that says nothing else, as in Redis. */
const defaultScanCount = 10;

function scan(e: Execution): void {
  const cursor = parseSafeInteger(arg(e, 1));
  if (cursor === null || cursor < 0) {
    e.reply.error('ERR invalid cursor');
    return;
  }
  let count = defaultScanCount;
  let pattern: Uint8Array | null = null;
  let wanted: string | null = null;
  for (let i = 2; i < e.args.length; i += 2) {
    const option = word(e, i);
    if (i + 1 >= e.args.length) {
      e.reply.error(errors.syntax);
      return;
    }
    if (option === 'count') {
      const given = parseSafeInteger(arg(e, i + 1));
      if (given === null || given < 1) {
        e.reply.error(given === null ? errors.notAnInteger : errors.syntax);
        return;
      }
      count = given;
    } else if (option === 'match') pattern = arg(e, i + 1);
    else if (option === 'type') wanted = word(e, i + 1);
    else {
      e.reply.error(errors.syntax);
      return;
    }
  }
  const { next, items } = e.keyspace.scan(cursor, count, e.now);
  const matching: Uint8Array[] = [];
  for (const { key, value } of items) {
    const bytes = bytesOfBinary(key);
    if ((pattern === null || matchesGlob(pattern, bytes, false)) && (wanted === null || typeOf(value) === wanted))
      matching.push(bytes);
  }
  e.reply.array(2);
  e.reply.bulkText(String(next));
  e.reply.array(matching.length);
  for (const key of matching) e.reply.bulk(key);
}

function randomkey(e: Execution): void {
  const item = e.keyspace.random(e.random, e.now);
  if (item === null) e.reply.nil();
  else e.reply.bulk(bytesOfBinary(item.key));
}

function flush(e: Execution): void {
  const mode = word(e, 1);
  if (e.args.length > 2 || (e.args.length === 2 && mode !== 'sync' && mode !== 'async')) {
    e.reply.error(errors.syntax);
    return;
  }
  e.keyspace.clear();
  e.reply.ok();
}
