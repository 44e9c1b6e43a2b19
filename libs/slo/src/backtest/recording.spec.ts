import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { binOf, IndicatorBuckets, MINUTE, minuteOf, needsOf, recordedSpan } from '../index.js';
import { EPOCH, planOf } from '../virtual-time.fixture.js';
import { GatheredMinutes } from './gathered-minutes.js';

const DAY = 1440 * MINUTE;
const span = { from: EPOCH, to: EPOCH + DAY };

describe.each([
  ['counts', planOf()],
  [
    'means',
    planOf({ indicator: { kind: 'mean', op: 'lte', value: 1 }, budgeting: { method: 'timeslices' } }),
  ],
  [
    'percentiles',
    planOf({
      indicator: { kind: 'percentile', p: 0.5, op: 'lte', value: 1 },
      budgeting: { method: 'timeslices' },
    }),
  ],
])('%s', (_, plan) => {
  const points = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: DAY - 1 }),
      fc.double({ min: -5, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
    ),
    { minLength: 1, maxLength: 80 },
  );

  test('gathered by the minute is what is observed point by point, bit for bit', () => {
    fc.assert(
      fc.property(points, (story) => {
        const recording = new GatheredMinutes(recordedSpan(plan, span), plan.indicator.kind === 'percentile');
        const gathered = new IndicatorBuckets({ needs: needsOf([plan]) });
        const observed = new IndicatorBuckets({ needs: needsOf([plan]) });
        for (const [offset, measure, count] of story) {
          recording.observe(EPOCH + offset, measure, count);
          observed.observe(EPOCH + offset, measure, count);
        }
        for (let minute = minuteOf(EPOCH); minute < minuteOf(span.to); minute++) {
          const all = recording.minute(minute);
          if (all !== null) gathered.observeMinute(all);
        }
        const low = minuteOf(EPOCH);
        expect([gathered.events.first, gathered.events.newest]).toEqual([
          observed.events.first,
          observed.events.newest,
        ]);
        for (const [offset] of story) {
          const minute = low + Math.floor(offset / MINUTE);
          expect(gathered.events.sum(minute, minute)).toEqual(observed.events.sum(minute, minute));
        }
        expect(gathered.events.sum(low, low + 1439)).toEqual(observed.events.sum(low, low + 1439));
        expect(gathered.sketches?.takeDirty()).toEqual(observed.sketches?.takeDirty());
      }),
      { numRuns: 60 },
    );
  });
});

test('keeps what the windows and the cadence look at, and leaves out the rest', () => {
  const plan = planOf();
  const { from, to } = recordedSpan(plan, span);
  // The SLO's window before the first decision, which is the longest look-back before the span.
  expect(from).toBeLessThanOrEqual(span.from - 33 * DAY);
  expect(to).toBe(span.to);
  const recording = new GatheredMinutes(recordedSpan(plan, span), plan.indicator.kind === 'percentile');
  for (const at of [from - 1, from, span.from, to - 1, to]) recording.observe(at, 1, 1);
  expect([recording.points, recording.measured, recording.firstMinute]).toEqual([3, 3, minuteOf(from)]);
});

test('a percentile is recorded in its stored form, in whatever order its values come', () => {
  const plan = planOf({
    indicator: { kind: 'percentile', p: 0.5, op: 'lte', value: 1 },
    budgeting: { method: 'timeslices' },
  });
  const recording = new GatheredMinutes(recordedSpan(plan, span), plan.indicator.kind === 'percentile');
  const values = Array.from({ length: 45_000 }, (_, i) => 0.1 + (i % 97) / 50);
  for (const [i, value] of values.entries()) recording.observe(EPOCH + (i % 300) * MINUTE, value, 1);
  const bins = new Set(values.map(binOf)).size;
  const minute = recording.minute(minuteOf(EPOCH) + 7);
  expect(minute?.sketch?.bins.reduce((sum, { whole }) => sum + whole, 0)).toBe(150);
  // Four bytes a bin and minute, and the hours' own kilobyte.
  expect(recording.bytes).toBeLessThan(300 * bins * 60);
});
