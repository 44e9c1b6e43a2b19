import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { MINUTE, minuteOf } from '../index.js';
import { planOf, VirtualSlo } from '../virtual-time.fixture.js';
import { type Counts, lookAhead } from './past.fixture.js';

// Months of minutes, on a machine that may be busy.
jest.setTimeout(60_000);

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (text: string | null): number => Date.parse(text as string);
const NOW = at('2026-11-10T12:00:00Z'); // a Tuesday
const ago = (millis: number): number => minuteOf(NOW - millis);

describe('a constant burn', () => {
  /** Clean until a fault began, of which so many of a thousand are bad. */
  const fault =
    (since: number, bad: number): Counts =>
    (minute) => [minute < ago(since) ? 1000 : 1000 - bad, 1000];

  test('is gone when the status says, counted minute by minute', () => {
    const plan = planOf({ objective: 0.999, window: { rolling: '30d' } });
    const past = fault(2 * HOUR, 10);
    const slo = new VirtualSlo(plan);
    for (let minute = ago(31 * DAY); minute < ago(0); minute++) {
      slo.measure(minute * MINUTE, ...(past(minute) as [number, number]));
    }
    const status = slo.status(NOW - 1);
    const { remaining, pace, seasonal } = lookAhead(plan, { past, now: NOW, days: 30 });
    // The status has the minute in progress besides.
    expect(remaining).toBeCloseTo(1 - (120 * 10) / 43.2 / 1000, 9);
    expect(remaining).toBeCloseTo(status.budget.remaining as number, 5);
    expect(pace).toMatchObject({ window: '1h', burn: expect.closeTo(10, 9), reason: null });
    expect(Math.abs(at(pace.exhaustsAt) - at(status.budget.exhaustsAt))).toBeLessThan(2 * MINUTE);
    // It is no habit yet.
    expect(seasonal).toMatchObject({
      exhaustsAt: { likely: null },
      reason: expect.stringContaining('lasts'),
    });
  });

  test('of bad slices is gone when the formula says, in a rolling window and in one of the calendar', () => {
    const budgeting = { method: 'timeslices', sliceTarget: 0.999 };
    const past = fault(10 * HOUR, 10);
    for (const [window, minutes] of [
      [{ rolling: '30d' }, 30 * 1440],
      [{ calendar: 'month' }, 30 * 1440],
    ] as const) {
      const slices: Counts = (minute) => [past(minute)?.[0] === 1000 ? 1 : 0, 1];
      const plan = planOf({ objective: 0.95, window, budgeting, missingData: 'freeze' });
      const { pace, remaining } = lookAhead(plan, { past: slices, now: NOW, days: 10 });
      const left = 1 - 600 / (0.05 * minutes);
      expect(remaining).toBeCloseTo(left, 9);
      // All slices are bad: so many minutes as there is budget.
      expect(at(pace.exhaustsAt)).toBeCloseTo(NOW + left * 0.05 * minutes * MINUTE, -4);
    }
  });

  test('of events in a window of the calendar is diluted by what was good', () => {
    // Ten days of c = 0.2 and then b = 5: gone when 0.2 T + 5 t = T + t.
    const plan = planOf({ objective: 0.99, window: { calendar: 'month' } });
    const begin = minuteOf(at('2026-11-01T00:00:00Z'));
    const past: Counts = (minute) => [minute < ago(HOUR) ? 998 : 950, 1000];
    const { pace } = lookAhead(plan, { past, now: NOW, days: 20 });
    const before = ago(HOUR) - begin;
    expect(at(pace.exhaustsAt) / MINUTE - ago(HOUR)).toBeCloseTo((before * (1 - 0.2)) / (5 - 1), 0);
  });

  test('that always was leaves as much as it brings: the budget stays', () => {
    const plan = planOf({ objective: 0.99, window: { rolling: '7d' } });
    const past: Counts = () => [995, 1000];
    const { remaining, pace, seasonal, points } = lookAhead(plan, { past, now: NOW, days: 7 });
    expect(remaining).toBeCloseTo(0.5, 9);
    expect(pace.exhaustsAt).toBeNull();
    expect(seasonal).toMatchObject({
      pattern: 'weekly',
      cycles: 8,
      trend: { bad: null, traffic: null },
      exhaustsAt: { early: null, likely: null, late: null },
    });
    for (const point of points) {
      for (const course of ['pace', 'likely', 'low', 'high'] as const)
        expect(point[course]).toBeCloseTo(0.5, 9);
    }
    expect(points.at(-1)?.best).toBeCloseTo(1, 9);
  });
});

describe('a fault of the past', () => {
  const plan = planOf({ objective: 0.999, window: { rolling: '30d' } });
  /** An hour of outage, 29 days ago to the minute: 60 of the 43.2 minutes that may be bad. */
  const past: Counts = (minute) => [minute >= ago(29 * DAY) && minute < ago(29 * DAY - HOUR) ? 0 : 10, 10];

  test('gives its budget back at the minute at which it leaves the window', () => {
    const { remaining, best, pace, seasonal, points } = lookAhead(plan, { past, now: NOW, days: 2 });
    expect(remaining).toBeCloseTo(1 - 60 / 43.2, 9);
    // It is gone already, and back when 16.8 of the 60 minutes have left.
    expect([pace.exhaustsAt, seasonal.exhaustsAt.likely]).toEqual([
      new Date(NOW).toISOString(),
      new Date(NOW).toISOString(),
    ]);
    for (const recovered of [best.recoversAt, pace.recoversAt, seasonal.recoversAt]) {
      expect(at(recovered)).toBeCloseTo(NOW + DAY + 16.8 * MINUTE, -4);
    }
    const left = (millis: number) => points.find((point) => at(point.at) >= NOW + millis)?.best;
    expect(left(DAY - HOUR)).toBeCloseTo(1 - 60 / 43.2, 9);
    expect(left(DAY + HOUR)).toBe(1);
  });

  test('has spent its budget by now, within the minute, at any pace and at none', () => {
    const now = NOW + 15_500;
    const spent: Counts = (minute) => (minute < ago(HOUR) ? [0, 10] : [10, 10]);
    const silent: Counts = (minute) => (minute < ago(HOUR) ? [0, 10] : null);
    for (const [past, burn, history, pattern] of [
      [spent, 0, 120, 'weekly'],
      [spent, 0, 1, null],
      [silent, null, 1, null],
    ] as const) {
      const { pace, seasonal } = lookAhead(plan, { past, now, days: 2, history });
      const gone = new Date(now).toISOString();
      expect([pace.burn, pace.exhaustsAt, seasonal.pattern]).toEqual([burn, gone, pattern]);
      expect(seasonal.exhaustsAt).toEqual({ early: gone, likely: gone, late: gone });
    }
  });

  test('does not leave a window of the calendar', () => {
    const month = planOf({ objective: 0.999, window: { calendar: 'month' } });
    const now = at('2026-11-10T00:00:00Z');
    const outage: Counts = (minute) => [minute === minuteOf(at('2026-11-02T00:00:00Z')) ? 0 : 10, 10];
    const { points, remaining } = lookAhead(month, { past: outage, now, days: 20 });
    expect(remaining).toBeCloseTo(1 - 1 / (9 * 1.44), 9);
    // What is good from now on makes it a smaller part.
    expect(points.at(-1)?.best).toBeCloseTo(1 - 1 / (29 * 1.44), 9);
  });
});

describe('a habit', () => {
  const budgeting = { method: 'timeslices', sliceTarget: 0.99 };
  const plan = planOf({ objective: 0.995, window: { calendar: 'month' }, budgeting });
  const MONDAY = minuteOf(at('2026-11-02T00:00:00Z'));
  const inWeek = (minute: number): number => (((minute - MONDAY) % 10_080) + 10_080) % 10_080;
  /** Nine to ten on Mondays everything is bad: of the 216 minutes of November that may be. */
  const mondays: Counts = (minute) => [inWeek(minute) >= 540 && inWeek(minute) < 600 ? 0 : 1, 1];
  const now = at('2026-11-10T12:00:00Z');
  const ahead = (past: Counts) => lookAhead(plan, { past, now, days: 20 });

  test('of the week is expected again: the fourth Monday is too much', () => {
    const { remaining, pace, seasonal } = ahead(mondays);
    expect(remaining).toBeCloseTo(1 - 120 / 216, 9);
    expect(pace.exhaustsAt).toBeNull();
    const expected = '2026-11-23T09:36:00.000Z';
    expect(seasonal).toMatchObject({
      pattern: 'weekly',
      exhaustsAt: { early: expected, likely: expected, late: expected },
      reason: null,
    });
  });

  test('of the day is seen in a few days', () => {
    const daily: Counts = (minute) => [minute % 1440 < 12 ? 0 : 1, 1];
    const { seasonal } = lookAhead(plan, { past: daily, now, days: 20, history: 6 });
    // Twelve minutes a night, of which six nights were measured, all of this month: the eighteenth is on the 22nd. How
    // an hour goes on within is not told.
    expect(seasonal).toMatchObject({
      pattern: 'daily',
      cycles: 6,
      exhaustsAt: { likely: '2026-11-22T01:00:00.000Z' },
    });
  });

  test('is not made of a single incident, which widens the interval alone', () => {
    const outage = minuteOf(at('2026-10-21T13:00:00Z'));
    const past: Counts = (minute) => (minute >= outage && minute < outage + 180 ? [0, 1] : mondays(minute));
    const { seasonal } = ahead(past);
    expect(seasonal.exhaustsAt.likely).toBe('2026-11-23T09:36:00.000Z');
    expect(at(seasonal.exhaustsAt.early)).toBeLessThan(at('2026-11-23T00:00:00Z'));
    expect(at(seasonal.exhaustsAt.late)).toBeGreaterThanOrEqual(at('2026-11-23T09:36:00Z'));
  });

  test('that grows from week to week is expected to go on growing', () => {
    // One more bad minute an hour each week, all week long: 3 to 10 of 60 so far.
    const week = (minute: number) => Math.floor((minute - minuteOf(now) + 8 * 10_080) / 10_080);
    const growing: Counts = (minute) => [minute % 60 < 3 + week(minute) ? 0 : 1, 1];
    const wide = planOf({ objective: 0.7, window: { calendar: 'month' }, budgeting });
    const { seasonal, points } = lookAhead(wide, { past: growing, now, days: 7 });
    expect(seasonal.trend).toEqual({ bad: 'rising', traffic: null });
    const [first, last] = [points[0]?.likely as number, points.at(-1)?.likely as number];
    const minutes = (first - last) * 0.3 * 43_200;
    // Eleven of sixty in the week to come, by the middle of the weeks before.
    expect(minutes / 168).toBeCloseTo(11, 0);
  });
});

describe('a service that is new', () => {
  const plan = planOf({ objective: 0.99, window: { rolling: '30d' } });
  const BEGUN = at('2026-11-10T18:07:30Z');
  const PER_SECOND = 15.5;
  /** So much of a minute as was measured by then: from half past 18:07 on, of which the first 789 events were bad. */
  const since =
    (now: number): Counts =>
    (minute) => {
      const [from, to] = [Math.max(BEGUN, minute * MINUTE), Math.min(now, (minute + 1) * MINUTE)];
      if (to <= from) return null;
      const bad = (until: number) => Math.min(789, ((until - BEGUN) / 1000) * PER_SECOND);
      const total = ((to - from) / 1000) * PER_SECOND;
      return [total - (bad(to) - bad(from)), total];
    };
  const ahead = (now: number) =>
    lookAhead(plan, {
      past: since(now),
      now,
      days: 1,
      history: (Math.ceil(now / MINUTE) - minuteOf(BEGUN)) / 1440,
    });

  test.each(['18:09:00', '18:17:40', '18:18:00', '18:26:10', '19:00:20', '19:20:00'])(
    'has its budget back when the events are enough, asked at %s: its traffic is that of the time that was measured',
    (time) => {
      const { best } = ahead(at(`2026-11-10T${time}Z`));
      // The rest of the minute in progress is left out.
      const enough = BEGUN + (78_900 / PER_SECOND) * 1000;
      expect(Math.abs(at(best.recoversAt) - enough)).toBeLessThan(1.5 * MINUTE);
    },
  );

  test('has the traffic of its first measurement while there is no other', () => {
    expect(at(ahead(at('2026-11-10T18:08:00Z')).best.recoversAt)).toBeGreaterThan(BEGUN);
  });

  test('has as many slices in an hour as there are, and each once it has begun', () => {
    const budgeting = { method: 'timeslices', slice: '10m', sliceTarget: 0.99 };
    const sliced = planOf({
      objective: 0.5,
      window: { rolling: '1d' },
      budgeting,
      alerting: { preset: 'none' },
    });
    // From 11:50 on, each in the minute that it begins with: all of them bad.
    const past: Counts = (minute) => (minute % 10 === 0 ? [0, 1] : null);
    for (const minutes of [4, 14, 27]) {
      const now = NOW + minutes * MINUTE;
      const { pace } = lookAhead(sliced, { past, now, days: 1, history: (minutes + 10) / 1440 });
      // 72 of the 144 slices of a day may be bad.
      expect(Math.abs(at(pace.exhaustsAt) - (NOW - 10 * MINUTE + 720 * MINUTE))).toBeLessThan(11 * MINUTE);
    }
  });
});

describe('what cannot be said', () => {
  const plan = planOf({ window: { rolling: '30d' } });
  const clean: Counts = () => [10, 10];

  test('is said with its reason', () => {
    expect(lookAhead(plan, { past: clean, now: NOW, days: 3, history: 2 }).seasonal).toMatchObject({
      pattern: null,
      cycles: 0,
      exhaustsAt: { early: null, likely: null, late: null },
      reason: 'a pattern needs 3 days of history, there are 2.0',
    });
    const seldom: Counts = (minute) => (minute % 14_400 === 0 ? [1, 1] : null);
    expect(lookAhead(plan, { past: seldom, now: NOW, days: 3 }).seasonal.reason).toMatch(
      /quarter of the hours/,
    );
    const silent: Counts = (minute) => (minute < ago(DAY) ? [10, 10] : null);
    expect(lookAhead(plan, { past: silent, now: NOW, days: 3 }).pace).toMatchObject({
      burn: null,
      exhaustsAt: null,
      reason: 'nothing was measured in the last 1h',
    });
    expect(lookAhead(plan, { past: () => null, now: NOW, days: 3 })).toMatchObject({
      remaining: null,
      pace: { reason: 'nothing was measured in the window of the SLO' },
      seasonal: { reason: 'nothing was measured in the window of the SLO' },
    });
    expect(lookAhead(plan, { past: clean, now: NOW, days: 3 }).pace.reason).toBe(
      'it lasts beyond 2026-11-13T12:00:00.000Z',
    );
  });
});

test('courses are in order, whatever happened, and the same for the same past', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<object>(
        { window: { rolling: '7d' } },
        { window: { rolling: '30d' } },
        { window: { calendar: 'month' } },
        { window: { rolling: '7d' }, budgeting: { method: 'timeslices', sliceTarget: 0.5 } },
      ),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 56 * 24 }), fc.integer({ min: 1, max: 10 })), {
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 60 }),
      (overrides, faults, history) => {
        const plan = planOf({ objective: 0.95, alerting: { preset: 'none' }, ...overrides });
        const bad = new Map(faults.map(([hours, count]) => [Math.floor(NOW / HOUR) - hours, count]));
        const past: Counts = (minute) => {
          if (minute % 10 !== 0) return null;
          const count = bad.get(Math.floor(minute / 60)) ?? 0;
          return plan.rule === null ? [10 - count, 10] : [count > 5 ? 0 : 1, 1];
        };
        const told = { past, now: NOW, days: 5, history };
        const { points, seasonal, ...outlook } = lookAhead(plan, told);
        for (const { best, pace, likely, low, high } of points) {
          const above = best as number;
          if (pace !== null) expect(pace).toBeLessThanOrEqual(above + 1e-9);
          if (likely === null) {
            expect([low, high]).toEqual([likely, likely]);
            continue;
          }
          expect(likely).toBeLessThanOrEqual(above + 1e-9);
          expect(low as number).toBeLessThanOrEqual(likely + 1e-9);
          expect(high as number).toBeGreaterThanOrEqual(likely - 1e-9);
        }
        const end = (moment: string | null) => (moment === null ? Number.POSITIVE_INFINITY : at(moment));
        const { early, likely, late } = seasonal.exhaustsAt;
        if (seasonal.pattern !== null) {
          expect(end(early)).toBeLessThanOrEqual(end(likely));
          expect(end(likely)).toBeLessThanOrEqual(end(late));
        }
        expect(lookAhead(plan, told)).toEqual({ ...outlook, points, seasonal });
      },
    ),
    { numRuns: 12 },
  );
});
