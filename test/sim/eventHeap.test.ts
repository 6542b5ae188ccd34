import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventHeap } from '../../sim/base/eventHeap.ts';

it('yields items by time, then tie, then order of arrival, however pushes and pops are mixed', () => {
  const step = fc.oneof(fc.record({ at: fc.nat(5), tie: fc.nat(2) }), fc.constant('pop' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const heap = new EventHeap<number>();
      const model: { at: number; tie: number; order: number }[] = [];
      let order = 0;
      for (const each of steps) {
        if (each === 'pop') {
          model.sort((a, b) => a.at - b.at || a.tie - b.tie || a.order - b.order);
          expect(heap.pop()).toBe(model.shift()?.order);
        } else {
          heap.push(each.at, each.tie, order);
          model.push({ ...each, order });
          order += 1;
        }
        expect(heap.size).toBe(model.length);
        expect(heap.nextAt).toBe(model.length === 0 ? null : Math.min(...model.map(({ at }) => at)));
      }
    }),
  );
});
