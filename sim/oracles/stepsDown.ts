/**
 * V4: a leader steps down that has heard nothing of a majority for two election timeouts of its own clock. Of a voter it
 * has heard something if anything came from that one's node. What a node sleeps through does not count: a pause between
 * two turns is taken for a part of an election timeout at most, so that it has turns enough to notice.
 */
import type { NodeId } from '../../core/base/ids.ts';
import type { Node } from '../../core/node/node.ts';
import type { GroupTruth, Leadership, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** What lies between two turns counts for such a part of an election timeout at most. A node that is awake takes more. */
const longestGap = 0.5;
/** Leaders are looked at so often in an election timeout. */
const looksPerElection = 4;

/** What one node has seen, in microseconds of its own clock that it was awake. */
interface Watch {
  awake: number;
  turnAt: number;
  nextLookAt: number;
  /** By node. */
  readonly heardAt: number[];
}

export function stepsDown(truth: Truth): Oracle {
  const electionUs = truth.electionMs * 1000;
  const patience = 2 * electionUs;
  const watches: (Watch | undefined)[] = [];
  const electedAt = new WeakMap<ReplicaTruth, number>();
  /** As of the present turn. */
  const watchOf = (node: NodeId): Watch => {
    const { mono } = truth.turn;
    const watch = (watches[node] ??= { awake: patience, turnAt: mono, nextLookAt: 0, heardAt: [] });
    watch.awake += Math.min(mono - watch.turnAt, longestGap * electionUs);
    watch.turnAt = mono;
    return watch;
  };
  return {
    rule: 'V4',
    nodeHeard(node: NodeId, from: NodeId): void {
      const watch = watchOf(node);
      watch.heardAt[from] = watch.awake;
    },
    elected(_group: GroupTruth, _leadership: Leadership, replica: ReplicaTruth): void {
      electedAt.set(replica, watchOf(replica.node).awake);
    },
    turnEnded({ id: node, groups }: Node): void {
      const watch = watchOf(node);
      const { awake, heardAt } = watch;
      if (awake < watch.nextLookAt) return;
      watch.nextLookAt = awake + electionUs / looksPerElection;
      for (const { id, raft } of groups.values()) {
        const group = truth.groups.get(id);
        const own = group?.replicas.get(raft.id);
        if (raft.state.role !== 'leader' || group === undefined || own === undefined) continue;
        const ledAt = electedAt.get(own) ?? 0;
        const isHeard = (voter: ReplicaTruth): boolean =>
          voter.node === node || awake < (heardAt[voter.node] ?? 0) + patience;
        const isBacked = awake < ledAt + patience || group.isQuorum(raft.configuration, isHeard);
        rule(isBacked, 'V4', 'a leader that is cut off from its majority steps down', {
          group: id,
          node,
          term: raft.state.term,
        });
      }
    },
  };
}
