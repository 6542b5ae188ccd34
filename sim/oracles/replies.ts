/**
 * What commands had to answer: a logged one by its place in the log, a read beside the log by the index it saw. Told
 * by the model; which rule a wrong answer breaks is for the oracles to say.
 */
import { binaryString } from '../../core/base/bytes.ts';
import { metadataGroup } from '../../core/base/ids.ts';
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import { textOf } from '../model/tenancyModel.ts';
import { type Command, nameOf } from '../truth/commands.ts';
import type { ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { rule } from '../truth/violation.ts';
import type { Truth } from './oracle.ts';

export interface Law {
  readonly rule: string;
  readonly text: string;
}

/** EXEC as the log knows it. */
export function isTransaction(args: readonly Uint8Array[]): boolean {
  const name = nameOf(args);
  return name === 'exec' || name === 'execread';
}

/** Where nobody waits for the reply there is none to judge. */
export function judgeLogged(histories: Histories, replica: ReplicaTruth, event: AppliedOperation, law: Law): void {
  const { index, position, reply, operation } = event;
  const { group, node } = replica;
  if (reply === null || operation.kind !== 'execute' || group.id === metadataGroup) return;
  const expected = histories.of(group.id).verdicts[index]?.[position]?.reply ?? null;
  const got = binaryString(reply);
  rule(got === expected, law.rule, law.text, () => ({
    group: group.id,
    node,
    index,
    position,
    command: textOf(operation.args).join(' '),
    expected,
    got,
  }));
}

export function judgeRead(
  truth: Truth,
  histories: Histories,
  { group, node }: ReplicaTruth,
  event: ServedRead,
  { protocol }: Command,
  law: Law,
): void {
  const { applied, tenant, incarnation, args } = event;
  const command = textOf(args);
  const keyspace = histories.of(group.id).tenancy.at(tenant, incarnation, applied)?.keyspace;
  const stamp = group.committedAt(applied)?.stamp ?? 0;
  const expected = keyspace?.read(command, protocol, applied, Math.max(truth.turn.wall, stamp)) ?? null;
  const got = binaryString(event.reply);
  rule(got === expected, law.rule, law.text, () => ({
    group: group.id,
    node,
    applied,
    command: command.join(' '),
    expected,
    got,
  }));
}
