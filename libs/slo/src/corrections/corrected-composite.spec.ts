import { describe, expect, test } from '@jest/globals';
import {
  type ComponentCounts,
  CompositeSlices,
  type Corrections,
  componentsState,
  IndicatorBuckets,
  judgeComposite,
  MINUTE,
  needsOf,
  readSlo,
  type SloPlan,
} from '../index.js';
import { EPOCH } from '../virtual-time.fixture.js';
import { correctedPlan, corrections } from './corrections.fixture.js';

const START = EPOCH / MINUTE;
const quiet = { objective: 0.9, alerting: { preset: 'none' } };

const composite = (budgeting: object, mask?: Corrections, overrides: object = {}): SloPlan =>
  correctedPlan(
    {
      ...quiet,
      name: 'journey',
      sli: undefined,
      indicator: { kind: 'composite', of: [{ slo: 'a' }, { slo: 'b' }] },
      budgeting,
      ...overrides,
    },
    mask,
  );

/** A component that is measured each minute from EPOCH on: good events of ten. */
function component(slo: string, good: readonly number[], mask?: Corrections, overrides: object = {}) {
  const plan = correctedPlan({ ...quiet, name: slo, ...overrides }, mask);
  const buckets = new IndicatorBuckets({ needs: needsOf([plan]) });
  for (const [i, each] of good.entries()) buckets.observe(EPOCH + i * MINUTE, each, 10);
  buckets.judge();
  const source = buckets.source(plan);
  const counts = (low: number, high: number) => source.tallies.sum(low, high);
  return { slo, plan, source, counted: { slo, weight: 1, plan, counts, due: null } as ComponentCounts };
}

const WELL = [10, 10, 10, 10, 10];
const FAULT = [10, 0, 0, 0, 10];
const slice = (plan: SloPlan, parts: { counted: ComponentCounts }[], minute: number): number[] => {
  const { goodCount, totalCount } = judgeComposite(
    plan,
    parts.map(({ counted }) => counted),
    START + minute,
  );
  return [goodCount, totalCount];
};

describe('a composite', () => {
  const ANY_BAD = { method: 'timeslices' };
  const EVENTS = { method: 'occurrences' };

  test('counts what corrections leave of its components', () => {
    const mask = corrections(['exclude', 1, 2], ['good', 2, 3]);
    const parts = [component('a', WELL), component('b', FAULT, mask)];
    const minutes = [0, 1, 2, 3, 4];
    expect(minutes.map((minute) => slice(composite(ANY_BAD), parts, minute))).toEqual([
      [1, 1],
      [1, 1], // by `a` alone
      [1, 1],
      [0, 1],
      [1, 1],
    ]);
    expect(minutes.map((minute) => slice(composite(EVENTS), parts, minute))).toEqual([
      [20, 20],
      [10, 10],
      [20, 20],
      [10, 20],
      [20, 20],
    ]);
  });

  test('is corrected itself, whatever its components say', () => {
    const parts = [component('a', WELL), component('b', FAULT)];
    const mask = corrections(['exclude', 1, 2], ['good', 2, 3]);
    expect([1, 2, 3].map((minute) => slice(composite(ANY_BAD, mask), parts, minute))).toEqual([
      [0, 0],
      [1, 1],
      [0, 1],
    ]);
    expect([1, 2, 3].map((minute) => slice(composite(EVENTS, mask), parts, minute))).toEqual([
      [0, 0],
      [20, 20],
      [10, 20],
    ]);
  });

  test('judges a longer slice by the minutes that are left of it', () => {
    const parts = [component('a', WELL), component('b', FAULT)];
    const ratios = { method: 'ratio-timeslices', slice: '5m' };
    expect(slice(composite(ratios), parts, 0)[0]).toBeCloseTo(1 - 30 / 50, 9);
    // Of b, minutes 0, 3 and 4 are left: 20 of 30.
    const mask = corrections(['exclude', 1, 2], ['good', 2, 3]);
    expect(slice(composite(ratios, mask), parts, 0)[0]).toBeCloseTo(1 - 10 / 30, 9);
    expect(slice(composite(ratios, corrections(['good', 0, 5])), parts, 0)).toEqual([1, 1]);
    expect(slice(composite(ratios, corrections(['exclude', 0, 5])), parts, 0)).toEqual([0, 0]);
  });

  test('waits for no data that is excluded of a component, or of the composite', () => {
    const now = EPOCH + 60 * MINUTE;
    const freeze = (own?: Corrections, ofComponent?: Corrections) => {
      const plan = composite(ANY_BAD, own);
      const part = component('a', WELL, ofComponent);
      const slices = new CompositeSlices(plan);
      slices.judge([part.counted], START, START + 60);
      return readSlo(plan, slices.source(componentsState([part], plan.corrections)), now).freeze;
    };
    const mask = corrections(['exclude', 5, 70]);
    expect(freeze()).toMatchObject({ kind: 'stale', reason: expect.stringMatching(/^a: /) });
    expect([freeze(mask), freeze(undefined, mask)]).toEqual([null, null]);
  });

  test('with slices that count without data has those that are forgiven, and none that is excluded', () => {
    const mask = corrections(['exclude', 1, 3], ['good', 3, 4]);
    const plan = composite(ANY_BAD, mask, { missingData: 'bad', window: { rolling: '1d' } });
    const part = component('a', [10, 0, 10, 0, 0, 10]);
    const slices = new CompositeSlices(plan);
    slices.judge([part.counted], START, START + 5);
    const { tally } = readSlo(plan, slices.source(componentsState([part], mask)), EPOCH + 5 * MINUTE);
    expect([tally.good, tally.total]).toEqual([3, 4]);
  });
});
