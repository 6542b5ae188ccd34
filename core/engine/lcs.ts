/** LCS: the longest common subsequence of two strings, and where its pieces are. */
import { noBytes } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { integerAt, itemToRead, wordAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { isList } from './keyspace.ts';

const string = family('string', '@string');

export const lcsCommands: readonly DataCommand[] = [
  string('lcs', -3, 'readonly', 'firstTwo', '7.0.0', 'O(N*M)', 'Compares two values.', lcs),
];

/** A table of so many cells takes about 20 ms and 16 MiB: longer would keep other tenants waiting. */
const largestTable = 4 * 1024 * 1024;

interface Options {
  answersLength: boolean;
  answersMatches: boolean;
  withLengths: boolean;
  leastLength: number;
}

/** Bytes `start` to `end`, both included, of either string. */
interface Match {
  readonly startA: number;
  readonly startB: number;
  readonly length: number;
}

function lcs(e: Execution): void {
  const a = stringOrNothing(e, 1);
  const b = stringOrNothing(e, 2);
  if (a === null || b === null) {
    e.reply.error('ERR The specified keys must contain string values');
    return;
  }
  const options = readOptions(e);
  if (options === null) return;
  if ((a.length + 1) * (b.length + 1) > largestTable) {
    e.reply.error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
    return;
  }
  const table = lengths(a, b);
  const length = table[table.length - 1] ?? 0;
  if (options.answersMatches) replyMatches(e, options, matches(a, b, table), length);
  else if (options.answersLength) e.reply.integer(length);
  else e.reply.bulk(joined(a, matches(a, b, table), length));
}

/** What is not there counts as empty; null if it is no string. */
function stringOrNothing(e: Execution, index: number): Uint8Array | null {
  const value = itemToRead(e, index)?.value ?? noBytes;
  return isList(value) ? null : value;
}

function readOptions(e: Execution): Options | null {
  const options: Options = { answersLength: false, answersMatches: false, withLengths: false, leastLength: 0 };
  for (let i = 3; i < e.args.length; i += 1) {
    const word = wordAt(e, i);
    if (word === 'len') options.answersLength = true;
    else if (word === 'idx') options.answersMatches = true;
    else if (word === 'withmatchlen') options.withLengths = true;
    else if (word === 'minmatchlen' && i + 1 < e.args.length) {
      i += 1;
      const least = integerAt(e, i);
      if (least === null) return null;
      options.leastLength = Number(least);
    } else {
      e.reply.error(errors.syntax);
      return null;
    }
  }
  if (!options.answersLength || !options.answersMatches) return options;
  e.reply.error('ERR If you want both the length and indexes, please just use IDX.');
  return null;
}

/** The length for each pair of prefixes: row by row of `a`, the empty prefix first. */
function lengths(a: Uint8Array, b: Uint8Array): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i += 1) {
    const byte = a[i - 1];
    for (let j = 1; j <= b.length; j += 1) {
      const at = i * width + j;
      if (byte === b[j - 1]) table[at] = (table[at - width - 1] ?? 0) + 1;
      else table[at] = Math.max(table[at - width] ?? 0, table[at - 1] ?? 0);
    }
  }
  return table;
}

/** The pieces that are contiguous in both strings, the last one first. */
function matches(a: Uint8Array, b: Uint8Array, table: Uint32Array): readonly Match[] {
  const found: Match[] = [];
  const width = b.length + 1;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    let length = 0;
    while (i > 0 && j > 0 && a[i - 1] === b[j - 1]) {
      i -= 1;
      j -= 1;
      length += 1;
    }
    if (length > 0) found.push({ startA: i, startB: j, length });
    else if ((table[(i - 1) * width + j] ?? 0) > (table[i * width + j - 1] ?? 0)) i -= 1;
    else j -= 1;
  }
  return found;
}

function joined(a: Uint8Array, pieces: readonly Match[], length: number): Uint8Array {
  const result = new Uint8Array(length);
  let end = length;
  for (const { startA, length: size } of pieces) {
    end -= size;
    result.set(a.subarray(startA, startA + size), end);
  }
  return result;
}

function replyMatches(e: Execution, options: Options, pieces: readonly Match[], total: number): void {
  const { reply } = e;
  const shown = pieces.filter(({ length }) => length >= options.leastLength);
  reply.map(2);
  reply.bulkText('matches');
  reply.array(shown.length);
  for (const { startA, startB, length } of shown) {
    reply.array(options.withLengths ? 3 : 2);
    reply.array(2);
    reply.integer(startA);
    reply.integer(startA + length - 1);
    reply.array(2);
    reply.integer(startB);
    reply.integer(startB + length - 1);
    if (options.withLengths) reply.integer(length);
  }
  reply.bulkText('len');
  reply.integer(total);
}
