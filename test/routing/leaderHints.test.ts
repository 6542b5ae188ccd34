import { expect, test } from 'vitest';
import { GroupId, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { GroupMap } from '../../core/routing/groupMap.ts';
import { LeaderHints } from '../../core/routing/leaderHints.ts';

const group = GroupId(1);
const everybody = (): boolean => true;
const hints = (): LeaderHints => {
  const replicas = [1, 2, 3].map((number) => ({ replica: ReplicaId(number), node: NodeId(number) }));
  return new LeaderHints(new GroupMap([{ group, replicas }]));
};

test('the highest term wins, the first name within a term stays', () => {
  const known = hints();
  expect(known.learn(group, NodeId(2), Term(5))).toBe(true);
  expect(known.learn(group, NodeId(3), Term(5))).toBe(false);
  expect(known.learn(group, NodeId(3), Term(4))).toBe(false);
  expect(known.candidate(group, everybody)).toBe(2);
  expect(known.learn(group, NodeId(3), Term(6))).toBe(true);
  expect(known.candidate(group, everybody)).toBe(3);
});

test('without a leader the members are asked in rotation', () => {
  const known = hints();
  const asked = [];
  for (let i = 0; i < 4; i += 1) {
    const candidate = known.candidate(group, everybody);
    asked.push(candidate);
    if (candidate !== null) known.doubt(group, candidate);
  }
  expect(asked).toEqual([1, 2, 3, 1]);
});

test('a leader that cannot be reached is passed over, not forgotten', () => {
  const known = hints();
  known.learn(group, NodeId(1), Term(1));
  expect(known.candidate(group, (node) => node !== 1)).toBe(2);
  expect(known.candidate(group, () => false)).toBeNull();
  expect(known.candidate(group, everybody)).toBe(1);
});

test('a doubted leader can be named again, but not with an older term', () => {
  const known = hints();
  known.learn(group, NodeId(2), Term(5));
  known.doubt(group, NodeId(2));
  expect(known.leaderOf(group)).toBeNull();
  expect(known.learn(group, NodeId(3), Term(4))).toBe(false);
  expect(known.learn(group, NodeId(3), Term(5))).toBe(true);
});

test('of a group that no map has nobody is asked before somebody says that it leads it', () => {
  const known = hints();
  expect(known.candidate(GroupId(9), everybody)).toBeNull();
  expect(known.learn(GroupId(9), NodeId(1), Term(1))).toBe(true);
  expect(known.candidate(GroupId(9), everybody)).toBe(1);
  expect(known.candidate(GroupId(9), () => false)).toBeNull();
});
