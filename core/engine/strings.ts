/** Strings: SET and GET with all their relatives. */
import { errors, invalidExpire } from '../resp/errors.ts';
import { parseSafeInteger } from '../resp/numbers.ts';
import type { WallTime } from '../base/time.ts';
import { arg, type ExpiryUnit, instantOf, integerArg, itemAt, keyArg, stringAt, word } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { ListValue } from './listValue.ts';

const string = family('string', '@string');

export const stringCommands: readonly DataCommand[] = [
  string('get', 2, 'read', 'first', '1.0.0', 'O(1)', 'Answers the value of a key.', get),
  string('set', -3, 'write', 'first', '1.0.0', 'O(1)', 'Sets the value of a key, with conditions and expiry.', set),
  string('setnx', 3, 'write', 'first', '1.0.0', 'O(1)', 'Sets the value of a key that does not exist.', setnx),
  string('setex', 4, 'write', 'first', '2.0.0', 'O(1)', 'Sets a value that expires in seconds.', (e) => {
    setWithExpiry(e, 'ex');
  }),
  string('psetex', 4, 'write', 'first', '2.6.0', 'O(1)', 'Sets a value that expires in milliseconds.', (e) => {
    setWithExpiry(e, 'px');
  }),
  string('getset', 3, 'write', 'first', '1.0.0', 'O(1)', 'Sets a value and answers the one before.', getset),
  string('getdel', 2, 'write', 'first', '6.2.0', 'O(1)', 'Answers a value and deletes its key.', getdel),
  string('getex', -2, 'write', 'first', '6.2.0', 'O(1)', 'Answers a value and changes its expiry.', getex),
  string('append', 3, 'write', 'first', '2.0.0', 'O(1)', 'Appends to a value.', append),
  string('strlen', 2, 'read', 'first', '2.2.0', 'O(1)', 'Answers the length of a value.', strlen),
  string('setrange', 4, 'write', 'first', '2.2.0', 'O(N)', 'Overwrites a part of a value.', setrange),
  string('getrange', 4, 'read', 'first', '2.4.0', 'O(N)', 'Answers a part of a value.', getrange),
  string('substr', 4, 'read', 'first', '1.0.0', 'O(N)', 'Answers a part of a value.', getrange),
  string('mget', -2, 'read', 'all', '1.0.0', 'O(N)', 'Answers the values of several keys.', mget),
  string('mset', -3, 'write', 'pairs', '1.0.1', 'O(N)', 'Sets several keys at once.', mset),
  string('msetnx', -3, 'write', 'pairs', '1.0.1', 'O(N)', 'Sets several keys if none of them exists.', msetnx),
];

function get(e: Execution): void {
  const found = stringAt(e, 1, false);
  if (found === 'wrongType') return;
  if (found === null) e.reply.nil();
  else e.reply.bulk(found.value);
}

interface SetOptions {
  condition: 'none' | 'nx' | 'xx';
  answersOld: boolean;
  keepsExpiry: boolean;
  unit: ExpiryUnit | null;
  amount: Uint8Array | null;
}

/** Null, with the error replied, if the options contradict each other or one is unknown. */
function readSetOptions(e: Execution): SetOptions | null {
  const options: SetOptions = { condition: 'none', answersOld: false, keepsExpiry: false, unit: null, amount: null };
  for (let i = 3; i < e.args.length; i += 1) {
    const option = word(e, i);
    const hasExpiry = options.unit !== null || options.keepsExpiry;
    if ((option === 'nx' || option === 'xx') && (options.condition === 'none' || options.condition === option))
      options.condition = option;
    else if (option === 'get') options.answersOld = true;
    else if (option === 'keepttl' && options.unit === null) options.keepsExpiry = true;
    else if (isUnit(option) && !hasExpiry && i + 1 < e.args.length) {
      options.unit = option;
      options.amount = arg(e, i + 1);
      i += 1;
    } else {
      e.reply.error(errors.syntax);
      return null;
    }
  }
  return options;
}

function set(e: Execution): void {
  const options = e.args.length === 3 ? plainSet : readSetOptions(e);
  if (options === null) return;
  let expireAt: WallTime | null = null;
  if (options.unit !== null && options.amount !== null) {
    expireAt = readExpiry(e, options.amount, options.unit);
    if (expireAt === null) return;
  }
  const { keyspace, now, reply } = e;
  const key = keyArg(e, 1);
  const present = keyspace.findForWrite(key, now);
  const isRefused =
    (options.condition === 'nx' && present !== null) || (options.condition === 'xx' && present === null);
  if (options.answersOld) {
    if (present?.value instanceof ListValue) {
      reply.error(errors.wrongType);
      return;
    }
    if (present === null) reply.nil();
    else reply.bulk(present.value);
  } else if (isRefused) reply.nil();
  else reply.ok();
  if (isRefused) return;
  const item = keyspace.put(key, arg(e, 2).slice(), now, options.keepsExpiry);
  if (expireAt !== null) keyspace.setExpiry(item, expireAt);
}

const plainSet: Readonly<SetOptions> = {
  condition: 'none',
  answersOld: false,
  keepsExpiry: false,
  unit: null,
  amount: null,
};

function isUnit(option: string): option is ExpiryUnit {
  return option === 'ex' || option === 'px' || option === 'exat' || option === 'pxat';
}

/** The instant an option such as `EX 10` means; null, with the error replied, if it is none. */
function readExpiry(e: Execution, amount: Uint8Array, unit: ExpiryUnit): WallTime | null {
  const value = parseSafeInteger(amount);
  if (value === null) {
    e.reply.error(errors.notAnInteger);
    return null;
  }
  const instant = value > 0 ? instantOf(value, unit, e.now) : null;
  if (instant === null) e.reply.error(invalidExpire(word(e, 0)));
  return instant;
}

function setnx(e: Execution): void {
  const { keyspace, now, reply } = e;
  const key = keyArg(e, 1);
  if (keyspace.findForWrite(key, now) !== null) {
    reply.integer(0);
    return;
  }
  keyspace.put(key, arg(e, 2).slice(), now);
  reply.integer(1);
}

function setWithExpiry(e: Execution, unit: ExpiryUnit): void {
  const expireAt = readExpiry(e, arg(e, 2), unit);
  if (expireAt === null) return;
  const { keyspace, now, reply } = e;
  keyspace.setExpiry(keyspace.put(keyArg(e, 1), arg(e, 3).slice(), now), expireAt);
  reply.ok();
}

function getset(e: Execution): void {
  const found = stringAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null) e.reply.nil();
  else e.reply.bulk(found.value);
  e.keyspace.put(keyArg(e, 1), arg(e, 2).slice(), e.now);
}

function getdel(e: Execution): void {
  const found = stringAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null) {
    e.reply.nil();
    return;
  }
  e.reply.bulk(found.value);
  e.keyspace.remove(found.item);
}

function getex(e: Execution): void {
  const option = word(e, 2);
  const isPersist = option === 'persist' && e.args.length === 3;
  const unit = isUnit(option) && e.args.length === 4 ? option : null;
  if (e.args.length > 2 && !isPersist && unit === null) {
    e.reply.error(errors.syntax);
    return;
  }
  const found = stringAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null) {
    e.reply.nil();
    return;
  }
  const { item, value } = found;
  if (unit !== null) {
    const expireAt = readExpiry(e, arg(e, 3), unit);
    if (expireAt === null) return;
    if (expireAt <= e.now) e.keyspace.remove(item);
    else e.keyspace.setExpiry(item, expireAt);
  } else if (isPersist && item.expireAt !== null) e.keyspace.setExpiry(item, null);
  e.reply.bulk(value);
}

function append(e: Execution): void {
  const found = stringAt(e, 1, true);
  if (found === 'wrongType') return;
  const tail = arg(e, 2);
  if (found === null) {
    e.keyspace.put(keyArg(e, 1), tail.slice(), e.now);
    e.reply.integer(tail.length);
    return;
  }
  const { item, value } = found;
  const length = value.length + tail.length;
  if (length > e.maxValueBytes) {
    e.reply.error(errors.tooLarge);
    return;
  }
  const grown = roomFor(value, length);
  grown.set(tail, value.length);
  e.keyspace.replace(item, grown);
  e.reply.integer(length);
}

/** A value of `length` bytes that begins with `value`; in the same memory if there is room behind it. */
function roomFor(value: Uint8Array, length: number): Uint8Array {
  const spare = value.buffer.byteLength - value.byteOffset;
  if (value.byteOffset === 0 && spare >= length && spare > value.length) return new Uint8Array(value.buffer, 0, length);
  const grown = new Uint8Array(new ArrayBuffer(length * 2), 0, length);
  grown.set(value);
  return grown;
}

function strlen(e: Execution): void {
  const found = stringAt(e, 1, false);
  if (found !== 'wrongType') e.reply.integer(found?.value.length ?? 0);
}

function setrange(e: Execution): void {
  const offset = integerArg(e, 2);
  if (offset === null) return;
  if (offset < 0) {
    e.reply.error(errors.offset);
    return;
  }
  const found = stringAt(e, 1, true);
  if (found === 'wrongType') return;
  const part = arg(e, 3);
  const present = found?.value.length ?? 0;
  if (part.length === 0) {
    e.reply.integer(present);
    return;
  }
  if (offset + part.length > e.maxValueBytes) {
    e.reply.error(errors.tooLarge);
    return;
  }
  const changed = new Uint8Array(Math.max(present, offset + part.length));
  if (found !== null) changed.set(found.value);
  changed.set(part, offset);
  if (found === null) e.keyspace.put(keyArg(e, 1), changed, e.now);
  else e.keyspace.replace(found.item, changed);
  e.reply.integer(changed.length);
}

function getrange(e: Execution): void {
  const start = integerArg(e, 2);
  if (start === null) return;
  const end = integerArg(e, 3);
  if (end === null) return;
  const found = stringAt(e, 1, false);
  if (found === 'wrongType') return;
  const value = found?.value ?? new Uint8Array(0);
  const from = start < 0 ? Math.max(value.length + start, 0) : start;
  const to = Math.min(end < 0 ? Math.max(value.length + end, 0) : end, value.length - 1);
  const isBackwards = start < 0 && end < 0 && start > end;
  e.reply.bulk(isBackwards || from > to ? new Uint8Array(0) : value.subarray(from, to + 1));
}

function mget(e: Execution): void {
  e.reply.array(e.args.length - 1);
  for (let i = 1; i < e.args.length; i += 1) {
    const value = itemAt(e, i, false)?.value;
    if (value === undefined || value instanceof ListValue) e.reply.nil();
    else e.reply.bulk(value);
  }
}

function mset(e: Execution): void {
  if (e.args.length % 2 === 0) {
    e.reply.error("ERR wrong number of arguments for 'mset' command");
    return;
  }
  for (let i = 1; i < e.args.length; i += 2) e.keyspace.put(keyArg(e, i), arg(e, i + 1).slice(), e.now);
  e.reply.ok();
}

function msetnx(e: Execution): void {
  if (e.args.length % 2 === 0) {
    e.reply.error("ERR wrong number of arguments for 'msetnx' command");
    return;
  }
  for (let i = 1; i < e.args.length; i += 2) {
    if (itemAt(e, i, true) === null) continue;
    e.reply.integer(0);
    return;
  }
  for (let i = 1; i < e.args.length; i += 2) e.keyspace.put(keyArg(e, i), arg(e, i + 1).slice(), e.now);
  e.reply.integer(1);
}
