/**
 * L3: what stands between MULTI and EXEC runs as a whole at one place, or not at all. It does not run exactly if a
 * watched key was touched since, as its version says; a key that is not there has that of the last one that left with
 * the same hash, and one past its time that of its own last write too. Told by the model, which runs the transaction at its place in the log and counts versions itself.
 */
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import type { Command } from '../truth/commands.ts';
import type { ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import type { Oracle, Truth } from './oracle.ts';
import { isTransaction, judgeLogged, judgeRead, type Law } from './replies.ts';

const law: Law = { rule: 'L3', text: 'a transaction runs as a whole, or not at all if a watched key was touched' };

export function transactions(truth: Truth, histories: Histories): Oracle {
  return {
    rule: 'L3',
    applied(replica: ReplicaTruth, event: AppliedOperation): void {
      const { operation, executed } = event;
      if (executed && operation.kind === 'execute' && isTransaction(operation.args))
        judgeLogged(histories, replica, event, law);
    },
    readServed(replica: ReplicaTruth, event: ServedRead, command: Command): void {
      if (isTransaction(event.args)) judgeRead(truth, histories, replica, event, command, law);
    },
  };
}
