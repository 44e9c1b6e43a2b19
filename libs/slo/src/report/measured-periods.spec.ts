import type { SloDefinition } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  BurnDownRun,
  burnDownBefore,
  burnDownParts,
  Cells,
  Corrections,
  type Due,
  hourOf,
  MINUTE,
  MinuteSpan,
  measurePeriods,
  minuteOf,
  type Period,
  planPeriods,
  planSlo,
  type SloPlan,
  Tally,
} from '../index.js';
import { planOf } from '../virtual-time.fixture.js';

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(text);
const quiet = { alerting: { preset: 'none' } };
const week = { from: at('2026-11-16T00:00:00Z'), to: at('2026-11-23T00:00:00Z') };
const weekBefore = { from: at('2026-11-09T00:00:00Z'), to: week.from };

type Measured = [at: number, good: number, total: number][];

/** Counts every `every` milliseconds of [from, to). */
function steady(from: number, to: number, good: number, total: number, every = HOUR): Measured {
  const points: Measured = [];
  for (let time = from; time < to; time += every) points.push([time, good, total]);
  return points;
}

function pagesOf(points: Measured): Map<number, Cells> {
  const pages = new Map<number, Cells>();
  for (const [time, good, total] of points) {
    const minute = minuteOf(time);
    const cells = pages.get(hourOf(minute)) ?? new Cells(60);
    pages.set(hourOf(minute), cells);
    cells.add(minute % 60, Tally.of(good, total));
  }
  return pages;
}

interface Asked {
  period?: Period;
  before?: Period;
  timeZone?: string;
  now?: number;
  cadence?: number;
  due?: Due | null;
}

function measure(plan: SloPlan, points: Measured, asked: Asked = {}) {
  const { period = week, before = weekBefore, timeZone = 'UTC', now = period.to + DAY } = asked;
  const { cadence = HOUR, due = null } = asked;
  const pages = pagesOf(points);
  const planned = planPeriods(plan, { period, before }, timeZone, now);
  const sum = (stretch: { low: number; high: number }) => MinuteSpan.of(stretch, pages).sum();
  const low = planned.before.from;
  const earlier = sum(burnDownBefore(plan, low));
  const run = new BurnDownRun(plan, low, planned.ends, earlier, due);
  for (const { near, far } of burnDownParts(plan, { low, high: planned.period.to - 1 })) {
    run.take(MinuteSpan.of(near, pages), far && MinuteSpan.of(far, pages));
  }
  const heads = { before: sum(planned.before.head), period: sum(planned.period.head) };
  const first = points.length === 0 ? null : minuteOf(Math.min(...points.map(([time]) => time)));
  return measurePeriods(plan, planned, { run, earlier, heads, cadence, first, due });
}

const slo = (overrides: Partial<Record<keyof SloDefinition, unknown>>) =>
  planOf({ objective: 0.9, ...quiet, ...overrides });

describe('a week', () => {
  test('has its own sums, its days and the week before', () => {
    const { period, before, days } = measure(slo({}), [
      ...steady(weekBefore.from, weekBefore.to, 10, 10),
      ...steady(week.from, week.from + 2 * DAY, 8, 10),
      ...steady(week.from + 2 * DAY, week.to, 10, 10),
    ]);
    expect(period).toMatchObject({
      from: '2026-11-16T00:00:00.000Z',
      to: '2026-11-23T00:00:00.000Z',
      good: 1680 - 2 * 48,
      total: 1680,
      met: true,
      coverage: 1,
    });
    expect(period.sli).toBeCloseTo(1 - 96 / 1680, 12);
    expect(before).toMatchObject({ good: 1680, total: 1680, sli: 1, met: true });
    expect(days.map(({ date, total, good }) => [date.slice(8), total - good])).toEqual([
      ['16', 48],
      ['17', 48],
      ...['18', '19', '20', '21', '22'].map((day) => [day, 0]),
    ]);
    expect(days[0]).toMatchObject({ sli: 0.8, burn: expect.closeTo(2, 9) });
  });

  test('that was under the objective missed it, at it met it', () => {
    const of = (good: number) => measure(slo({}), steady(week.from, week.to, good, 1000)).period.met;
    expect([of(899), of(900), of(901)]).toEqual([false, true, true]);
  });

  test('without a measurement is neither', () => {
    const { period, before, days } = measure(slo({}), []);
    for (const empty of [period, before]) {
      expect(empty).toMatchObject({
        sli: null,
        met: null,
        total: 0,
        coverage: null,
        budget: { atStart: null, atEnd: null, lowest: null, spent: null },
      });
    }
    expect(days.every(({ spent, burn }) => spent === null && burn === null)).toBe(true);
  });

  test('that is not over is measured up to now', () => {
    const now = week.from + 3 * DAY + 30_000;
    const { period, days } = measure(slo({}), steady(weekBefore.from, now, 9, 10), { now });
    expect(period).toMatchObject({ to: new Date(week.from + 3 * DAY + MINUTE).toISOString(), total: 730 });
    expect(days.map(({ total }) => total)).toEqual([240, 240, 240, 10]);
  });
});

describe('the budget', () => {
  test('is what remained at both ends and at worst, and what the period cost of it', () => {
    // Half of an hour's events were bad: 5 of the 720 · 10 of thirty days, of which a tenth may be.
    const plan = slo({ window: { rolling: '30d' } });
    const { period, days } = measure(plan, [
      ...steady(week.from - 30 * DAY, week.from + DAY, 10, 10),
      [week.from + DAY, 5, 10],
      ...steady(week.from + DAY + HOUR, week.to, 10, 10),
    ]);
    const cost = 5 / 7200 / 0.1;
    expect(period.budget.atStart).toBe(1);
    expect(period.budget.atEnd).toBeCloseTo(1 - cost, 12);
    expect(period.budget.spent).toBeCloseTo(cost, 12);
    // Until the hour that leaves the window is complete, the window has 10 events more or less.
    expect(period.budget.lowest).toBeCloseTo(1 - cost, 3);
    expect(days.map(({ spent }) => spent)).toEqual([0, expect.closeTo(cost, 12), 0, 0, 0, 0, 0]);
  });

  test('regains what leaves the window, which the period did not spend', () => {
    const plan = slo({ window: { rolling: '7d' } });
    const { period } = measure(plan, [
      ...steady(weekBefore.from, weekBefore.from + DAY, 5, 10),
      ...steady(weekBefore.from + DAY, week.to, 10, 10),
    ]);
    expect(period.budget).toMatchObject({
      atStart: expect.closeTo(1 - 120 / 1680 / 0.1, 12),
      atEnd: 1,
      spent: 0,
    });
  });

  test('of a calendar starts whole with its period', () => {
    const plan = slo({ window: { calendar: 'week', timeZone: 'UTC' } });
    const { period, before } = measure(plan, [
      ...steady(weekBefore.from, weekBefore.to, 8, 10),
      ...steady(week.from, week.to, 96, 100),
    ]);
    expect(before.budget).toMatchObject({
      atStart: 1,
      atEnd: expect.closeTo(-1, 12),
      spent: expect.closeTo(2, 12),
    });
    expect(period.budget).toMatchObject({
      atStart: 1,
      atEnd: expect.closeTo(0.6, 12),
      spent: expect.closeTo(0.4, 12),
    });
  });

  test('of slices is spent by bad slices of those of the whole window, however young it is', () => {
    const plan = slo({
      budgeting: { method: 'timeslices', slice: '1h', sliceTarget: 0.9 },
      window: { rolling: '30d' },
    });
    const { period } = measure(plan, [
      ...steady(week.from + 3 * DAY, week.to, 1, 1),
      [week.from + 2 * DAY, 0, 1],
      [week.from + 2 * DAY + HOUR, 0, 1],
    ]);
    expect(period.budget.spent).toBeCloseTo(2 / (0.1 * 720), 12);
    expect(period.budget.atEnd).toBeCloseTo(1 - 2 / (0.1 * 720), 12);
  });
});

describe('several windows in one period', () => {
  test.each([
    ['1d', 7],
    ['2d', 3.5],
    ['7d', 1],
    ['28d', 0.25],
  ])('a constant burn over windows of %s spends burn × %d', (rolling, windows) => {
    const plan = slo({ window: { rolling } });
    const { period, before } = measure(plan, steady(weekBefore.from - 30 * DAY, week.to, 7, 10));
    expect(period.budget.spent).toBeCloseTo(3 * windows, 9);
    expect(before.budget.spent).toBeCloseTo(3 * windows, 9);
  });

  test('weeks of the calendar in a month spend each its own', () => {
    const plan = slo({ window: { calendar: 'week', timeZone: 'UTC' } });
    const period = { from: at('2026-11-01T00:00:00Z'), to: at('2026-12-01T00:00:00Z') };
    const before = { from: at('2026-10-01T00:00:00Z'), to: period.from };
    // A Sunday and a Monday lie at the ends: the first week has one day in November, the last one has one.
    const points = steady(before.from - 7 * DAY, period.to, 7, 10);
    const { period: month } = measure(plan, points, { period, before });
    expect(month.budget.spent).toBeCloseTo(3 * (1 / 7 + 4 + 1), 9);
  });
});

describe('coverage', () => {
  test('is the share of what the cadence led one to expect, from the first measurement on', () => {
    const half = steady(week.from + DAY, week.from + 4 * DAY, 1, 1);
    expect(measure(slo({}), half).period.coverage).toBeCloseTo(72 / 144, 12);
    expect(measure(slo({}), half).before.coverage).toBeNull();
    expect(measure(slo({}), half, { cadence: 2 * HOUR }).period.coverage).toBe(1);
  });

  test('asks nothing of time that is excluded', () => {
    const half = steady(week.from + DAY, week.from + 4 * DAY, 1, 1);
    const coverage = (from: number, to: number) => {
      const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      const mask = new Corrections([{ id: 'c1', effect: 'exclude', reason: 'maintenance', ...span }]);
      const planned = planSlo(slo({}).definition, undefined, mask);
      if (!planned.ok) throw new Error(JSON.stringify(planned.faults));
      return measure(planned.plan, half).period.coverage;
    };
    // Of the last six days the three without data; then one of those with data besides.
    expect(coverage(week.from + 4 * DAY, week.to)).toBe(1);
    expect(coverage(week.from + 3 * DAY, week.to)).toBe(1);
    expect(coverage(week.from + 3 * DAY, week.from + 4 * DAY)).toBeCloseTo(48 / 120, 12);
    expect(coverage(week.from, week.to)).toBeNull();
  });
});

test('slices without data count as the definition says', () => {
  const plan = (missingData: string) =>
    slo({ budgeting: { method: 'timeslices', slice: '1h', sliceTarget: 0.9 }, missingData });
  const points = steady(week.from, week.from + 6 * DAY, 1, 1);
  const due = { first: minuteOf(week.from), last: minuteOf(week.to) - 60 };
  const period = (missing: string) => measure(plan(missing), points, { due }).period;
  expect(period('bad')).toMatchObject({ good: 144, total: 168, met: false });
  expect(period('good')).toMatchObject({ good: 168, total: 168, met: true });
  expect(period('freeze')).toMatchObject({ good: 144, total: 144, met: true });
});

test('days add up to the period, in every zone and window, across clock changes', () => {
  const october = { from: at('2026-09-30T22:00:00Z'), to: at('2026-10-31T23:00:00Z') };
  const september = { from: at('2026-08-31T22:00:00Z'), to: october.from };
  fc.assert(
    fc.property(
      fc.constantFrom<object>(
        { rolling: '1d' },
        { rolling: '30d' },
        { calendar: 'week', timeZone: 'America/New_York' },
        { calendar: 'month', timeZone: 'Europe/Berlin' },
        { calendar: 'quarter' },
      ),
      fc.array(
        fc
          .tuple(fc.integer({ min: 0, max: 90 * 1440 }), fc.integer({ min: 0, max: 10 }))
          .map(([minute, good]): Measured[number] => [september.from - 30 * DAY + minute * MINUTE, good, 10]),
        { minLength: 1, maxLength: 60 },
      ),
      (window, points) => {
        const { period, before, days } = measure(slo({ window }), points, {
          period: october,
          before: september,
          timeZone: 'Europe/Berlin',
        });
        const within = ({ from, to }: Period) => points.filter(([time]) => time >= from && time < to);
        const total = (of: Measured) => of.reduce((sum, [, , count]) => sum + count, 0);
        const good = (of: Measured) => of.reduce((sum, [, count]) => sum + count, 0);
        expect(period).toMatchObject({ total: total(within(october)), good: good(within(october)) });
        expect(before).toMatchObject({ total: total(within(september)), good: good(within(september)) });
        expect(days).toHaveLength(31);
        expect(days.map((day) => at(day.to) - at(day.from)).filter((length) => length !== DAY)).toEqual([
          25 * HOUR,
        ]);
        expect(days.reduce((sum, day) => sum + day.total, 0)).toBe(period.total);
        expect(days.reduce((sum, day) => sum + (day.spent ?? 0), 0)).toBeCloseTo(period.budget.spent ?? 0, 9);
        if ('calendar' in window && window.calendar === 'month') {
          const { spent, atEnd } = period.budget;
          if (spent !== null) expect(spent).toBeCloseTo(1 - (atEnd as number), 9);
        }
      },
    ),
    { numRuns: 60 },
  );
});
