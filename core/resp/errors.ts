/** Error texts that more than one command uses, as Redis words them. */
export const errors = {
  syntax: 'ERR syntax error',
  wrongType: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  notAnInteger: 'ERR value is not an integer or out of range',
  notPositive: 'ERR value is out of range, must be positive',
  notAFloat: 'ERR value is not a valid float',
  noSuchKey: 'ERR no such key',
  outOfRange: 'ERR index out of range',
  overflow: 'ERR increment or decrement would overflow',
  notFinite: 'ERR increment would produce NaN or Infinity',
  tooLarge: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  offset: 'ERR offset is out of range',
} as const;

export function invalidExpire(command: string): string {
  return `ERR invalid expire time in '${command}' command`;
}
