/** Lists. */
import { equalBytes } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { parseSafeInteger } from '../resp/numbers.ts';
import { arg, integerArg, keyArg, listAt, word } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import type { Item } from './keyspace.ts';
import { ListValue } from './listValue.ts';

type Side = 'left' | 'right';

const list = family('list', '@list');

export const listCommands: readonly DataCommand[] = [
  list('lpush', -3, 'write', 'first', '1.0.0', 'O(1)', 'Puts elements before the first.', (e) => {
    push(e, 'left', true);
  }),
  list('rpush', -3, 'write', 'first', '1.0.0', 'O(1)', 'Puts elements behind the last.', (e) => {
    push(e, 'right', true);
  }),
  list('lpushx', -3, 'write', 'first', '2.2.0', 'O(1)', 'As LPUSH, if the list exists.', (e) => {
    push(e, 'left', false);
  }),
  list('rpushx', -3, 'write', 'first', '2.2.0', 'O(1)', 'As RPUSH, if the list exists.', (e) => {
    push(e, 'right', false);
  }),
  list('lpop', -2, 'write', 'first', '1.0.0', 'O(N)', 'Takes elements from the front.', (e) => {
    pop(e, 'left');
  }),
  list('rpop', -2, 'write', 'first', '1.0.0', 'O(N)', 'Takes elements from the back.', (e) => {
    pop(e, 'right');
  }),
  list('llen', 2, 'read', 'first', '1.0.0', 'O(1)', 'Counts the elements.', (e) => {
    const found = listAt(e, 1, false);
    if (found !== 'wrongType') e.reply.integer(found?.value.length ?? 0);
  }),
  list('lrange', 4, 'read', 'first', '1.0.0', 'O(N)', 'Answers a range of elements.', lrange),
  list('lindex', 3, 'read', 'first', '1.0.0', 'O(N)', 'Answers one element.', lindex),
  list('lset', 4, 'write', 'first', '1.0.0', 'O(N)', 'Replaces one element.', lset),
  list('lrem', 4, 'write', 'first', '1.0.0', 'O(N)', 'Removes equal elements.', lrem),
  list('ltrim', 4, 'write', 'first', '1.0.0', 'O(N)', 'Keeps a range of elements.', ltrim),
  list('linsert', 5, 'write', 'first', '2.2.0', 'O(N)', 'Inserts before or after an element.', linsert),
  list('lpos', -3, 'read', 'first', '6.0.6', 'O(N)', 'Answers where equal elements are.', lpos),
  list('lmove', 5, 'write', 'firstTwo', '6.2.0', 'O(1)', 'Moves an element from one list to another.', lmove),
  list(
    'rpoplpush',
    3,
    'write',
    'firstTwo',
    '1.2.0',
    'O(1)',
    'Moves the last element before the first of another list.',
    (e) => {
      moveElement(e, 'right', 'left');
    },
  ),
];

function push(e: Execution, side: Side, creates: boolean): void {
  const found = listAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null && !creates) {
    e.reply.integer(0);
    return;
  }
  const value = found?.value ?? new ListValue();
  const before = value.bytes;
  for (let i = 2; i < e.args.length; i += 1) pushTo(value, side, arg(e, i).slice());
  if (found === null) e.keyspace.put(keyArg(e, 1), value, e.now);
  else e.keyspace.resized(value.bytes - before);
  e.reply.integer(value.length);
}

function pushTo(value: ListValue, side: Side, element: Uint8Array): void {
  if (side === 'left') value.pushLeft(element);
  else value.pushRight(element);
}

function popFrom(value: ListValue, side: Side): Uint8Array | undefined {
  return side === 'left' ? value.popLeft() : value.popRight();
}

/** A list that has become empty leaves the keyspace; otherwise its new size is noted. */
function settle(e: Execution, item: Item, value: ListValue, before: number): void {
  e.keyspace.resized(value.bytes - before);
  if (value.length === 0) e.keyspace.remove(item);
}

function pop(e: Execution, side: Side): void {
  if (e.args.length > 3) {
    e.reply.error(`ERR wrong number of arguments for '${word(e, 0)}' command`);
    return;
  }
  const hasCount = e.args.length === 3;
  const count = hasCount ? parseSafeInteger(arg(e, 2)) : 1;
  if (count === null || count < 0) {
    e.reply.error(errors.notPositive);
    return;
  }
  const found = listAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null) {
    if (hasCount) e.reply.nilArray();
    else e.reply.nil();
    return;
  }
  const { item, value } = found;
  const before = value.bytes;
  const taken = Math.min(count, value.length);
  if (hasCount) e.reply.array(taken);
  for (let i = 0; i < taken; i += 1) {
    const element = popFrom(value, side);
    if (element !== undefined) e.reply.bulk(element);
  }
  settle(e, item, value, before);
}

/** `start` and `end` as Redis counts them, cut to the list; null if nothing is between them. */
function rangeOf(start: number, end: number, length: number): { readonly from: number; readonly to: number } | null {
  const from = Math.max(start < 0 ? length + start : start, 0);
  const to = Math.min(end < 0 ? length + end : end, length - 1);
  return from > to ? null : { from, to };
}

function lrange(e: Execution): void {
  const start = integerArg(e, 2);
  if (start === null) return;
  const end = integerArg(e, 3);
  if (end === null) return;
  const found = listAt(e, 1, false);
  if (found === 'wrongType') return;
  const range = found === null ? null : rangeOf(start, end, found.value.length);
  if (found === null || range === null) {
    e.reply.array(0);
    return;
  }
  const elements = found.value.slice(range.from, range.to);
  e.reply.array(elements.length);
  for (const element of elements) e.reply.bulk(element);
}

function lindex(e: Execution): void {
  const found = listAt(e, 1, false);
  if (found === 'wrongType') return;
  if (found === null) {
    e.reply.nil();
    return;
  }
  const index = integerArg(e, 2);
  if (index === null) return;
  const element = found.value.at(index < 0 ? found.value.length + index : index);
  if (element === undefined) e.reply.nil();
  else e.reply.bulk(element);
}

function lset(e: Execution): void {
  const found = listAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null) {
    e.reply.error(errors.noSuchKey);
    return;
  }
  const given = integerArg(e, 2);
  if (given === null) return;
  const { value } = found;
  const index = given < 0 ? value.length + given : given;
  if (index < 0 || index >= value.length) {
    e.reply.error(errors.outOfRange);
    return;
  }
  const before = value.bytes;
  value.replace(index, arg(e, 3).slice());
  e.keyspace.resized(value.bytes - before);
  e.reply.ok();
}

function lrem(e: Execution): void {
  const count = integerArg(e, 2);
  if (count === null) return;
  const found = listAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null) {
    e.reply.integer(0);
    return;
  }
  const { item, value } = found;
  const wanted = arg(e, 3);
  const before = value.bytes;
  const limit = count === 0 ? value.length : Math.abs(count);
  let removed = 0;
  if (count < 0) value.reverse();
  value.filter((element) => {
    if (removed === limit || !equalBytes(element, wanted)) return true;
    removed += 1;
    return false;
  });
  if (count < 0) value.reverse();
  settle(e, item, value, before);
  e.reply.integer(removed);
}

function ltrim(e: Execution): void {
  const start = integerArg(e, 2);
  if (start === null) return;
  const end = integerArg(e, 3);
  if (end === null) return;
  const found = listAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found !== null) {
    const { item, value } = found;
    const before = value.bytes;
    const range = rangeOf(start, end, value.length);
    value.keep(range?.from ?? value.length, range?.to ?? value.length - 1);
    settle(e, item, value, before);
  }
  e.reply.ok();
}

function linsert(e: Execution): void {
  const where = word(e, 2);
  if (where !== 'before' && where !== 'after') {
    e.reply.error(errors.syntax);
    return;
  }
  const found = listAt(e, 1, true);
  if (found === 'wrongType') return;
  if (found === null) {
    e.reply.integer(0);
    return;
  }
  const { value } = found;
  let index = 0;
  let isFound = false;
  for (const element of value) {
    isFound = equalBytes(element, arg(e, 3));
    if (isFound) break;
    index += 1;
  }
  if (!isFound) {
    e.reply.integer(-1);
    return;
  }
  const before = value.bytes;
  value.insert(where === 'before' ? index : index + 1, arg(e, 4).slice());
  e.keyspace.resized(value.bytes - before);
  e.reply.integer(value.length);
}

interface PositionOptions {
  rank: number;
  count: number | null;
  maxLength: number;
}

function readPositionOptions(e: Execution): PositionOptions | null {
  const options: PositionOptions = { rank: 1, count: null, maxLength: 0 };
  for (let i = 3; i < e.args.length; i += 2) {
    const option = word(e, i);
    if (i + 1 >= e.args.length || (option !== 'rank' && option !== 'count' && option !== 'maxlen')) {
      e.reply.error(errors.syntax);
      return null;
    }
    const value = integerArg(e, i + 1);
    if (value === null) return null;
    if (option === 'rank' && value === 0) {
      e.reply.error(
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
      );
      return null;
    }
    if (option !== 'rank' && value < 0) {
      e.reply.error(`ERR ${option.toUpperCase()} can't be negative`);
      return null;
    }
    if (option === 'rank') options.rank = value;
    else if (option === 'count') options.count = value;
    else options.maxLength = value;
  }
  return options;
}

function lpos(e: Execution): void {
  const options = readPositionOptions(e);
  if (options === null) return;
  const found = listAt(e, 1, false);
  if (found === 'wrongType') return;
  const elements = found === null ? [] : [...found.value];
  const isBackwards = options.rank < 0;
  if (isBackwards) elements.reverse();
  const limit = options.maxLength === 0 ? elements.length : Math.min(options.maxLength, elements.length);
  const wanted = options.count === null ? 1 : options.count === 0 ? elements.length : options.count;
  let toSkip = Math.abs(options.rank) - 1;
  const positions: number[] = [];
  for (let i = 0; i < limit && positions.length < wanted; i += 1) {
    if (!equalBytes(elements[i] ?? arg(e, 2), arg(e, 2))) continue;
    if (toSkip > 0) toSkip -= 1;
    else positions.push(isBackwards ? elements.length - 1 - i : i);
  }
  if (options.count !== null) {
    e.reply.array(positions.length);
    for (const position of positions) e.reply.integer(position);
  } else if (positions[0] === undefined) e.reply.nil();
  else e.reply.integer(positions[0]);
}

function lmove(e: Execution): void {
  const from = word(e, 3);
  const to = word(e, 4);
  if ((from !== 'left' && from !== 'right') || (to !== 'left' && to !== 'right')) e.reply.error(errors.syntax);
  else moveElement(e, from, to);
}

function moveElement(e: Execution, from: Side, to: Side): void {
  const source = listAt(e, 1, true);
  if (source === 'wrongType') return;
  if (source === null) {
    e.reply.nil();
    return;
  }
  const target = listAt(e, 2, true);
  if (target === 'wrongType') return;
  const before = source.value.bytes;
  const element = popFrom(source.value, from);
  if (element === undefined) return;
  e.reply.bulk(element);
  if (target?.item === source.item) {
    pushTo(source.value, to, element);
    return;
  }
  settle(e, source.item, source.value, before);
  const value = target?.value ?? new ListValue();
  pushTo(value, to, element);
  if (target === null) e.keyspace.put(keyArg(e, 2), value, e.now);
  else e.keyspace.resized(element.length);
}
