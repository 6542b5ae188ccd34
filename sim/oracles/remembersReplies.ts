/**
 * D3: what a tenant answered to a write it remembers until its ingress, or the client that numbered it, has the answer, whatever happens meanwhile:
 * restarts, snapshots, another leader. A write that is sent again is answered as it was the first time; and in the end
 * every replica would answer each that may still be sent again, as the model says.
 */
import { binaryString, noBytes } from '../../core/base/bytes.ts';
import type { Memory } from '../../core/engine/replyMemory.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import type { AppliedOperation } from '../../core/node/probe.ts';
import type { Ownership } from '../model/tenancyModel.ts';
import type { GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import type { Histories } from '../truth/histories.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';
import { judgeLogged, type Law } from './replies.ts';

const law: Law = { rule: 'D3', text: 'a write that is sent again is answered as it was the first time' };

export function remembersReplies(truth: Truth, histories: Histories): Oracle {
  return {
    rule: 'D3',
    applied(replica: ReplicaTruth, event: AppliedOperation): void {
      if (!event.executed) judgeLogged(histories, replica, event, law);
    },
    ended(): void {
      for (const group of truth.groups.values()) {
        const { length } = group.committed;
        for (const { node, replica } of group.replicas.values()) {
          const hosted = truth.nodes[node - 1]?.groups.get(group.id);
          // The model remembers as of the end of the log alone.
          if (hosted?.raft.id !== replica || hosted.applied < length) continue;
          if (!(hosted.machine instanceof TenantMachine)) continue;
          for (const ownership of histories.of(group.id).tenancy.ownedAt(length))
            compare(group, node, hosted.machine, ownership);
        }
      }
    },
  };
}

function compare({ id }: GroupTruth, node: number, { tenants }: TenantMachine, ownership: Ownership): void {
  const { tenant, sessions, clients } = ownership;
  const held = tenants.get(tenant)?.sessions;
  const numbered = tenants.get(tenant)?.clients;
  const facts = { group: id, node, tenant };
  for (const [token, { replies }] of clients.sessions)
    for (const [number, reply] of replies) {
      const known = textOf(numbered?.recall(token, number, true) ?? 'new');
      const text = 'a replica would answer a numbered write that is sent again as it was the first time';
      rule(known === reply, 'D3', text, { ...facts, token, number, known, reply });
    }
  rule(held?.size === sessions.size, 'D3', 'a replica knows whose writes it ran', facts);
  for (const { item, reply } of sessions.remembered()) {
    const known = textOf(held.recall({ ...item, isRetry: true }));
    rule(known === reply, 'D3', 'a replica would answer a write that is sent again as it was the first time', () => ({
      ...facts,
      ingress: item.origin.node,
      request: item.origin.request,
      known,
      reply,
    }));
  }
}

function textOf(memory: Memory): string {
  return memory === 'new' || memory === 'forgotten' ? memory : binaryString(memory.reply ?? noBytes);
}
