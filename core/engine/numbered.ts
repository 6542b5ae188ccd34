/**
 * A write that its client has numbered, as the log knows it: one command around another. It runs if no write of that
 * number has, through whatever node; otherwise it answers what that was answered. Sent by an ingress, never by a client.
 *
 *   numbered  token · number · ackBelow · new | resumed · { argument }+
 */
import { binaryString, bytesOfBinary, noBytes } from '../base/bytes.ts';
import { errors } from '../resp/errors.ts';
import { type DataCommand, type Execution, family, type FindCommand } from './command.ts';
import { runWithin } from './fullness.ts';

/** What a client says of a write beside the write. */
export interface ClientNumber {
  readonly token: string;
  /** Grows from write to write of the session, from 1 on. */
  readonly number: number;
  /** The client has the replies of all below it. */
  readonly ackBelow: number;
  /** The session may have begun through another node. */
  readonly isResumed: boolean;
}

/** Position of the command's own name. */
const inner = 5;
const resumed = 'resumed';
const forgotten = 'UNKNOWN may or may not have been executed: the session does not remember the write of that number';
const replyForgotten = 'UNKNOWN executed, but its reply was too large to be remembered';

export function encodeNumbered(
  { token, number, ackBelow, isResumed }: ClientNumber,
  args: readonly Uint8Array[],
): readonly Uint8Array[] {
  const words = ['numbered', token, String(number), String(ackBelow), isResumed ? resumed : 'new'];
  return [...words.map(bytesOfBinary), ...args];
}

/** What it says; null if these are not the arguments of one. */
export function decodeNumbered(
  args: readonly Uint8Array[],
): { readonly client: ClientNumber; readonly args: readonly Uint8Array[] } | null {
  const [, token = '', number, ackBelow, mode] = args.slice(0, inner).map(binaryString);
  const client = { token, number: Number(number), ackBelow: Number(ackBelow), isResumed: mode === resumed };
  const isRight = Number.isSafeInteger(client.number) && Number.isSafeInteger(client.ackBelow) && args.length > inner;
  return isRight ? { client, args: args.slice(inner) } : null;
}

/** `find`: commands that run on data, a transaction among them. */
export function numberedCommands(find: FindCommand): readonly DataCommand[] {
  const internal = family('transactions', '@transaction');
  const run = (e: Execution): void => {
    runOnce(e, find);
  };
  return [internal('numbered', -6, 'write', 'none', '0.2.0', 'O(1) beside the command', 'Runs a write once.', run)];
}

function runOnce(e: Execution, find: FindCommand): void {
  const { clients, reply, now } = e;
  const numbered = decodeNumbered(e.args);
  const command = numbered === null ? undefined : find(numbered.args[0] ?? noBytes);
  if (numbered === null || command?.access !== 'write') {
    reply.error(errors.syntax);
    return;
  }
  const { token, number, ackBelow, isResumed } = numbered.client;
  const memory = clients.recall(token, number, isResumed);
  if (memory === 'forgotten') reply.error(forgotten);
  else if (memory === 'new') {
    e.args = numbered.args;
    runWithin(e, command);
    clients.remember(token, number, ackBelow, reply.copy(), now);
  } else if (memory.reply === null) reply.error(replyForgotten);
  else reply.raw(memory.reply);
}
