/** How commands read their arguments and what these name. Where a function says so, the error has been replied. */
import { binaryString, noBytes } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { type Integer, parseInteger } from '../resp/numbers.ts';
import type { Execution } from './command.ts';
import { isList, type Item } from './keyspace.ts';
import type { ListValue } from './listValue.ts';

/** Empty if there is none. */
export function argument(e: Execution, index: number): Uint8Array {
  return e.args[index] ?? noBytes;
}

/** An argument to be stored. Arguments are slices of larger buffers, and may be of a kind whose `slice` copies nothing. */
export function copyOf(e: Execution, index: number): Uint8Array {
  return new Uint8Array(argument(e, index));
}

/** An argument as a key. */
export function keyAt(e: Execution, index: number): string {
  return binaryString(argument(e, index));
}

/** A keyword, in lower case; empty if there is none. */
export function wordAt(e: Execution, index: number): string {
  return binaryString(argument(e, index)).toLowerCase();
}

/** A 64-bit integer; null with the error replied. */
export function integerAt(e: Execution, index: number): Integer | null {
  const value = parseInteger(argument(e, index));
  if (value === null) e.reply.error(errors.notAnInteger);
  return value;
}

/**
 * A 64-bit integer that is an index or a count; null with the error replied. Beyond 2^53 it is the nearest number
 * only: no value has that many bytes or elements.
 */
export function positionAt(e: Execution, index: number): number | null {
  const value = integerAt(e, index);
  return value === null ? null : Number(value);
}

/** A count, 0 or more; null with the given error replied for anything else. */
export function countAt(e: Execution, index: number, error: string): number | null {
  const value = parseInteger(argument(e, index));
  if (value !== null && value >= 0) return Number(value);
  e.reply.error(error);
  return null;
}

export function itemToRead(e: Execution, index: number): Item | null {
  return e.keyspace.find(keyAt(e, index), e.now);
}

export function itemToWrite(e: Execution, index: number): Item | null {
  return e.keyspace.findForWrite(keyAt(e, index), e.now);
}

/** The item's string; null with the error replied if it is something else. */
export function stringOf(e: Execution, item: Item): Uint8Array | null {
  if (!isList(item.value)) return item.value;
  e.reply.error(errors.wrongType);
  return null;
}

/** The item's list; null with the error replied if it is something else. */
export function listOf(e: Execution, item: Item): ListValue | null {
  if (isList(item.value)) return item.value;
  e.reply.error(errors.wrongType);
  return null;
}
