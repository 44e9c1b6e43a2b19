import { describe, expect, test } from '@jest/globals';
import { burnDown, Cells, dumpBuckets, hourOf, MINUTE, minuteOf } from './index.js';
import { EPOCH, planOf } from './virtual-time.fixture.js';

const HOUR = 60 * MINUTE;

function pages(points: [minute: number, good: number, total: number][]): Map<number, Cells> {
  const found = new Map<number, Cells>();
  for (const [after, good, total] of points) {
    const minute = minuteOf(EPOCH) + after;
    const cells = found.get(hourOf(minute)) ?? new Cells(60);
    cells.add(minute % 60, good, 0, total, 0);
    found.set(hourOf(minute), cells);
  }
  return found;
}

describe('the burn-down', () => {
  const plan = planOf({ objective: 0.9, window: { rolling: '2h' }, alerting: { preset: 'none' } });

  test('has a point at the end of each step: the step by itself, the budget of the window that ends there', () => {
    const { points } = burnDown(
      plan,
      pages([
        [0, 100, 100],
        [60, 90, 100],
        [119, 70, 100],
        [170, 100, 100],
      ]),
      { from: EPOCH, to: EPOCH + 3.5 * HOUR, step: HOUR },
    );
    expect(points.map(({ at, good, total }) => [at, good, total])).toEqual([
      ['2026-01-01T01:00:00.000Z', 100, 100],
      ['2026-01-01T02:00:00.000Z', 160, 200],
      ['2026-01-01T03:00:00.000Z', 100, 100],
      ['2026-01-01T03:30:00.000Z', 0, 0],
    ]);
    expect(points.map(({ burn }) => burn)).toEqual([0, 2, 0, null]);
    expect(points[1]?.budgetRemaining).toBeCloseTo(1 - 40 / 300 / 0.1, 9);
    expect(points[2]?.budgetRemaining).toBeCloseTo(1 - 40 / 300 / 0.1, 9);
    // Half an hour later the minutes of the first fault, at 60, have left the window.
    expect(points[3]?.budgetRemaining).toBeCloseTo(1 - 30 / 200 / 0.1, 9);
  });

  test('knows nothing of what was not measured', () => {
    const { points } = burnDown(plan, new Map(), { from: EPOCH, to: EPOCH + HOUR, step: HOUR });
    expect(points).toEqual([
      { at: '2026-01-01T01:00:00.000Z', good: 0, total: 0, sli: null, budgetRemaining: null, burn: null },
    ]);
  });
});

test('buckets are dumped as canonical text, oldest first', () => {
  const cells = new Cells(60);
  cells.add(1, 3, 2 ** 31, 4, 0);
  cells.add(0, 0, 0, 0, 0);
  const hours = [
    { hour: hourOf(minuteOf(EPOCH)) + 1, cells, offset: 0 },
    { hour: hourOf(minuteOf(EPOCH)), cells, offset: 0 },
  ];
  expect([...dumpBuckets({ sli: 'shop/latency', indicator: 'ratio', hours })].slice(0, 3)).toEqual([
    'shop/latency ratio 2026-01-01T00:00:00.000Z 0 0\n',
    'shop/latency ratio 2026-01-01T00:01:00.000Z 3.80000000 4\n',
    'shop/latency ratio 2026-01-01T01:00:00.000Z 0 0\n',
  ]);
});
