/** Error texts that more than one command uses, as Redis words them. */
export const errors = {
  syntax: 'ERR syntax error',
  wrongType: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  notAnInteger: 'ERR value is not an integer or out of range',
  notPositive: 'ERR value is out of range, must be positive',
  notAFloat: 'ERR value is not a valid float',
  noSuchKey: 'ERR no such key',
  outOfRange: 'ERR index out of range',
  tooLarge: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
} as const;

/** `command` in lower case; a subcommand as `object|encoding`. */
export function wrongArity(command: string): string {
  return `ERR wrong number of arguments for '${command}' command`;
}

export function invalidExpire(command: string): string {
  return `ERR invalid expire time in '${command}' command`;
}

/** `container` in lower case; `given` as the client wrote it, one byte per character. */
export function unknownSubcommand(container: string, given: string): string {
  return `ERR unknown subcommand '${given.slice(0, quotedLength)}'. Try ${container.toUpperCase()} HELP.`;
}

/** How much of a client's own words an error repeats, as in Redis. */
const quotedLength = 128;
