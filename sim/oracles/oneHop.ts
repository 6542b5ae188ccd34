/**
 * X5: a request takes one hop, so no node ever sends on what another asked of it; and a command is sent again
 * only so many times.
 */
import type { NodeId } from '../../core/base/ids.ts';
import type { ForwardRequest } from '../../core/wire/messages.ts';
import { isAsked } from '../truth/commands.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** Pauses double from 2 to 200 ms, a few retries come without one, and a command lives for seconds. */
const attemptsLimit = 200;

export function oneHop(truth: Truth): Oracle {
  return {
    rule: 'X5',
    forwarded(node: NodeId, request: number, attempt: number): void {
      rule(attempt <= attemptsLimit, 'X5', 'retries are bounded', { node, request, attempt });
    },
    requestSent(from: NodeId, { boot, request, operation }: ForwardRequest): void {
      if (operation.kind !== 'execute') return;
      const command = truth.commands.find(from, boot, request);
      const isOwn =
        command !== undefined && command.tenant === operation.tenant && isAsked(command.args, operation.args);
      rule(isOwn, 'X5', 'a node sends only what its own clients asked for', { node: from, boot, request });
    },
  };
}
