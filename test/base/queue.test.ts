import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deque } from '../../core/base/deque.ts';
import { Queue } from '../../core/base/queue.ts';

test('a deque behaves like an array', () => {
  const operation = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('push', 'pushFront'), item: fc.nat(1000) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('set', 'insert'), item: fc.nat(1000), at: fc.nat(20) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('shift', 'pop') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain') }) },
  );
  fc.assert(
    fc.property(fc.array(operation, { size: 'large' }), (operations) => {
      const deque = new Deque<number>();
      const model: number[] = [];
      for (const op of operations) {
        const at = 'at' in op ? Math.min(op.at, model.length) : 0;
        if (op.kind === 'shift') expect(deque.shift()).toBe(model.shift());
        else if (op.kind === 'pop') expect(deque.pop()).toBe(model.pop());
        else if (op.kind === 'drain') expect(deque.drain()).toEqual(model.splice(0));
        else if ('item' in op && op.kind === 'push') {
          deque.push(op.item);
          model.push(op.item);
        } else if ('item' in op && op.kind === 'pushFront') {
          deque.pushFront(op.item);
          model.unshift(op.item);
        } else if ('item' in op && op.kind === 'insert') {
          deque.insert(at, op.item);
          model.splice(at, 0, op.item);
        } else if ('item' in op && at < model.length) {
          deque.set(at, op.item);
          model[at] = op.item;
        }
        expect(deque.length).toBe(model.length);
        expect(deque.peek()).toBe(model[0]);
        expect([-1, 0, model.length - 1, model.length].map((i) => deque.at(i))).toEqual(
          [-1, 0, model.length - 1, model.length].map((i) => model[i]),
        );
      }
      expect([...deque]).toEqual(model);
    }),
    { numRuns: 100 },
  );
});

test('it stays right when the ring has gone round', () => {
  const queue = new Queue<number>();
  const passed: (number | undefined)[] = [];
  for (let i = 0; i < 5000; i += 1) {
    queue.push(i);
    if (i >= 1500) passed.push(queue.shift());
  }
  expect(passed).toEqual(Array.from({ length: 3500 }, (_, i) => i));
  expect([...queue]).toEqual(Array.from({ length: 1500 }, (_, i) => 3500 + i));
  while (queue.shift() !== undefined);
  queue.push(7);
  expect([...queue]).toEqual([7]);
});
