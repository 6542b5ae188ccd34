/** Random schedules of elections, messages, losses, syncs and crashes: the safety rules hold after every step. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Manners, RaftCluster } from './cluster.ts';

const choice = fc.record({
  what: fc.constantFrom(
    'deliver',
    'deliver',
    'deliver',
    'deliver',
    'sync',
    'sync',
    'fire',
    'propose',
    'read',
    'drop',
    'copy',
    'crash',
    'pass',
    'transfer',
    'burst',
  ),
  which: fc.nat(9),
  how: fc.nat(3),
});
type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never;

function play(size: number, choices: readonly Choice[], flaws: Manners = {}): RaftCluster {
  const cluster = new RaftCluster(size, flaws);
  for (const { what, which, how } of choices) {
    const id = (which % size) + 1;
    const at = cluster.flying.length === 0 ? 0 : which % cluster.flying.length;
    if (what === 'deliver') cluster.deliver(at);
    else if (what === 'sync') cluster.sync(id);
    else if (what === 'fire') cluster.fire(id);
    else if (what === 'propose') cluster.propose(id, 'x'.repeat(how * 20));
    else if (what === 'read') cluster.read(id);
    else if (what === 'drop') cluster.drop(at);
    else if (what === 'copy') cluster.deliverCopy(at);
    else if (what === 'crash') cluster.crash(id, how);
    else if (what === 'pass') cluster.pass(10 * how);
    else if (what === 'transfer') cluster.transfer(id);
    else
      for (let i = 0; i < 12; i += 1) {
        cluster.deliver(0);
        for (let each = 1; each <= size; each += 1) if (each !== id) cluster.sync(each);
      }
  }
  return cluster;
}

const schedule = fc.array(choice, { minLength: 20, maxLength: 300, size: 'max' });

test.each([3, 5])('%i replicas', (size) => {
  let committed = 0;
  let reads = 0;
  fc.assert(
    fc.property(schedule, (choices) => {
      const cluster = play(size, choices);
      committed += cluster.committed.length;
      reads += cluster.readsConfirmed;
    }),
    { numRuns: 400 },
  );
  expect(committed).toBeGreaterThan(100);
  expect(reads).toBeGreaterThan(10);
});

test('a cluster whose acks do not wait for the disk is found out', () => {
  const outcome = fc.check(
    fc.property(schedule, (choices) => void play(3, choices, { ignoresHolding: true })),
    { numRuns: 3000, seed: 7, endOnFailure: true },
  );
  expect(outcome.failed).toBe(true);
});

test('whatever happened, a cluster that is left alone elects a leader and commits', () => {
  fc.assert(
    fc.property(schedule, (choices) => {
      const cluster = play(3, choices);
      for (let round = 0; round < 60; round += 1) {
        cluster.settle();
        cluster.pass(25);
      }
      cluster.settle();
      const { leader } = cluster;
      if (leader === undefined) throw new Error('nobody leads');
      const before = cluster.committed.length;
      cluster.propose(leader.id, 'at last');
      cluster.settle();
      expect(cluster.committed.length).toBe(before + 1);
    }),
    { numRuns: 150 },
  );
});
