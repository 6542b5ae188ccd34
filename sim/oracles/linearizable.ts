/**
 * L1: per tenant, replies are those of one history that respects real time. The log is the witness: every
 * logged command answers what the model answers at its place; a read beside the log answers what the model
 * answers at the index it read, which is not before anything that was committed when the read arrived.
 * Transactions are L3's, and answers from memory D3's.
 * L2: the commands of one connection to one tenant take effect in the order in which they were sent.
 */
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import { binaryString } from '../../core/base/bytes.ts';
import type { ConnId, TenantName } from '../../core/base/ids.ts';
import { type Arrival, type Command, isWatch } from '../truth/commands.ts';
import type { CommittedEntry, GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { rule, type ViolationFacts } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';
import { isTransaction, judgeLogged, judgeRead, type Law } from './replies.ts';

const logged: Law = { rule: 'L1', text: 'a logged command answers what its place in the log says' };
const beside: Law = { rule: 'L1', text: 'a read answers what the log up to it says' };

export function linearizable(truth: Truth, histories: Histories): Oracle {
  return {
    rule: 'L1',
    applied(replica: ReplicaTruth, event: AppliedOperation): void {
      const { operation, executed } = event;
      if (executed && operation.kind === 'execute' && !isTransaction(operation.args))
        judgeLogged(histories, replica, event, logged);
    },
    readServed(replica: ReplicaTruth, event: ServedRead, command: Command, { committed }: Arrival): void {
      rule(event.applied >= committed, 'L1', 'a read sees everything that was committed when it arrived', {
        group: replica.group.id,
        node: replica.node,
        applied: event.applied,
        committed,
      });
      if (!isTransaction(event.args)) judgeRead(truth, histories, replica, event, command, beside);
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
