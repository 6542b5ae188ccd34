/** What a leader sends again, and when it notices that it must. */
import { expect, test } from 'vitest';
import { heartbeatMs, RaftCluster } from './cluster.ts';

test('an append that was lost behind an answer that came twice', () => {
  const cluster = new RaftCluster(3);
  cluster.elect(1);
  cluster.settle();
  const place = (from: number, to: number, kind: string): number =>
    cluster.flying.findIndex((each) => each.from === from && each.to === to && each.message.kind === kind);
  cluster.propose(1, 'first');
  cluster.deliver(place(1, 2, 'append'));
  cluster.sync(2);
  cluster.deliverCopy(place(2, 1, 'appendReply'));
  cluster.propose(1, 'second');
  cluster.drop(place(1, 2, 'append'));
  cluster.deliver(place(2, 1, 'appendReply'));
  for (let i = 0; i < 8; i += 1) {
    cluster.pass(heartbeatMs);
    cluster.settle();
  }
  expect(cluster.raft(1).state.role).toBe('leader');
  expect(cluster.raft(2).state.log.lastIndex).toBe(cluster.raft(1).state.log.lastIndex);
});
