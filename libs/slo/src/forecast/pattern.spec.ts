import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HourlyHistory, MinuteSpan, Pattern } from '../index.js';
import { planOf } from '../virtual-time.fixture.js';
import { spanOf } from './past.fixture.js';
import { lowerMedian, quantile, seeded, trendOf } from './robust.js';

const WEEK = 168;
const END = 494_000;
const plan = planOf({ budgeting: { method: 'occurrences' } });

/** A history of hours that ends with END: good and total of each, all in its first minute. */
function historyOf(
  hours: number,
  of: (hour: number) => readonly [good: number, total: number] | null,
): HourlyHistory {
  const first = END - hours;
  const span = spanOf(first * 60, END * 60 - 1, (minute) => (minute % 60 === 0 ? of(minute / 60) : null));
  return new HourlyHistory(plan, span, first * 60, null);
}

const patternOf = (...args: Parameters<typeof historyOf>): Pattern =>
  Pattern.of(historyOf(...args)) as Pattern;

describe('the history by the hour', () => {
  test('has whole hours, from the first measured one on', () => {
    const span = spanOf(END * 60 - 600, END * 60 - 1, () => [1, 2]);
    const history = new HourlyHistory(plan, span, END * 60 - 200, null);
    expect([history.first, history.end, history.hours]).toEqual([END - 3, END, 3]);
    expect([...history.total, ...history.bad]).toEqual([120, 120, 120, 60, 60, 60]);
    expect(new HourlyHistory(plan, new MinuteSpan({ low: 0, high: -1 }), 0, null).hours).toBe(0);
  });
});

describe('a pattern', () => {
  test('has each hour of the week by itself, for ever', () => {
    const pattern = patternOf(4 * WEEK, (hour) => [hour % WEEK === 7 ? 50 : 90, 100 + (hour % WEEK)]);
    for (const week of [1, 2, 9]) {
      const seventh = Math.ceil(END / WEEK) * WEEK + week * WEEK + 7;
      expect(pattern.expect(seventh)).toEqual({ total: 107, bad: expect.closeTo(57, 9) });
      expect(pattern.expect(seventh + 1)).toEqual({ total: 108, bad: expect.closeTo(18, 9) });
    }
  });

  test('follows a linear trend of the bad share and of the traffic, exactly', () => {
    const share = (hour: number) => 0.02 + 0.00001 * (hour - END + 8 * WEEK);
    const traffic = (hour: number) => 1_000_000 + 100 * (hour - END + 8 * WEEK);
    const risen = patternOf(8 * WEEK, (hour) => [1e6 * (1 - share(hour)), 1e6]);
    const busier = patternOf(8 * WEEK, (hour) => [traffic(hour), traffic(hour)]);
    for (const ahead of [0, 100, 500]) {
      expect(risen.expect(END + ahead).bad / 1e6).toBeCloseTo(share(END + ahead), 5);
      expect(busier.expect(END + ahead).total / traffic(END + ahead)).toBeCloseTo(1, 3);
    }
  });

  test.each([
    ['ten times', 10, (week: number) => 1 + week],
    ['a tenth', 0.1, (week: number) => 8 - week],
  ])('follows a trend to %s of the mean at most, and as far as that', (_, most, amount) => {
    const start = END - 8 * WEEK;
    const of = (hour: number) => amount(Math.floor((hour - start) / WEEK));
    const traffic = patternOf(8 * WEEK, (hour) => [of(hour) * 1e6, of(hour) * 1e6]);
    const bad = patternOf(8 * WEEK, (hour) => [1e6 - of(hour) * 1000, 1e6]);
    /** The hour at which the line of the trend is at so many times its mean: 4.5 in the middle of all weeks. */
    const hourOf = (level: number) =>
      start + ((level * 4.5 - amount(0)) / (amount(1) - amount(0)) + 0.5) * WEEK;
    const [within, beyond] = most > 1 ? [9.9, 10.5] : [0.11, 0.05];
    for (const level of [
      (hour: number) => traffic.level('traffic', hour),
      (hour: number) => bad.level('bad', hour),
    ]) {
      expect(level(hourOf(within))).toBeCloseTo(within, 6);
      expect(level(hourOf(beyond))).toBe(most);
      expect(level(END + 1000 * WEEK)).toBe(most);
    }
    for (const pattern of [traffic, bad]) {
      expect(pattern.expect(END + 1000 * WEEK)).toEqual(pattern.expect(END + 2000 * WEEK));
    }
  });

  test('is made of data in a quarter of the hours, and not of less', () => {
    const hours = 4 * WEEK;
    /** Every fourth hour, without so many of them. */
    const sparse = (fewer: number) =>
      historyOf(hours, (hour) => (hour % 4 === END % 4 && hour >= END - hours + 4 * fewer ? [9, 10] : null));
    expect(Pattern.reason(sparse(0))).toBeNull();
    expect(Pattern.of(sparse(0))).not.toBeNull();
    expect(Pattern.reason(sparse(1))).toBe('a pattern needs data in a quarter of the hours, there are 24 %');
    expect(Pattern.of(sparse(1))).toBeNull();
  });

  test('takes what happened in half of the weeks or less for no habit, and what happened in most for one', () => {
    const pattern = (faults: number[]) =>
      patternOf(6 * WEEK, (hour) => {
        const week = Math.floor((hour - END + 6 * WEEK) / WEEK);
        return [hour % WEEK === 50 && faults.includes(week) ? 200 : 1000, 1000];
      });
    const hour = Math.ceil(END / WEEK) * WEEK + 50;
    expect(pattern([2]).expect(hour).bad).toBe(0);
    expect(pattern([0, 2, 5]).expect(hour).bad).toBe(0);
    expect(pattern([0, 1, 2, 3, 5]).expect(hour).bad).toBeGreaterThan(600);
  });

  test('does not lose errors that are rare: their sum is what it was', () => {
    // One of a thousand, by the lot; ten events an hour, so that most hours have none.
    const draw = seeded(7);
    let bad = 0;
    const pattern = patternOf(8 * WEEK, () => {
      let failed = 0;
      for (let i = 0; i < 10; i++) failed += draw() < 0.01 ? 1 : 0;
      bad += failed;
      return [10 - failed, 10];
    });
    let expected = 0;
    for (let hour = END; hour < END + WEEK; hour++) expected += pattern.expect(hour).bad;
    expect(Math.abs((expected * 8) / bad - 1)).toBeLessThan(0.05);
  });

  test('does not take a silence of days for a lack of traffic', () => {
    const pattern = patternOf(4 * WEEK, (hour) =>
      hour >= END - 3 * WEEK && hour < END - WEEK ? null : [9, 10],
    );
    expect(pattern.expect(END + 5)).toEqual({ total: 10, bad: expect.closeTo(1, 9) });
  });

  test('expects traffic as often as there was any', () => {
    const draw = seeded(5);
    let counted = 0;
    const pattern = patternOf(8 * WEEK, () => {
      if (draw() >= 0.4) return null;
      counted += 10;
      return [9, 10];
    });
    let expected = 0;
    for (let hour = END; hour < END + WEEK; hour++) expected += pattern.expect(hour).total;
    expect(Math.abs((expected * 8) / counted - 1)).toBeLessThan(0.1);
  });

  test('never expects more bad than all, nor less than none', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(100), fc.nat(100)), { minLength: 80, maxLength: 400 }),
        fc.nat(2000),
        (hours, ahead) => {
          const history = historyOf(hours.length, (hour) => {
            const [good, bad] = hours[hour - END + hours.length] as [number, number];
            return good + bad === 0 ? null : [good, good + bad];
          });
          const expected = Pattern.of(history)?.expect(END + ahead);
          if (expected === undefined) return;
          expect(expected.bad).toBeGreaterThanOrEqual(0);
          expect(expected.bad).toBeLessThanOrEqual(expected.total);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('the statistics', () => {
  test('the lower median is the lower one of two', () => {
    expect([lowerMedian([]), lowerMedian([3]), lowerMedian([3, 1]), lowerMedian([3, 1, 2])]).toEqual([
      null,
      3,
      1,
      2,
    ]);
  });

  test('a trend is found where there is one, whatever one value does, and none in what only varies', () => {
    const line = trendOf([1, 3, 5, 7, 9, 11, 99, 15]);
    expect([line?.at(0), line?.at(10)]).toEqual([1, 21]);
    expect(trendOf([1, 2, 3])).toBeNull();
    expect(trendOf([5, 5, 5, 5, 5])).toBeNull();
    expect(trendOf([4, 6, 5, 4, 6, 5])).toBeNull();
  });

  test.each([
    [4, 2 / 24], // in order, or the other way round
    [5, 10 / 120],
    [6, 40 / 720],
    [7, 348 / 5040],
  ])('of all orders of %i values, at most one in ten seems to have a trend', (length, share) => {
    const permutations = (values: number[]): number[][] =>
      values.length === 0
        ? [[]]
        : values.flatMap((value) =>
            permutations(values.filter((other) => other !== value)).map((rest) => [value, ...rest]),
          );
    const all = permutations(Array.from({ length }, (_, i) => i));
    const seen = all.filter((order) => trendOf(order) !== null).length;
    expect(seen / all.length).toBeCloseTo(share, 12);
    expect(share).toBeLessThan(0.1);
  });

  test('a quantile is the value that a share of all do not exceed', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect([0, 0.1, 0.11, 0.5, 0.9, 1].map((q) => quantile(values, q))).toEqual([1, 1, 2, 5, 9, 10]);
  });
});
