/**
 * L1: per tenant, replies are those of one history that respects real time. The log is the witness: every
 * logged command answers what the model answers at its place; a read beside the log answers what the model
 * answers at the index it read, which is not before anything that was committed when the read arrived.
 * L2: the commands of one connection to one tenant take effect in the order in which they were sent.
 */
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import { binaryString } from '../../core/base/bytes.ts';
import { type ConnId, metadataGroup, type TenantName } from '../../core/base/ids.ts';
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
      const { args } = event.operation;
      rule(got === expected, 'L1', 'a logged command answers what its place in the log says', () => ({
        group: group.id, node, index, position, command: textOf(args).join(' '), expected, got,
      }));
    },
    readServed({ group, node }: ReplicaTruth, event: ServedRead, { protocol }: Command, { committed }: Arrival): void {
      const { applied, tenant, incarnation, args } = event;
      const command = textOf(args);
      rule(applied >= committed, 'L1', 'a read sees everything that was committed when it arrived', { group: group.id, node, applied, committed });
      const keyspace = histories.of(group.id).tenancy.at(tenant, incarnation, applied)?.keyspace;
      const stamp = group.committedAt(applied)?.stamp ?? 0;
      const expected = keyspace?.read(command, protocol, applied, Math.max(truth.turn.wall, stamp)) ?? null;
      const got = binaryString(event.reply);
      rule(got === expected, 'L1', 'a read answers what the log up to it says', () => ({ group: group.id, node, applied, command: command.join(' '), expected, got }));
    },
  };
}

export function sessionOrder(truth: Truth, histories: Histories): Oracle {
  /** The latest request that took effect, by connection and tenant. */
  const latest = new Map<ConnId, Map<TenantName, number>>();
  const takeEffect = ({ conn, tenant, request, access, node }: Command): void => {
    let session = latest.get(conn);
    if (session === undefined) latest.set(conn, (session = new Map()));
    const before = session.get(tenant) ?? 0;
    const isInOrder = request > before || access === 'read';
    rule(isInOrder, 'L2', 'the commands of a connection take effect in order', () => ({ tenant, ingress: node, conn, request, before }));
    if (request > before) session.set(tenant, request);
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
