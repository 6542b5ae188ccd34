/**
 * L1: per tenant, replies are those of one history that respects real time. The log is the witness: every
 * logged command answers what the model answers at its place; a read beside the log answers what the model
 * answers at the index it read, which is not before anything that was committed when the read arrived.
 * L2: the commands of one connection to one tenant take effect in the order in which they were sent.
 */
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import { binaryString } from '../../core/base/bytes.ts';
import { type ConnId, metadataGroup, type TenantName } from '../../core/base/ids.ts';
import { type Arrival, type Command, isWatch } from '../truth/commands.ts';
import type { CommittedEntry, GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { textOf } from '../model/tenancyModel.ts';
import { rule, type ViolationFacts } from '../truth/violation.ts';
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
        group: group.id,
        node,
        index,
        position,
        command: textOf(args).join(' '),
        expected,
        got,
      }));
    },
    readServed({ group, node }: ReplicaTruth, event: ServedRead, { protocol }: Command, { committed }: Arrival): void {
      const { applied, tenant, incarnation, args } = event;
      const command = textOf(args);
      rule(applied >= committed, 'L1', 'a read sees everything that was committed when it arrived', {
        group: group.id,
        node,
        applied,
        committed,
      });
      const keyspace = histories.of(group.id).tenancy.at(tenant, incarnation, applied)?.keyspace;
      const stamp = group.committedAt(applied)?.stamp ?? 0;
      const expected = keyspace?.read(command, protocol, applied, Math.max(truth.turn.wall, stamp)) ?? null;
      const got = binaryString(event.reply);
      rule(got === expected, 'L1', 'a read answers what the log up to it says', () => ({
        group: group.id,
        node,
        applied,
        command: command.join(' '),
        expected,
        got,
      }));
    },
  };
}

/** What one connection has seen happen to one tenant. */
interface Session {
  /** The latest request among the writes that took effect. */
  write: number;
  /** The latest request among the reads that were answered. */
  read: number;
}

export function sessionOrder(truth: Truth, histories: Histories): Oracle {
  const sessions = new Map<ConnId, Map<TenantName, Session>>();
  /** Replies of reads that ran behind a later write, and of those that did not: one that was sent twice may run twice. */
  const late = new WeakMap<Command, string[]>();
  const timely = new WeakMap<Command, string[]>();
  const sessionOf = ({ conn, tenant }: Command): Session => {
    let tenants = sessions.get(conn);
    if (tenants === undefined) sessions.set(conn, (tenants = new Map<TenantName, Session>()));
    let session = tenants.get(tenant);
    if (session === undefined) tenants.set(tenant, (session = { write: 0, read: 0 }));
    return session;
  };
  const onWrite = (command: Command): void => {
    const session = sessionOf(command);
    const { request } = command;
    const isInOrder = request > session.write && request > session.read;
    rule(isInOrder, 'L2', 'the commands of a connection take effect in order', () => describe(command, session));
    session.write = request;
  };
  const onRead = (command: Command, reply: string): void => {
    const replies = command.request > sessionOf(command).write ? timely : late;
    const known = replies.get(command);
    if (known === undefined) replies.set(command, [reply]);
    else known.push(reply);
  };
  return {
    rule: 'L2',
    committed(group: GroupTruth, { items, entry }: CommittedEntry): void {
      const verdicts = histories.of(group.id).verdicts[entry.index];
      for (let position = 0; position < items.length; position += 1) {
        const item = items[position];
        const verdict = verdicts?.[position];
        const command = item?.operation.kind === 'execute' ? truth.commands.of(item.origin) : undefined;
        if (command === undefined || verdict?.executed !== true) continue;
        if (command.access === 'read') onRead(command, verdict.reply ?? '');
        else onWrite(command);
      }
    },
    readServed({ group }: ReplicaTruth, { applied, reply }: ServedRead, command: Command): void {
      if (applied === group.committed.length) onRead(command, binaryString(reply));
    },
    commandFinished(command: Command): void {
      if (command.access === 'write' || command.outcome !== 'executed' || command.reply === null) return;
      if (isWatch(command)) return;
      const session = sessionOf(command);
      const isLate =
        late.get(command)?.includes(command.reply) === true && timely.get(command)?.includes(command.reply) !== true;
      rule(!isLate, 'L2', 'the commands of a connection take effect in order', () => describe(command, session));
      session.read = Math.max(session.read, command.request);
    },
  };
}

function describe({ conn, tenant, request, node, access }: Command, { write, read }: Session): ViolationFacts {
  return { tenant, ingress: node, conn, request, access, laterWrite: write, laterRead: read };
}
