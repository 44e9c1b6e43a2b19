import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeCells } from './cells-codec.js';
import {
  Cells,
  decodeCells,
  HOUR_MINUTES,
  hourOf,
  MINUTE,
  minuteOf,
  PageMissing,
  Series,
  Tally,
} from './index.js';
import { EPOCH } from './virtual-time.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const DAY = 86_400_000;

/** One point: minutes after EPOCH, good and total. */
type Point = readonly [minute: number, good: number, total: number];

const whole = fc
  .tuple(fc.integer({ min: 0, max: 40 * 1440 }), fc.nat(1000), fc.nat(1000))
  .map(([minute, a, b]): Point => [minute, Math.min(a, b), Math.max(a, b)]);
const fraction = fc
  .tuple(
    fc.integer({ min: 0, max: 40 * 1440 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1e6, noNaN: true }),
  )
  .map(([minute, share, total]): Point => [minute, share * total, total]);
const points = fc.array(fc.oneof(whole, fraction), { minLength: 1, maxLength: 60 });

const at = (minute: number): number => EPOCH + minute * MINUTE;
const exact = (tally: Tally) => [tally.goodWhole, tally.goodFraction, tally.totalWhole, tally.totalFraction];

/** The buckets that stand in the series, as they would be stored. */
function dump(series: Series): [number, string][] {
  return series
    .takeDirty()
    .map(({ hour, cells, offset }) => [
      hour,
      Buffer.from(encodeCells(cells, offset, HOUR_MINUTES)).toString('hex'),
    ]);
}

/** A pager over an in-memory store, as the evaluator has one over Postgres. */
class Stored {
  readonly minutes = new Map<number, Uint8Array>();
  readonly days = new Map<number, { cells: Uint8Array; firstMinutes: Uint8Array }>();

  flush(series: Series, now: number): void {
    const days = new Set<number>();
    for (const { hour, cells, offset } of series.takeDirty()) {
      this.minutes.set(hour, encodeCells(cells, offset, HOUR_MINUTES));
      days.add(Math.floor(hour / 24));
    }
    for (const day of days) {
      const sums = series.day(day);
      if (sums) this.days.set(day, { cells: encodeCells(sums.cells), firstMinutes: sums.firstMinutes });
    }
    series.releasePages(now);
  }

  provide(series: Series, hours: number[]): void {
    for (const hour of hours) {
      const stored = this.minutes.get(hour);
      series.provide(hour, stored ? decodeCells(stored, HOUR_MINUTES) : null);
    }
  }

  restored(windows: number[], first: number, newest: number): Series {
    const series = new Series({ windows, paged: true });
    series.restore({
      first,
      newest,
      days: [...this.days].map(([day, { cells, firstMinutes }]) => ({
        day,
        cells: decodeCells(cells, 24),
        firstMinutes,
      })),
      pages: [...this.minutes].map(([hour, bytes]) => ({ hour, cells: decodeCells(bytes, HOUR_MINUTES) })),
    });
    return series;
  }
}

describe('buckets', () => {
  test('any permutation of the measurements gives the same buckets, bit for bit, and the same windows', () => {
    fc.assert(
      fc.property(points, fc.infiniteStream(fc.nat()), (list, random) => {
        const shuffled = [...list];
        for (let i = shuffled.length - 1; i > 0; i--) {
          const j = (random.next().value as number) % (i + 1);
          [shuffled[i], shuffled[j]] = [shuffled[j] as Point, shuffled[i] as Point];
        }
        const now = at(41 * 1440);
        const [one, other] = [list, shuffled].map((order) => {
          const series = new Series({ windows: [5, 60, 4320, 43_200] });
          for (const [minute, good, total] of order) series.observe(at(minute), good, total);
          series.advance(now);
          return {
            sums: series.windows.map((minutes) => exact(series.window(minutes))),
            first: series.first,
            newest: series.newest,
            buckets: dump(series),
          };
        });
        expect(one).toEqual(other);
      }),
      { numRuns: 150 },
    );
  });

  test('sums of fractions are exact, and what is taken away leaves what was there before', () => {
    fc.assert(
      fc.property(points, (list) => {
        const sum = new Tally();
        const steps: unknown[] = [];
        for (const [, good, total] of list) {
          steps.push(exact(sum));
          sum.plus(Tally.of(good, total));
        }
        for (const [, good, total] of [...list].reverse()) {
          sum.minus(Tally.of(good, total));
          expect(exact(sum)).toEqual(steps.pop());
        }
      }),
    );
  });

  test('an entry is rounded to 2^-32 and bad events keep their digits beside large totals', () => {
    expect(Tally.of(0.1, 0.1).goodCount).toBeCloseTo(0.1, 9);
    expect(Tally.of(1 - 2 ** -40, 1).goodCount).toBe(1);
    expect(Tally.of(2 ** 52, 2 ** 52 + 1).badCount).toBe(1);
    expect(Tally.of(0, 0).errorRatio).toBeNull();
  });

  test('a block of cells survives being stored', () => {
    fc.assert(
      fc.property(points, (list) => {
        const cells = new Cells(HOUR_MINUTES);
        for (const [minute, good, total] of list) cells.add(minute % 60, Tally.of(good, total));
        const bytes = encodeCells(cells);
        expect(encodeCells(decodeCells(bytes, HOUR_MINUTES))).toEqual(bytes);
        expect(() => decodeCells(bytes.slice(0, -1), HOUR_MINUTES)).toThrow(RangeError);
      }),
    );
  });
});

describe('windows', () => {
  test('are the last w complete minutes plus the current one', () => {
    const series = new Series({ windows: [5] });
    for (let minute = 0; minute <= 10; minute++) series.observe(at(minute), 0, 2 ** minute);
    series.advance(at(10) + 59_999);
    expect(series.window(5).total).toBe(2 ** 5 + 2 ** 6 + 2 ** 7 + 2 ** 8 + 2 ** 9 + 2 ** 10);
    series.advance(at(11));
    expect(series.window(5).total).toBe(2 ** 6 + 2 ** 7 + 2 ** 8 + 2 ** 9 + 2 ** 10);
  });

  test('a measurement ahead of the clock counts when its minute comes', () => {
    const series = new Series({ windows: [5] });
    series.advance(at(0));
    series.observe(at(3), 1, 1);
    expect(series.window(5).total).toBe(0);
    series.advance(at(3));
    expect(series.window(5).total).toBe(1);
  });

  test('equal the sum of their minutes at every step, over gaps, late data, stores and restarts', () => {
    const windows = [5, 360, 4320, 43_200, 129_600];
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ forward: fc.integer({ min: 0, max: 90 }) }) },
      { weight: 1, arbitrary: fc.record({ forward: fc.integer({ min: 90, max: 20_000 }) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          late: fc.integer({ min: 0, max: 95 * 1440 }),
          good: fc.double({ min: 0, max: 50, noNaN: true }),
          bad: fc.nat(9),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ flush: true }) },
      { weight: 1, arbitrary: fc.constant({ restart: true }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const stored = new Stored();
        let series = new Series({ windows, paged: true });
        const truth = new Map<number, Tally>();
        let now = minuteOf(EPOCH) + 100 * 1440;
        for (const action of steps) {
          if ('forward' in action) now += action.forward as number;
          if ('late' in action) {
            const minute = now - (action.late as number);
            const good = action.good as number;
            stored.provide(series, series.missingFor([minute * MINUTE]));
            series.observe(minute * MINUTE, good, good + (action.bad as number));
            truth.set(
              minute,
              (truth.get(minute) ?? new Tally()).plus(Tally.of(good, good + (action.bad as number))),
            );
          }
          if ('flush' in action) stored.flush(series, now * MINUTE);
          if ('restart' in action && series.newest !== null) {
            stored.flush(series, now * MINUTE);
            series = stored.restored(windows, series.first as number, series.newest);
          }
          stored.provide(series, series.missing(now * MINUTE));
          series.advance(now * MINUTE);
          for (const length of windows) {
            const expected = new Tally();
            let first: number | null = null;
            for (const [minute, tally] of truth) {
              if (minute < now - length || minute > now) continue;
              expected.plus(tally);
              if (first === null || minute < first) first = minute;
            }
            expect(exact(series.window(length))).toEqual(exact(expected));
            expect(series.firstMinuteFrom(now - length)).toBe(first);
          }
        }
      }),
      { numRuns: 120 },
    );
  });

  test('a cold minute that is not provided is never taken for an empty one', () => {
    const series = new Series({ windows: [43_200], paged: true });
    series.observe(at(30), 1, 1);
    series.observe(at(20 * 1440), 1, 1);
    series.takeDirty();
    series.releasePages(at(20 * 1440));
    expect(() => series.observe(at(31), 1, 1)).toThrow(PageMissing);
    expect(series.missingFor([at(31)])).toEqual([hourOf(minuteOf(EPOCH))]);
    expect(() => series.advance(at(43_200 + 10))).toThrow(PageMissing);
    expect(series.missing(at(43_200 + 10))).toEqual([hourOf(minuteOf(EPOCH))]);
  });
});

describe('cost', () => {
  test('a 30-day window full of minutes takes at most 128 KiB, with fractions in both counts too', () => {
    for (const [good, total, most] of [
      [9, 10, 86],
      [0.97, 1, 104],
      [0.7, 1.3, 128],
    ] as const) {
      const series = new Series({ windows: [5, 60, 30, 360, 120, 1440, 4320, 43_200], paged: true });
      let now = at(0);
      for (let minute = 0; minute < 35 * 1440; minute++) {
        now = at(minute);
        series.observe(now, good, total);
        if (minute % 60 === 0) {
          series.takeDirty();
          series.releasePages(now);
        }
        for (const hour of series.missing(now)) {
          const cells = new Cells(HOUR_MINUTES);
          for (let i = 0; i < 60; i++) cells.add(i, Tally.of(good, total));
          series.provide(hour, cells);
        }
        series.advance(now);
      }
      expect(series.window(43_200).totalCount).toBeCloseTo(43_201 * total, 3);
      expect(series.bytes / 1024).toBeLessThanOrEqual(most);
    }
  });

  test('a measurement touches as many sums with a 90-day window as with a 1-day window', () => {
    const count = (windows: number[]): number => {
      const series = new Series({ windows });
      let touched = 0;
      const add = Tally.prototype.add;
      series.observe(EPOCH, 1, 1);
      series.advance(EPOCH + DAY);
      Tally.prototype.add = function (...args) {
        touched++;
        return add.apply(this, args);
      };
      try {
        for (let i = 0; i < 100; i++) series.observe(EPOCH + DAY - i * MINUTE, 1, 1);
      } finally {
        Tally.prototype.add = add;
      }
      return touched;
    };
    expect(count([1440, 4320, 129_600])).toBe(count([1440, 4320, 1440 * 3 + 1]));
  });
});
