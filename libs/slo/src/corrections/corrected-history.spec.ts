import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  burnDown,
  Cells,
  dueSlices,
  HOUR_MINUTES,
  IndicatorBuckets,
  MINUTE,
  needsOf,
  readSlo,
  type Series,
  type SloPlan,
} from '../index.js';
import { EPOCH } from '../virtual-time.fixture.js';
import { correctedPlan, corrections, type Given } from './corrections.fixture.js';

const quiet = { objective: 0.9, window: { rolling: '6h' }, alerting: { preset: 'none' } };
const slices = { method: 'timeslices', slice: '5m', sliceTarget: 0.9 };
const DEFINITIONS: Record<string, object> = {
  occurrences: {},
  slices: { budgeting: slices },
  'slices, absent ones bad': { budgeting: slices, missingData: 'bad' },
  'slices of a period of the calendar, absent ones good': {
    budgeting: slices,
    missingData: 'good',
    window: { calendar: 'week' },
  },
};
const now = EPOCH + 12 * 60 * MINUTE;

type Point = readonly [minute: number, good: number, total: number];

function bucketsOf(plan: SloPlan, points: readonly Point[]): IndicatorBuckets {
  const buckets = new IndicatorBuckets({ needs: needsOf([plan]) });
  for (const [minute, good, total] of points) buckets.observe(EPOCH + minute * MINUTE, good, total);
  buckets.judge();
  return buckets;
}

const hoursOf = (series: Series | undefined): Map<number, Cells> =>
  new Map(
    series?.takeDirty().map(({ hour, cells, offset }) => {
      const own = new Cells(HOUR_MINUTES);
      for (let i = 0; i < HOUR_MINUTES; i++) own.addCell(i, cells, offset + i);
      return [hour, own];
    }),
  );

/** The burn-down from what is stored. */
function history(plan: SloPlan, points: readonly Point[], step: number) {
  const buckets = bucketsOf(plan, points);
  const due = dueSlices(plan, buckets.source(plan), now);
  const series = (key: string | undefined) => buckets.slices.get(key ?? '')?.series;
  const counted = plan.rule === null ? buckets.events : series(plan.rule.key);
  const [pages, taken] = [hoursOf(counted), hoursOf(series(plan.taken?.key))];
  return burnDown(plan, pages, { from: EPOCH, to: now, step: step * MINUTE }, due, taken).points;
}

describe.each(Object.keys(DEFINITIONS))('the history of %s', (name) => {
  const points = fc.array(
    fc
      .tuple(fc.integer({ min: 0, max: 719 }), fc.nat(9), fc.nat(9))
      .map(([minute, good, bad]): Point => [minute, good, good + bad]),
    { minLength: 1, maxLength: 80 },
  );
  const spans = fc.array(
    fc
      .tuple(
        fc.constantFrom('exclude' as const, 'good' as const),
        fc.integer({ min: -20, max: 719 }),
        fc.nat(90),
      )
      .map(([effect, from, length]): Given => [effect, from, from + length + 1]),
    { minLength: 1, maxLength: 4 },
  );

  test('ends with the budget of the status, adds up to what it counts, and marks the steps that were corrected', () => {
    fc.assert(
      fc.property(points, spans, fc.constantFrom(10, 60, 95), (list, given, step) => {
        const plan = correctedPlan({ ...quiet, ...DEFINITIONS[name] }, corrections(...given));
        // With the last slice as the current one; of minutes, with the last one over.
        const at = plan.rule === null ? now : now - 1;
        const reading = readSlo(plan, bucketsOf(plan, list).source(plan), at);
        const found = history(plan, list, step);
        // While it is frozen, the status holds the budget as it stood.
        if (reading.freeze === null) {
          const remaining = reading.consumed === null ? null : 1 - reading.consumed;
          expect(found.at(-1)?.budgetRemaining).toEqual(remaining);
        }
        const all = reading.source.tallies.sum(EPOCH / MINUTE, now / MINUTE);
        if (plan.definition.missingData === 'freeze') {
          const sum = (of: 'good' | 'total') => found.reduce((total, point) => total + point[of], 0);
          expect([sum('good'), sum('total')]).toEqual([all.goodCount, all.totalCount]);
        }
        for (const [i, point] of found.entries()) {
          const low = i * step;
          const high = Math.min(720, low + step);
          expect(point.corrected ?? false).toBe(given.some(([, from, to]) => from < high && to > low));
        }
      }),
      { numRuns: 60 },
    );
  });
});
