import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type BurnDownPart,
  BurnDownRun,
  burnDown,
  burnDownBefore,
  burnDownParts,
  Cells,
  consumedOf,
  type Due,
  dumpBuckets,
  hourOf,
  MINUTE,
  MinuteSpan,
  minuteOf,
  periodsOf,
  pointEnds,
  type SloPlan,
  Tally,
  withMissing,
} from './index.js';
import { EPOCH, planOf } from './virtual-time.fixture.js';

const HOUR = 60 * MINUTE;
const quiet = { alerting: { preset: 'none' } };

function pages(points: [minute: number, good: number, total: number][]): Map<number, Cells> {
  const found = new Map<number, Cells>();
  for (const [after, good, total] of points) {
    const minute = minuteOf(EPOCH) + after;
    const cells = found.get(hourOf(minute)) ?? new Cells(60);
    cells.add(minute % 60, Tally.of(good, total));
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
    expect(points).toMatchObject([
      { at: '2026-01-01T01:00:00.000Z', good: 0, total: 0, sli: null, budgetRemaining: null, burn: null },
    ]);
  });
});

describe('extremes', () => {
  test('keep a minute of outage in a step of a day', () => {
    const plan = planOf({ objective: 0.99, window: { rolling: '1h' }, ...quiet });
    const day = Array.from({ length: 1440 }, (_, i): [number, number, number] => [i, i === 700 ? 0 : 10, 10]);
    const [point] = burnDown(plan, pages(day), {
      from: EPOCH,
      to: EPOCH + 24 * HOUR,
      step: 24 * HOUR,
    }).points;
    expect(point).toMatchObject({
      good: 14_390,
      total: 14_400,
      budgetRemaining: 1,
      budgetRemainingMax: 1,
      budgetRemainingMin: expect.closeTo(1 - 1 / 60 / 0.01, 9),
      burnMin: 0,
      burnMax: expect.closeTo(100, 9),
    });
  });

  test('show that the budget of a period started whole within a step', () => {
    const plan = planOf({ objective: 0.9, window: { calendar: 'week', timeZone: 'UTC' }, ...quiet });
    const sunday = Date.parse('2026-01-04T00:00:00Z');
    const after = (sunday - EPOCH) / MINUTE;
    const found = pages([
      [after, 50, 100],
      [after + 1440, 100, 100],
      [after + 1500, 98, 100],
    ]);
    const { points } = burnDown(plan, found, { from: sunday, to: sunday + 48 * HOUR, step: 48 * HOUR });
    expect(points).toMatchObject([
      {
        budgetRemaining: expect.closeTo(0.9, 9),
        budgetRemainingMin: expect.closeTo(-4, 9),
        budgetRemainingMax: 1,
      },
    ]);
  });
});

/** Each point from the formulas alone: sums over pages, minute by minute. */
function naive(
  plan: SloPlan,
  found: ReadonlyMap<number, Cells>,
  from: number,
  ends: number[],
  due: Due | null,
) {
  const entries = [...found].flatMap(([hour, cells]) =>
    Array.from({ length: 60 }, (_, i) => i)
      .filter((i) => cells.has(i))
      .map((i) => ({ minute: hour * 60 + i, cells, i })),
  );
  const sum = (low: number, high: number): Tally => {
    const tally = new Tally();
    for (const { minute, cells, i } of entries) if (minute >= low && minute <= high) cells.addTo(tally, i);
    return withMissing(plan, tally, low, high, due);
  };
  const remainingAt = (after: number): number | null => {
    // Where a period ends with the step, its own budget is meant, and where a slice does, the window with it as the last.
    const counts = plan.rule === null && plan.window.period(after) === null;
    const low = plan.window.low(counts ? after : after - 1);
    const consumed = consumedOf(plan, sum(low, after - 1), after - 1);
    return consumed === null ? null : 1 - consumed;
  };
  const rate = (tally: Tally): number | null =>
    tally.errorRatio === null ? null : tally.errorRatio / plan.budget;
  const extremes = (values: (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? [null, null] : [Math.min(...known), Math.max(...known)];
  };
  return ends.map((end, i) => {
    const start = ends[i - 1] ?? from;
    const minutes = Array.from({ length: end - start }, (_, k) => start + k);
    const bounds = minutes.map((minute) => minute + 1).filter((m) => m % plan.slice === 0 || m === end);
    const own = sum(start, end - 1);
    const [leastLeft, mostLeft] = extremes(bounds.map(remainingAt));
    const [leastBurn, mostBurn] = extremes(minutes.map((minute) => rate(sum(minute, minute))));
    return {
      at: new Date(end * MINUTE).toISOString(),
      good: own.goodCount,
      total: own.totalCount,
      sli: own.sli,
      budgetRemaining: remainingAt(end),
      burn: rate(own),
      budgetRemainingMin: leastLeft,
      budgetRemainingMax: mostLeft,
      burnMin: leastBurn,
      burnMax: mostBurn,
    };
  });
}

const methods = fc.constantFrom(
  {},
  { budgeting: { method: 'timeslices', slice: '5m', sliceTarget: 0.9 } },
  { budgeting: { method: 'timeslices', slice: '5m', sliceTarget: 0.9 }, missingData: 'bad' },
  { budgeting: { method: 'ratio-timeslices', slice: '1m' }, missingData: 'good' },
);
const windows = fc.constantFrom(
  { rolling: '2h' },
  { rolling: '1d' },
  { calendar: 'week', timeZone: 'Asia/Kathmandu' },
  { calendar: 'month', timeZone: 'UTC' },
);
const midnight = minuteOf(Date.parse('2026-02-01T00:00:00Z')); // a Sunday, where a month begins

/** What the SLO counts, at minutes around midnight: events, or verdicts of slices, each at its slice's first minute. */
const measured = (plan: SloPlan, minutes: [minute: number, good: number][]): Map<number, Cells> => {
  const found = new Map<number, Cells>();
  for (const [after, good] of minutes) {
    const minute = Math.floor((midnight + after) / plan.slice) * plan.slice;
    const cells = found.get(hourOf(minute)) ?? new Cells(60);
    found.set(hourOf(minute), cells);
    if (plan.rule === null) cells.add(minute % 60, Tally.of(good, 10));
    else if (!cells.has(minute % 60)) cells.add(minute % 60, Tally.of(good > 5 ? 1 : 0, 1));
  }
  return found;
};

test('the points are what the formulas say, minute by minute, whatever is measured and however it is cut', () => {
  fc.assert(
    fc.property(
      methods,
      windows,
      fc.array(fc.tuple(fc.integer({ min: -2000, max: 2000 }), fc.integer({ min: 0, max: 10 })), {
        maxLength: 120,
      }),
      fc.integer({ min: -500, max: 300 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 60, max: 500 }),
      (method, window, minutes, first, steps, atATime) => {
        const plan = planOf({ objective: 0.9, window, ...method, ...quiet });
        const found = measured(plan, minutes);
        const from = midnight + first;
        const ends: number[] = [];
        for (const step of steps) ends.push((ends.at(-1) ?? from) + step);
        const due = plan.rule === null ? null : { first: midnight - 1000, last: midnight + 1000 };

        const before = MinuteSpan.of(burnDownBefore(plan, from), found).sum();
        const run = new BurnDownRun(plan, from, ends, before, due);
        const parts: BurnDownPart[] = burnDownParts(
          plan,
          { low: from, high: (ends.at(-1) as number) - 1 },
          atATime,
        );
        for (const { near, far } of parts) {
          run.take(MinuteSpan.of(near, found), far && MinuteSpan.of(far, found));
        }
        expect(run.points).toEqual(naive(plan, found, from, ends, due));
      },
    ),
    { numRuns: 150 },
  );
});

describe('a number of points', () => {
  const from = minuteOf(Date.parse('2025-10-18T10:07:00Z'));

  test('is not exceeded, ends where it should, and has equal steps of whole slices', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 * 1440 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.constantFrom(1, 5, 60),
        (minutes, points, slice) => {
          const plan = planOf({
            window: { rolling: '30d' },
            budgeting: { method: 'timeslices', slice: `${slice}m`, sliceTarget: 0.9 },
            ...quiet,
          });
          const ends = pointEnds(plan, from, from + minutes, points);
          expect(ends.length).toBeLessThanOrEqual(points);
          expect(ends.at(-1)).toBe(from + minutes);
          const steps = new Set(ends.slice(0, -1).map((end, i) => end - (ends[i - 1] ?? from)));
          expect(steps.size).toBeLessThanOrEqual(1);
          for (const step of steps) expect(step % slice).toBe(0);
        },
      ),
    );
  });

  test('has one where each period of the calendar ends, as long as those are few', () => {
    const plan = planOf({ window: { calendar: 'month', timeZone: 'Europe/Berlin' }, ...quiet });
    const to = from + 400 * 1440;
    const ends = pointEnds(plan, from, to, 300);
    const periods = periodsOf(plan, from, to);
    expect(periods.map((period) => new Date(period.from).toISOString())).toContain(
      '2026-03-31T22:00:00.000Z',
    );
    expect(periods).toHaveLength(14);
    for (const period of periods.slice(0, -1)) expect(ends).toContain(minuteOf(period.to));
    expect(ends.length).toBeLessThanOrEqual(300);
    expect(ends.length).toBeGreaterThan(280);
    expect(pointEnds(plan, from, to, 10)).toHaveLength(10);
  });
});

test('buckets are dumped as canonical text, oldest first', () => {
  const cells = new Cells(60);
  cells.add(1, Tally.of(3.5, 4));
  cells.add(0, new Tally());
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
