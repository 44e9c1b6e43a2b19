import type { PointColumns } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type CountingIndicator,
  classifier,
  indicatorKey,
  meantUnit,
  straddles,
  unitScale,
} from './index.js';

function count(indicator: CountingIndicator, unit: string | undefined, columns: PointColumns) {
  const points: [number, number][] = [];
  const unfit = classifier(indicator, unit)(columns, (_, good, total) => points.push([good, total]));
  return { points, unfit };
}

const ratio: CountingIndicator = { kind: 'ratio' };
const within = (op: 'lte' | 'lt' | 'gte' | 'gt', value: number, unit?: 's' | 'ms'): CountingIndicator => ({
  kind: 'threshold',
  op,
  value,
  ...(unit && { unit }),
});

describe('ratio', () => {
  test('takes counts as they are', () => {
    expect(count(ratio, 'count', { kind: 'counts', at: [1, 2], good: [9, 0], total: [10, 0] })).toEqual({
      points: [
        [9, 10],
        [0, 0],
      ],
      unfit: 0,
    });
  });

  test('takes a percent gauge as value/100 good of 1, times its observations', () => {
    const columns: PointColumns = {
      kind: 'values',
      at: [1, 2, 3],
      value: [99.5, 50, 100.2],
      count: [1, 4, 1],
    };
    expect(count(ratio, 'percent', columns).points).toEqual([
      [0.995, 1],
      [2, 4],
      [1, 1],
    ]);
    expect(count(ratio, 'ratio', { kind: 'values', at: [1], value: [0.25] }).points).toEqual([[0.25, 1]]);
  });

  test('has no reading for values of other units, nor for histograms', () => {
    expect(count(ratio, 'ms', { kind: 'values', at: [1, 2], value: [3, 4] })).toEqual({
      points: [],
      unfit: 2,
    });
    expect(count(ratio, 'count', { kind: 'histogram', at: [1], bounds: [1], counts: [[1, 2]] }).unfit).toBe(
      1,
    );
  });
});

describe('threshold', () => {
  const values: PointColumns = { kind: 'values', at: [1, 2, 3], value: [0.4, 0.5, 0.6] };

  test.each([
    ['lte', [1, 1, 0]],
    ['lt', [1, 0, 0]],
    ['gte', [0, 1, 1]],
    ['gt', [0, 0, 1]],
  ] as const)('%s counts each value as good or bad', (op, good) => {
    expect(count(within(op, 0.5), 's', values).points).toEqual(good.map((g) => [g, 1]));
  });

  test('compares in the unit of the SLI', () => {
    const columns: PointColumns = { kind: 'values', at: [1, 2], value: [300, 301] };
    expect(count(within('lte', 0.3, 's'), 'ms', columns).points).toEqual([
      [1, 1],
      [0, 1],
    ]);
    expect(unitScale('s', 'ms')).toBe(1000);
    expect(unitScale('s', 'bytes')).toBeNull();
    expect(unitScale(undefined, 'bytes')).toBe(1);
  });

  test('takes a unit of one’s own for what it is', () => {
    expect(unitScale('orders', 'orders')).toBe(1);
    expect(unitScale('orders', 'count')).toBe(1);
    expect(unitScale('orders', 'requests')).toBeNull();
    expect(unitScale('s', 'orders')).toBeNull();
    expect(unitScale('constructor', 'toString')).toBeNull();
    expect(['%', 'Seconds', 'orders', 'constructor'].map(meantUnit)).toEqual([
      'percent',
      's',
      undefined,
      undefined,
    ]);
  });

  test('counts a value for as many observations as it stands for', () => {
    expect(
      count(within('lte', 0.5), 's', { kind: 'values', at: [1, 2], value: [0.1, 2], count: [10, 3] }).points,
    ).toEqual([
      [10, 10],
      [0, 3],
    ]);
  });

  const histogram: PointColumns = {
    kind: 'histogram',
    at: [1],
    bounds: [0.1, 0.5, 1],
    counts: [[7, 5, 3, 2]],
  };

  test('cuts a histogram at its bound', () => {
    expect(count(within('lte', 0.5), 's', histogram).points).toEqual([[12, 17]]);
    expect(count(within('lt', 0.5), 's', histogram).points).toEqual([[12, 17]]);
    expect(count(within('gt', 0.5), 's', histogram).points).toEqual([[5, 17]]);
    expect(count(within('gte', 0.5), 's', histogram).points).toEqual([[5, 17]]);
    expect(count(within('lte', 0.5), 's', { kind: 'values', at: [], value: [] }).unfit).toBe(0);
    expect(count(within('lte', 0.5), 's', { kind: 'counts', at: [1], good: [1], total: [1] }).unfit).toBe(1);
  });

  test('counts a bucket that the threshold cuts through as bad, whichever side is good', () => {
    expect(count(within('lte', 0.7), 's', histogram).points).toEqual([[12, 17]]);
    expect(count(within('gte', 0.7), 's', histogram).points).toEqual([[2, 17]]);
    expect(straddles(within('lte', 0.7), 's', [0.1, 0.5, 1])).toBe(true);
    expect(straddles(within('lte', 500, 'ms'), 's', [0.1, 0.5, 1])).toBe(false);
  });

  test('never finds more good observations in a histogram than there are under the bound', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (observations, bound) => {
          const bounds = [0.1, 0.25, 0.5, 1];
          const counts = [0, 0, 0, 0, 0];
          for (const value of observations) {
            const bucket = bounds.findIndex((upper) => value <= upper);
            (counts[bucket === -1 ? 4 : bucket] as number) += 1;
          }
          const columns: PointColumns = { kind: 'histogram', at: [1], bounds, counts: [counts] };
          const [[good, total]] = count(within('lte', bound), 's', columns).points as [[number, number]];
          expect(good).toBeLessThanOrEqual(observations.filter((value) => value <= bound).length);
          expect(total).toBe(observations.length);
        },
      ),
    );
  });
});

test('an indicator is known by what decides the counts', () => {
  expect(indicatorKey(ratio, 'count')).toBe('ratio');
  expect(indicatorKey(ratio, undefined)).toBe('ratio');
  expect(indicatorKey(ratio, 'percent')).toBe('ratio:percent');
  expect(indicatorKey(within('lte', 0.3, 's'), 'ms')).toBe('threshold:lte:300');
  expect(indicatorKey(within('lte', 300), 'ms')).toBe('threshold:lte:300');
});
