/** Parts of strings: APPEND, STRLEN, SETRANGE, GETRANGE. */
import { noBytes } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { argument, copyOf, itemToRead, keyAt, positionAt, stringOf } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { ownsMemory } from './valueMemory.ts';

const string = family('string', '@string');

export const stringPartCommands: readonly DataCommand[] = [
  string('append', 3, 'write denyoom fast', 'first', '2.0.0', 'O(1) amortised', 'Appends to a value.', append),
  string('strlen', 2, 'readonly fast', 'first', '2.2.0', 'O(1)', 'Answers the length of a value.', strlen),
  string('setrange', 4, 'write denyoom', 'first', '2.2.0', 'O(N) for N bytes', 'Overwrites a part.', setrange),
  string('getrange', 4, 'readonly', 'first', '2.4.0', 'O(N) for N bytes', 'Answers a part.', getrange),
  string('substr', 4, 'readonly', 'first', '1.0.0', 'O(N) for N bytes', 'The former name of GETRANGE.', getrange),
];

function append(e: Execution): void {
  const key = keyAt(e, 1);
  const present = e.keyspace.findForWrite(key, e.now);
  if (present === null) {
    e.keyspace.put(key, null, copyOf(e, 2));
    e.reply.integer(argument(e, 2).length);
    return;
  }
  const value = stringOf(e, present);
  if (value === null) return;
  const tail = argument(e, 2);
  const length = value.length + tail.length;
  if (length > e.maxValueBytes) {
    e.reply.error(errors.tooLarge);
    return;
  }
  const grown = grow(value, length, e.maxValueBytes);
  grown.set(tail, value.length);
  e.keyspace.put(key, present, grown);
  e.reply.integer(length);
}

function strlen(e: Execution): void {
  const item = itemToRead(e, 1);
  const value = item === null ? noBytes : stringOf(e, item);
  if (value !== null) e.reply.integer(value.length);
}

function setrange(e: Execution): void {
  const offset = positionAt(e, 2);
  if (offset === null) return;
  if (offset < 0) {
    e.reply.error('ERR offset is out of range');
    return;
  }
  const key = keyAt(e, 1);
  const present = e.keyspace.findForWrite(key, e.now);
  const value = present === null ? noBytes : stringOf(e, present);
  if (value === null) return;
  const part = argument(e, 3);
  if (part.length === 0) {
    e.reply.integer(value.length);
    return;
  }
  const end = offset + part.length;
  if (end > e.maxValueBytes) {
    e.reply.error(errors.tooLarge);
    return;
  }
  const own = present === null ? value : e.keyspace.ownBytes(present, value);
  const changed = end > own.length ? grow(own, end, e.maxValueBytes) : own;
  changed.set(part, offset);
  e.keyspace.put(key, present, changed);
  e.reply.integer(changed.length);
}

/**
 * The value with zeros behind it, `length` bytes in all. In the same memory if an earlier call left room there:
 * what grows in small steps is copied once each time its length has doubled.
 */
function grow(value: Uint8Array, length: number, limit: number): Uint8Array {
  const { buffer } = value;
  if (value.length > 0 && ownsMemory(value) && buffer.byteLength >= length) return new Uint8Array(buffer, 0, length);
  const capacity = value.length === 0 ? length : Math.min(length * 2, limit);
  const grown = new Uint8Array(new ArrayBuffer(capacity), 0, length);
  grown.set(value);
  return grown;
}

function getrange(e: Execution): void {
  const start = positionAt(e, 2);
  if (start === null) return;
  const end = positionAt(e, 3);
  if (end === null) return;
  const item = itemToRead(e, 1);
  const value = item === null ? noBytes : stringOf(e, item);
  if (value === null) return;
  const { length } = value;
  // An end before the first byte means the first byte, as in Redis, unless both are counted from the end.
  const isBackwards = start < 0 && end < 0 && start > end;
  const from = Math.max(start < 0 ? length + start : start, 0);
  const to = Math.min(Math.max(end < 0 ? length + end : end, 0), length - 1);
  e.reply.bulk(isBackwards || from > to ? noBytes : value.subarray(from, to + 1));
}
