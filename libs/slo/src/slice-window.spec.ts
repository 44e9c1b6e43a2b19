import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { correctedPlan, corrections } from './corrections/corrections.fixture.js';
import { dueSlices, MINUTE, minuteOf, withMissing } from './index.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';
import { consumedOf } from './window-tally.js';

// A budget over slices: as many as fit its window, the current one among them.
jest.setTimeout(60_000);

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const quiet = { alerting: { preset: 'none' } };

const sliced = (slice: string, rolling: string, more: object = {}) =>
  planOf({
    objective: 0.9,
    window: { rolling },
    budgeting: { method: 'timeslices', slice, sliceTarget: 0.99 },
    ...quiet,
    ...more,
  });

describe('a budget of slices', () => {
  test.each([
    ['1h', '2h', 2],
    ['12h', '1d', 2],
    ['1d', '3d', 3],
    ['1d', '1d', 1],
    ['1m', '10m', 10],
  ])('of %s over %s is spent at most 1/B times: it has %d', (slice, rolling, count) => {
    const slo = new VirtualSlo(sliced(slice, rolling));
    let most = 0;
    for (let at = EPOCH; at < EPOCH + 5 * DAY; at += 10 * MINUTE) {
      slo.measure(at, 0, 10);
      const { total, budget } = slo.status(at);
      expect(total).toBeLessThanOrEqual(count);
      most = Math.max(most, budget.consumed as number);
    }
    expect(most).toBeCloseTo(slice === '1m' ? 1 : 10, 9);
  });

  test('one bad day of a week counts on seven days', () => {
    const slo = new VirtualSlo(sliced('1d', '7d'));
    for (let at = EPOCH; at < EPOCH + 20 * DAY; at += HOUR) {
      slo.measure(at, at >= EPOCH + 8 * DAY && at < EPOCH + 9 * DAY ? 0 : 10, 10);
    }
    const days = Array.from({ length: 20 }, (_, day) => slo.status(EPOCH + day * DAY + 12 * HOUR));
    expect(days.filter(({ budget }) => (budget.consumed as number) > 0)).toHaveLength(7);
  });

  test('whose window is a day has a day of history all the same, and settles', () => {
    const slo = new VirtualSlo(sliced('12h', '1d'));
    for (let at = EPOCH; at < EPOCH + 3 * DAY; at += MINUTE) slo.measure(at, 10, 10);
    const { history, settled } = slo.status(EPOCH + 2 * DAY + 5 * HOUR);
    expect([history, settled]).toEqual([DAY / 1000, true]);
  });

  test('in silence that is bad is all bad, however few slices it has', () => {
    for (const [slice, rolling] of [
      ['1h', '2h'],
      ['1d', '1d'],
    ] as const) {
      const slo = new VirtualSlo(sliced(slice, rolling, { missingData: 'bad' }));
      for (let at = EPOCH; at < EPOCH + 4 * DAY; at += 10 * MINUTE) slo.measure(at, 10, 10);
      expect(slo.status(EPOCH + 12 * DAY).budget.consumed).toBeCloseTo(10, 9);
    }
  });

  test.each([
    ['bad', 'breached'],
    ['good', 'ok'],
  ])(
    'in silence that is %s is %s for good: a window of silence alone is not a young one',
    (missingData, state) => {
      const slo = new VirtualSlo(sliced('5m', '1d', { missingData }));
      for (let at = EPOCH; at < EPOCH + 2 * DAY; at += 5 * MINUTE) slo.measure(at, 10, 10);
      const settled = { state, settled: true, history: DAY / 1000 };
      for (const hours of [23, 24.2, 30, 80])
        expect(slo.status(EPOCH + 2 * DAY + hours * HOUR)).toMatchObject(settled);
      // Nor does a single point make it young again.
      slo.measure(EPOCH + 5 * DAY, 10, 10);
      expect(slo.status(EPOCH + 5 * DAY + 1000)).toMatchObject(settled);
    },
  );

  test('is that of the whole window where a part of it is excluded: the example of docs/corrections.md', () => {
    const overrides = {
      objective: 0.99,
      window: { rolling: '7d' },
      budgeting: { method: 'timeslices', slice: '1h', sliceTarget: 0.99 },
      ...quiet,
    };
    const slo = new VirtualSlo(correctedPlan(overrides, corrections(['exclude', 2 * 1440, 3 * 1440])));
    for (let at = EPOCH; at < EPOCH + 7 * DAY; at += HOUR) slo.measure(at, at === EPOCH + DAY ? 0 : 10, 10);
    expect(slo.status(EPOCH + 7 * DAY - 1)).toMatchObject({
      total: 6 * 24,
      sli: 1 - 1 / (6 * 24),
      budget: { consumed: expect.closeTo(1 / 1.68, 9) },
    });
  });

  test('is one window with an alert that looks back as far', () => {
    const windows = [{ severity: 'ticket', tier: 'slow', long: '7d', short: '2d', burn: 2 }];
    const slo = new VirtualSlo(sliced('1d', '7d', { alerting: { windows } }));
    slo.measure(EPOCH, 0, 10);
    expect(slo.status(EPOCH).burn.map(({ window }) => window)).toEqual(['2d', '7d']);
  });

  test('never counts more slices than its window has, nor spends more than 1/B, whatever is measured', () => {
    const shapes = fc.constantFrom(['1h', '2h'], ['12h', '1d'], ['1d', '3d'], ['5m', '1h'], ['1m', '30m']);
    fc.assert(
      fc.property(
        shapes,
        fc.constantFrom('freeze', 'good', 'bad'),
        fc.array(fc.tuple(fc.nat(5 * 1440), fc.constantFrom(0, 5, 10)), { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(6 * 1440 * 60), { minLength: 1, maxLength: 12 }),
        ([slice, rolling], missingData, points, looks) => {
          const plan = sliced(slice as string, rolling as string, { missingData });
          const slo = new VirtualSlo(plan);
          for (const [minute, good] of points) slo.measure(EPOCH + minute * MINUTE, good, 10);
          const count = plan.windowMinutes / plan.slice;
          for (const second of looks) {
            const now = EPOCH + second * 1000;
            const { total, budget } = slo.status(now);
            expect(total).toBeLessThanOrEqual(count);
            expect(budget.consumed ?? 0).toBeLessThanOrEqual(10 + 1e-9);

            // The points of a history, which end as a minute does.
            const after = minuteOf(now);
            const low = plan.window.lowUpTo(after);
            const { source } = slo.read(now);
            const tally = withMissing(
              plan,
              source.tallies.sum(low, after - 1),
              low,
              after - 1,
              dueSlices(plan, source, now),
            );
            expect(tally.total).toBeLessThanOrEqual(count);
            expect(consumedOf(plan, tally, after - 1) ?? 0).toBeLessThanOrEqual(10 + 1e-9);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
