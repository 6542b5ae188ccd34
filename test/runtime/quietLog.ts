/** A logger for tests: keeps what it is told. */
import { pino } from 'pino';
import type { Logger } from '../../runtime/log.ts';

export interface Told {
  readonly log: Logger;
  /** The messages, in order. */
  readonly messages: string[];
}

export function listeningLog(): Told {
  const messages: string[] = [];
  const log = pino(
    { level: 'debug' },
    {
      write: (line: string) => {
        const { msg } = JSON.parse(line) as { readonly msg: string };
        messages.push(msg);
      },
    },
  );
  return { log, messages };
}
