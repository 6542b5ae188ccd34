/**
 * What a connection gathers between MULTI and EXEC. Commands are checked as they come; one that is wrong spoils the
 * transaction (EXECABORT). All of it belongs to one tenant: it runs in that tenant's group, as one entry.
 */
import { binaryString, noBytes, totalBytes } from '../base/bytes.ts';
import type { TenantName } from '../base/ids.ts';
import { plainCommands } from '../engine/transaction.ts';
import type { CommandCall } from '../forward/call.ts';
import type { Command } from './commandTable.ts';

/** Commands of one transaction: more than a client sends by hand, and little enough for one entry. */
export const mostQueued = 65_536;
/** Keys that it watches. */
export const mostWatched = 65_536;

export interface Queued {
  readonly commands: (readonly Uint8Array[])[];
  readonly access: 'read' | 'write';
  /** Of the commands so far; null while none has keys. */
  readonly tenant: TenantName | null;
  readonly bytes: number;
  /** A command was refused: EXEC runs nothing. */
  readonly isSpoilt: boolean;
}

export function emptyQueue(isSpoilt = false): Queued {
  return { commands: [], access: 'read', tenant: null, bytes: 0, isSpoilt };
}

/** What a connection watches since its last EXEC, DISCARD or UNWATCH. */
export class Watching {
  /** The WATCH commands that were sent: each has a key that none before it has. */
  readonly calls: CommandCall[] = [];
  /** Keys that those have, and their bytes. */
  size = 0;
  bytes = 0;
  private readonly names = new Set<string>();

  hasAll(tenant: TenantName, keys: readonly Uint8Array[]): boolean {
    return keys.every((key) => this.names.has(watchedName(tenant, key)));
  }

  add(tenant: TenantName, keys: readonly Uint8Array[], call: CommandCall): void {
    this.calls.push(call);
    this.size += keys.length;
    this.bytes += totalBytes(keys);
    for (const key of keys) this.names.add(watchedName(tenant, key));
  }
}

function watchedName(tenant: TenantName, key: Uint8Array): string {
  return `${tenant} ${binaryString(key)}`;
}

/** A connection's part in transactions. */
export interface TransactionState {
  /** Null outside MULTI. */
  queued: Queued | null;
  watching: Watching;
}

/** Nothing is queued or watched any more. */
export function endTransaction(state: TransactionState): void {
  state.queued = null;
  state.watching = new Watching();
}

/** Runs at once, queued or not. */
const controls: ReadonlySet<string> = new Set(['multi', 'exec', 'discard', 'watch', 'quit', 'reset']);

export function isControl(name: string): boolean {
  return controls.has(name);
}

/** Whether the node can put this into a transaction: what runs on data, and what needs none. */
export function mayBeQueued(command: Command): boolean {
  return command.kind === 'data' || plainCommands.has(command.spec.name);
}

export const wrongExec = "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";

export function notQueueable(args: readonly Uint8Array[]): string {
  return `ERR not executed: '${binaryString(args[0] ?? noBytes).toLowerCase()}' is not allowed in a transaction`;
}

/** The transaction's tenant if a command of this one is added; 'other' if they differ. */
export function joinTenants(present: TenantName | null, next: TenantName | null): TenantName | null | 'other' {
  if (present === null || next === null || present === next) return next ?? present;
  return 'other';
}
