import type { Indicator, PointColumns } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classifier, indicatorKey, Sketch } from './index.js';

const mean: Indicator = { kind: 'mean', op: 'lte', value: 0.3, unit: 's' };
const percentile: Indicator = { kind: 'percentile', p: 0.95, op: 'lte', value: 0.5, unit: 's' };

function read(indicator: Indicator, columns: PointColumns) {
  const points: [measure: number, count: number][] = [];
  const unfit = classifier(indicator, 's')(columns, (_, measure, count) => points.push([measure, count]));
  return { points, unfit };
}

const histogram = (counts: number[], bounds: number[], sum?: (number | null)[]): PointColumns => ({
  kind: 'histogram',
  at: [1],
  bounds,
  counts: [counts],
  ...(sum && { sum }),
});

describe('mean', () => {
  test('takes values as often as they were observed', () => {
    expect(read(mean, { kind: 'values', at: [1, 2], value: [0.5, -2], count: [4, 1] })).toEqual({
      points: [
        [2, 4],
        [-2, 1],
      ],
      unfit: 0,
    });
  });

  test('takes a histogram by its sum, and has no reading of one without, nor of counts', () => {
    expect(read(mean, histogram([3, 1, 0], [0.1, 1], [0.9]))).toEqual({ points: [[0.9, 4]], unfit: 0 });
    expect(read(mean, histogram([3, 1, 0], [0.1, 1], [null]))).toEqual({ points: [], unfit: 1 });
    expect(read(mean, histogram([3, 1, 0], [0.1, 1]))).toEqual({ points: [], unfit: 1 });
    expect(read(mean, { kind: 'counts', at: [1], good: [1], total: [1] }).unfit).toBe(1);
  });
});

describe('percentile', () => {
  const sketchOf = (columns: PointColumns): Sketch => {
    const sketch = new Sketch();
    for (const [value, count] of read(percentile, columns).points) sketch.observe(value, count);
    return sketch;
  };

  test('takes values as often as they were observed', () => {
    expect(read(percentile, { kind: 'values', at: [1, 2], value: [0.5, 2], count: [4, 1] }).points).toEqual([
      [0.5, 4],
      [2, 1],
    ]);
    expect(read(percentile, { kind: 'counts', at: [1], good: [1], total: [1] }).unfit).toBe(1);
  });

  test('of a histogram is off by less than the bucket that it lies in', () => {
    const bounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5];
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 2.5, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0.05, max: 0.99, noNaN: true }),
        (values, p) => {
          const counts = new Array(bounds.length + 1).fill(0);
          for (const value of values) counts[bounds.findIndex((bound) => value <= bound)]++;
          const found = sketchOf(histogram(counts, bounds)).percentile(p) as number;
          const exact = [...values].sort((a, b) => a - b)[
            Math.max(0, Math.ceil(p * values.length * (1 - 1e-12)) - 1)
          ] as number;
          const bucket = bounds.findIndex((bound) => exact <= bound);
          expect(found).toBeGreaterThanOrEqual((bounds[bucket - 1] ?? 0) * 0.99);
          expect(found).toBeLessThanOrEqual((bounds[bucket] as number) * 1.01);
        },
      ),
    );
  });

  test('spreads a bucket evenly, whole counts as whole ones', () => {
    expect(read(percentile, histogram([0, 4, 0], [1, 2])).points).toEqual([
      [1.125, 1],
      [1.375, 1],
      [1.625, 1],
      [1.875, 1],
      [expect.any(Number), 0],
    ]);
    const many = read(percentile, histogram([0, 1000, 0], [1, 2])).points;
    expect(many).toHaveLength(17);
    expect(many.reduce((sum, [, count]) => sum + count, 0)).toBe(1000);
    expect(many.every(([, count]) => Number.isInteger(count))).toBe(true);
  });

  test('takes what is above the last bound for worse than that bound', () => {
    for (const bound of [1, 1e-9, -2, 0, 1e6]) {
      const [[value]] = read(percentile, histogram([0, 7], [bound])).points.filter(
        ([, count]) => count > 0,
      ) as [[number, number]];
      const [sketch, at] = [new Sketch(), new Sketch()];
      sketch.observe(value, 1);
      at.observe(bound, 1);
      expect(sketch.percentileBin(0.5)).toBeGreaterThan(at.percentileBin(0.5) as number);
    }
    expect(read(percentile, histogram([7], [])).unfit).toBe(1);
  });

  test('is read from the same sketches, whatever it is compared with; a group has its own', () => {
    expect(indicatorKey(percentile, 'ms')).toBe(indicatorKey({ ...percentile, p: 0.5, value: 9 }, 'ms'));
    expect(indicatorKey(mean, 'ms')).toBe('mean');
  });
});
