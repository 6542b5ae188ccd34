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
type Step = readonly [AnchorEvent, number];
const steps: readonly Step[] = [
  ['begin', 1],
  ['start', 2],
  ['prepare', 3],
  ['stage', 3],
  ['freeze', 2],
  ['seal', 3],
  ['depart', 2],
  ['activate', 3],
  ['end', 1],
  ['erase', 2],
];
/** The same of a move that is cancelled as soon as it has started. */
const wayBack: readonly Step[] = [
  ['cancel', 2],
  ['stay', 1],
  ['abandon', 3],
];
const leaders = { 'the source': source, 'the destination': destination, 'the metadata group': 0 } as const;
const troubles = {
  dies: { kind: 'crash', forMs: 400 },
  'is not heard': { kind: 'cutTo', forMs: 700 },
  'does not hear': { kind: 'cutFrom', forMs: 700 },
  'is heard late': { kind: 'slow', forMs: 1500 },
} as const satisfies Record<string, { readonly kind: FaultKind; readonly forMs: number }>;
type Trouble = keyof typeof troubles;
const names = Object.keys(troubles) as Trouble[];

function struck([event, node]: Step, leader: number, trouble: Trouble): Fault {
  const { kind, forMs } = troubles[trouble];
  const amount = kind === 'slow' ? 150 : 0;
  return { at: { node, event, n: 1, plusMs: 0 }, do: kind, on: { leaderOf: leader }, peer: 0, forMs, amount };
}

/** Three nodes, each of which leads one group; three clients write to the tenant all the while. */
function scenarioOf(name: string, ...faults: readonly Fault[]): Scenario {
  const calm = expand(1, 'calm');
  const move: Fault = { at: { atMs: 300 }, do: 'move', on: { node: 1 }, peer: destination - 1, forMs: 0, amount: 0 };
  return {
    ...calm,
    name,
    faultyMs: 2200,
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
    faults: [move, ...faults],
  };
}

function expectOneOwner(scenario: Scenario): void {
  const { verdict, statistics } = simulate(scenario);
  expect(verdict).toEqual({ kind: 'clean' });
  const { marks, faults } = statistics;
  for (const { do: kind } of scenario.faults) expect([kind, faults[kind]]).toEqual([kind, 1]);
  expect((marks.moveActivated ?? 0) + (marks.moveCancelled ?? 0)).toBeGreaterThan(0);
}

describe.each(Object.entries(leaders))('the leader of %s', (_, leader) => {
  describe.each(steps)('at the step %s', (...step) => {
    test.each(names)('%s', (trouble) => {
      expectOneOwner(scenarioOf(trouble, struck(step, leader, trouble)));
    });

    const others = Object.entries(leaders).filter(([, other]) => other !== leader);
    describe.each(others)('dies, and the leader of %s', (__, other) => {
      test.each(['is not heard', 'is heard late'] as const)('%s', (trouble) => {
        expectOneOwner(scenarioOf(trouble, struck(step, leader, 'dies'), struck(step, other, trouble)));
      });
    });
  });

  describe.each(wayBack)('on the way back, at the step %s', (...step) => {
    const at = { node: 2, event: 'start', n: 1, plusMs: 0 } as const;
    const cancelled: Fault = { at, do: 'cancelMove', on: { node: 1 }, peer: 0, forMs: 0, amount: 0 };

    test.each(names)('%s', (trouble) => {
      expectOneOwner(scenarioOf(trouble, cancelled, struck(step, leader, trouble)));
    });
  });
});
