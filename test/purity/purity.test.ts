/** The core is pure, and stays so: each way out that we know of is shown to be shut, by the compiler or by lint. */
import { beforeAll, describe, expect, test } from 'vitest';
import { examine } from './examine.ts';
import { arrivals, innocent, simulated, uses, type Violation } from './violations.ts';

/** Complaints of other rules do not count: they are not there to keep the core pure. */
const isFence =
  /^(TS\d+|no-restricted-.*|core\/.*|.*\/(ban-ts-comment|triple-slash-reference|require-array-sort-compare))$/;

function refuses(folder: string, violations: readonly Violation[]): void {
  const complaints = new Map<string, readonly string[]>();

  beforeAll(async () => {
    const all = await examine(
      folder,
      violations.map(([, source]) => source),
    );
    violations.forEach(([name], index) => complaints.set(name, all[index] ?? []));
  });

  test.each(violations)('%s', (name, _source, refusedBy) => {
    const fences = complaints.get(name)?.filter((complaint) => isFence.test(complaint));
    expect(fences?.toSorted()).toEqual(refusedBy.toSorted());
  });
}

describe('what a host offers, or what differs between machines, is refused in core/', () => {
  refuses('core', uses);
});

describe('what comes from elsewhere is refused in core/', () => {
  refuses('core', arrivals);
});

describe('what is simulated is refused in sim/', () => {
  refuses('sim', simulated);
});

test('ordinary code is accepted in core/', async () => {
  expect(await examine('core', [innocent])).toEqual([[]]);
});
