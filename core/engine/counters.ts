/** Strings that are numbers: INCR and its relatives. */
import { binaryString, bytesOfBinary } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { addLongDoubles, type LongDouble, parseLongDouble, printLongDouble } from '../resp/longDouble.ts';
import { addIntegers, type Integer, negateInteger, parseInteger } from '../resp/numbers.ts';
import { argument, integerAt, keyAt, stringOf } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';

const counter = family('string', '@string');

export const counterCommands: readonly DataCommand[] = [
  counter('incr', 2, 'write denyoom fast', 'first', '1.0.0', 'O(1)', 'Adds one to an integer.', (e) => {
    add(e, 1);
  }),
  counter('decr', 2, 'write denyoom fast', 'first', '1.0.0', 'O(1)', 'Takes one from an integer.', (e) => {
    add(e, -1);
  }),
  counter('incrby', 3, 'write denyoom fast', 'first', '1.0.0', 'O(1)', 'Adds to an integer.', incrby),
  counter('decrby', 3, 'write denyoom fast', 'first', '1.0.0', 'O(1)', 'Takes from an integer.', decrby),
  counter('incrbyfloat', 3, 'write denyoom fast', 'first', '2.6.0', 'O(1)', 'Adds to a number.', incrbyfloat),
];

function incrby(e: Execution): void {
  const amount = integerAt(e, 2);
  if (amount !== null) add(e, amount);
}

function decrby(e: Execution): void {
  const amount = integerAt(e, 2);
  if (amount === null) return;
  const negated = negateInteger(amount);
  if (negated === null) e.reply.error('ERR decrement would overflow');
  else add(e, negated);
}

function add(e: Execution, amount: Integer): void {
  const key = keyAt(e, 1);
  const present = e.keyspace.findForWrite(key, e.now);
  let before: Integer | null = 0;
  if (present !== null) {
    const value = stringOf(e, present);
    if (value === null) return;
    before = parseInteger(value);
  }
  if (before === null) {
    e.reply.error(errors.notAnInteger);
    return;
  }
  const sum = addIntegers(before, amount);
  if (sum === null) {
    e.reply.error('ERR increment or decrement would overflow');
    return;
  }
  e.keyspace.put(key, present, bytesOfBinary(String(sum)));
  e.reply.integer(sum);
}

function incrbyfloat(e: Execution): void {
  const key = keyAt(e, 1);
  const present = e.keyspace.findForWrite(key, e.now);
  let before: LongDouble | null = { significand: 0n, exponent: 0 };
  if (present !== null) {
    const value = stringOf(e, present);
    if (value === null) return;
    before = parseLongDouble(binaryString(value));
  }
  const amount = parseLongDouble(binaryString(argument(e, 2)));
  if (before === null || amount === null) {
    e.reply.error(errors.notAFloat);
    return;
  }
  const sum = addLongDoubles(before, amount);
  if (sum === 'infinite') {
    e.reply.error('ERR increment would produce NaN or Infinity');
    return;
  }
  const value = bytesOfBinary(printLongDouble(sum));
  e.keyspace.put(key, present, value);
  e.reply.bulk(value);
}
