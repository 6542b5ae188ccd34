/** What holds of every plan, whatever the cluster. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '../../core/placement/apply.ts';
import type { ClusterSnapshot } from '../../core/placement/clusterSnapshot.ts';
import { utilisationOf } from '../../core/placement/nodeLoads.ts';
import { plan } from '../../core/placement/plan.ts';
import type { Step } from '../../core/placement/step.ts';
import { broken } from './broken.ts';
import { clusters, policies } from './clusters.ts';

const runs = { numRuns: 400 };

function shuffled<Item>(items: readonly Item[]): fc.Arbitrary<Item[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length });
}

test('the order in which a snapshot lists things makes no difference', () => {
  const both = clusters.chain((snapshot) =>
    fc.record({
      snapshot: fc.constant(snapshot),
      other: fc
        .record({
          nodes: shuffled(snapshot.nodes),
          groups: shuffled(snapshot.groups),
          tenants: shuffled(snapshot.tenants),
        })
        .map((lists): ClusterSnapshot => ({ ...snapshot, ...lists })),
    }),
  );
  fc.assert(
    fc.property(both, policies, ({ snapshot, other }, policy) => {
      const made = plan(snapshot, policy);
      expect(plan(snapshot, policy)).toEqual(made);
      expect(plan(other, policy)).toEqual(made);
    }),
    runs,
  );
});

test('no step makes worse what must not be', () => {
  fc.assert(
    fc.property(clusters, policies, (snapshot, policy) => {
      let now = snapshot;
      const { steps, proposed } = plan(snapshot, policy);
      for (const step of [...steps, ...proposed]) {
        const before = broken(now, policy);
        now = apply(now, [step]);
        for (const [what, by] of broken(now, policy))
          expect([what, by <= (before.get(what) ?? 0)]).toEqual([what, true]);
        for (const id of targetsOf(step)) expect(snapshot.nodes.find(({ node }) => node === id)?.state).toBe('up');
      }
    }),
    runs,
  );
});

function targetsOf(step: Step): readonly number[] {
  if (step.kind === 'createGroup') return step.nodes;
  return step.kind === 'moveTenant' || step.kind === 'removeReplica' ? [] : [step.to];
}

test('every step for the balance lowers Φ, by as much as it says', () => {
  fc.assert(
    fc.property(clusters, policies, (snapshot, policy) => {
      let now = snapshot;
      for (const step of plan(snapshot, policy).steps) {
        const before = utilisationOf(now, policy).potential;
        now = apply(now, [step]);
        if (step.phase !== 'leaders' && step.phase !== 'tenants' && step.phase !== 'replicas') continue;
        const after = utilisationOf(now, policy).potential;
        expect(after).toBeLessThan(before);
        expect(step.why).toContain(`Φ falls by ${String(before - after)} to ${String(after)}`);
      }
    }),
    runs,
  );
});

test('after a plan there is nothing left to plan', () => {
  fc.assert(
    fc.property(clusters, policies, (snapshot, policy) => {
      const { steps, isCut, placed, isBalancing } = plan(snapshot, policy);
      expect(isCut).toBe(false);
      expect(plan({ ...apply(snapshot, steps), placed, isBalancing }, policy).steps).toEqual([]);
    }),
    runs,
  );
});

test('a plan that is cut comes to the same end, some steps at a time', () => {
  fc.assert(
    fc.property(clusters, policies, fc.integer({ min: 1, max: 3 }), (snapshot, policy, maxSteps) => {
      let now = snapshot;
      for (let plans = 0; ; plans += 1) {
        expect(plans).toBeLessThan(400);
        const { steps, isCut, placed, isBalancing } = plan(now, { ...policy, maxSteps });
        expect(steps.length).toBeLessThanOrEqual(maxSteps);
        now = { ...apply(now, steps), placed, isBalancing };
        if (!isCut) break;
        expect(steps.length).toBeGreaterThan(0);
      }
      expect(plan(now, policy).steps).toEqual([]);
    }),
    runs,
  );
});
