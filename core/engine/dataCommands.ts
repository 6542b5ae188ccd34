/** All commands that run on a tenant's data, by lower-case name. */
import type { DataCommand } from './command.ts';
import { counterCommands } from './counters.ts';
import { expiryCommands } from './expiry.ts';
import { keyCommands } from './keys.ts';
import { listCommands } from './lists.ts';
import { stringCommands } from './strings.ts';

export const dataCommands: ReadonlyMap<string, DataCommand> = new Map(
  [...stringCommands, ...counterCommands, ...keyCommands, ...expiryCommands, ...listCommands].map(
    (command): [string, DataCommand] => [command.name, command],
  ),
);
