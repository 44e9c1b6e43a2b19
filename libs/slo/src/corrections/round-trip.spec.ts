import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  Cells,
  emptyLedger,
  encodeCells,
  HOUR_MINUTES,
  IndicatorBuckets,
  MINUTE,
  needsOf,
  readSlo,
  type Series,
  SliceRun,
  type SloPlan,
  statusOf,
} from '../index.js';
import { EPOCH } from '../virtual-time.fixture.js';
import { correctedPlan, corrections, type Given } from './corrections.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(120_000);

/** Minutes after EPOCH, and what a classifier gives: good and total, sum and count, or value and count. */
type Point = readonly [minute: number, measure: number, count: number];

const timeslices = (slice = '5m') => ({ method: 'timeslices', slice, sliceTarget: 0.9 });
const whole = { method: 'timeslices', slice: '3m' };
const alerting = { windows: [{ severity: 'page', tier: 'fast', long: '1d', short: '1h', burn: 1.5 }] };

const DEFINITIONS: Record<string, object> = {
  occurrences: { budgeting: { method: 'occurrences' } },
  'occurrences of a month': { window: { calendar: 'month', timeZone: 'Europe/Berlin' } },
  timeslices: { budgeting: timeslices('6m'), alerting: { ...alerting, minTotal: 20 } },
  'timeslices of a week, absent ones bad': {
    budgeting: timeslices('30m'),
    window: { calendar: 'week', timeZone: 'America/New_York' },
    missingData: 'bad',
  },
  'timeslices, absent ones good': { budgeting: timeslices('10m'), missingData: 'good' },
  'ratio-timeslices': { budgeting: { method: 'ratio-timeslices', slice: '10m' } },
  percentile: { indicator: { kind: 'percentile', p: 0.9, op: 'lte', value: 0.5 }, budgeting: whole },
  mean: { indicator: { kind: 'mean', op: 'lt', value: 0.5 }, budgeting: whole },
};

/** Days of virtual time, so that some minutes are in memory, some in hours of their own, and some out of every window. */
const DAYS = 34;
const now = EPOCH + DAYS * 1440 * MINUTE;
/** Points and corrections gather around a few places, or they would never meet. */
const PLACES = [0, 700, 3 * 1440 - 20, 20 * 1440, (DAYS - 4) * 1440 + 5, DAYS * 1440 - 90, DAYS * 1440 - 10];
const minute = fc
  .tuple(fc.constantFrom(...PLACES), fc.nat(80))
  .map(([place, after]) => Math.min(place + after, DAYS * 1440));

const pointsOf = ({ indicator }: SloPlan) =>
  fc.array(
    fc
      .tuple(minute, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20))
      // Whole counts, as requests are; values of any size.
      .map(
        ([at, share, count]): Point => [
          at,
          indicator.kind === 'ratio' ? Math.floor(share * count) : share,
          count,
        ],
      ),
    { minLength: 1, maxLength: 40 },
  );

const spans = fc.array(
  fc
    .tuple(fc.constantFrom('exclude' as const, 'good' as const), minute, fc.nat(60))
    .map(([effect, from, length]): Given => [effect, from - 20, from - 20 + length + 1]),
  { minLength: 1, maxLength: 5 },
);

function bucketsOf(plan: SloPlan, points: readonly Point[], batch = 1): IndicatorBuckets {
  const buckets = new IndicatorBuckets({ needs: needsOf([plan]) });
  for (const [i, [at, measure, count]] of points.entries()) {
    buckets.observe(EPOCH + at * MINUTE, measure, count);
    if (i % batch === 0) buckets.judge();
  }
  buckets.judge();
  return buckets;
}

const statusAt = (plan: SloPlan, buckets: IndicatorBuckets) =>
  statusOf(readSlo(plan, buckets.source(plan), now), emptyLedger);

/** Everything that is stored of a series, as text. */
const stored = (series: Series): string =>
  JSON.stringify(
    series
      .takeDirty()
      .map(({ hour, cells, offset }) => [
        hour,
        Buffer.from(encodeCells(cells, offset, HOUR_MINUTES)).toString('hex'),
      ]),
  );

/** Of all series, without what corrections take. */
const storedOf = (buckets: IndicatorBuckets): string[] =>
  [
    buckets.events,
    ...[...buckets.slices.values()].filter(({ rule }) => !rule.corrections).map((s) => s.series),
  ].map(stored);

/** What corrections take by a rule, from events that are stored. */
function takenOf(plan: SloPlan, buckets: IndicatorBuckets): Map<string, string> {
  const sketches = new Map(buckets.sketches?.takeDirty().map(({ hour, minutes }) => [hour, minutes]));
  const hours = buckets.events.takeDirty().map(({ hour, cells, offset }) => {
    const own = new Cells(HOUR_MINUTES);
    for (let i = 0; i < HOUR_MINUTES; i++) own.addCell(i, cells, offset + i);
    return { hour, cells: own, sketches: sketches.get(hour) };
  });
  const taken = new Map<string, string>();
  const fresh = new IndicatorBuckets({ needs: needsOf([plan]) });
  for (const [key, { rule, series }] of fresh.slices) {
    if (rule.corrections === undefined) continue;
    const run = new SliceRun(rule, (start, verdict) => series.put(start, verdict));
    for (const hour of hours) run.take(hour);
    run.end();
    taken.set(key, stored(series));
  }
  return taken;
}

function shuffled<T>(list: readonly T[], random: Iterator<number>): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = (random.next().value as number) % (i + 1);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

/**
 * The points as they would have come if nothing had to be corrected: those that are excluded never came, those that are
 * good came good. Of values there is no "good"; those of a slice are left out where something else was measured in it.
 */
function asIfMeasured({ indicator, slice, corrections: mask }: SloPlan, points: readonly Point[]): Point[] {
  const effect = (at: number) => mask.at(EPOCH / MINUTE + at);
  const sliceOf = (at: number) => Math.floor((EPOCH / MINUTE + at) / slice);
  const kept = points.filter(([at]) => effect(at) !== 'exclude');
  if (indicator.kind === 'ratio')
    return kept.map(([at, good, total]) => [at, effect(at) === 'good' ? total : good, total]);
  const spoken = new Set(
    kept.filter(([at, , count]) => effect(at) === null && count > 0).map(([at]) => sliceOf(at)),
  );
  return kept.flatMap(([at, value, count]): Point[] => {
    if (effect(at) === null) return [[at, value, count]];
    return spoken.has(sliceOf(at)) ? [] : [[at, 0, count]];
  });
}

describe.each(Object.keys(DEFINITIONS))('%s', (name) => {
  const definition = { objective: 0.9, alerting, ...DEFINITIONS[name] };
  const plain = correctedPlan(definition);

  test('a correction that is withdrawn leaves exactly what was there before it', () => {
    fc.assert(
      fc.property(pointsOf(plain), spans, (points, given) => {
        const mask = corrections(...given);
        const corrected = correctedPlan(definition, mask);
        // What is withdrawn is gone from the mask, and with it what it took.
        const withdrawn = mask.list.reduce(
          (left, { id }) => left.evolve({ type: 'slo.corrected', data: { id, change: 'withdrawn' } }),
          mask,
        );
        const restored = correctedPlan(definition, withdrawn);
        expect([...needsOf([restored]).rules.keys()]).toEqual([...needsOf([plain]).rules.keys()]);
        // The raw series that the corrected SLO was read from are those of one that never was.
        const buckets = bucketsOf(corrected, points);
        statusAt(corrected, buckets);
        const before = bucketsOf(plain, points);
        expect(statusAt(restored, buckets)).toEqual(statusAt(plain, before));
        expect(storedOf(buckets)).toEqual(storedOf(before));
      }),
      { numRuns: 30 },
    );
  });

  test('neither the order of measurements nor that of corrections matters, nor which came first', () => {
    fc.assert(
      fc.property(
        pointsOf(plain),
        spans,
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 9 }),
        (points, given, random, batch) => {
          const [one, other] = [given, shuffled(given, random)].map((each) =>
            correctedPlan(definition, corrections(...each)),
          ) as [SloPlan, SloPlan];
          expect(other.taken?.key).toBe(one.taken?.key);
          const live = bucketsOf(one, points);
          const late = bucketsOf(other, shuffled(points, random), batch);
          expect({ ...statusAt(other, late) }).toEqual(statusAt(one, live));
          // Corrected after they were measured: made from what is stored.
          const after = takenOf(one, bucketsOf(plain, points));
          for (const buckets of [live, late]) {
            const taken = [...buckets.slices].filter(([, { rule }]) => rule.corrections);
            expect(new Map(taken.map(([key, { series }]) => [key, stored(series)]))).toEqual(after);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('windows are the sums of what they cover', () => {
    fc.assert(
      fc.property(pointsOf(plain), spans, (points, given) => {
        const plan = correctedPlan(definition, corrections(...given));
        const { tallies } = readSlo(plan, bucketsOf(plan, points).source(plan), now).source;
        const end = now / MINUTE;
        for (const window of plan.windows)
          expect(tallies.window(window.key)).toEqual(tallies.sum(window.low(end), end));
      }),
      { numRuns: 20 },
    );
  });

  if (plain.definition.missingData === 'freeze') {
    test('it counts what it would have counted if it had been measured so', () => {
      fc.assert(
        fc.property(pointsOf(plain), spans, (points, given) => {
          const plan = correctedPlan(definition, corrections(...given));
          const reading = readSlo(plan, bucketsOf(plan, points).source(plan), now);
          const expected = readSlo(plain, bucketsOf(plain, asIfMeasured(plan, points)).source(plain), now);
          const { tallies } = reading.source;
          for (const window of plan.windows)
            expect(tallies.window(window.key)).toEqual(expected.source.tallies.window(window.key));
          expect(reading.burns).toEqual(expected.burns);
          if (plan.eventWindows.length > 0)
            expect(reading.pairs.map(({ traffic }) => traffic)).toEqual(
              expected.pairs.map(({ traffic }) => traffic),
            );
        }),
        { numRuns: 60 },
      );
    });
  } else {
    test('of slices that count without data, each counts once: as measured, missing, or forgiven', () => {
      fc.assert(
        fc.property(pointsOf(plain), spans, (points, given) => {
          const plan = correctedPlan(definition, corrections(...given));
          const { slice, corrections: mask } = plan;
          const end = now / MINUTE;
          const [window] = plan.windows.slice(-1) as [SloPlan['window']];
          const epoch = EPOCH / MINUTE;
          const measured = new Map<number, { good: number; total: number }>();
          for (const [at] of points)
            measured.set(Math.floor((epoch + at) / slice) * slice, { good: 0, total: 0 });
          const seen = [...measured.keys()];
          for (const [at, good, total] of asIfMeasured(plan, points)) {
            const sums = measured.get(Math.floor((epoch + at) / slice) * slice);
            if (sums === undefined) continue;
            sums.good += good;
            sums.total += total;
          }
          let [good, total] = [0, 0];
          const reading = readSlo(plan, bucketsOf(plan, points).source(plan), now);
          const last = isStale(plan, points) ? Math.floor(end / slice) * slice : Math.max(...seen);
          for (let start = Math.min(...seen); start <= Math.max(last, ...seen); start += slice) {
            if (start < window.low(end)) continue;
            const minutes = Array.from({ length: slice }, (_, i) => mask.at(start + i));
            if (minutes.every((effect) => effect === 'exclude')) continue;
            total++;
            const sums = measured.get(start);
            if (minutes.every((effect) => effect !== null)) good++;
            else if (sums === undefined || sums.total === 0)
              good += plain.definition.missingData === 'good' ? 1 : 0;
            else if (sums.good / sums.total >= 0.9 - 1e-9) good++;
          }
          expect([reading.tally.good, reading.tally.total]).toEqual([good, total]);
        }),
        { numRuns: 60 },
      );
    });
  }
});

/** Whether nothing was measured for three cadences, but for what is excluded. */
function isStale(plan: SloPlan, points: readonly Point[]): boolean {
  const { cadence } = bucketsOf(plan, points).heartbeat(plan.slice).regularity;
  if (cadence === null) return false;
  const newest = Math.max(...points.map(([at]) => EPOCH / MINUTE + at));
  let open = 0;
  for (let at = newest; at < now / MINUTE; at++) if (plan.corrections.at(at) !== 'exclude') open++;
  return open > (3 * cadence) / MINUTE;
}
