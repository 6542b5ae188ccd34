/**
 * X2: the group that executes a command owns the tenant at that place in its log, and no two groups own a
 * tenant at a time. X3: nothing executes in a group after it gave the tenant up. Told by a model that reads the
 * committed logs alone.
 */
import { metadataGroup } from '../../core/base/ids.ts';
import type { AppliedOperation, ServedRead } from '../../core/node/probe.ts';
import type { CommittedEntry, GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle } from './oracle.ts';

export function ownerExecutes(histories: Histories): Oracle {
  return {
    rule: 'X2',
    committed(group: GroupTruth, { items, entry }: CommittedEntry): void {
      for (const { operation } of items) {
        if (operation.kind !== 'adopt' && operation.kind !== 'move') continue;
        for (const [other, { tenancy }] of histories.groups) {
          if (other === group.id) continue;
          const isShared =
            tenancy.present(operation.tenant) !== null &&
            histories.of(group.id).tenancy.present(operation.tenant) !== null;
          rule(!isShared, 'X2', 'a tenant has one owner at a time', {
            tenant: operation.tenant,
            group: group.id,
            other,
            index: entry.index,
          });
        }
      }
    },
    applied({ group, node }: ReplicaTruth, event: AppliedOperation): void {
      if (group.id === metadataGroup) return;
      const verdict = histories.of(group.id).verdicts[event.index]?.[event.position];
      rule(
        verdict?.executed === event.executed,
        verdict?.executed === true ? 'X2' : 'X3',
        'the owner executes, and nobody else',
        () => ({
          group: group.id,
          node,
          index: event.index,
          position: event.position,
          tenant: event.operation.tenant,
          executed: event.executed,
        }),
      );
    },
    readServed({ group, node }: ReplicaTruth, { tenant, incarnation, applied }: ServedRead): void {
      const owner = histories.of(group.id).tenancy.at(tenant, incarnation, applied);
      rule(owner !== null, 'X3', 'the owner executes, and nobody else', {
        group: group.id,
        node,
        tenant,
        incarnation,
        applied,
      });
    },
  };
}
