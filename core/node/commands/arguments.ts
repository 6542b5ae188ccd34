/** Small readers of arguments for the node's own commands. */
import { binaryString, noBytes } from '../../base/bytes.ts';

/** An argument that is a keyword, in lower case; empty if there is none. */
export function wordOf(arg: Uint8Array | undefined): string {
  return binaryString(arg ?? noBytes).toLowerCase();
}

/** A decimal integer without sign tricks, or null. */
export function integerOf(arg: Uint8Array): number | null {
  const text = binaryString(arg);
  const value = Number(text);
  return /^-?(0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(value) ? value : null;
}

/** Characters from `!` to `~` only: what Redis allows in names of connections. */
export function isPrintable(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

export function wrongSubcommand(command: string, subcommand: Uint8Array | undefined): string {
  const given = binaryString(subcommand ?? noBytes);
  return `ERR unknown subcommand or wrong number of arguments for '${given}'. Try ${command.toUpperCase()} HELP.`;
}
