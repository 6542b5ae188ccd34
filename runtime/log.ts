/** Structured logs: one JSON object a line, to standard error. */
import { destination, type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export function makeLogger(level: LogLevel, facts: Readonly<Record<string, string | number>>): Logger {
  return pino({ level, base: facts }, destination({ dest: 2, sync: true }));
}
