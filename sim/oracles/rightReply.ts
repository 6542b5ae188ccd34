/**
 * X6: exactly one reply per request, in order, to the right connection. X7: no byte of one tenant in a reply to
 * another: every value the workload stores carries its tenant's name.
 */
import { rule } from '../truth/violation.ts';
import type { Answer, Oracle } from './oracle.ts';

/** A stored value: its tenant and the number of the operation that wrote it. */
export function taggedValue(tenant: string, operation: number): string {
  return `<${tenant}:${String(operation)}>`;
}

export function rightReply(): Oracle {
  return {
    rule: 'X6',
    answered({ client, text, command }: Answer): void {
      if (command === null) return;
      const facts = { client, request: command.request, ingress: command.node, text, expected: command.reply };
      rule(command.reply === text, 'X6', 'a client gets the reply to its own command, in order', facts);
    },
  };
}

export function tenantsAreApart(): Oracle {
  return {
    rule: 'X7',
    answered({ client, tenant, text }: Answer): void {
      const own = `<${tenant}:`;
      for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
        rule(text.startsWith(own, at), 'X7', "a reply holds no other tenant's data", { client, tenant, text });
      }
    },
  };
}
