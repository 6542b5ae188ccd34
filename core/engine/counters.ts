/** Counters: INCR and its relatives. 64-bit integers, exact decimals. */
import { binaryString, bytesOfBinary } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { addDecimals, isInteger64, parseDecimal, parseInteger, printDecimal } from '../resp/numbers.ts';
import { arg, keyArg, stringAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';

const counter = family('string', '@string');

export const counterCommands: readonly DataCommand[] = [
  counter('incr', 2, 'write', 'first', '1.0.0', 'O(1)', 'Adds one to an integer.', (e) => {
    add(e, 1);
  }),
  counter('decr', 2, 'write', 'first', '1.0.0', 'O(1)', 'Takes one from an integer.', (e) => {
    add(e, -1);
  }),
  counter('incrby', 3, 'write', 'first', '1.0.0', 'O(1)', 'Adds to an integer.', (e) => {
    const amount = parseInteger(arg(e, 2));
    if (amount === null) e.reply.error(errors.notAnInteger);
    else add(e, amount);
  }),
  counter('decrby', 3, 'write', 'first', '1.0.0', 'O(1)', 'Takes from an integer.', (e) => {
    const amount = parseInteger(arg(e, 2));
    if (amount === null) e.reply.error(errors.notAnInteger);
    else if (!isInteger64(-BigInt(amount))) e.reply.error('ERR decrement would overflow');
    else add(e, typeof amount === 'number' ? -amount : -amount);
  }),
  counter('incrbyfloat', 3, 'write', 'first', '2.6.0', 'O(1)', 'Adds to a decimal number.', incrbyfloat),
];

function add(e: Execution, amount: number | bigint): void {
  const found = stringAt(e, 1, true);
  if (found === 'wrongType') return;
  const present = found === null ? 0 : parseInteger(found.value);
  if (present === null) {
    e.reply.error(errors.notAnInteger);
    return;
  }
  const sum = sumOf(present, amount);
  if (sum === null) {
    e.reply.error(errors.overflow);
    return;
  }
  const value = bytesOfBinary(sum.toString());
  if (found === null) e.keyspace.put(keyArg(e, 1), value, e.now);
  else e.keyspace.replace(found.item, value);
  e.reply.integer(sum);
}

function sumOf(a: number | bigint, b: number | bigint): number | bigint | null {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = BigInt(a) + BigInt(b);
  return isInteger64(sum) ? sum : null;
}

function incrbyfloat(e: Execution): void {
  const found = stringAt(e, 1, true);
  if (found === 'wrongType') return;
  const present = found === null ? { digits: 0n, scale: 0 } : parseDecimal(binaryString(found.value));
  const amount = parseDecimal(binaryString(arg(e, 2)));
  if (present === null || amount === null) {
    e.reply.error(errors.notAFloat);
    return;
  }
  if (present === 'infinite' || amount === 'infinite') {
    e.reply.error(errors.notFinite);
    return;
  }
  const value = bytesOfBinary(printDecimal(addDecimals(present, amount)));
  if (found === null) e.keyspace.put(keyArg(e, 1), value, e.now);
  else e.keyspace.replace(found.item, value);
  e.reply.bulk(value);
}
