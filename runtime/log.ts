/** Structured logs: one JSON object a line, to standard error. */
import { destination, type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const standardError = 2;

export function makeLogger(level: LogLevel, facts: Readonly<Record<string, string | number>>): Logger {
  return pino({ level, base: facts }, destination({ dest: standardError, sync: true }));
}

/** How many different messages one `Seldom` tells apart before it forgets them all. */
const rememberedMessages = 100;

/** Keeps strangers from filling the log: lets the same message through once in a while only. */
export class Seldom {
  private readonly everyMs: number;
  private readonly toldAt = new Map<string, number>();

  constructor(everyMs: number) {
    this.everyMs = everyMs;
  }

  isDue(message: string): boolean {
    const now = performance.now();
    const toldAt = this.toldAt.get(message);
    if (toldAt !== undefined && now - toldAt < this.everyMs) return false;
    if (this.toldAt.size >= rememberedMessages) this.toldAt.clear();
    this.toldAt.set(message, now);
    return true;
  }
}
