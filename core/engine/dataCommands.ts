/** All commands that run on a tenant's data, by lower-case name. */
import { binaryString, noBytes } from '../base/bytes.ts';
import { NameTable } from '../base/nameTable.ts';
import type { DataCommand } from './command.ts';
import { counterCommands } from './counters.ts';
import { expiryCommands } from './expiry.ts';
import { keyCommands } from './keys.ts';
import { lcsCommands } from './lcs.ts';
import { listCommands } from './lists.ts';
import { listSearchCommands } from './listSearch.ts';
import { decodeNumbered, numberedCommands } from './numbered.ts';
import { stringPartCommands } from './stringParts.ts';
import { stringCommands } from './strings.ts';
import { decodeTransaction, transactionCommands } from './transaction.ts';
import { wholeKeyspaceCommands } from './wholeKeyspace.ts';

const families: readonly (readonly DataCommand[])[] = [
  stringCommands,
  stringPartCommands,
  counterCommands,
  lcsCommands,
  keyCommands,
  wholeKeyspaceCommands,
  expiryCommands,
  listCommands,
  listSearchCommands,
];

export const dataCommands: ReadonlyMap<string, DataCommand> = new Map(
  families.flat().map((command): [string, DataCommand] => [command.name, command]),
);

const clientCommands: Readonly<NameTable<DataCommand>> = new NameTable(dataCommands.values());

/** What an ingress sends beside them. A client that names one means another command, or none. */
const transactions = transactionCommands((name) => clientCommands.find(name));

const numberable: Readonly<NameTable<DataCommand>> = new NameTable([...dataCommands.values(), ...transactions]);

const byName: Readonly<NameTable<DataCommand>> = new NameTable([
  ...dataCommands.values(),
  ...transactions,
  ...numberedCommands((name) => numberable.find(name)),
]);

/** `name` in whatever case a client wrote it; internal commands too. */
export function findDataCommand(name: Uint8Array): DataCommand | undefined {
  return byName.find(name);
}

/** How many commands of a client these arguments are: those of a transaction, or one. */
export function commandCount(args: readonly Uint8Array[]): number {
  const name = binaryString(args[0] ?? noBytes);
  if (name === 'numbered') return commandCount(decodeNumbered(args)?.args ?? []);
  return name === 'exec' || name === 'execread' ? (decodeTransaction(args)?.commands.length ?? 1) : 1;
}
