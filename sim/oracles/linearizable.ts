/**
 * L1: per tenant, replies are those of one history that respects real time. The log is the witness: every
 * logged command answers what the model answers at its place; a read beside the log answers what the model
 * answers at the index it read, which is not before anything that was committed when the read arrived.
 * L2: the commands of one connection to one tenant take effect in the order in which they were sent.
 */
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import { binaryString } from '../../core/base/bytes.ts';
import { metadataGroup } from '../../core/base/ids.ts';
import type { Arrival, Command } from '../truth/commands.ts';
import type { CommittedEntry, GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { textOf } from '../model/tenancyModel.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

export function linearizable(truth: Truth, histories: Histories): Oracle {
  return {
    rule: 'L1',
    applied({ group, node }: ReplicaTruth, event: AppliedOperation): void {
      const { index, position, reply } = event;
      if (reply === null || event.operation.kind !== 'execute' || group.id === metadataGroup) return;
      const expected = histories.of(group.id).verdicts[index]?.[position]?.reply ?? null;
      const got = binaryString(reply);
      rule(got === expected, 'L1', 'a logged command answers what its place in the log says', {
        group: group.id, node, index, position, command: textOf(event.operation.args).join(' '), expected, got,
      });
    },
    readServed({ group, node }: ReplicaTruth, event: ServedRead, command: Command, { committed }: Arrival): void {
      const { applied, tenant, incarnation, args } = event;
      const facts = { group: group.id, node, applied, committed, command: textOf(args).join(' ') };
      rule(applied >= committed, 'L1', 'a read sees everything that was committed when it arrived', facts);
      const keyspace = histories.of(group.id).tenancy.at(tenant, incarnation, applied)?.keyspace;
      const stamp = group.committedAt(applied)?.stamp ?? 0;
      const { protocol } = command;
      const expected = keyspace?.read(textOf(args), protocol, applied, Math.max(truth.turn.wall, stamp)) ?? null;
      const got = binaryString(event.reply);
      rule(got === expected, 'L1', 'a read answers what the log up to it says', { ...facts, expected, got });
    },
  };
}

export function sessionOrder(truth: Truth, histories: Histories): Oracle {
  /** The latest request that took effect, by connection and tenant. */
  const latest = new Map<string, number>();
  const takeEffect = (command: Command): void => {
    const session = `${String(command.node)}/${String(command.conn)}/${command.tenant}`;
    const before = latest.get(session) ?? 0;
    const facts = { tenant: command.tenant, ingress: command.node, conn: command.conn, request: command.request, before };
    rule(command.request > before || command.access === 'read', 'L2', 'the commands of a connection take effect in order', facts);
    if (command.request > before) latest.set(session, command.request);
  };
  return {
    rule: 'L2',
    committed(group: GroupTruth, { items, entry }: CommittedEntry): void {
      const verdicts = histories.of(group.id).verdicts[entry.index];
      for (let position = 0; position < items.length; position += 1) {
        const item = items[position];
        const command = item?.operation.kind === 'execute' ? truth.commands.of(item.origin) : undefined;
        if (command !== undefined && verdicts?.[position]?.executed === true) takeEffect(command);
      }
    },
    readServed({ group }: ReplicaTruth, { applied }: ServedRead, command: Command): void {
      if (applied === group.committed.length) takeEffect(command);
    },
  };
}
