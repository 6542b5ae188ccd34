import { describe, expect, it } from 'vitest';
import type { Oracle } from '../../sim/oracles/oracle.ts';
import { expand } from '../../sim/scenario/expand.ts';
import type { Fault, FaultKind, Scenario } from '../../sim/scenario/scenario.ts';
import { faultKinds } from '../../sim/scenario/scenario.ts';
import { simulate } from '../../sim/simulate.ts';
import { rule } from '../../sim/truth/violation.ts';

/** The second node has no replica of the metadata group, so that its map may be stale. */
const calm: Scenario = {
  ...expand(3, 'calm'),
  nodes: 4,
  groups: [
    [1, 3, 4],
    [1, 2, 3],
    [2, 3, 4],
  ],
};

describe('a verdict', () => {
  it('is a violation when an oracle objects: the canary objects to the first election', () => {
    const canary: Oracle = {
      rule: 'canary',
      elected(group, { term }) {
        rule(false, 'canary', 'nobody is ever elected', { group: group.id, term });
      },
    };
    const { verdict } = simulate(calm, { oracles: [canary] });
    expect(verdict).toMatchObject({ kind: 'violation', rule: 'canary' });
    expect(verdict).toHaveProperty('message', expect.stringMatching(/^nobody is ever elected: group=\d+ term=1$/));
  });

  it('is clean although a node stays cut off for good, and the leader on it has stepped down', () => {
    const { verdict, statistics } = simulate({ ...calm, isolated: [1] });
    expect(verdict).toEqual({ kind: 'clean' });
    expect(statistics.marks).toMatchObject({ isolatedForGood: 1, isolatedLeader: 1 });
    expect(statistics.marks.leaderSteppedDown).toBeGreaterThan(0);
  });

  it('spares the core: of a group of three, two are not cut off', () => {
    const { verdict, statistics } = simulate({ ...calm, lost: [1], isolated: [3] });
    expect(verdict).toEqual({ kind: 'clean' });
    expect(statistics.marks).toMatchObject({ lostForGood: 1 });
    expect(statistics.marks).not.toHaveProperty('isolatedForGood');
  });

  it('is invalid when nothing worth judging happened', () => {
    const idle: Scenario = { ...calm, tenants: [], workload: { ...calm.workload, clients: 0 } };
    expect(simulate(idle).verdict).toEqual({ kind: 'invalid', reason: 'no write was acknowledged' });
  });

  it.each(Object.keys(faultKinds) as readonly FaultKind[])(
    'knows that a %s happened, and that all was well after it',
    (kind) => {
      const fault: Fault = { at: { atMs: 1500 }, do: kind, on: { node: 2 }, peer: 0, forMs: 300, amount: 5 };
      const staleNeedsHistory =
        kind === 'staleHint'
          ? [{ ...fault, at: { atMs: 600 }, do: 'cut' as const, on: { leaderOf: 1 }, forMs: 800 }]
          : [];
      const { verdict, statistics } = simulate({ ...calm, faultyMs: 3000, faults: [...staleNeedsHistory, fault] });
      expect(verdict).toEqual({ kind: 'clean' });
      expect(statistics.faults[kind]).toBe(1);
    },
  );

  it('is a stale read where leases rely on clocks that are off by more than they may be, and only there', () => {
    const seeds = Array.from({ length: 40 }, (_, i) => i + 1);
    const broken = seeds.find((seed) => simulate(expand(seed, 'bad-clocks')).verdict.kind === 'violation');
    const scenario = expand(broken ?? 0, 'bad-clocks');
    const { verdict } = simulate(scenario);
    expect(verdict).toMatchObject({ kind: 'violation', rule: expect.stringMatching(/^(X1|L1)$/) as unknown });
    const asked = simulate({ ...scenario, timing: { ...scenario.timing, leaseReads: false } });
    expect(asked.verdict).toEqual({ kind: 'clean' });
    const inTime = simulate({ ...scenario, clocks: [] });
    expect(inTime.verdict).toEqual({ kind: 'clean' });
  }, 120_000);

  it('does not depend on faults that cannot happen', () => {
    const impossible: Fault = { at: { atMs: 1500 }, do: 'cut', on: { node: 2 }, peer: 2, forMs: 300, amount: 0 };
    const { verdict, statistics } = simulate({ ...calm, faults: [impossible] });
    expect(statistics.faults).toEqual({});
    expect(verdict).toEqual({ kind: 'invalid', reason: 'no fault struck' });
  });
});
