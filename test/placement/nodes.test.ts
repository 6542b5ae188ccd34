/** What a node more or less costs, and clusters as large as they are meant to be. */
import { expect, test } from 'vitest';
import { NodeId } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { apply } from '../../core/placement/apply.ts';
import type { ClusterSnapshot } from '../../core/placement/clusterSnapshot.ts';
import { utilisationOf } from '../../core/placement/nodeLoads.ts';
import { plan } from '../../core/placement/plan.ts';
import { defaultPolicy, type Policy } from '../../core/placement/policy.ts';
import type { Step } from '../../core/placement/step.ts';
import { broken } from './broken.ts';
import { grownCluster } from './clusters.ts';

const policy: Policy = { ...defaultPolicy, maxSteps: 100_000 };
const hourMs = 3_600_000;

/** Plans and does until nothing is left to do, an hour apart. */
function settledCluster(from: ClusterSnapshot): ClusterSnapshot {
  let now = from;
  for (let plans = 0; plans < 20; plans += 1) {
    const { steps, placed, isBalancing } = plan(now, policy);
    if (steps.length === 0) return now;
    const takenAt = WallTime(now.takenAt + hourMs);
    now = { ...apply(now, steps), placed, isBalancing, takenAt };
  }
  throw new Error('it goes on and on');
}

/** What is copied, as a part of all there is. */
function movedShare(snapshot: ClusterSnapshot, steps: readonly Step[]): number {
  const bytesOf = new Map<unknown, number>(snapshot.groups.map(({ group, bytes }) => [group, bytes]));
  const tenantBytes = new Map<unknown, number>(snapshot.tenants.map(({ tenant, bytes }) => [tenant, bytes]));
  let moved = 0;
  for (const step of steps) {
    if (step.kind === 'replaceReplica' || step.kind === 'addReplica') moved += bytesOf.get(step.group) ?? 0;
    if (step.kind === 'moveTenant') moved += 3 * (tenantBytes.get(step.tenant) ?? 0);
  }
  return moved / snapshot.groups.reduce((sum, { bytes }) => sum + 3 * bytes, 0);
}

test.each([1, 2, 3])('one of N nodes more or less moves about 1/N, and leaves the rest even (seed %i)', (seed) => {
  const count = 12;
  const even = settledCluster(grownCluster({ nodes: count, zones: 4, groups: 240, tenants: 4_800 }, seed));
  const [first] = even.nodes;
  const more = { ...even, nodes: [...even.nodes, { ...first!, node: NodeId(count + 1) }] };
  const added = plan(more, policy);
  expect(added.isCut).toBe(false);
  expect(movedShare(more, added.steps)).toBeGreaterThan(0.5 / count);
  expect(movedShare(more, added.steps)).toBeLessThan(2 / count);
  const less = { ...even, nodes: even.nodes.map((one) => (one.node === 5 ? { ...one, state: 'lost' as const } : one)) };
  const removed = plan(less, policy);
  expect(movedShare(less, removed.steps)).toBeGreaterThan(0.5 / count);
  expect(movedShare(less, removed.steps)).toBeLessThan(2 / count);
  for (const after of [apply(more, added.steps), apply(less, removed.steps)])
    for (const { state, deviationPpt } of utilisationOf(after, policy).nodes)
      if (state === 'up') expect(Math.abs(deviationPpt.bytes ?? 0)).toBeLessThan(200);
});

test('a thousand nodes and a million tenants', () => {
  const snapshot = grownCluster({ nodes: 1_000, zones: 10, groups: 10_000, tenants: 1_000_000 }, 1);
  const lost = {
    ...snapshot,
    nodes: snapshot.nodes.map((one) => (one.node === 7 ? { ...one, state: 'lost' as const } : one)),
  };
  const { steps, brake } = plan(lost, defaultPolicy);
  expect([steps.length, brake]).toEqual([defaultPolicy.maxSteps, null]);
  const held = lost.groups.filter(({ configuration }) => configuration.voters.some((voter) => voter.node === 7));
  expect(steps.filter(({ phase }) => phase === 'repair')).toHaveLength(held.length);
  const after = apply(lost, steps);
  expect(utilisationOf(after, defaultPolicy).potential).toBeLessThan(utilisationOf(lost, defaultPolicy).potential);
  // Going through a million tenants for what is broken is not what is slow here: going through groups for each of them is.
  const [before, now] = [lost, after].map((one) => broken({ ...one, tenants: [] }, defaultPolicy));
  for (const [what, by] of now!) expect(by).toBeLessThanOrEqual(before!.get(what) ?? 0);
  expect(now!.size).toBeLessThan(before!.size);
});
