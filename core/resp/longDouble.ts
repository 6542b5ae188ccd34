/**
 * The numbers of INCRBYFLOAT: 80-bit floating point as x86 has it, done with whole numbers, so that every machine
 * stores the same bytes, and the same as a Redis there.
 * Source: IEEE 754 double extended; the C standard on `strtold` and `%.17Lf`.
 */

/** `significand` · 2^`exponent`; the significand has at most 64 bits and carries the sign. */
export interface Finite {
  readonly significand: bigint;
  readonly exponent: number;
}

export type LongDouble = Finite | 'infinite';

const significandBits = 64;
/** The exponent of the last bit of the smallest number. */
const leastExponent = -16_445;
/** 2 to this power is too large. */
const overflowExponent = 16_384;
/** Decimal exponents of a first digit beyond which a number certainly overflows, or vanishes. */
const largestDecimal = 4_940;
const smallestDecimal = -4_960;
/** As long as a number may be written: the size of the buffer in which Redis reads it. */
const longestText = 5 * 1024 - 1;
/** Digits after the point. */
const printedDigits = 17;

const decimalPattern = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?$/i;
const hexadecimalPattern = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]+))?$/i;

/** What `strtold` makes of the whole text; null if that is nothing, no number, too large, or too small to be told from 0. */
export function parseLongDouble(text: string): LongDouble | null {
  if (text.length > longestText) return null;
  const decimal = decimalPattern.exec(text);
  if (decimal !== null) return fromDecimal(decimal);
  const hexadecimal = hexadecimalPattern.exec(text);
  if (hexadecimal !== null) return fromHexadecimal(hexadecimal);
  return /^[+-]?inf(inity)?$/i.test(text) ? 'infinite' : null;
}

/** The sum to the nearest. An infinite summand stays: whether two cancel out is nothing a caller may ask. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble {
  if (a === 'infinite' || b === 'infinite') return 'infinite';
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.significand << BigInt(a.exponent - exponent)) + (b.significand << BigInt(b.exponent - exponent));
  const rounded = round(sum < 0n ? -sum : sum, exponent, false);
  return sum < 0n ? negate(rounded) : rounded;
}

/** Seventeen digits after the point, to the nearest, less the zeros at the end. */
export function printLongDouble({ significand, exponent }: Finite): string {
  const isNegative = significand < 0n;
  const magnitude = isNegative ? -significand : significand;
  const scaled = magnitude * 10n ** BigInt(printedDigits);
  const digits = exponent >= 0 ? scaled << BigInt(exponent) : shiftToNearest(scaled, -exponent, false);
  const text = digits.toString().padStart(printedDigits + 1, '0');
  const whole = text.slice(0, -printedDigits);
  const fraction = text.slice(-printedDigits).replace(/0+$/, '');
  const printed = fraction === '' ? whole : `${whole}.${fraction}`;
  return isNegative && digits !== 0n ? `-${printed}` : printed;
}

function fromDecimal(parts: RegExpExecArray): LongDouble | null {
  const [, sign = '', whole = '', fraction = '', power = '0'] = parts;
  const digits = `${whole}${fraction}`;
  if (digits === '') return null;
  const value = BigInt(digits);
  if (value === 0n) return { significand: 0n, exponent: 0 };
  const scale = Number(power) - fraction.length;
  const firstDigit = value.toString().length + scale;
  if (firstDigit > largestDecimal || firstDigit < smallestDecimal) return null;
  const numerator = scale > 0 ? value * 10n ** BigInt(scale) : value;
  const denominator = scale < 0 ? 10n ** BigInt(-scale) : 1n;
  return parsed(divide(numerator, denominator), sign);
}

function fromHexadecimal(parts: RegExpExecArray): LongDouble | null {
  const [, sign = '', whole = '', fraction = '', power = '0'] = parts;
  const digits = `${whole}${fraction}`;
  if (digits === '') return null;
  const value = BigInt(`0x${digits}`);
  if (value === 0n) return { significand: 0n, exponent: 0 };
  const exponent = Number(power) - 4 * fraction.length;
  const firstBit = bitLength(value) + exponent;
  if (firstBit > overflowExponent || firstBit < leastExponent) return null;
  return parsed(round(value, exponent, false), sign);
}

/** What overflowed or vanished while it was read is an error, not a number. */
function parsed(value: LongDouble, sign: string): LongDouble | null {
  if (value === 'infinite' || value.significand === 0n) return null;
  return sign === '-' ? negate(value) : value;
}

function negate(value: LongDouble): LongDouble {
  return value === 'infinite' ? value : { significand: -value.significand, exponent: value.exponent };
}

/** The quotient to the nearest. */
function divide(numerator: bigint, denominator: bigint): LongDouble {
  // Two bits more than are kept, so that the remainder only ever decides a tie.
  const shift = significandBits + 2 - (bitLength(numerator) - bitLength(denominator));
  const shifted = shift > 0 ? numerator << BigInt(shift) : numerator;
  const divisor = shift < 0 ? denominator << BigInt(-shift) : denominator;
  return round(shifted / divisor, -shift, shifted % divisor !== 0n);
}

/** `value` · 2^`exponent` to 64 bits, to the nearest, ties to even; `hasMore` if the exact value is a little larger. */
function round(value: bigint, exponent: number, hasMore: boolean): LongDouble {
  if (value === 0n) return { significand: 0n, exponent: 0 };
  const surplus = Math.max(bitLength(value) - significandBits, leastExponent - exponent);
  const significand = surplus > 0 ? shiftToNearest(value, surplus, hasMore) : value;
  const rounded = { significand, exponent: exponent + Math.max(surplus, 0) };
  return bitLength(significand) + rounded.exponent > overflowExponent ? 'infinite' : rounded;
}

function shiftToNearest(value: bigint, bits: number, hasMore: boolean): bigint {
  const kept = value >> BigInt(bits);
  const lost = value - (kept << BigInt(bits));
  const half = 1n << BigInt(bits - 1);
  const isUp = lost > half || (lost === half && (hasMore || (kept & 1n) === 1n));
  return isUp ? kept + 1n : kept;
}

function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const digits = value.toString(16);
  return 4 * (digits.length - 1) + (32 - Math.clz32(Number.parseInt(digits.charAt(0), 16)));
}
