/** Strings as a whole: SET and GET with all their relatives. */
import type { WallTime } from '../base/time.ts';
import { errors, wrongArity } from '../resp/errors.ts';
import { copyOf, itemToRead, itemToWrite, keyAt, stringOf, wordAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { instantAt, isTimeUnit, type TimeUnit } from './instants.ts';
import { isList, type Item } from './keyspace.ts';

const string = family('string', '@string');

export const stringCommands: readonly DataCommand[] = [
  string('get', 2, 'readonly fast', 'first', '1.0.0', 'O(1)', 'Answers the value of a key.', get),
  string('set', -3, 'write denyoom', 'first', '1.0.0', 'O(1)', 'Sets a value, on a condition or for a time.', set),
  string('setnx', 3, 'write denyoom fast', 'first', '1.0.0', 'O(1)', 'Sets a value unless there is one.', setnx),
  string('setex', 4, 'write denyoom', 'first', '2.0.0', 'O(1)', 'Sets a value for some seconds.', (e) => {
    setFor(e, 'ex');
  }),
  string('psetex', 4, 'write denyoom', 'first', '2.6.0', 'O(1)', 'Sets a value for some milliseconds.', (e) => {
    setFor(e, 'px');
  }),
  string('getset', 3, 'write denyoom fast', 'first', '1.0.0', 'O(1)', 'Sets a value, answers the one before.', getset),
  string('getdel', 2, 'write fast', 'first', '6.2.0', 'O(1)', 'Answers a value and deletes its key.', getdel),
  string('getex', -2, 'write fast', 'first', '6.2.0', 'O(1)', 'Answers a value and changes its expiry.', getex),
  string('mget', -2, 'readonly fast', 'all', '1.0.0', 'O(N) for N keys', 'Answers the values of keys.', mget),
  string('mset', -3, 'write denyoom', 'pairs', '1.0.1', 'O(N) for N keys', 'Sets the values of keys.', mset),
  string('msetnx', -3, 'write denyoom', 'pairs', '1.0.1', 'O(N) for N keys', 'Sets keys if none exists.', msetnx),
];

function get(e: Execution): void {
  const item = itemToRead(e, 1);
  if (item === null) {
    e.reply.nil();
    return;
  }
  const value = stringOf(e, item);
  if (value !== null) e.reply.bulk(value);
}

function set(e: Execution): void {
  if (e.args.length === 3) {
    const key = keyAt(e, 1);
    overwrite(e, key, e.keyspace.findForWrite(key, e.now), copyOf(e, 2));
    e.reply.ok();
  } else setWithOptions(e);
}

function setWithOptions(e: Execution): void {
  const options = readOptions(e, 3, setOptions);
  if (options === null) return;
  let expireAt: WallTime | null = null;
  if (options.unit !== null) {
    expireAt = instantAt(e, options.amountAt, options.unit);
    if (expireAt === null) return;
  }
  const key = keyAt(e, 1);
  const present = e.keyspace.findForWrite(key, e.now);
  const isRefused =
    (options.condition === 'nx' && present !== null) || (options.condition === 'xx' && present === null);
  if (options.answersOld) {
    if (!replyOld(e, present)) return;
  } else if (isRefused) e.reply.nil();
  else e.reply.ok();
  if (isRefused) return;
  const item = e.keyspace.put(key, present, copyOf(e, 2));
  if (expireAt !== null) e.keyspace.expire(item, expireAt, e.now);
  else if (options.expiry === null) e.keyspace.persist(item);
}

/** Gives a key a value and takes its expiry away. */
function overwrite(e: Execution, key: string, present: Item | null, value: Uint8Array): void {
  e.keyspace.persist(e.keyspace.put(key, present, value));
}

/** Replies the value before; false with the error replied if it is no string. */
function replyOld(e: Execution, present: Item | null): boolean {
  if (present === null) {
    e.reply.nil();
    return true;
  }
  const value = stringOf(e, present);
  if (value !== null) e.reply.bulk(value);
  return value !== null;
}

interface Options {
  condition: 'nx' | 'xx' | null;
  answersOld: boolean;
  /** A word that excludes a time. */
  expiry: 'keepttl' | 'persist' | null;
  unit: TimeUnit | null;
  /** Where the amount of the time is among the arguments. */
  amountAt: number;
}

const setOptions: ReadonlySet<string> = new Set(['nx', 'xx', 'get', 'keepttl']);
const getexOptions: ReadonlySet<string> = new Set(['persist']);

/** Null, with the error replied, if they contradict one another or one is unknown. A time may be repeated: the last counts. */
function readOptions(e: Execution, from: number, allowed: ReadonlySet<string>): Options | null {
  const options: Options = { condition: null, answersOld: false, expiry: null, unit: null, amountAt: 0 };
  for (let i = from; i < e.args.length; i += 1) {
    const word = wordAt(e, i);
    const isLast = i + 1 === e.args.length;
    if (isTimeUnit(word) && !isLast && options.expiry === null && (options.unit ?? word) === word) {
      options.unit = word;
      options.amountAt = i + 1;
      i += 1;
    } else if (!allowed.has(word) || !noteOption(options, word)) {
      e.reply.error(errors.syntax);
      return null;
    }
  }
  return options;
}

/** False if it contradicts what was said before. */
function noteOption(options: Options, word: string): boolean {
  switch (word) {
    case 'nx':
    case 'xx':
      if (options.condition !== null && options.condition !== word) return false;
      options.condition = word;
      return true;
    case 'keepttl':
    case 'persist':
      if (options.unit !== null) return false;
      options.expiry = word;
      return true;
    default:
      options.answersOld = true;
      return true;
  }
}

function setnx(e: Execution): void {
  const key = keyAt(e, 1);
  const present = e.keyspace.findForWrite(key, e.now);
  if (present === null) e.keyspace.put(key, null, copyOf(e, 2));
  e.reply.integer(present === null ? 1 : 0);
}

function setFor(e: Execution, unit: TimeUnit): void {
  const expireAt = instantAt(e, 2, unit);
  if (expireAt === null) return;
  const key = keyAt(e, 1);
  const item = e.keyspace.put(key, e.keyspace.findForWrite(key, e.now), copyOf(e, 3));
  e.keyspace.expire(item, expireAt, e.now);
  e.reply.ok();
}

function getset(e: Execution): void {
  const key = keyAt(e, 1);
  const present = e.keyspace.findForWrite(key, e.now);
  if (replyOld(e, present)) overwrite(e, key, present, copyOf(e, 2));
}

function getdel(e: Execution): void {
  const present = itemToWrite(e, 1);
  if (replyOld(e, present) && present !== null) e.keyspace.remove(present);
}

function getex(e: Execution): void {
  const options = readOptions(e, 2, getexOptions);
  if (options === null) return;
  const item = itemToWrite(e, 1);
  if (item === null) {
    e.reply.nil();
    return;
  }
  const value = stringOf(e, item);
  if (value === null) return;
  if (options.unit !== null) {
    const expireAt = instantAt(e, options.amountAt, options.unit);
    if (expireAt === null) return;
    e.keyspace.expire(item, expireAt, e.now);
  } else if (options.expiry === 'persist') e.keyspace.persist(item);
  e.reply.bulk(value);
}

/** Answers nothing where there is no string: it never fails. */
function mget(e: Execution): void {
  e.reply.array(e.args.length - 1);
  for (let i = 1; i < e.args.length; i += 1) {
    const value = itemToRead(e, i)?.value;
    if (value === undefined || isList(value)) e.reply.nil();
    else e.reply.bulk(value);
  }
}

function mset(e: Execution): void {
  if (!hasPairs(e)) return;
  setPairs(e);
  e.reply.ok();
}

function msetnx(e: Execution): void {
  if (!hasPairs(e)) return;
  for (let i = 1; i < e.args.length; i += 2) {
    if (itemToWrite(e, i) === null) continue;
    e.reply.integer(0);
    return;
  }
  setPairs(e);
  e.reply.integer(1);
}

/** False, with the error replied, if a key has no value. */
function hasPairs(e: Execution): boolean {
  if (e.args.length % 2 === 1) return true;
  e.reply.error(wrongArity(wordAt(e, 0)));
  return false;
}

function setPairs(e: Execution): void {
  for (let i = 1; i < e.args.length; i += 2) {
    const key = keyAt(e, i);
    overwrite(e, key, e.keyspace.findForWrite(key, e.now), copyOf(e, i + 1));
  }
}
