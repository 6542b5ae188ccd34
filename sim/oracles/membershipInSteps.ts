/**
 * R12: who belongs to a group changes in steps that are safe (§4). From one committed configuration to the next either
 * no voter changes, or it becomes joint with the voters of before on their way out, or it stops being joint and is
 * otherwise the same. A leader makes the next only when the one before is committed. An id is given once, and only
 * upwards.
 */
import type { ReplicaId } from '../../core/base/ids.ts';
import { membersOf } from '../../core/raft/configuration.ts';
import type { Configuration, Member } from '../../core/raft/types.ts';
import type { Entry } from '../../core/raft/types.ts';
import type { CommittedEntry, GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function membershipInSteps(): Oracle {
  return {
    rule: 'R12',
    entriesWritten({ group, node, raft, role, term }: ReplicaTruth, entries: readonly Entry[]): void {
      const { era, previousEra } = raft?.state.log ?? {};
      if (role !== 'leader' || era === undefined || previousEra === undefined || previousEra === null) return;
      const isMade = entries.some((entry) => entry.index === era.since && entry.term === term);
      const facts = { group: group.id, node, index: era.since, before: previousEra.since };
      rule(!isMade || group.committed.length >= previousEra.since, 'R12', 'changes are made one at a time', facts);
    },
    committed(group: GroupTruth, { entry: { kind, index } }: CommittedEntry): void {
      if (kind !== 'configuration') return;
      const [before, next] = group.configurations.slice(-2).map(({ configuration }) => configuration);
      const facts = { group: group.id, index };
      rule(before !== undefined && next !== undefined, 'R12', 'a configuration can be read', facts);
      rule(isStep(before, next), 'R12', 'voters change through a joint configuration', facts);
      const known = new Set(ids(membersOf(before)));
      const isNew = ({ replica }: Member): boolean => !known.has(replica);
      const areFresh = membersOf(next)
        .filter(isNew)
        .every(({ replica }) => replica > before.highest && replica <= next.highest);
      rule(areFresh && next.highest >= before.highest, 'R12', 'ids of replicas are never given twice', facts);
    },
  };
}

function isStep(before: Configuration, next: Configuration): boolean {
  const staysSettled = before.outgoing.length === 0 && next.outgoing.length === 0;
  if (staysSettled) return isSame(before.voters, next.voters);
  const becomesJoint = before.outgoing.length === 0 && isSame(next.outgoing, before.voters);
  const isLeft = next.outgoing.length === 0 && isSame(before.voters, next.voters);
  return becomesJoint || isLeft;
}

function isSame(a: readonly Member[], b: readonly Member[]): boolean {
  const [left, right] = [ids(a), ids(b)];
  return left.length === right.length && left.every((id, at) => id === right[at]);
}

function ids(members: readonly Member[]): readonly ReplicaId[] {
  return members.map(({ replica }) => replica).sort((a, b) => a - b);
}
