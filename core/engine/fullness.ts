/**
 * What becomes of a write that may grow the data of a tenant that has used up its quota. As Redis does with `maxmemory`:
 * what is used before a command decides, so that one may grow the data beyond it, and what frees memory always runs.
 */
import { binaryString, noBytes } from '../base/bytes.ts';
import { type DataCommand, type Execution, keysOf } from './command.ts';

/** `keys`: a command whose keys are all there already may run. */
export interface Full {
  readonly of: 'bytes' | 'keys';
  /** What a command is answered that may not run. */
  readonly error: string;
  /** A command was answered with it. */
  wasTold: boolean;
}

/** Runs a command, or answers why it may not run: then nothing has changed. */
export function runWithin(e: Execution, command: DataCommand): void {
  const { full } = e;
  if (full === null || !isRefused(e, full, command, e.args)) command.run(e);
  else {
    full.wasTold = true;
    e.reply.error(full.error);
  }
}

export function isRefused(e: Execution, full: Full, command: DataCommand, args: readonly Uint8Array[]): boolean {
  if (!command.mayGrow) return false;
  if (full.of === 'bytes') return true;
  return keysOf(command, args).some((at) => e.keyspace.find(binaryString(args[at] ?? noBytes), e.now) === null);
}
