import fc from 'fast-check';
import { expect, it } from 'vitest';
import { binaryString, bytesOfBinary } from '../../core/base/bytes.ts';
import { ListValue, type Side } from '../../core/engine/listValue.ts';

interface Both {
  real: ListValue;
  model: string[];
}

const side = fc.constantFrom<Side>('left', 'right');
const element = fc.constantFrom('', 'x', 'y', 'long enough');
/** Taken modulo what there is. */
const index = fc.nat();

class Step {
  private readonly text: string;
  private readonly run0: (both: Both) => void;
  constructor(text: string, run: (both: Both) => void) {
    this.text = text;
    this.run0 = run;
  }
  check = () => true;
  toString = () => this.text;
  run(both: Both): void {
    this.run0(both);
    const { real, model } = both;
    expect([...real.elements('left')].map(binaryString)).toEqual(model);
    expect([...real.elements('right')].map(binaryString)).toEqual(model.toReversed());
    expect(real.length).toBe(model.length);
    expect(real.bytes).toBe(model.reduce((sum, one) => sum + one.length + 96, 0));
  }
}

const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(side, fc.array(element, { minLength: 1, maxLength: 300 })).map(
    ([where, elements]) =>
      new Step(`push ${where} ${elements.join()}`, ({ real, model }) => {
        for (const one of elements) {
          real.push(where, bytesOfBinary(one));
          if (where === 'left') model.unshift(one);
          else model.push(one);
        }
      }),
  ),
  fc.tuple(side, fc.nat(200)).map(
    ([where, count]) =>
      new Step(`pop ${where} ${String(count)}`, ({ real, model }) => {
        for (let i = 0; i < count; i += 1) {
          const popped = real.pop(where);
          expect(popped && binaryString(popped)).toBe(where === 'left' ? model.shift() : model.pop());
        }
      }),
  ),
  fc.tuple(index, element).map(
    ([at, one]) =>
      new Step(`insert ${String(at)} ${one}`, ({ real, model }) => {
        const place = at % (model.length + 1);
        for (let i = 0; i < 70; i += 1) {
          real.insert(place, bytesOfBinary(one));
          model.splice(place, 0, one);
        }
      }),
  ),
  fc.tuple(index, element).map(
    ([at, one]) =>
      new Step(`set ${String(at)} ${one}`, ({ real, model }) => {
        if (model.length === 0) return;
        real.set(at % model.length, bytesOfBinary(one));
        model[at % model.length] = one;
      }),
  ),
  fc.tuple(element, fc.nat(300), side).map(
    ([one, limit, from]) =>
      new Step(`remove ${one} ${String(limit)} ${from}`, (both) => {
        let left = limit;
        const kept: string[] = [];
        for (const present of from === 'left' ? both.model : both.model.toReversed()) {
          if (present === one && left > 0) left -= 1;
          else kept.push(present);
        }
        both.model = from === 'left' ? kept : kept.toReversed();
        expect(both.real.remove(bytesOfBinary(one), limit, from)).toBe(limit - left);
      }),
  ),
  fc.tuple(index, index).map(
    ([a, b]) =>
      new Step(`range, then trim ${String(a)} ${String(b)}`, (both) => {
        const [start, end] = [a % (both.model.length + 1), b % (both.model.length + 1)];
        const kept = both.model.slice(start, end + 1);
        if (end < both.model.length) expect(both.real.range(start, end).map(binaryString)).toEqual(kept);
        if (end < both.model.length) both.real.trim(start, end);
        if (end < both.model.length) both.model = kept;
      }),
  ),
  fc.tuple(index, element).map(
    ([at, one]) =>
      new Step(`look at ${String(at)} and for ${one}, go on with a copy`, (both) => {
        const { real, model } = both;
        const place = (at % (model.length + 4)) - 2;
        const found = real.at(place);
        expect(found && binaryString(found)).toBe(model[place]);
        expect(real.indexOf(bytesOfBinary(one))).toBe(model.indexOf(one));
        both.real = real.copy();
        real.push('left', bytesOfBinary('not in the copy'));
      }),
  ),
];

it('is an array, whatever is done to it', () => {
  fc.assert(
    fc.property(fc.commands(steps, { maxCommands: 30 }), (commands) => {
      fc.modelRun(() => ({ model: { real: new ListValue(), model: [] }, real: undefined }), commands);
    }),
    { numRuns: 150 },
  );
});
