/**
 * Every step of a move, and whoever leads one of its groups, or the group that has planned it, in trouble just then:
 * dead, not heard, or heard late. However it goes on, in the end one group serves the tenant, with all that was
 * acknowledged and nothing of it twice; the oracles say so.
 */
import { describe, expect, test } from 'vitest';
import { expand } from '../../sim/scenario/expand.ts';
import type { AnchorEvent, Fault, FaultKind, Scenario } from '../../sim/scenario/scenario.ts';
import { simulate } from '../../sim/simulate.ts';

const [source, destination] = [1, 2];
/** The step, and a node that applies it: the leader of the group that logs it. */
const steps = [
  ['start', 2],
  ['prepare', 3],
  ['stage', 3],
  ['freeze', 2],
  ['seal', 3],
  ['depart', 2],
  ['activate', 3],
  ['erase', 2],
] as const satisfies readonly (readonly [AnchorEvent, number])[];
const leaders = { 'the source': source, 'the destination': destination, 'the metadata group': 0 } as const;
const troubles = {
  dies: { kind: 'crash', forMs: 400 },
  'is not heard': { kind: 'cutTo', forMs: 700 },
  'does not hear': { kind: 'cutFrom', forMs: 700 },
  'is heard late': { kind: 'slow', forMs: 1500 },
} as const satisfies Record<string, { readonly kind: FaultKind; readonly forMs: number }>;

/** Three nodes, each of which leads one group; three clients write to the tenant all the while. */
function scenarioOf(step: readonly [AnchorEvent, number], leader: number, trouble: keyof typeof troubles): Scenario {
  const calm = expand(1, 'calm');
  const { kind, forMs } = troubles[trouble];
  const [event, node] = step;
  const move: Fault = { at: { atMs: 700 }, do: 'move', on: { node: 1 }, peer: destination - 1, forMs: 0, amount: 0 };
  const struck: Fault = {
    at: { node, event, n: 1, plusMs: 0 },
    do: kind,
    on: { leaderOf: leader },
    peer: 0,
    forMs,
    amount: kind === 'slow' ? 150 : 0,
  };
  return {
    ...calm,
    name: `${event}: ${trouble}`,
    faultyMs: 3000,
    nodes: 3,
    groups: [
      [1, 2, 3],
      [2, 1, 3],
      [3, 1, 2],
    ],
    tenants: [{ name: 'acme', group: source }],
    timing: { ...calm.timing, electionMs: 150, heartbeatMs: 30, gossipMs: 50, leaseReads: true },
    disk: { ...calm.disk, snapshotLogBytes: 4096, snapshotBytesPerSecond: 100_000 },
    workload: {
      ...calm.workload,
      clients: 3,
      pipeline: 2,
      keys: 4,
      readPermille: 300,
      transactPermille: 100,
      dropPermille: 0,
      createPermille: 0,
    },
    faults: [move, struck],
  };
}

describe.each(steps)('at the step %s', (...step) => {
  describe.each(Object.entries(leaders))('the leader of %s', (_, leader) => {
    test.each(Object.keys(troubles) as (keyof typeof troubles)[])('%s', (trouble) => {
      const { verdict, statistics } = simulate(scenarioOf(step, leader, trouble));
      expect(verdict).toEqual({ kind: 'clean' });
      const { marks, faults } = statistics;
      expect([faults.move, faults[troubles[trouble].kind]]).toEqual([1, 1]);
      expect((marks.moveActivated ?? 0) + (marks.moveCancelled ?? 0)).toBeGreaterThan(0);
    });
  });
});
