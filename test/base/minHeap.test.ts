import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MinHeap } from '../../core/base/minHeap.ts';

test('a heap yields the least of what is in it', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(50)), { maxLength: 100 }), (steps) => {
      const heap = new MinHeap();
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) {
          heap.shift();
          model.shift();
        } else {
          heap.push(step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        expect(heap.peek()).toBe(model[0]);
      }
    }),
  );
});
