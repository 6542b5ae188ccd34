import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand } from '../../sim/scenario/expand.ts';
import type { Fault, Scenario } from '../../sim/scenario/scenario.ts';
import { ddmin } from '../../sim/shrink/ddmin.ts';
import { lower } from '../../sim/shrink/simplify.ts';
import { type Breach, shrink } from '../../sim/shrink/shrink.ts';
import { hunt } from '../../sim/cli/hunt.ts';
import { bugs } from '../../sim/bugs/bank.ts';

const large = expand(3, 'mixed');

/** Breaks a rule if `isBroken`, half a second after its last fault. */
function breaking(rule: string, isBroken: (scenario: Scenario) => boolean): (scenario: Scenario) => Breach | null {
  return (scenario) => {
    const last = Math.max(0, ...scenario.faults.map(({ at }) => ('atMs' in at ? at.atMs : 0)));
    return isBroken(scenario) && scenario.faultyMs >= last + 500 ? { rule, atUs: (last + 500) * 1000 } : null;
  };
}

function faultAt(atMs: number): Fault {
  return { at: { atMs }, do: 'cut', on: { node: 1 }, peer: 0, forMs: 700, amount: 0 };
}

describe('delta debugging', () => {
  it('leaves exactly what is needed, whichever items that are', () => {
    const cause = fc.uniqueArray(fc.nat(49), { maxLength: 6 });
    fc.assert(
      fc.property(cause, (needed) => {
        const items = Array.from({ length: 50 }, (_, i) => i);
        const kept = ddmin(items, (fewer) => needed.every((item) => fewer.includes(item)));
        expect(kept).toEqual(needed.toSorted((a, b) => a - b));
      }),
    );
  });

  it('leaves no item that can be left out, also where items are needed for other reasons', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(weights, fc.nat(40), (items, enough) => {
        const happens = (list: readonly number[]): boolean => list.reduce((sum, item) => sum + item, 0) >= enough;
        fc.pre(happens(items));
        const kept = ddmin(items, happens);
        expect(happens(kept)).toBe(true);
        for (const [position] of kept.entries()) expect(happens(kept.toSpliced(position, 1))).toBe(false);
      }),
    );
  });

  it('keeps as many items as it must', () => {
    expect(ddmin(['a', 'b', 'c'], () => true, 1)).toHaveLength(1);
    expect(ddmin(['a', 'b', 'c'], () => true)).toEqual([]);
    expect(ddmin([], () => true)).toEqual([]);
  });
});

describe('numbers', () => {
  it.each([
    [0, 0, []],
    [1, 0, [0]],
    [1478, 0, [0, 184, 739, 1000]],
    [-300, 0, [0, -37, -150]],
    [25, 100, [100, 91, 63, 30]],
  ])('shrink from %d towards %d', (present, goal, expected) => {
    expect(lower(present, goal)).toEqual(expected);
  });
});

describe('the shrinker', () => {
  it('finds the 3 of 50 faults that break the rule, with a calm network, within 150 runs', () => {
    const times = Array.from({ length: 50 }, (_, i) => 100 + i * 100);
    const faults = times.map(faultAt);
    const needed = [faults[7], faults[23], faults[41]];
    const isBroken = (scenario: Scenario): boolean =>
      needed.every((fault) => scenario.faults.some((other) => other === fault));
    const dropped = shrink({ ...large, faultyMs: 9000, faults }, { runs: breaking('X1', isBroken), mostRuns: 150 });
    expect(dropped?.scenario.faults).toEqual(needed);
    expect(dropped?.scenario).toMatchObject({
      faultyMs: 4700,
      nodes: 1,
      tenants: [large.tenants[0]],
      clocks: [],
      powerLoss: false,
      lost: [],
      network: { jitterUs: 0, tailPermille: 0, lossPermille: 0, datagrams: false },
      workload: { clients: 1, pipeline: 1, keys: 1 },
    });
  });

  it('makes the numbers of what is left small, down to those of which half is too little', () => {
    const runs = breaking('X1', ({ faults, nodes }) => faults.some(({ forMs }) => forMs >= 200) && nodes >= 3);
    const shrunk = shrink(
      { ...large, faultyMs: 9000, faults: [faultAt(2000), faultAt(3456)] },
      { runs, mostRuns: 500 },
    );
    const fault = { ...faultAt(0), forMs: 350 };
    expect(shrunk?.scenario).toMatchObject({ faultyMs: 500, nodes: 3, faults: [fault] });
  });

  it('keeps the rule: what breaks another one is not smaller', () => {
    const runs = (scenario: Scenario): Breach => ({ rule: scenario.faults.length > 1 ? 'X1' : 'V1', atUs: 0 });
    const shrunk = shrink({ ...large, faults: [faultAt(1), faultAt(2), faultAt(3)] }, { runs, mostRuns: 500 });
    expect(shrunk?.rule).toBe('X1');
    expect(shrunk?.scenario.faults).toHaveLength(2);
  });

  it('runs no more scenarios than it may, the same ones each time, and none twice', () => {
    const seen = [0, 1].map(() => {
      const tried: string[] = [];
      const runs = (scenario: Scenario): Breach => {
        tried.push(JSON.stringify(scenario));
        return { rule: 'X1', atUs: 1 };
      };
      expect(shrink(large, { runs, mostRuns: 25 })?.runs).toBe(tried.length);
      return tried;
    });
    expect(seen[0]?.length).toBeLessThanOrEqual(25);
    expect(new Set(seen[0]).size).toBe(seen[0]?.length);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('has nothing to do where nothing is broken', () => {
    expect(shrink(large, { runs: () => null, mostRuns: 10 })).toBeNull();
  });

  it('makes what finds a planted bug small', async () => {
    const bug = bugs.find(({ name }) => name === 'a heartbeat is answered before the term is on disk');
    if (bug === undefined) throw new Error('there is no such bug');
    const { rule, scenario } = await hunt(bug, 200);
    expect(bug.oracles).toContain(rule);
    expect(scenario?.faults).toEqual([]);
    expect(scenario?.workload.clients).toBe(1);
  });
});
