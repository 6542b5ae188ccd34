/**
 * Transactions as the log knows them. EXEC comes as one command whose arguments are the whole transaction: the keys
 * that were watched, each with the version it had, and the commands. It runs or it does not; whatever runs beside
 * it is before or behind. These commands are sent by an ingress, never by a client.
 *
 *   exec      count of watched · { key · version }* · { count of arguments · argument* }*
 *   versions  key+                                                      → the version of each
 */
import { binaryString, bytesOfBinary, noBytes } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { argument, keyAt } from './arguments.ts';
import { type DataCommand, type Execution, family, type FindCommand } from './command.ts';
import { isRefused } from './fullness.ts';

export interface WatchedKey {
  readonly key: Uint8Array;
  readonly version: number;
}

/** The arguments of `exec`. A transaction that only reads is `execread`. */
export function encodeTransaction(
  access: 'read' | 'write',
  watched: readonly WatchedKey[],
  commands: readonly (readonly Uint8Array[])[],
): readonly Uint8Array[] {
  const args = [bytesOfBinary(access === 'read' ? 'execread' : 'exec'), numeral(watched.length)];
  for (const { key, version } of watched) args.push(key, numeral(version));
  for (const command of commands) {
    args.push(numeral(command.length));
    for (const each of command) args.push(each);
  }
  return args;
}

/** What a transaction holds; null if these are not the arguments of one. */
export function decodeTransaction(args: readonly Uint8Array[]): {
  readonly watched: readonly WatchedKey[];
  readonly commands: readonly (readonly Uint8Array[])[];
} | null {
  const count = numberOf(args[1]);
  const begin = 2 + 2 * count;
  if (!(begin <= args.length)) return null;
  const watched: WatchedKey[] = [];
  for (let at = 2; at < begin; at += 2) {
    const key = args[at];
    const version = numberOf(args[at + 1]);
    if (key === undefined || Number.isNaN(version)) return null;
    watched.push({ key, version });
  }
  const commands: (readonly Uint8Array[])[] = [];
  for (let at = begin; at < args.length; ) {
    const end = at + 1 + numberOf(args[at]);
    if (!(end > at + 1 && end <= args.length)) return null;
    commands.push(args.slice(at + 1, end));
    at = end;
  }
  return { watched, commands };
}

/** Commands that may stand in a transaction although no data is in them: name to arity. */
export const plainCommands: ReadonlyMap<string, (e: Execution) => void> = new Map([
  ['ping', ping],
  ['echo', echo],
  ['unwatch', unwatch],
]);

/** `find`: commands that run on data. */
export function transactionCommands(find: FindCommand): readonly DataCommand[] {
  const internal = family('transactions', '@transaction');
  const exec = (e: Execution): void => {
    run(e, find);
  };
  return [
    internal('exec', -2, 'write', 'none', '1.2.0', 'O(N) for N commands', 'Runs a transaction.', exec),
    internal('execread', -2, 'readonly', 'none', '1.2.0', 'O(N) for N commands', 'Runs one that reads.', exec),
    internal('versions', -2, 'readonly', 'all', '2.2.0', 'O(N) for N keys', 'Tells versions of keys.', versions),
  ];
}

function run(e: Execution, find: FindCommand): void {
  const { keyspace, now, reply, full } = e;
  const transaction = decodeTransaction(e.args);
  if (transaction === null) {
    reply.error(errors.syntax);
    return;
  }
  const { watched, commands } = transaction;
  // As Redis does: of a transaction that may not run in full nothing runs, and of one that may everything does.
  const isDenied = ([name = noBytes, ...rest]: readonly Uint8Array[]): boolean => {
    const command = find(name);
    return full !== null && command !== undefined && isRefused(e, full, command, [name, ...rest]);
  };
  if (full !== null && commands.some(isDenied)) {
    full.wasTold = true;
    reply.error(`EXECABORT Transaction discarded because of: ${full.error}`);
    return;
  }
  if (watched.some(({ key, version }) => keyspace.versionOf(binaryString(key), now) !== version)) {
    reply.nilArray();
    return;
  }
  reply.array(commands.length);
  for (const args of commands) {
    e.args = args;
    const [name] = args;
    const command = name === undefined ? undefined : find(name);
    if (command !== undefined) command.run(e);
    else plainCommands.get(binaryString(name ?? e.args[0] ?? new Uint8Array()).toLowerCase())?.(e);
  }
}

function versions(e: Execution): void {
  e.reply.array(e.args.length - 1);
  for (let i = 1; i < e.args.length; i += 1) e.reply.integer(e.keyspace.versionOf(keyAt(e, i), e.now));
}

function ping(e: Execution): void {
  if (e.args.length > 2) e.reply.error("ERR wrong number of arguments for 'ping' command");
  else if (e.args.length === 1) e.reply.simple('PONG');
  else e.reply.bulk(argument(e, 1));
}

function echo(e: Execution): void {
  e.reply.bulk(argument(e, 1));
}

/** What was watched is not any more when the transaction has run. */
function unwatch(e: Execution): void {
  e.reply.ok();
}

function numeral(value: number): Uint8Array {
  return bytesOfBinary(String(value));
}

function numberOf(bytes: Uint8Array | undefined): number {
  return bytes === undefined || bytes.length === 0 ? NaN : Number(binaryString(bytes));
}
