/**
 * D1: every acknowledged write is in the committed history, with the reply that its client got. D2: a write
 * takes effect at most once, and never after its client was told that it was not executed.
 */
import { LogIndex } from '../../core/base/ids.ts';
import { type Command, isAsked, isWatch } from '../truth/commands.ts';
import type { CommittedEntry, GroupTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { rule, type ViolationFacts } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

export function acknowledgedIsKept(truth: Truth): Oracle {
  return {
    rule: 'D1',
    commandFinished(command: Command): void {
      if (command.outcome !== 'executed') return;
      const isKept = command.access === 'read' || command.ranAt !== null;
      rule(isKept, 'D1', 'an acknowledged write is in the history', () => factsOf(command));
      const isAnswered = isWatch(command) || (command.reply !== null && command.executions.includes(command.reply));
      rule(isAnswered, 'D1', 'the reply is that of an execution', () => factsOf(command));
    },
    ended(): void {
      for (const command of truth.commands.all()) {
        if (command.outcome !== 'executed' || command.ranAt === null) continue;
        const { group, index } = command.ranAt;
        const leader = truth.groups.get(group)?.currentLeader() ?? null;
        const committed = truth.groups.get(group)?.committedAt(index);
        const log = leader?.raft?.state.log;
        const isHeld = index < (log?.baseIndex ?? 0) || log?.termAt(LogIndex(index)) === committed?.entry.term;
        rule(leader !== null && isHeld, 'D1', 'an acknowledged write is still there in the end', () =>
          factsOf(command),
        );
      }
    },
  };
}

export function atMostOnce(truth: Truth, histories: Histories): Oracle {
  return {
    rule: 'D2',
    committed(group: GroupTruth, { items, entry }: CommittedEntry): void {
      const verdicts = histories.of(group.id).verdicts[entry.index];
      for (let position = 0; position < items.length; position += 1) {
        const item = items[position];
        if (item?.operation.kind !== 'execute' || verdicts?.[position]?.executed !== true) continue;
        const command = truth.commands.of(item.origin);
        const { request, node } = item.origin;
        rule(command !== undefined, 'D2', 'only what a client asked for is executed', {
          group: group.id,
          index: entry.index,
          request,
          ingress: node,
        });
        rule(isAsked(command.args, item.operation.args), 'D2', 'what is executed is what the client sent', () =>
          factsOf(command),
        );
        if (command.access === 'read') continue;
        rule(command.ranAt === null, 'D2', 'a write takes effect at most once', () => ({
          ...factsOf(command),
          again: entry.index,
        }));
        rule(command.outcome !== 'notExecuted', 'D2', 'what was not executed never will be', () => factsOf(command));
      }
    },
    commandFinished(command: Command): void {
      if (command.outcome !== 'notExecuted' || command.access === 'read') return;
      rule(command.ranAt === null, 'D2', 'what was executed is not reported as "not executed"', () => factsOf(command));
    },
  };
}

function factsOf(command: Command): ViolationFacts {
  const { node, boot, request, tenant, access, reply, executions } = command;
  return {
    ingress: node,
    boot,
    request,
    tenant,
    access,
    index: command.ranAt?.index ?? 0,
    reply: reply ?? 'none',
    executions: executions.join(' or '),
  };
}
