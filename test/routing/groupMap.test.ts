/** Of two statements about who belongs to a group, which one is the newer. */
import { expect, test } from 'vitest';
import { GroupId, LogIndex, NodeId, ReplicaId } from '../../core/base/ids.ts';
import { firstConfiguration } from '../../core/raft/configuration.ts';
import { firstReplicaOf } from '../../core/raft/generation.ts';
import { GroupMap, type Membership } from '../../core/routing/groupMap.ts';

const group = GroupId(1);
const told = (index: number, replica: ReplicaId, node: number): Membership => ({
  index: LogIndex(index),
  configuration: firstConfiguration([{ replica, node: NodeId(node) }]),
});

function mapWith(...memberships: readonly Membership[]): GroupMap {
  const map = new GroupMap([{ group, replicas: [{ replica: ReplicaId(1), node: NodeId(1) }] }]);
  for (const membership of memberships) map.learn(group, membership);
  return map;
}

test('the higher index wins within a generation', () => {
  expect(mapWith(told(5, ReplicaId(2), 2), told(4, ReplicaId(3), 3)).votersOf(group)).toEqual([2]);
  expect(mapWith(told(4, ReplicaId(3), 3), told(5, ReplicaId(2), 2)).votersOf(group)).toEqual([2]);
});

test('the later generation wins, though its log is shorter', () => {
  const dead = told(90, ReplicaId(2), 2);
  const recovered = told(7, firstReplicaOf(100_003), 3);
  for (const map of [mapWith(dead, recovered), mapWith(recovered, dead)]) {
    expect(map.votersOf(group)).toEqual([3]);
    expect(map.isOutlived(group, ReplicaId(2))).toBe(true);
    expect(map.isOutlived(group, firstReplicaOf(100_003))).toBe(false);
    expect(map.learn(group, told(8, firstReplicaOf(100_002), 2))).toBe(false);
    expect(map.learn(group, told(3, firstReplicaOf(200_002), 2))).toBe(true);
  }
});

test('what is learned always makes another version', () => {
  const map = mapWith(told(90, ReplicaId(2), 2));
  const { version } = map;
  map.learn(group, told(7, firstReplicaOf(100_003), 3));
  expect(map.version).toBeGreaterThan(version);
});

test('whoever knows the same has the same version, by whatever way it came', () => {
  const [dead, recovered] = [told(90, ReplicaId(2), 2), told(7, firstReplicaOf(100_003), 3)];
  expect(mapWith(dead, recovered).version).toBe(mapWith(recovered, dead).version);
  expect(mapWith(recovered).version).toBe(mapWith(dead, recovered).version);
});
