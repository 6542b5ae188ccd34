/**
 * L4: expiry is decided by log time only. What is given a time to live gets it from the log time of its entry, on every
 * replica; and keys are kept until the log takes them away, whatever any clock shows: in the end each replica holds
 * exactly those that the model holds, visible or not, with the same end.
 */
import { binaryString, noBytes } from '../../core/base/bytes.ts';
import { WallTime } from '../../core/base/time.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { AppliedOperation } from '../../core/node/probe.ts';
import type { GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** Before everything: what is found then is there, though its time may have come. */
const beginning = WallTime(0);

export function expiresInLogTime(truth: Truth, histories: Histories): Oracle {
  const machineOf = ({ group, node, replica }: ReplicaTruth): { machine: TenantMachine; applied: number } | null => {
    const hosted = truth.nodes[node - 1]?.groups.get(group.id);
    if (hosted?.raft.id !== replica || !(hosted.machine instanceof TenantMachine)) return null;
    return { machine: hosted.machine, applied: hosted.applied };
  };
  return {
    rule: 'L4',
    applied(replica: ReplicaTruth, { index, position, executed, operation }: AppliedOperation): void {
      if (!executed || operation.kind !== 'execute') return;
      const { group, node } = replica;
      const lifeMs = timeToLive(operation.args);
      const answer = lifeMs === null ? null : histories.of(group.id).verdicts[index]?.[position]?.reply;
      if (lifeMs === null || answer === ':0\r\n') return;
      const key = binaryString(operation.args[1] ?? noBytes);
      const found = machineOf(replica)?.machine.tenants.get(operation.tenant)?.keyspace.find(key, beginning);
      const expected = (group.committedAt(index)?.stamp ?? 0) + lifeMs;
      const facts = { group: group.id, node, index, key, expireAt: found?.expireAt ?? null, expected };
      rule(found?.expireAt === expected, 'L4', 'a time to live begins at the log time of its entry', facts);
    },
    ended(): void {
      for (const group of truth.groups.values())
        for (const replica of group.replicas.values()) {
          const found = machineOf(replica);
          if (found !== null) compare(group, replica.node, histories, found.machine, found.applied);
        }
    },
  };
}

/** In milliseconds; null if the command gives none. */
function timeToLive(args: readonly Uint8Array[]): number | null {
  const [name = '', , value = '', unit = '', amount = ''] = args.slice(0, 5).map((arg) => binaryString(arg));
  if (name === 'PEXPIRE') return Number(value);
  return name === 'SET' && unit === 'PX' ? Number(amount) : null;
}

function compare(
  group: GroupTruth,
  node: number,
  histories: Histories,
  { tenants }: TenantMachine,
  applied: number,
): void {
  for (const { tenant, keyspace: model } of histories.of(group.id).tenancy.ownedAt(applied)) {
    const expected = model.held(applied);
    const facts = { group: group.id, node, applied, tenant };
    let seen = 0;
    for (const { key, expireAt } of tenants.get(tenant)?.keyspace.visible(beginning) ?? []) {
      seen += 1;
      const isSame = expected.get(key) === (expireAt ?? 0);
      rule(isSame, 'L4', 'a key ends when the log says', {
        ...facts,
        key,
        expireAt,
        expected: expected.get(key) ?? null,
      });
    }
    rule(seen === expected.size, 'L4', 'a key is kept until the log takes it away', {
      ...facts,
      seen,
      expected: expected.size,
    });
  }
}
