import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { GatheredMinutes } from './backtest/gathered-minutes.js';
import {
  burnDown,
  Cells,
  decodeCells,
  decodeSketch,
  dumpBuckets,
  emptyLedger,
  encodeCells,
  encodeSketch,
  HOUR_MINUTES,
  IndicatorBuckets,
  MINUTE,
  MinuteSpan,
  minuteOf,
  needsOf,
  readSlo,
  recordedSpan,
  Series,
  Sketch,
  type SloPlan,
  statusOf,
  Tally,
} from './index.js';
import { EPOCH, planOf } from './virtual-time.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const DAY = 1440;
const UNIT = 2n ** 32n;
const at = (minute: number): number => EPOCH + minute * MINUTE;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What a number is once it is entered, in units of 2^-32, by way of no other code. */
function entered(value: number): bigint {
  const whole = Math.floor(value);
  return BigInt(whole) * UNIT + BigInt(Math.round((value - whole) * 2 ** 32));
}

const good = (tally: Tally): bigint => tally.goodWhole * UNIT + BigInt(tally.goodFraction);
const total = (tally: Tally): bigint => tally.totalWhole * UNIT + BigInt(tally.totalFraction);

/** Good and total of a point, or sum and count: a mean's value and its count are each at most 1e12. */
const counts = fc
  .tuple(fc.integer({ min: 0, max: 10 ** 12 }), fc.integer({ min: 0, max: 10 ** 12 }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const fractions = fc
  .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1e12, noNaN: true }))
  .map(([share, of]) => [share * of, of] as const);
const means = fc
  .tuple(fc.double({ min: -1e12, max: 1e12, noNaN: true }), fc.double({ min: 0, max: 1e12, noNaN: true }))
  .map(([value, count]) => [value * count, count] as const);
const most = fc
  .constantFrom([1e12, 1e12], [1e12 - 1, 1e12], [1e24, 1e12], [-1e24, 1e12], [0, 0])
  .map(([a, b]) => [a as number, b as number] as const);
const entry = fc.oneof(counts, fractions, means, most);
/** One that is measured so often that a minute of it alone is past 2^53, as a full message is. */
const repeated = fc.tuple(entry, fc.integer({ min: 1, max: 15_000 }));

describe('a sum', () => {
  test('is that of integers of any size, and taking what was added leaves what was there', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), fc.array(entry, { maxLength: 40 }), (kept, gone) => {
        const sum = new Tally();
        for (const each of kept) sum.plus(Tally.of(...each));
        const alone = sum.copy();
        for (const each of gone) sum.plus(Tally.of(...each));
        expect(good(sum)).toBe([...kept, ...gone].reduce((all, [each]) => all + entered(each), 0n));
        expect(total(sum)).toBe([...kept, ...gone].reduce((all, [, each]) => all + entered(each), 0n));
        for (const each of gone) sum.minus(Tally.of(...each));
        expect(sum).toEqual(alone);
        expect(sum.equals(alone)).toBe(true);
      }),
    );
  });

  test('has one form, whatever it was come to by', () => {
    const large = fc.bigInt({ min: -(2n ** 110n), max: 2n ** 110n });
    fc.assert(
      fc.property(large, large, (a, b) => {
        const sum = new Tally().set(a, 7, 1, 0).plus(new Tally().set(b, 0, 0, 0));
        expect(sum).toEqual(new Tally().set(a + b, 7, 1, 0));
        expect(sum.minus(new Tally().set(a, 0, 0, 0))).toEqual(new Tally().set(b, 7, 1, 0));
        expect(new Tally().set(a, 0, 0, 0).minus(new Tally().set(b, 0, 0, 0)).goodWhole).toBe(a - b);
      }),
    );
  });

  test('is rounded once, when it is told, and what is bad is the exact difference', () => {
    const sum = new Tally().set(2n ** 60n, 0, 2n ** 60n, 1);
    expect(sum.badCount).toBe(2 ** -32);
    expect(sum.errorRatio).toBe(2 ** -92);
    expect(new Tally().set(2n ** 60n, 0, 2n ** 60n + 3n, 0).badCount).toBe(3);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 100n }), fc.nat(2 ** 31), (whole, fraction) => {
        const told = new Tally().set(0, 0, whole, fraction).totalCount;
        expect(told).toBe(Number(whole * UNIT + BigInt(fraction)) / 2 ** 32);
      }),
    );
  });

  test('of nothing but what is beyond 2^52 is not empty', () => {
    const sum = new Tally().set(0, 0, 2n ** 52n, 0);
    expect([sum.total, sum.isEmpty, sum.sli]).toEqual([0, false, 0]);
    expect(sum.minus(new Tally().set(0, 0, 2n ** 52n, 0))).toEqual(new Tally());
  });
});

describe('a block of buckets', () => {
  const block = fc.array(fc.tuple(fc.nat(HOUR_MINUTES - 1), entry), { minLength: 1, maxLength: 60 });

  test('is what was added to it and not taken again, and survives being stored, bit for bit', () => {
    fc.assert(
      fc.property(block, block, (kept, gone) => {
        const cells = new Cells(HOUR_MINUTES);
        for (const [cell, each] of [...gone, ...kept]) cells.add(cell, Tally.of(...each));
        for (const [cell, each] of gone) cells.take(cell, Tally.of(...each));
        const bytes = encodeCells(cells);
        const again = decodeCells(bytes, HOUR_MINUTES);
        expect(hex(encodeCells(again))).toBe(hex(bytes));
        for (let cell = 0; cell < HOUR_MINUTES; cell++) {
          const own = kept.filter(([of]) => of === cell);
          expect(good(cells.at(cell))).toBe(own.reduce((all, [, [each]]) => all + entered(each), 0n));
          expect(total(cells.at(cell))).toBe(own.reduce((all, [, [, each]]) => all + entered(each), 0n));
          expect(again.at(cell)).toEqual(cells.at(cell));
        }
        expect(() => decodeCells(bytes.slice(0, -1), HOUR_MINUTES)).toThrow(RangeError);
      }),
    );
  });

  test('of shares of slices is exact to 2^-52, whatever else is added and taken, and survives being stored', () => {
    const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1, 1e-4, 2 ** -52));
    const shares = fc.array(fc.tuple(fc.nat(7), share), { minLength: 1, maxLength: 60 });
    const fine = (tally: Tally): bigint => (good(tally) << 20n) + BigInt(tally.goodResidue);
    const told = (badShare: number): bigint => (1n << 52n) - BigInt(Math.round(badShare * 2 ** 52));
    fc.assert(
      fc.property(shares, shares, (kept, gone) => {
        const cells = new Cells(8);
        for (const [cell, bad] of [...gone, ...kept]) cells.add(cell, Tally.slice(bad));
        cells.add(0, Tally.of(1, 1));
        for (const [cell, bad] of gone) cells.take(cell, Tally.slice(bad));
        cells.take(0, Tally.of(1, 1));
        const bytes = encodeCells(cells);
        const again = decodeCells(bytes, 8);
        expect(hex(encodeCells(again))).toBe(hex(bytes));
        const sum = new Tally();
        for (let cell = 0; cell < 8; cell++) {
          const own = kept.filter(([of]) => of === cell);
          expect(fine(cells.at(cell))).toBe(own.reduce((all, [, bad]) => all + told(bad), 0n));
          expect(cells.at(cell).total).toBe(own.length);
          expect(again.at(cell)).toEqual(cells.at(cell));
          sum.plus(cells.at(cell));
        }
        const bad = kept.reduce((all, [, each]) => all + ((1n << 52n) - told(each)), 0n);
        expect(sum.badCount).toBe(Number(bad) / 2 ** 52);
      }),
    );
    expect(Tally.slice(1e-4).errorRatio).toBeCloseTo(1e-4, 15);
    expect(Tally.slice(0)).toEqual(Tally.of(1, 1));
    expect(Tally.slice(1.5)).toEqual(Tally.of(0, 1));
  });

  // Recorded from what wrote them while whole numbers were doubles alone.
  const STORED = [
    '13ad030400000080000000008080808080208180808080400000000000000000ffffffffffffff0fffffffffffffff0f' +
      '0000000000000000808084fea6dee1118080808080808080808001000000000100000000000000000000000000',
    '15c300000000000008c004000000800000000000007042070000000000000800000040c3808080808080808010000000' +
      '00b49dd9794378ea440500000000',
  ].map((text) => new Uint8Array(Buffer.from(text, 'hex')));

  test('that was stored before sums could be wide is read as it was meant', () => {
    const [unsigned, signed] = STORED.map((bytes) => decodeCells(bytes, 8)) as [Cells, Cells];
    const of = (cells: Cells, cell: number) => {
      const { goodWhole, goodFraction, totalWhole, totalFraction } = cells.at(cell);
      return [goodWhole, goodFraction, totalWhole, totalFraction];
    };
    expect([0, 2, 3, 5, 7].map((cell) => of(unsigned, cell))).toEqual([
      [3n, 2 ** 31, 4n, 0],
      [2n ** 40n, 0, 2n ** 41n + 1n, 0],
      [2n ** 53n - 1n, 0, 2n ** 53n - 1n, 0],
      [10n ** 16n, 0, 2n ** 70n, 1],
      [0n, 0, 0n, 0],
    ]);
    expect([0, 1, 6, 7].map((cell) => of(signed, cell))).toEqual([
      [-3n, 2 ** 31, 4n, 0],
      [2n ** 40n, 0, 7n, 0],
      [-(2n ** 53n) - 2n ** 20n, 0, 2n ** 60n, 0],
      [BigInt(1e24), 0, 5n, 0],
    ]);
    expect([1, 4, 6].map((cell) => unsigned.has(cell))).toEqual([false, false, false]);
    // Counts are stored in the same bytes as ever, whatever their size.
    expect(encodeCells(unsigned)).toEqual(STORED[0]);
  });

  test('is damaged when a count in it is longer than any that is written', () => {
    const bytes = new Uint8Array([0x10, 1, ...new Array(17).fill(0xff), 1, 1]);
    expect(() => decodeCells(bytes, 1)).toThrow(RangeError);
  });

  test('takes ten bytes a slice that counts by its share', () => {
    const cells = new Cells(800);
    for (let i = 0; i < 800; i++) cells.add(i, Tally.slice(i / 3000));
    expect(cells.bytes).toBe(800 * 10 + 100);
  });

  test('takes no more room for whole counts below 2^52', () => {
    const cells = new Cells(HOUR_MINUTES);
    for (let cell = 0; cell < HOUR_MINUTES; cell++) cells.add(cell, Tally.of(2 ** 51, 2 ** 51));
    const { bytes } = cells;
    expect(bytes).toBe(HOUR_MINUTES * 16 + 8);
    cells.add(0, Tally.of(2 ** 51, 2 ** 51));
    expect(cells.bytes).toBe(bytes + HOUR_MINUTES * 16);
  });

  test('is told in full', () => {
    const cells = new Cells(HOUR_MINUTES);
    cells.add(0, new Tally().set(10n ** 24n + 1n, 2 ** 31, 2n ** 80n, 0));
    expect([...dumpBuckets({ sli: 's/a', indicator: 'i', hours: [{ hour: 0, cells, offset: 0 }] })]).toEqual([
      's/a i 1970-01-01T00:00:00.000Z 1000000000000000000000001.80000000 1208925819614629174706176\n',
    ]);
  });
});

describe('a sketch', () => {
  const observations = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), counts), { maxLength: 20 });

  test('counts beyond 2^53 in any order, gives back what was taken, and survives being stored', () => {
    fc.assert(
      fc.property(observations, fc.integer({ min: 1, max: 20 }), (list, doublings) => {
        const sketch = new Sketch();
        for (const [value, [, count]] of list) sketch.observe(value, count);
        const before = hex(encodeSketch(sketch));
        const large = new Sketch();
        for (const [value, [count]] of list) large.observe(value, count + 0.5);
        for (let i = 0; i < doublings; i++) large.merge(decodeSketch(encodeSketch(large)));
        const bytes = encodeSketch(new Sketch().merge(sketch).merge(large));
        expect(encodeSketch(new Sketch().merge(large).merge(sketch))).toEqual(bytes);
        expect(encodeSketch(decodeSketch(bytes))).toEqual(bytes);
        expect(hex(encodeSketch(sketch.merge(large).subtract(large)))).toBe(before);
      }),
    );
  });

  test('that was stored before counts could be wide is read as it was meant', () => {
    const bytes = new Uint8Array(Buffer.from('11030080808080808080801000d40f03008802028080808008', 'hex'));
    const [zero, half] = decodeSketch(bytes).bins;
    expect(zero).toEqual({ bin: 0, whole: 0, fraction: 0, high: 2n ** 8n });
    expect(half).toMatchObject({ whole: 3, fraction: 0, high: 0n });
    expect(encodeSketch(decodeSketch(bytes))).toEqual(bytes);
  });
});

/** Minutes after EPOCH, and what is measured then so often. */
type Measured = readonly [minute: number, entry: readonly [number, number], times: number];
const story = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 40 * DAY }), repeated)
    .map(([minute, [each, times]]): Measured => [minute, each, times]),
  { minLength: 1, maxLength: 12 },
);

describe('windows', () => {
  const WINDOWS = [5, 60, 7 * DAY, 30 * DAY];

  function seriesOf(list: readonly Measured[], ends: readonly number[]): Series {
    const series = new Series({ windows: WINDOWS });
    const due = [...ends];
    for (const [i, [minute, each, times]] of list.entries()) {
      // They slide while it is measured.
      const end = due[i % due.length];
      if (end !== undefined) series.advance(at(end));
      for (let n = 0; n < times; n++) series.observe(at(minute), ...each);
    }
    return series;
  }
  const stored = (series: Series): string =>
    JSON.stringify([
      series
        .takeDirty()
        .map(({ hour, cells, offset }) => [hour, hex(encodeCells(cells, offset, HOUR_MINUTES))]),
      Array.from({ length: 41 }, (_, i) => {
        const day = series.day(Math.floor(minuteOf(EPOCH) / DAY) + i);
        return day && hex(encodeCells(day.cells));
      }),
    ]);

  test('are the sums of integers in them, and any order gives the same bytes', () => {
    const ends = fc.array(fc.integer({ min: 0, max: 45 * DAY }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(story, ends, fc.integer({ min: 0, max: 45 * DAY }), (list, moves, end) => {
        const one = seriesOf(list, moves);
        const other = seriesOf([...list].reverse(), []);
        for (const series of [one, other]) series.advance(at(end));
        for (const window of WINDOWS) {
          const within = list.filter(([minute]) => minute >= end - window && minute <= end);
          const sum = (part: 0 | 1): bigint =>
            within.reduce((all, [, each, times]) => all + BigInt(times) * entered(each[part]), 0n);
          expect([good(one.window(window)), total(one.window(window))]).toEqual([sum(0), sum(1)]);
          expect(other.window(window)).toEqual(one.window(window));
        }
        expect(stored(other)).toBe(stored(one));
      }),
      { numRuns: 40 },
    );
  });

  test('that slide minute by minute past what is large have nothing of it', () => {
    const series = new Series({ windows: [60] });
    for (let minute = 0; minute < 300; minute++) {
      for (let n = 0; n < 7000; n++) {
        if (minute < 120) series.observe(at(minute), 1e12 - (n % 7), 1e12);
      }
      series.observe(at(minute), 3, 4);
      series.advance(at(minute));
    }
    expect(series.window(60)).toEqual(Tally.of(3 * 61, 4 * 61));
  });

  test('of stored minutes are the same, also where something is taken from them', () => {
    fc.assert(
      fc.property(story, (list) => {
        const series = seriesOf(list, []);
        const hours = new Map(
          series.takeDirty().map(({ hour, cells, offset }) => {
            const bytes = encodeCells(cells, offset, HOUR_MINUTES);
            return [hour, decodeCells(bytes, HOUR_MINUTES)] as const;
          }),
        );
        const stretch = { low: minuteOf(EPOCH), high: minuteOf(EPOCH) + 40 * DAY };
        const sum = MinuteSpan.of(stretch, hours).sum();
        expect(sum).toEqual(series.sum(stretch.low, stretch.high));
        expect(MinuteSpan.of(stretch, hours, hours).sum()).toEqual(new Tally());
      }),
      { numRuns: 30 },
    );
  });
});

describe('an SLO', () => {
  const WHOLE = 20_000;

  function slo(plan: SloPlan) {
    const buckets = new IndicatorBuckets({ needs: needsOf([plan]) });
    const read = (minute: number) => readSlo(plan, buckets.source(plan), at(minute));
    const status = (minute: number) => statusOf(read(minute), emptyLedger);
    return { buckets, status };
  }

  test('has the same status with 20,000 minutes of about 1e12 in either order', () => {
    const plan = planOf();
    const [up, down] = [slo(plan), slo(plan)];
    const counted = (minute: number): [number, number, number] => [
      at(minute),
      1e12 - 2 * (minute % 1009) - 1,
      1e12 - (minute % 1009),
    ];
    let all = 0n;
    let bad = 0n;
    for (let minute = 0; minute < WHOLE; minute++) {
      up.buckets.observe(...counted(minute));
      down.buckets.observe(...counted(WHOLE - 1 - minute));
      const [, g, t] = counted(minute);
      all += BigInt(t);
      bad += BigInt(t) - BigInt(g);
    }
    const status = up.status(WHOLE);
    expect(down.status(WHOLE)).toEqual(status);
    expect(status.total).toBe(Number(all));
    expect(status.good).toBe(Number(all - bad));
    expect(status.budget.consumed).toBe(Number(bad) / Number(all) / plan.budget);
  });

  test.each(['30d', '7d'])(
    'over %s has nothing left of large counts that have left its window',
    (rolling) => {
      const plan = planOf({ window: { rolling } });
      const { buckets, status } = slo(plan);
      const days = Number.parseInt(rolling, 10);
      let seed = 1;
      const random = (): number => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed / 2_147_483_647;
      };
      const clean = (minute: number) => minute >= DAY;
      for (let minute = 0; minute < (days + 2) * DAY; minute++) {
        const all = clean(minute) ? 97 : Math.floor(1e12 * random());
        const isBad = clean(minute) ? 0 : Math.floor(random() * all);
        const times = clean(minute) ? 1 : 20;
        for (let n = 0; n < times; n++) buckets.observe(at(minute), all - isBad, all);
        if (minute % 30 === 0) status(minute);
      }
      const now = status((days + 2) * DAY - 1);
      const seen = 97 * (days * DAY + 1);
      expect([now.good, now.total, now.sli]).toEqual([seen, seen, 1]);
      expect(now.budget.consumed).toBe(0);
      expect(now.budget.remaining).toBe(1);
    },
  );

  test('has the same history of a budget from stored minutes, and none of what has left', () => {
    const plan = planOf({ window: { rolling: '7d' }, alerting: { preset: 'none' } });
    const series = new Series({ windows: [7 * DAY] });
    for (let minute = 0; minute < 9 * DAY; minute++) {
      const isLarge = minute < DAY;
      const all = isLarge ? 1e12 - minute : 50;
      for (let n = 0; n < (isLarge ? 20 : 1); n++) series.observe(at(minute), isLarge ? 1 : all, all);
    }
    const pages = new Map(
      series.takeDirty().map(({ hour, cells, offset }) => {
        const own = decodeCells(encodeCells(cells, offset, HOUR_MINUTES), HOUR_MINUTES);
        return [hour, own] as const;
      }),
    );
    const { points } = burnDown(plan, pages, { from: EPOCH, to: at(9 * DAY), step: DAY * MINUTE });
    expect(points[0]?.total).toBe(Number(20n * (1440n * 10n ** 12n - (1440n * 1439n) / 2n)));
    expect(points.at(-1)).toMatchObject({ good: 50 * DAY, total: 50 * DAY, budgetRemaining: 1 });
  });

  test('is backtested on the same sums', () => {
    const plan = planOf();
    const span = { from: EPOCH, to: at(3 * DAY) };
    const recording = new GatheredMinutes(recordedSpan(plan, span), false);
    const live = new IndicatorBuckets({ needs: needsOf([plan]) });
    for (let n = 0; n < 12_000; n++) {
      recording.observe(at(5), 1e12 - n, 1e12);
      live.observe(at(5), 1e12 - n, 1e12);
    }
    const gathered = recording.minute(minuteOf(at(5)))?.tally;
    expect(gathered).toEqual(live.events.sum(minuteOf(at(5)), minuteOf(at(5))));
    expect(gathered?.goodWhole).toBe(12_000n * 10n ** 12n - (12_000n * 11_999n) / 2n);
  });
});
