/**
 * 64-bit integers as Redis reads them: the digits that it would print itself and no others, so no `+`, no
 * spaces and no leading zeros.
 */
import { binaryString } from '../base/bytes.ts';

/** A `number` up to fifteen digits, a `bigint` beyond: always exact. */
export type Integer = number | bigint;

const minus = 0x2d;
const zero = 0x30;
/** A `number` holds so many digits exactly, and the sum of two such numbers too. */
const exactDigits = 15;
/** `-9223372036854775808` has as many characters. */
const longestInteger = 20;
const minInteger = -(2n ** 63n);
const maxInteger = 2n ** 63n - 1n;

/** Null if it is none. */
export function parseInteger(bytes: Uint8Array): Integer | null {
  const { length } = bytes;
  if (length === 0 || length > longestInteger) return null;
  const isNegative = bytes[0] === minus;
  const start = isNegative ? 1 : 0;
  const digits = length - start;
  if (digits === 0) return null;
  if (bytes[start] === zero) return length === 1 ? 0 : null;
  let value = 0;
  for (let i = start; i < length; i += 1) {
    const digit = (bytes[i] ?? 0) - zero;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  if (digits <= exactDigits) return isNegative ? -value : value;
  const large = BigInt(binaryString(bytes));
  return isInteger64(large) ? large : null;
}

/** The sum; null if it needs more than 64 bits. */
export function addIntegers(a: Integer, b: Integer): Integer | null {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = BigInt(a) + BigInt(b);
  return isInteger64(sum) ? sum : null;
}

/** The integer with its sign turned; null for the one that has no counterpart. */
export function negateInteger(value: Integer): Integer | null {
  if (typeof value === 'number') return 0 - value;
  return isInteger64(-value) ? -value : null;
}

function isInteger64(value: bigint): boolean {
  return value >= minInteger && value <= maxInteger;
}
