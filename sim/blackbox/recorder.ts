/** Writes down what clients asked and were answered, key by key, while a run goes on. */
import { binaryString } from '../../core/base/bytes.ts';
import type { Oracle } from '../oracles/oracle.ts';
import type { Command } from '../truth/commands.ts';
import type { Operation } from './search.ts';

export type KeyHistory = readonly Operation<readonly string[]>[];

export class Recorder {
  private readonly commands: Command[] = [];

  /** To be given to the run. */
  readonly oracle: Oracle = {
    rule: 'black box',
    commandStarted: (command) => {
      this.commands.push(command);
    },
  };

  /** By tenant and key. What was certainly not executed is left out. */
  histories(): ReadonlyMap<string, KeyHistory> {
    const histories = new Map<string, Operation<readonly string[]>[]>();
    for (const { tenant, args, outcome, reply, startedAt, finishedAt } of this.commands) {
      if (outcome === 'notExecuted') continue;
      const request = args.map(binaryString);
      const isKnown = outcome === 'executed' && reply !== null && finishedAt !== null;
      const operation = {
        request,
        calledAt: startedAt,
        returnedAt: isKnown ? finishedAt : Number.POSITIVE_INFINITY,
        answer: isKnown ? reply.replace(nullOfResp3, nullOfResp2) : null,
      };
      const key = `${tenant} ${request[1] ?? ''}`;
      const known = histories.get(key);
      if (known === undefined) histories.set(key, [operation]);
      else known.push(operation);
    }
    return histories;
  }
}

const nullOfResp3 = /^_\r\n$/;
const nullOfResp2 = '$-1\r\n';
