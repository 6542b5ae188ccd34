/** Lists by what they contain: LREM, LINSERT, LPOS. */
import { equalBytes } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { argument, copyOf, countAt, itemToRead, itemToWrite, listOf, positionAt, wordAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import type { ListValue } from './listValue.ts';

const list = family('list', '@list');

export const listSearchCommands: readonly DataCommand[] = [
  list('lrem', 4, 'write', 'first', '1.0.0', 'O(N) for N elements', 'Removes equal elements.', lrem),
  list('linsert', 5, 'write denyoom', 'first', '2.2.0', 'O(N) for N elements', 'Inserts beside an element.', linsert),
  list('lpos', -3, 'readonly', 'first', '6.0.6', 'O(N) for N elements', 'Answers where equal elements are.', lpos),
];

function lrem(e: Execution): void {
  const count = positionAt(e, 2);
  if (count === null) return;
  const item = itemToWrite(e, 1);
  if (item === null) {
    e.reply.integer(0);
    return;
  }
  const value = listOf(e, item);
  if (value === null) return;
  const limit = count === 0 ? value.length : Math.abs(count);
  const removed = value.remove(argument(e, 3), limit, count < 0 ? 'right' : 'left');
  e.keyspace.changed(item);
  e.reply.integer(removed);
}

function linsert(e: Execution): void {
  const where = wordAt(e, 2);
  if (where !== 'before' && where !== 'after') {
    e.reply.error(errors.syntax);
    return;
  }
  const item = itemToWrite(e, 1);
  if (item === null) {
    e.reply.integer(0);
    return;
  }
  const value = listOf(e, item);
  if (value === null) return;
  const pivot = value.indexOf(argument(e, 3));
  if (pivot < 0) {
    e.reply.integer(-1);
    return;
  }
  value.insert(where === 'before' ? pivot : pivot + 1, copyOf(e, 4));
  e.keyspace.changed(item);
  e.reply.integer(value.length);
}

interface PositionOptions {
  /** Which match is the first that counts; negative from the end. */
  rank: number;
  /** 0 for all; null for one, answered alone. */
  count: number | null;
  /** Elements to compare; 0 for all. */
  maxLength: number;
}

function lpos(e: Execution): void {
  const options = readPositionOptions(e);
  if (options === null) return;
  const item = itemToRead(e, 1);
  const value = item === null ? null : listOf(e, item);
  if (item !== null && value === null) return;
  const positions = value === null ? [] : positionsOf(value, argument(e, 2), options);
  if (options.count === null) {
    if (positions[0] === undefined) e.reply.nil();
    else e.reply.integer(positions[0]);
    return;
  }
  e.reply.array(positions.length);
  for (const position of positions) e.reply.integer(position);
}

function readPositionOptions(e: Execution): PositionOptions | null {
  const options: PositionOptions = { rank: 1, count: null, maxLength: 0 };
  for (let i = 3; i < e.args.length; i += 2) {
    const word = i + 1 < e.args.length ? wordAt(e, i) : '';
    if (word === 'rank') {
      const rank = positionAt(e, i + 1);
      if (rank === null) return null;
      if (rank === 0) {
        e.reply.error(zeroRank);
        return null;
      }
      options.rank = rank;
    } else if (word === 'count' || word === 'maxlen') {
      const count = countAt(e, i + 1, `ERR ${word.toUpperCase()} can't be negative`);
      if (count === null) return null;
      if (word === 'count') options.count = count;
      else options.maxLength = count;
    } else {
      e.reply.error(errors.syntax);
      return null;
    }
  }
  return options;
}

const zeroRank =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";

function positionsOf(value: ListValue, wanted: Uint8Array, options: PositionOptions): readonly number[] {
  const { rank, count, maxLength } = options;
  const limit = count === null ? 1 : count === 0 ? value.length : count;
  const positions: number[] = [];
  let looked = 0;
  let matches = 0;
  for (const element of value.elements(rank > 0 ? 'left' : 'right')) {
    if (positions.length === limit || (maxLength > 0 && looked === maxLength)) break;
    looked += 1;
    if (!equalBytes(element, wanted)) continue;
    matches += 1;
    if (matches >= Math.abs(rank)) positions.push(rank > 0 ? looked - 1 : value.length - looked);
  }
  return positions;
}
