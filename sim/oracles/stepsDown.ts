/**
 * V4: a leader steps down that has heard nothing of a majority for two election timeouts of its own clock. Of a voter it
 * has heard something if anything came from that one's node. A node that is paused knows nothing of the time: it is
 * judged by the turns it takes.
 */
import type { NodeId } from '../../core/base/ids.ts';
import type { Node } from '../../core/node/node.ts';
import type { GroupTruth, Leadership, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** Leaders are looked at so often in an election timeout. */
const looksPerElection = 4;

export function stepsDown(truth: Truth): Oracle {
  const patience = 2 * truth.electionMs * 1000;
  const lookEvery = (truth.electionMs * 1000) / looksPerElection;
  /** By the clock of the node that hears: by that node, then by the one that is heard. */
  const heardAt: (number[] | undefined)[] = [];
  const electedAt = new WeakMap<ReplicaTruth, number>();
  const nextLookAt: number[] = [];
  const heardBy = (node: NodeId): number[] => (heardAt[node] ??= []);
  return {
    rule: 'V4',
    nodeHeard(node: NodeId, from: NodeId): void {
      heardBy(node)[from] = truth.turn.mono;
    },
    elected(_group: GroupTruth, _leadership: Leadership, replica: ReplicaTruth): void {
      electedAt.set(replica, truth.turn.mono);
    },
    turnEnded({ id: node, groups }: Node): void {
      const { mono } = truth.turn;
      if (mono < (nextLookAt[node] ?? 0)) return;
      nextLookAt[node] = mono + lookEvery;
      const heard = heardBy(node);
      for (const { id, raft } of groups.values()) {
        const group = truth.groups.get(id);
        const own = group?.replicas.get(raft.id);
        if (raft.state.role !== 'leader' || group === undefined || own === undefined) continue;
        const ledAt = electedAt.get(own) ?? 0;
        const isHeard = (voter: ReplicaTruth): boolean =>
          voter.node === node || mono < (heard[voter.node] ?? 0) + patience;
        const isBacked = mono < ledAt + patience || group.isQuorum(raft.configuration, isHeard);
        rule(isBacked, 'V4', 'a leader that is cut off from its majority steps down', {
          group: id,
          node,
          term: raft.state.term,
        });
      }
    },
  };
}
