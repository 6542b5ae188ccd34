/**
 * Numbers as Redis reads and prints them: 64-bit integers, and decimals for INCRBYFLOAT. Decimals are added
 * exactly and printed with at most 17 digits after the point, so every replica has the same bytes.
 */

const minus = 0x2d;
const zero = 0x30;
const safeDigits = 15;
const longestInteger = 20;
const minInteger = -(2n ** 63n);
const maxInteger = 2n ** 63n - 1n;

/** A signed 64-bit integer without leading zeros, `+` or spaces; a `bigint` beyond 15 digits. Null if it is none. */
export function parseInteger(bytes: Uint8Array): number | bigint | null {
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
  if (digits <= safeDigits) return isNegative ? -value : value;
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  const large = BigInt(text);
  return isInteger64(large) ? large : null;
}

export function isInteger64(value: bigint): boolean {
  return value >= minInteger && value <= maxInteger;
}

/** As `parseInteger`, but null beyond what a double holds exactly: for counts, offsets and times. */
export function parseSafeInteger(bytes: Uint8Array): number | null {
  const value = parseInteger(bytes);
  if (value === null || typeof value === 'number') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** `digits` · 10^−`scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Where a long double ends. */
const largestExponent = 4932;
const printedScale = 17;

export function parseDecimal(text: string): Decimal | 'infinite' | null {
  if (/^[+-]?(inf|infinity)$/i.test(text)) return 'infinite';
  const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,6}))?$/.exec(text);
  if (parts === null) return null;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  if (whole === '' && fraction === '') return null;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - Number(exponent);
  if (digits !== 0n && whole.length - fraction.length + Math.abs(scale) > largestExponent) return 'infinite';
  if (digits === 0n) return { digits, scale: 0 };
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { digits: a.digits * 10n ** BigInt(scale - a.scale) + b.digits * 10n ** BigInt(scale - b.scale), scale };
}

/** Rounded to 17 digits after the point, half away from zero, without trailing zeros. */
export function printDecimal({ digits, scale }: Decimal): string {
  const isNegative = digits < 0n;
  let rest = isNegative ? -digits : digits;
  let places = scale;
  if (places > printedScale) {
    const divisor = 10n ** BigInt(places - printedScale);
    rest = (rest + divisor / 2n) / divisor;
    places = printedScale;
  }
  const text = rest.toString().padStart(places + 1, '0');
  const whole = text.slice(0, text.length - places);
  const fraction = text.slice(text.length - places).replace(/0+$/, '');
  const printed = fraction === '' ? whole : `${whole}.${fraction}`;
  return isNegative && rest !== 0n ? `-${printed}` : printed;
}
