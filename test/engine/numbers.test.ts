import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { addLongDoubles, type Finite, parseLongDouble, printLongDouble } from '../../core/resp/longDouble.ts';
import { addIntegers, type Integer, negateInteger, parseInteger } from '../../core/resp/numbers.ts';

const parsed = (text: string) => parseInteger(bytesOfBinary(text));
const least = -(2n ** 63n);
const greatest = 2n ** 63n - 1n;
const integer64 = fc.bigInt({ min: least, max: greatest });

describe('integers', () => {
  it.each<readonly [string, Integer]>([
    ['0', 0],
    ['7', 7],
    ['-1', -1],
    ['999999999999999', 999_999_999_999_999],
    ['1000000000000000', 1_000_000_000_000_000n],
    ['9223372036854775807', greatest],
    ['-9223372036854775808', least],
  ])('%s is one', (text, value) => {
    expect(parsed(text)).toBe(value);
  });

  it.each([
    ...['', '-', '+1', '01', '-0', '00', ' 1', '1 ', '1.0', '1e3', '0x1', 'a', '1a', '١'],
    ...['9223372036854775808', '-9223372036854775809', '18446744073709551616', '100000000000000000000'],
  ])('%j is none', (text) => {
    expect(parsed(text)).toBe(null);
  });

  it('reads what is printed', () => {
    fc.assert(fc.property(integer64, (value) => BigInt(parsed(String(value)) ?? 'nothing') === value));
  });

  it('adds and negates within 64 bits', () => {
    const within = (value: bigint) => (value >= least && value <= greatest ? value : null);
    const exact = (value: Integer | null) => (value === null ? null : BigInt(value));
    fc.assert(
      fc.property(integer64, integer64, (a, b) => {
        const [x, y] = [parsed(String(a)) ?? 0, parsed(String(b)) ?? 0];
        expect([exact(addIntegers(x, y)), exact(negateInteger(x))]).toEqual([within(a + b), within(-a)]);
      }),
    );
  });
});

function sum(a: string, b: string): string | null {
  const [x, y] = [parseLongDouble(a), parseLongDouble(b)];
  if (x === null || y === null) return null;
  const total = addLongDoubles(x, y);
  return total === 'infinite' ? total : printLongDouble(total);
}

/** What a redis-server 7 on x86 answers. */
describe('long doubles', () => {
  it.each([
    ['10.5', '0.1', '10.6'],
    ['3.0e3', '200', '3200'],
    ['5.0e3', '2.0e2', '5200'],
    ['0.1', '0.2', '0.3'],
    ['1000000.1', '0.1', '1000000.20000000000004547'],
    ['-0', '-0', '0'],
    ['0', '-1e-20', '0'],
    ['1', '0x10', '17'],
    ['0x1.8p1', '.5', '3.5'],
    ['18446744073709551615', '2', '18446744073709551616'],
    ['18446744073709551615', '3', '18446744073709551618'],
    ['0x1p-16445', '0', '0'],
    ['inf', '1', 'infinite'],
    ['-Infinity', 'INF', 'infinite'],
    ['1e4932', '1e4932', 'infinite'],
    ['0e999999999999999999999', '1.', '1'],
  ])('%s + %s = %s', (a, b, total) => {
    expect(sum(a, b)).toBe(total);
  });

  it.each([
    ...[
      '',
      ' 1',
      '1 ',
      '.',
      '-',
      '1e',
      '1e+',
      'e5',
      '1..2',
      '1_0',
      'nan',
      '-nan',
      'infinit',
      '0x',
      '0x.',
      '0x1p',
      '1f',
    ],
    ...['1e5000', '-1e4933', '1e-5000', '1e-4952', '0x1p16384', '0x1p-16447', `1e${'9'.repeat(400)}`, '1'.repeat(5120)],
  ])('%s is none', (text) => {
    expect(parseLongDouble(text)).toBe(null);
  });

  it('holds what a double holds', () => {
    const double = fc.double({ min: -1e290, max: 1e290, noNaN: true }).filter((value) => Math.abs(value) > 1e-290);
    fc.assert(
      fc.property(double, (value) => {
        const { significand, exponent } = parseLongDouble(String(value)) as Finite;
        const back = Number(significand >> 11n) * 2 ** (exponent + 11);
        expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -51);
      }),
    );
  });

  it('rounds to the nearest number of 64 bits, ties to the even one', () => {
    fc.assert(
      fc.property(fc.bigInt(2n ** 64n, 2n ** 80n), (value) => {
        const { significand, exponent } = parseLongDouble(String(value)) as Finite;
        const step = 1n << BigInt(exponent);
        const off = 2n * (significand * step - value);
        expect(significand < 2n ** 64n || significand === 2n ** 64n).toBe(true);
        expect(off < step && -off < step).toBe(off !== step && -off !== step);
        if (off === step || -off === step) expect(significand % 2n).toBe(0n);
      }),
    );
  });
});
