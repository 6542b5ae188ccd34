import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointEvents, RollingHash } from '../../sim/base/hash.ts';
import { randomSource } from '../../sim/base/random.ts';
import { type Parsed, RespParser } from '../../sim/base/respParser.ts';
import { Clock } from '../../sim/world/clock.ts';

describe('the hash', () => {
  function digestOf(fields: readonly number[]): string {
    const hash = new RollingHash();
    for (const field of fields) hash.event(1, 2, field);
    return hash.digest();
  }

  it('tells any two sequences apart that differ in one place', () => {
    const sequence = fc.array(fc.nat(), { minLength: 1 });
    fc.assert(
      fc.property(sequence, fc.nat(), fc.integer({ min: 1, max: 1000 }), (fields, where, by) => {
        const at = where % fields.length;
        const changed = fields.map((field, i) => (i === at ? field + by : field));
        expect(digestOf(changed)).not.toBe(digestOf(fields));
        expect(digestOf([...fields])).toBe(digestOf(fields));
      }),
    );
  });

  it('leaves a checkpoint every so many events', () => {
    const hash = new RollingHash();
    for (let i = 0; i < 2 * checkpointEvents + 1; i += 1) hash.event(1, 1, i);
    expect(hash.checkpoints).toHaveLength(2);
    expect(hash.events).toBe(2 * checkpointEvents + 1);
  });
});

describe('randomness', () => {
  it('yields the same stream for the same seed and label, and another for another', () => {
    const draw = (seed: number, label: string): readonly number[] => {
      const random = randomSource(seed)(label);
      return [random(), random(), random()];
    };
    expect(draw(1, 'net')).toEqual(draw(1, 'net'));
    expect(draw(1, 'net')).not.toEqual(draw(1, 'disk'));
    expect(draw(1, 'net')).not.toEqual(draw(2, 'net'));
  });

  it.each([[Number.NaN], [''], [1.5]])('refuses %j as a seed', (seed) => {
    expect(() => randomSource(seed)).toThrow('a seed is given');
  });
});

describe('a clock', () => {
  it('shows a monotonic instant at the first true microsecond that it names for it', () => {
    const plan = fc.record({ ppm: fc.integer({ min: -500_000, max: 500_000 }), at: fc.nat(1e9), mono: fc.nat(1e9) });
    fc.assert(
      fc.property(plan, ({ ppm, at, mono }) => {
        const clock = new Clock(ppm, 0);
        const when = clock.whenShows(mono, at);
        expect(clock.mono(when)).toBeGreaterThanOrEqual(mono);
        if (when > at) expect(clock.mono(when - 1)).toBeLessThan(mono);
      }),
    );
  });

  it('goes on without a jump when its rate changes, and only the wall clock jumps', () => {
    const clock = new Clock(0, 0);
    const before = clock.read(1_000_000);
    clock.setRate(1_000_000, 1_000_000);
    clock.jumpWall(-5000);
    expect(clock.mono(1_000_000)).toBe(before.mono);
    expect(clock.mono(2_000_000)).toBe(before.mono + 2_000_000);
    expect(clock.wall(1_000_000)).toBe(before.wall - 5000);
  });
});

describe('the reader of replies', () => {
  function readAll(chunks: readonly string[]): readonly (Parsed | 'malformed')[] {
    const parser = new RespParser();
    const replies: (Parsed | 'malformed')[] = [];
    for (const chunk of chunks) {
      parser.feed(chunk);
      for (let next = parser.next(); next !== null; next = parser.next()) {
        replies.push(next);
        if (next === 'malformed') return replies;
      }
    }
    return replies;
  }

  const stream = '+OK\r\n-ERR no\r\n:-12\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n:1\r\n_\r\n%1\r\n+a\r\n#t\r\n*-1\r\n';

  it('reads every type', () => {
    expect(readAll([stream]).map((each) => (each === 'malformed' ? each : each.reply))).toEqual([
      { kind: 'simple', text: 'OK' },
      { kind: 'error', text: 'ERR no' },
      { kind: 'integer', value: -12 },
      { kind: 'bulk', text: 'a\r\n' },
      { kind: 'nil' },
      { kind: 'array', items: [{ kind: 'integer', value: 1 }, { kind: 'nil' }] },
      {
        kind: 'map',
        items: [
          { kind: 'simple', text: 'a' },
          { kind: 'boolean', value: true },
        ],
      },
      { kind: 'nil' },
    ]);
  });

  it('reads the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const chunks = places.slice(1).map((end, i) => stream.slice(places[i], end));
        expect(readAll(chunks)).toEqual(readAll([stream]));
      }),
    );
  });

  it.each(['?1\r\n', ':1x\r\n', '$x\r\n', '$1\r\nab\r\n', '*x\r\n', '#x\r\n'])('refuses %j', (text) => {
    expect(readAll([text])).toEqual(['malformed']);
  });
});
