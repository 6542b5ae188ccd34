/**
 * All commands of a node by lower-case name: the engine's, which run in a tenant's group, and the node's own.
 */
import { type Named, NameTable } from '../base/nameTable.ts';
import type { CommandSpec, DataCommand } from '../engine/command.ts';
import { dataCommands } from '../engine/dataCommands.ts';
import { connectionCommands } from './commands/connection.ts';
import { groupCommands } from './commands/group.ts';
import { nodeCommands } from './commands/node.ts';
import { placementCommands } from './commands/placement.ts';
import { sessionCommands } from './commands/session.ts';
import { serverCommands } from './commands/server.ts';
import type { NodeCommand } from './commands/spec.ts';
import { tenantCommands } from './commands/tenant.ts';
import { transactionCommands } from './commands/transaction.ts';

export type Command =
  | { readonly kind: 'data'; readonly spec: DataCommand }
  | { readonly kind: 'node'; readonly spec: NodeCommand };

const commandTable: ReadonlyMap<string, Command> = makeTable();

export const commandSpecs: ReadonlyMap<string, CommandSpec> = new Map(
  [...commandTable].map(([name, { spec }]): [string, CommandSpec] => [name, spec]),
);

interface NamedCommand extends Named {
  readonly command: Command;
}

const byName: Readonly<NameTable<NamedCommand>> = new NameTable(
  [...commandTable].map(([name, command]): NamedCommand => ({ name, command })),
);

/** `name` in whatever case a client wrote it. */
export function findCommand(name: Uint8Array): Command | undefined {
  return byName.find(name)?.command;
}

function makeTable(): ReadonlyMap<string, Command> {
  const table = new Map<string, Command>();
  const families = [
    connectionCommands,
    transactionCommands,
    serverCommands,
    sessionCommands,
    tenantCommands,
    groupCommands,
    nodeCommands,
    placementCommands,
  ];
  for (const spec of families.flat()) table.set(spec.name, { kind: 'node', spec });
  for (const spec of dataCommands.values()) table.set(spec.name, { kind: 'data', spec });
  return table;
}
