import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  binOf,
  binValue,
  decodeSketch,
  decodeSketchHour,
  encodeSketch,
  encodeSketchHour,
  SKETCH_ACCURACY,
  Sketch,
} from './index.js';

type Observation = readonly [value: number, count: number];

const value = fc.oneof(
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  fc.double({ min: -1e12, max: 1e12, noNaN: true }),
  fc.constantFrom(0, 0.5, -0.5, 1e12, -1e12),
);
const observations = fc.array(
  fc.tuple(value, fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0.01, max: 9, noNaN: true }))),
  { minLength: 1, maxLength: 80 },
);

function sketchOf(list: readonly Observation[]): Sketch {
  const sketch = new Sketch();
  for (const [each, count] of list) sketch.observe(each, count);
  return sketch;
}

/** The percentile by nearest rank, from all values. */
function exactPercentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length * (1 - 1e-12)) - 1)] as number;
}

describe('a sketch', () => {
  test('tells a percentile within its accuracy, under 1 %', () => {
    expect(SKETCH_ACCURACY).toBeLessThanOrEqual(0.01);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0.01, max: 0.999, noNaN: true }),
        (values, p) => {
          const found = sketchOf(values.map((each) => [each, 1])).percentile(p) as number;
          const exact = exactPercentile(values, p);
          expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.01 * Math.abs(exact) + 1e-9);
        },
      ),
    );
  });

  test('takes the nearest rank: p95 of 20 is the 19th, of 10 the largest', () => {
    const upTo = (n: number) => sketchOf(Array.from({ length: n }, (_, i) => [2 ** i, 1] as const));
    expect(upTo(20).percentileBin(0.95)).toBe(binOf(2 ** 18));
    expect(upTo(10).percentileBin(0.95)).toBe(binOf(2 ** 9));
    expect(upTo(10).percentileBin(0.9)).toBe(binOf(2 ** 8));
    expect(new Sketch().percentile(0.5)).toBeNull();
  });

  test('any order of the same observations gives the same bytes, whole counts and fractions', () => {
    fc.assert(
      fc.property(observations, fc.infiniteStream(fc.nat()), (list, random) => {
        const shuffled: Observation[] = [...list];
        for (let i = shuffled.length - 1; i > 0; i--) {
          const j = (random.next().value as number) % (i + 1);
          [shuffled[i], shuffled[j]] = [shuffled[j] as Observation, shuffled[i] as Observation];
        }
        expect(encodeSketch(sketchOf(shuffled))).toEqual(encodeSketch(sketchOf(list)));
      }),
    );
  });

  test('any partition that is merged gives the same bytes, negative values too', () => {
    fc.assert(
      fc.property(observations, fc.nat(79), (list, cut) => {
        const merged = sketchOf(list.slice(cut)).merge(sketchOf(list.slice(0, cut)));
        expect(encodeSketch(merged)).toEqual(encodeSketch(sketchOf(list)));
      }),
    );
  });

  test('survives being stored, and damage is found', () => {
    fc.assert(
      fc.property(observations, (list) => {
        const bytes = encodeSketch(sketchOf(list));
        expect(encodeSketch(decodeSketch(bytes))).toEqual(bytes);
        expect(() => decodeSketch(bytes.slice(0, -1))).toThrow(RangeError);
        const hour = new Map([
          [7, bytes],
          [59, encodeSketch(new Sketch())],
        ]);
        expect(decodeSketchHour(encodeSketchHour(hour))).toEqual(hour);
      }),
    );
    expect(() => decodeSketch(new Uint8Array([0, 0]))).toThrow(RangeError);
  });

  test('bins ascend with values, and stand for them', () => {
    const values = [-1e12, -3, -0.001, -1e-10, 0, 1e-10, 1e-9, 0.001, 0.5, 0.51, 3, 1e12];
    const bins = values.map(binOf);
    expect(bins).toEqual([...bins].sort((a, b) => a - b));
    expect(bins.slice(3, 6)).toEqual([0, 0, 0]);
    expect(Math.max(...bins)).toBeLessThan(4839);
    for (const each of values.filter((v) => Math.abs(v) >= 1e-9)) {
      expect(Math.abs(binValue(binOf(each)) / each - 1)).toBeLessThanOrEqual(SKETCH_ACCURACY * 1.000001);
    }
  });

  test('a minute of a web latency takes a few hundred bytes', () => {
    const sketch = new Sketch();
    for (let i = 1; i <= 10_000; i++) sketch.observe(0.02 * (1 - i / 10_001) ** -0.5, 1);
    expect(encodeSketch(sketch).length).toBeLessThan(1500);
  });
});
