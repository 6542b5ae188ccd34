import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Queue } from '../../core/base/queue.ts';

test('a queue behaves like an array', () => {
  const operation = fc.oneof(fc.nat(1000), fc.constantFrom('shift' as const, 'drain' as const));
  fc.assert(
    fc.property(fc.array(operation, { size: 'large' }), (operations) => {
      const queue = new Queue<number>();
      const model: number[] = [];
      for (const op of operations) {
        if (op === 'shift') expect(queue.shift()).toBe(model.shift());
        else if (op === 'drain') expect(queue.drain()).toEqual(model.splice(0));
        else {
          queue.push(op);
          model.push(op);
        }
        expect(queue.length).toBe(model.length);
        expect(queue.peek()).toBe(model[0]);
      }
      expect([...queue]).toEqual(model);
    }),
    { numRuns: 50 },
  );
});

test('it stays right after the front was given back', () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 5000; i += 1) queue.push(i);
  for (let i = 0; i < 4000; i += 1) expect(queue.shift()).toBe(i);
  queue.push(5000);
  expect([...queue]).toEqual(Array.from({ length: 1001 }, (_, i) => 4000 + i));
});
