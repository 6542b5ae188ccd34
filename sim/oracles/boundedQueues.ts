/**
 * B1: every queue stays within its cap.
 */
import { limits } from '../../core/base/limits.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

export function boundedQueues(truth: Truth): Oracle {
  return {
    rule: 'B1',
    checkpoint(): void {
      for (const node of truth.nodes) {
        if (node === null) continue;
        for (const group of node.groups.values()) {
          const facts = { node: node.id, group: group.id, waiting: group.waiting };
          rule(
            group.waiting <= limits.proposedOperations + limits.waitingReads,
            'B1',
            'operations that wait are bounded',
            facts,
          );
          rule(
            group.raft.state.uncommittedBytes <= limits.uncommittedBytes + limits.entryBytes,
            'B1',
            'uncommitted bytes are bounded',
            facts,
          );
          const { progress } = group.raft.state;
          for (const { inflight, inflightBytes } of progress.values()) {
            rule(inflight.length <= limits.appendsInFlight, 'B1', 'appends under way are bounded', facts);
            const mostBytes = limits.appendBytesInFlight + limits.appendBytes;
            rule(inflightBytes <= mostBytes, 'B1', 'bytes of appends under way are bounded', facts);
          }
        }
      }
    },
  };
}
