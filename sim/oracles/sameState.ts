/**
 * R5, as to state: at the end every replica holds what the log up to its applied index says, as the model tells
 * it; and replicas that have applied the same are the same to the byte.
 */
import { binaryString } from '../../core/base/bytes.ts';
import { WallTime } from '../../core/base/time.ts';
import type { Keyspace, Value } from '../../core/engine/keyspace.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { Ownership } from '../model/tenancyModel.ts';
import type { GroupTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

export function sameState(truth: Truth, histories: Histories): Oracle {
  return {
    rule: 'R5',
    ended(): void {
      for (const group of truth.groups.values()) {
        const digests = new Map<string, number>();
        for (const { node, replica } of group.replicas.values()) {
          const hosted = truth.nodes[node - 1]?.groups.get(group.id);
          if (hosted?.raft.id !== replica || !(hosted.machine instanceof TenantMachine)) continue;
          compareReplica(group, histories, hosted.machine, hosted.applied, digests);
        }
      }
    },
  };
}

/** `digests`: of the replicas looked at before, by applied index and tenant. */
function compareReplica(
  group: GroupTruth,
  histories: Histories,
  { tenants }: TenantMachine,
  applied: number,
  digests: Map<string, number>,
): void {
  const owned = histories.of(group.id).tenancy.ownedAt(applied);
  const stamp = WallTime(group.committedAt(applied)?.stamp ?? 0);
  rule(tenants.size === owned.length, 'R5', 'a replica owns what its log says', {
    group: group.id,
    applied,
    tenants: tenants.size,
  });
  for (const ownership of owned) {
    const { tenant, incarnation } = ownership;
    const facts = { group: group.id, applied, tenant };
    const held = tenants.get(tenant);
    rule(held?.incarnation === incarnation, 'R5', 'a replica owns what its log says', facts);
    rule(isAsModelled(held.keyspace, ownership, applied, stamp), 'R5', 'a replica holds what its log says', facts);
    const key = `${String(applied)}/${tenant}`;
    const digest = held.keyspace.digest() * 2 ** 16 + (held.sessions.digest() & 0xffff);
    rule((digests.get(key) ?? digest) === digest, 'R5', 'replicas that applied the same are the same', facts);
    digests.set(key, digest);
  }
}

function isAsModelled(keyspace: Keyspace, { keyspace: model }: Ownership, applied: number, stamp: WallTime): boolean {
  const expected = model.visible(applied, stamp);
  let seen = 0;
  for (const { key, value } of keyspace.visible(stamp)) {
    seen += 1;
    if (!isSame(value, expected.get(key))) return false;
  }
  return seen === expected.size;
}

function isSame(value: Value, expected: string | readonly string[] | undefined): boolean {
  if (expected === undefined) return false;
  if (value instanceof Uint8Array) return binaryString(value) === expected;
  const items = value.range(0, value.length - 1).map((item) => binaryString(item));
  return items.length === expected.length && items.every((item, i) => item === expected[i]);
}
