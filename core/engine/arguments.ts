/** How commands read their arguments and find what they name. */
import { binaryString, noBytes } from '../base/bytes.ts';
import type { WallTime } from '../base/time.ts';
import { errors } from '../resp/errors.ts';
import { parseSafeInteger } from '../resp/numbers.ts';
import type { Execution } from './command.ts';
import type { Item } from './keyspace.ts';
import { ListValue } from './listValue.ts';

export function arg(execution: Execution, index: number): Uint8Array {
  return execution.args[index] ?? noBytes;
}

export function keyArg(execution: Execution, index: number): string {
  return binaryString(execution.args[index] ?? noBytes);
}

/** A keyword, in lower case; empty if there is none. */
export function word(execution: Execution, index: number): string {
  const bytes = execution.args[index];
  return bytes === undefined ? '' : binaryString(bytes).toLowerCase();
}

/** An argument that is a whole number; otherwise null, with the error replied. */
export function integerArg(execution: Execution, index: number): number | null {
  const value = parseSafeInteger(arg(execution, index));
  if (value === null) execution.reply.error(errors.notAnInteger);
  return value;
}

/** The string at a key; null if there is none. `wrongType` with the error replied. */
export function stringAt(
  execution: Execution,
  index: number,
  forWrite: boolean,
): { readonly item: Item; readonly value: Uint8Array } | null | 'wrongType' {
  const item = itemAt(execution, index, forWrite);
  if (item === null) return null;
  if (!(item.value instanceof ListValue)) return { item, value: item.value };
  execution.reply.error(errors.wrongType);
  return 'wrongType';
}

export function listAt(
  execution: Execution,
  index: number,
  forWrite: boolean,
): { readonly item: Item; readonly value: ListValue } | null | 'wrongType' {
  const item = itemAt(execution, index, forWrite);
  if (item === null) return null;
  if (item.value instanceof ListValue) return { item, value: item.value };
  execution.reply.error(errors.wrongType);
  return 'wrongType';
}

export function itemAt(execution: Execution, index: number, forWrite: boolean): Item | null {
  const { keyspace, now } = execution;
  const key = keyArg(execution, index);
  return forWrite ? keyspace.findForWrite(key, now) : keyspace.find(key, now);
}

export type ExpiryUnit = 'ex' | 'px' | 'exat' | 'pxat';

/** Milliseconds in a second. */
const second = 1000;
/** Beyond it an instant is no safe integer any more. */
const latestInstant = Number.MAX_SAFE_INTEGER;

/** The instant that a time to live or an absolute time means. Null if it is out of range. */
export function instantOf(value: number, unit: ExpiryUnit, now: WallTime): WallTime | null {
  const millis = unit === 'ex' || unit === 'exat' ? value * second : value;
  const instant = unit === 'ex' || unit === 'px' ? now + millis : millis;
  return Math.abs(instant) <= latestInstant ? (instant as WallTime) : null;
}
