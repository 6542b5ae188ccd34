/** Lists at their ends and by index. */
import { invariant } from '../base/invariant.ts';
import { errors, wrongArity } from '../resp/errors.ts';
import { copyOf, countAt, itemToRead, itemToWrite, keyAt, listOf, positionAt, wordAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { ListValue, type Side } from './listValue.ts';

const list = family('list', '@list');

export const listCommands: readonly DataCommand[] = [
  list('lpush', -3, 'write denyoom fast', 'first', '1.0.0', 'O(N) for N elements', 'Adds in front.', (e) => {
    push(e, 'left', true);
  }),
  list('rpush', -3, 'write denyoom fast', 'first', '1.0.0', 'O(N) for N elements', 'Adds at the end.', (e) => {
    push(e, 'right', true);
  }),
  list('lpushx', -3, 'write denyoom fast', 'first', '2.2.0', 'O(N) for N elements', 'Adds in front of a list.', (e) => {
    push(e, 'left', false);
  }),
  list('rpushx', -3, 'write denyoom fast', 'first', '2.2.0', 'O(N) for N elements', 'Adds to a list.', (e) => {
    push(e, 'right', false);
  }),
  list('lpop', -2, 'write fast', 'first', '1.0.0', 'O(N) for N elements', 'Takes the first elements.', (e) => {
    pop(e, 'left');
  }),
  list('rpop', -2, 'write fast', 'first', '1.0.0', 'O(N) for N elements', 'Takes the last elements.', (e) => {
    pop(e, 'right');
  }),
  list('llen', 2, 'readonly fast', 'first', '1.0.0', 'O(1)', 'Counts the elements.', llen),
  list('lrange', 4, 'readonly', 'first', '1.0.0', 'O(N) for N elements', 'Answers a range.', lrange),
  list('lindex', 3, 'readonly', 'first', '1.0.0', 'O(N/128) for N elements', 'Answers an element.', lindex),
  list('lset', 4, 'write denyoom', 'first', '1.0.0', 'O(N/128) for N elements', 'Replaces an element.', lset),
  list('ltrim', 4, 'write', 'first', '1.0.0', 'O(N) for N removed', 'Keeps a range.', ltrim),
  list('lmove', 5, 'write denyoom', 'firstTwo', '6.2.0', 'O(1)', 'Moves an element to another list.', lmove),
  list('rpoplpush', 3, 'write denyoom', 'firstTwo', '1.2.0', 'O(1)', 'Moves the last element to the front.', (e) => {
    moveElement(e, 'right', 'left');
  }),
];

function push(e: Execution, side: Side, creates: boolean): void {
  const key = keyAt(e, 1);
  let item = e.keyspace.findForWrite(key, e.now);
  if (item === null && !creates) {
    e.reply.integer(0);
    return;
  }
  item ??= e.keyspace.put(key, null, new ListValue());
  const value = listOf(e, item);
  if (value === null) return;
  for (let i = 2; i < e.args.length; i += 1) value.push(side, copyOf(e, i));
  e.keyspace.changed(item);
  e.reply.integer(value.length);
}

function pop(e: Execution, side: Side): void {
  if (e.args.length > 3) {
    e.reply.error(wrongArity(wordAt(e, 0)));
    return;
  }
  const hasCount = e.args.length === 3;
  const count = hasCount ? countAt(e, 2, errors.notPositive) : 1;
  if (count === null) return;
  const item = itemToWrite(e, 1);
  if (item === null) {
    if (hasCount) e.reply.nilArray();
    else e.reply.nil();
    return;
  }
  const value = listOf(e, item);
  if (value === null) return;
  const taken = Math.min(count, value.length);
  if (hasCount) e.reply.array(taken);
  for (let i = 0; i < taken; i += 1) {
    const element = value.pop(side);
    if (element !== undefined) e.reply.bulk(element);
  }
  e.keyspace.changed(item);
}

function llen(e: Execution): void {
  const item = itemToRead(e, 1);
  if (item === null) {
    e.reply.integer(0);
    return;
  }
  const value = listOf(e, item);
  if (value !== null) e.reply.integer(value.length);
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Arguments 2 and 3 as they are; null with the error replied. */
function rangeAt(e: Execution): Range | null {
  const start = positionAt(e, 2);
  if (start === null) return null;
  const end = positionAt(e, 3);
  return end === null ? null : { start, end };
}

/** The part of a range that the list has, counted from its front; `start` is beyond `end` if there is none. */
function within({ start, end }: Range, length: number): Range {
  return {
    start: Math.max(start < 0 ? length + start : start, 0),
    end: Math.min(end < 0 ? length + end : end, length - 1),
  };
}

function lrange(e: Execution): void {
  const range = rangeAt(e);
  if (range === null) return;
  const item = itemToRead(e, 1);
  if (item === null) {
    e.reply.array(0);
    return;
  }
  const value = listOf(e, item);
  if (value === null) return;
  const { start, end } = within(range, value.length);
  const elements = value.range(start, end);
  e.reply.array(elements.length);
  for (const element of elements) e.reply.bulk(element);
}

function lindex(e: Execution): void {
  const item = itemToRead(e, 1);
  if (item === null) {
    e.reply.nil();
    return;
  }
  const value = listOf(e, item);
  if (value === null) return;
  const index = positionAt(e, 2);
  if (index === null) return;
  const element = value.at(index < 0 ? value.length + index : index);
  if (element === undefined) e.reply.nil();
  else e.reply.bulk(element);
}

function lset(e: Execution): void {
  const item = itemToWrite(e, 1);
  if (item === null) {
    e.reply.error(errors.noSuchKey);
    return;
  }
  const value = listOf(e, item);
  if (value === null) return;
  const given = positionAt(e, 2);
  if (given === null) return;
  const index = given < 0 ? value.length + given : given;
  if (index < 0 || index >= value.length) {
    e.reply.error(errors.outOfRange);
    return;
  }
  value.set(index, copyOf(e, 3));
  e.keyspace.changed(item);
  e.reply.ok();
}

function ltrim(e: Execution): void {
  const range = rangeAt(e);
  if (range === null) return;
  const item = itemToWrite(e, 1);
  if (item !== null) {
    const value = listOf(e, item);
    if (value === null) return;
    const { start, end } = within(range, value.length);
    value.trim(start, end);
    e.keyspace.changed(item);
  }
  e.reply.ok();
}

function lmove(e: Execution): void {
  const from = wordAt(e, 3);
  const to = wordAt(e, 4);
  if (isSide(from) && isSide(to)) moveElement(e, from, to);
  else e.reply.error(errors.syntax);
}

function isSide(word: string): word is Side {
  return word === 'left' || word === 'right';
}

function moveElement(e: Execution, from: Side, to: Side): void {
  const source = itemToWrite(e, 1);
  if (source === null) {
    e.reply.nil();
    return;
  }
  const sourceList = listOf(e, source);
  if (sourceList === null) return;
  const targetKey = keyAt(e, 2);
  const present = e.keyspace.findForWrite(targetKey, e.now);
  const target = present ?? e.keyspace.put(targetKey, null, new ListValue());
  const targetList = listOf(e, target);
  if (targetList === null) return;
  const element = sourceList.pop(from);
  invariant(element !== undefined, 'a list in a keyspace has elements');
  targetList.push(to, element);
  e.keyspace.changed(source);
  if (target !== source) e.keyspace.changed(target);
  e.reply.bulk(element);
}
