import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  emptyLedger,
  encodeCells,
  encodeSketch,
  HOUR_MINUTES,
  IndicatorBuckets,
  MINUTE,
  needsOf,
  readSlo,
  Sketch,
  type SloPlan,
  statusOf,
  Tally,
} from './index.js';
import { EPOCH, planOf } from './virtual-time.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

/** Minutes after EPOCH, and what a classifier gives: good and total, sum and count, or value and count. */
type Point = readonly [minute: number, measure: number, count: number];

const timeslices = (slice = '5m') => ({ method: 'timeslices', slice, sliceTarget: 0.9 });
const whole = { method: 'timeslices', slice: '3m' };
const alerting = { windows: [{ severity: 'page', tier: 'fast', long: '1d', short: '1h', burn: 1.5 }] };

const DEFINITIONS: Record<string, object> = {
  occurrences: { budgeting: { method: 'occurrences' } },
  'occurrences of a month': { window: { calendar: 'month', timeZone: 'Europe/Berlin' } },
  timeslices: { budgeting: timeslices() },
  'timeslices of a week, absent ones bad': {
    budgeting: timeslices('7m'),
    window: { calendar: 'week', timeZone: 'America/New_York' },
    missingData: 'bad',
  },
  'timeslices, absent ones good': { budgeting: timeslices('30m'), missingData: 'good' },
  'ratio-timeslices': { budgeting: { method: 'ratio-timeslices', slice: '10m' } },
  percentile: { indicator: { kind: 'percentile', p: 0.9, op: 'lte', value: 0.5 }, budgeting: whole },
  mean: { indicator: { kind: 'mean', op: 'lt', value: 0.5 }, budgeting: whole },
};
const plans = Object.entries(DEFINITIONS).map(
  ([name, definition]) => [name, planOf({ objective: 0.9, alerting, ...definition })] as const,
);

const pointsOf = (plan: SloPlan) =>
  fc.array(
    fc
      .tuple(fc.integer({ min: 0, max: 40 * 1440 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20))
      .map(
        ([minute, share, count]): Point => [
          minute,
          // Whole counts, as requests are; values of any size.
          plan.indicator.kind === 'ratio' ? Math.floor(share * count) : share,
          count,
        ],
      ),
    { minLength: 1, maxLength: 50 },
  );

const now = EPOCH + 40 * 1440 * MINUTE;

function bucketsOf(plan: SloPlan, points: readonly Point[], batch = 1): IndicatorBuckets {
  const buckets = new IndicatorBuckets({ needs: needsOf([plan]) });
  for (const [i, [minute, measure, count]] of points.entries()) {
    buckets.observe(EPOCH + minute * MINUTE, measure, count);
    if (i % batch === 0) buckets.judge();
  }
  buckets.judge();
  return buckets;
}

/** Everything that is stored of buckets, as text. */
function stored(buckets: IndicatorBuckets): string {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const series = [buckets.events, ...[...buckets.slices.values()].map(({ series }) => series)];
  const cells = series.map((each) =>
    each.takeDirty().map(({ hour, cells, offset }) => [hour, hex(encodeCells(cells, offset, HOUR_MINUTES))]),
  );
  const sketches = buckets.sketches
    ?.takeDirty()
    .map(({ hour, minutes }) => [
      hour,
      [...minutes].sort(([a], [b]) => a - b).map(([minute, bytes]) => [minute, hex(bytes)]),
    ]);
  return JSON.stringify([cells, sketches]);
}

const statusAt = (plan: SloPlan, buckets: IndicatorBuckets) =>
  statusOf(readSlo(plan, buckets.source(plan), now), emptyLedger);

describe.each(plans)('%s', (_, plan) => {
  test('any order of the same measurements gives the same bytes and the same status', () => {
    fc.assert(
      fc.property(
        pointsOf(plan),
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 9 }),
        (list, random, n) => {
          const shuffled: Point[] = [...list];
          for (let i = shuffled.length - 1; i > 0; i--) {
            const j = (random.next().value as number) % (i + 1);
            [shuffled[i], shuffled[j]] = [shuffled[j] as Point, shuffled[i] as Point];
          }
          const [one, other] = [bucketsOf(plan, list), bucketsOf(plan, shuffled, n)];
          expect(statusAt(plan, other)).toEqual(statusAt(plan, one));
          expect(stored(other)).toBe(stored(one));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('what is consumed and what remains are one, and windows are the sums of what they cover', () => {
    fc.assert(
      fc.property(pointsOf(plan), (list) => {
        const buckets = bucketsOf(plan, list);
        const reading = readSlo(plan, buckets.source(plan), now);
        const { budget, good, total } = statusOf(reading, emptyLedger);
        expect(good).toBeLessThanOrEqual(total);
        if (budget.consumed !== null)
          expect((budget.remaining as number) + budget.consumed).toBeCloseTo(1, 9);
        const { tallies } = reading.source;
        for (const window of plan.windows) {
          const end = now / MINUTE;
          expect(tallies.window(window.key)).toEqual(tallies.sum(window.low(end), end));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('the buckets of partitions of the measurements add up to those of all', () => {
    fc.assert(
      fc.property(pointsOf(plan), fc.array(fc.nat(2), { minLength: 50, maxLength: 50 }), (list, parts) => {
        const all = bucketsOf(plan, list);
        const partitions = [0, 1, 2].map((part) =>
          bucketsOf(
            plan,
            list.filter((__, i) => parts[i] === part),
          ),
        );
        for (const [minute] of list) {
          const at = EPOCH / MINUTE + minute;
          const sum = partitions.reduce((tally, each) => tally.plus(each.events.sum(at, at)), new Tally());
          expect(sum).toEqual(all.events.sum(at, at));
          const sketchOf = (of: readonly IndicatorBuckets[]): Uint8Array => {
            const sketch = new Sketch();
            for (const each of of) each.sketches?.mergeInto(sketch, at, each.events.has(at));
            return encodeSketch(sketch);
          };
          expect(sketchOf(partitions)).toEqual(sketchOf([all]));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('SLOs on one indicator', () => {
  test('share its buckets, and the slices that they judge in the same way', () => {
    const all = [
      planOf(),
      planOf({ window: { rolling: '7d' } }),
      planOf({ window: { calendar: 'month' } }),
      planOf({ budgeting: timeslices('2m') }),
      planOf({ budgeting: timeslices('2m'), window: { rolling: '7d' }, objective: 0.95 }),
      planOf({ budgeting: { ...timeslices('2m'), sliceTarget: 0.5 } }),
    ];
    const buckets = new IndicatorBuckets({ needs: needsOf(all) });
    expect([...buckets.slices.keys()]).toEqual(['timeslices:2m:0.9', 'timeslices:2m:0.5']);
    buckets.observe(now - MINUTE, 7, 10);
    buckets.judge();
    const counted = all.map((plan) => {
      const { good, total } = statusAt(plan, buckets);
      return [good, total];
    });
    expect(counted).toEqual([
      [7, 10],
      [7, 10],
      [7, 10],
      [0, 1],
      [0, 1],
      [1, 1],
    ]);
  });
});

describe('memory', () => {
  test('of an SLO with little traffic is small: under 16 KiB, and under 28 KiB with slices', () => {
    const of = (overrides: object): number => {
      const buckets = new IndicatorBuckets({ needs: needsOf([planOf(overrides)]), paged: true });
      for (let minute = 0; minute < 1440; minute += 5) buckets.observe(EPOCH + minute * MINUTE, 9, 10);
      buckets.judge();
      return buckets.bytes / 1024;
    };
    expect(of({})).toBeLessThan(16);
    expect(of({ budgeting: timeslices('2m') })).toBeLessThan(28);
  });

  test('of sketches is that of two hours, stored: a busy latency takes under 100 KiB', () => {
    const plan = planOf({
      indicator: { kind: 'percentile', p: 0.9, op: 'lte', value: 0.5 },
      budgeting: whole,
      alerting,
    });
    const buckets = new IndicatorBuckets({ needs: needsOf([plan]), paged: true });
    for (let minute = 0; minute < 300; minute++) {
      for (let i = 0; i < 200; i++) {
        buckets.observe(EPOCH + minute * MINUTE, 0.02 * (1 - (i + 0.5) / 200) ** -0.5, 5);
      }
      buckets.judge();
      buckets.sketches?.takeDirty();
      buckets.sketches?.release(Math.floor((EPOCH / MINUTE + minute) / 60));
    }
    const kib = (buckets.sketches?.bytes ?? 0) / 1024;
    expect(kib).toBeGreaterThan(1);
    expect(kib).toBeLessThan(100);
  });
});
