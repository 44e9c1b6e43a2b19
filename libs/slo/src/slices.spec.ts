import { describe, expect, jest, test } from '@jest/globals';
import { MINUTE } from './index.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

// Weeks of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const slices = (overrides: object = {}) => ({ method: 'timeslices', sliceTarget: 0.99, ...overrides });
const quiet = { alerting: { preset: 'none' } };

/** Measures each minute of [from, from + minutes). */
function measure(slo: VirtualSlo, from: number, minutes: number, good: number, total: number): number {
  for (let i = 0; i < minutes; i++) slo.measure(from + i * MINUTE, good, total);
  return from + minutes * MINUTE;
}

const consumed = (slo: VirtualSlo, now: number): number => slo.status(now).budget.consumed as number;

describe('timeslices', () => {
  test('a week at 99.95 % has 10,080 minutes, of which 5.04 may be bad', () => {
    const plan = planOf({ objective: 0.9995, window: { rolling: '7d' }, budgeting: slices(), ...quiet });
    const slo = new VirtualSlo(plan);
    const now = EPOCH + 7 * DAY - 1;
    measure(slo, measure(slo, EPOCH, 5, 90, 100), 10_075, 100, 100);
    expect(slo.status(now)).toMatchObject({ good: 10_075, total: 10_080, sli: 10_075 / 10_080 });
    expect(consumed(slo, now)).toBeCloseTo(5 / 5.04, 9);
    expect(slo.status(now).budget.exhausted).toBe(false);
    slo.measure(EPOCH + DAY, 0, 100);
    expect(consumed(slo, now)).toBeCloseTo(6 / 5.04, 9);
    expect(slo.status(now)).toMatchObject({ state: 'breached', compliant: false });
  });

  test('two weeks at 95 % have 20,160 minutes, of which 1,008 may be bad', () => {
    const plan = planOf({ objective: 0.95, window: { rolling: '2w' }, budgeting: slices(), ...quiet });
    const slo = new VirtualSlo(plan);
    const now = EPOCH + 14 * DAY - 1;
    measure(slo, measure(slo, EPOCH, 1008, 0, 10), 19_152, 10, 10);
    expect(consumed(slo, now)).toBeCloseTo(1, 9);
    expect(slo.status(now)).toMatchObject({ total: 20_160, compliant: true, budget: { exhausted: true } });
  });

  test('a slice is good from its target on, exactly, however many events there are', () => {
    const slo = new VirtualSlo(planOf({ budgeting: slices({ sliceTarget: 0.7 }), ...quiet }));
    slo.measure(EPOCH, 7, 10);
    slo.measure(EPOCH + MINUTE, 0.7, 1);
    slo.measure(EPOCH + 2 * MINUTE, 69_999, 100_000);
    expect(slo.status(EPOCH + 3 * MINUTE)).toMatchObject({ good: 2, total: 3 });
  });

  test('a young window does not exaggerate: what is consumed is of the whole window', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.9, budgeting: slices(), window: { rolling: '30d' } }));
    measure(slo, EPOCH, 1, 0, 10);
    const status = slo.status(EPOCH + MINUTE);
    expect(status.budget.consumed).toBeCloseTo(1 / (0.1 * 43_200), 12);
    // The alerts look at the history there is.
    expect(status.burn[0]).toEqual({ window: '30m', rate: expect.closeTo(10, 9) });
  });

  test('the example of docs/manifests.md: 17 bad minutes of the first 22', () => {
    const young = (method: string) => {
      const budgeting = { method, slice: '1m', ...(method === 'timeslices' && { sliceTarget: 1 }) };
      const slo = new VirtualSlo(planOf({ objective: 0.9, budgeting, window: { rolling: '30d' } }));
      measure(slo, EPOCH, 5, 10, 10);
      measure(slo, EPOCH + 5 * MINUTE, 17, 0, 10);
      return slo.status(EPOCH + 22 * MINUTE - 1);
    };
    const long = expect.arrayContaining([{ window: '6h', rate: expect.closeTo(17 / 22 / 0.1, 9) }]);
    expect(young('timeslices')).toMatchObject({
      sli: 5 / 22,
      burn: long,
      budget: { consumed: expect.closeTo(0.0039, 4) },
    });
    expect(young('ratio-timeslices')).toMatchObject({
      sli: 5 / 22,
      burn: long,
      budget: { consumed: expect.closeTo(7.73, 2) },
    });
  });

  test('the grid is from the epoch, and the slice in progress counts as it stands', () => {
    const budgeting = slices({ slice: '5m', sliceTarget: 0.9 });
    const slo = new VirtualSlo(planOf({ budgeting, window: { rolling: '1h' }, ...quiet }));
    const from = EPOCH + 3 * MINUTE;
    measure(slo, from, 4, 10, 10); // minutes 3 to 6: two slices
    expect(slo.status(from + 4 * MINUTE)).toMatchObject({ good: 2, total: 2 });
    slo.measure(EPOCH + 7 * MINUTE, 0, 30);
    expect(slo.status(EPOCH + 8 * MINUTE)).toMatchObject({ good: 1, total: 2 });
    slo.measure(EPOCH + 9 * MINUTE, 300, 300);
    expect(slo.status(EPOCH + 9 * MINUTE)).toMatchObject({ good: 2, total: 2 });
    // Eleven complete slices and the current one: the first leaves when an hour has passed since it began.
    const counted = (now: number) => slo.read(now).source.tallies.window(slo.plan.window.key).total;
    expect(counted(EPOCH + 59 * MINUTE)).toBe(2);
    expect(counted(EPOCH + 60 * MINUTE)).toBe(1);
  });

  test('a late measurement judges its slice anew, either way, and nothing else changes', () => {
    const slo = new VirtualSlo(planOf({ budgeting: slices({ slice: '5m' }), ...quiet }));
    const now = measure(slo, EPOCH, 10 * 1440, 100, 100);
    const before = slo.status(now);
    slo.measure(EPOCH + DAY + 17 * MINUTE, 0, 100);
    expect(slo.status(now)).toMatchObject({ good: before.good - 1, total: before.total });
    slo.measure(EPOCH + DAY + 18 * MINUTE, 0, 100); // bad already
    expect(slo.status(now)).toMatchObject({ good: before.good - 1, total: before.total });
    slo.measure(EPOCH + DAY + 19 * MINUTE, 100_000, 100_000);
    expect({ ...slo.status(now), coverage: 1 }).toEqual({ ...before, coverage: 1 });
  });

  test('of a threshold holds when every value is within the bound, unless a share is given', () => {
    const indicator = { kind: 'threshold', op: 'lte', value: 0.5 };
    const all = new VirtualSlo(planOf({ indicator, budgeting: { method: 'timeslices' }, ...quiet }));
    const most = new VirtualSlo(planOf({ indicator, budgeting: slices({ sliceTarget: 0.95 }), ...quiet }));
    for (const slo of [all, most]) {
      slo.measure(EPOCH, 20, 20);
      slo.measure(EPOCH + MINUTE, 19, 20);
    }
    expect(all.status(EPOCH + 2 * MINUTE)).toMatchObject({ good: 1, total: 2 });
    expect(most.status(EPOCH + 2 * MINUTE)).toMatchObject({ good: 2, total: 2 });
  });

  test('without traffic there is nothing to judge', () => {
    const slo = new VirtualSlo(planOf({ budgeting: slices(), ...quiet }));
    measure(slo, EPOCH, 10, 0, 0);
    expect(slo.status(EPOCH + 10 * MINUTE)).toMatchObject({ state: 'no-data', sli: null, total: 0 });
  });

  test('alert on the burn of slices in both windows, and resolve', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.999, budgeting: slices() }));
    const fault = measure(slo, EPOCH, 30 * 1440, 100, 100);
    // One bad minute of 60 is 1.67 % of an hour, above 14.4 times 0.1 %: as with events under constant traffic.
    slo.measure(fault, 0, 100);
    expect(slo.evaluate(fault).map(({ data }) => 'tier' in data && `${data.severity} ${data.tier}`)).toEqual([
      'page fast',
    ]);
    const [{ transition }] = slo.transitions as [(typeof slo.transitions)[number]];
    expect(transition.data).toMatchObject({ startedAt: new Date(fault).toISOString() });
    for (let i = 1; i <= 6; i++) {
      slo.measure(fault + i * MINUTE, 100, 100);
      slo.evaluate(fault + i * MINUTE);
    }
    expect(slo.intervals(fault)['page fast']).toEqual([{ fired: 0, resolved: 360 }]);
  });

  test('traffic floors count events, not slices', () => {
    const alerting = { preset: 'google-sre', minBad: 3, minTotal: 4 };
    const slo = new VirtualSlo(planOf({ budgeting: slices(), alerting }));
    slo.measure(EPOCH, 0, 2);
    expect(slo.evaluate(EPOCH)).toEqual([]);
    slo.measure(EPOCH, 1, 2);
    expect(slo.evaluate(EPOCH).length).toBeGreaterThan(0);
  });
});

describe('ratio-timeslices', () => {
  test('are the mean of the ratios of slices, whatever their traffic', () => {
    const plan = planOf({ objective: 0.9, budgeting: { method: 'ratio-timeslices' }, ...quiet });
    const slo = new VirtualSlo(plan);
    slo.measure(EPOCH, 1, 2);
    slo.measure(EPOCH + MINUTE, 1_000_000, 1_000_000);
    const { sli, good, total, budget } = slo.status(EPOCH + 2 * MINUTE);
    expect([sli, good, total]).toEqual([0.75, 1.5, 2]);
    expect(budget.consumed).toBeCloseTo(0.25 / 0.1, 9);
  });

  test.each([
    [1, 10_000],
    [1, 3],
    [7, 1_000_000],
    [1, 1_000_000],
  ])('%d bad of %d in each slice is that share, within 1e-9 of the budget that it spends', (bad, total) => {
    const objective = Number((1 - bad / total).toFixed(12));
    const budgeting = { method: 'ratio-timeslices' };
    const slo = new VirtualSlo(planOf({ objective, budgeting, window: { rolling: '1d' }, ...quiet }));
    const now = measure(slo, EPOCH, 1500, total - bad, total);
    const { sli, good, total: slices, budget } = slo.status(now - MINUTE);
    const close = (value: number | null, to: number) =>
      expect(Math.abs((value as number) / to - 1)).toBeLessThan(1e-9);
    close(sli, 1 - bad / total);
    close(good, 1440 * (1 - bad / total));
    close(slices, 1440);
    close(budget.consumed, bad / total / budget.total);
  });

  test('two weeks at 95 % with a baseline of 99 % stand 1 % availability for 822.86 minutes', () => {
    const plan = planOf({
      objective: 0.95,
      window: { rolling: '2w' },
      budgeting: { method: 'ratio-timeslices' },
      ...quiet,
    });
    for (const [attack, isSpent] of [
      [822, false],
      [823, true],
    ] as const) {
      const slo = new VirtualSlo(plan);
      measure(slo, measure(slo, EPOCH, attack, 1, 100), 20_160 - attack, 99, 100);
      expect([attack, slo.status(EPOCH + 14 * DAY - 1).budget.exhausted]).toEqual([attack, isSpent]);
    }
  });
});

describe('a percentile', () => {
  const indicator = { kind: 'percentile', p: 0.95, op: 'lte', value: 0.5, unit: 's' };
  const p95 = (overrides: object = {}) =>
    new VirtualSlo(
      planOf(
        { indicator: { ...indicator, ...overrides }, budgeting: { method: 'timeslices' }, ...quiet },
        's',
      ),
    );

  test('judges each slice by all of its values, never by percentiles of parts', () => {
    const slo = p95();
    slo.measure(EPOCH, 0.1, 95);
    slo.measure(EPOCH, 3, 5);
    slo.measure(EPOCH + MINUTE, 0.1, 94);
    slo.measure(EPOCH + MINUTE, 3, 6);
    expect(slo.status(EPOCH + 2 * MINUTE)).toMatchObject({ good: 1, total: 2 });
  });

  test('at the bound itself is on the right side, whatever the sketch knows of it', () => {
    for (const bound of [0.5, 1, 0.123, 299, 1e-6]) {
      for (const [op, good] of [
        ['lte', 1],
        ['lt', 0],
        ['gte', 1],
        ['gt', 0],
      ] as const) {
        const slo = p95({ op, value: bound });
        slo.measure(EPOCH, bound, 10);
        expect([op, bound, slo.status(EPOCH + MINUTE).good]).toEqual([op, bound, good]);
      }
    }
  });

  test('is compared in the unit of the SLI, and right beyond 1 % of the bound', () => {
    const plan = planOf({ indicator, budgeting: { method: 'timeslices' }, ...quiet }, 'ms');
    for (const [value, good] of [
      [494, 1],
      [506, 0],
    ] as const) {
      const slo = new VirtualSlo(plan);
      slo.measure(EPOCH, value, 1);
      expect(slo.status(EPOCH + MINUTE).good).toBe(good);
    }
  });

  test('of slices of several minutes merges their sketches; late values are judged with the rest', () => {
    const plan = planOf({ indicator, budgeting: { method: 'timeslices', slice: '5m' }, ...quiet }, 's');
    const slo = new VirtualSlo(plan);
    for (let i = 0; i < 5; i++) slo.measure(EPOCH + i * MINUTE, i === 4 ? 9 : 0.2, 10);
    expect(slo.status(EPOCH + 5 * MINUTE)).toMatchObject({ good: 0, total: 1 });
    slo.measure(EPOCH + MINUTE, 0.3, 150);
    expect(slo.status(EPOCH + 5 * MINUTE)).toMatchObject({ good: 1, total: 1 });
  });
});

describe('a mean', () => {
  const mean = (value: number, op: string, budgeting: object = { method: 'timeslices' }) =>
    new VirtualSlo(
      planOf({ indicator: { kind: 'mean', op, value, unit: 'percent' }, budgeting, ...quiet }, 'percent'),
    );

  test('is of sums and counts, and exact at the bound', () => {
    const slo = mean(99.9, 'gte');
    for (let i = 0; i < 7; i++) slo.measure(EPOCH, 99.9, 1);
    expect(slo.status(EPOCH + MINUTE)).toMatchObject({ good: 1, total: 1 });
    slo.measure(EPOCH, 99.8, 1);
    expect(slo.status(EPOCH + MINUTE)).toMatchObject({ good: 0, total: 1 });
    slo.measure(EPOCH, 200, 2); // two observations of 100
    expect(slo.status(EPOCH + MINUTE)).toMatchObject({ good: 1, total: 1 });
  });

  test('may be of negative values', () => {
    const slo = mean(-5, 'lt', { method: 'timeslices', slice: '2m' });
    slo.measure(EPOCH, -30.5, 3);
    slo.measure(EPOCH + MINUTE, 10.5, 1);
    expect(slo.status(EPOCH + 2 * MINUTE)).toMatchObject({ good: 0, total: 1 }); // -20 of 4
    slo.measure(EPOCH + MINUTE, -0.25, 0);
    expect(slo.status(EPOCH + 2 * MINUTE)).toMatchObject({ good: 1, total: 1 });
  });
});

describe('slices without data', () => {
  const slo = (missingData: string, cadence?: number) =>
    new VirtualSlo(planOf({ objective: 0.9, missingData, budgeting: slices(), ...quiet }), cadence);
  /** Forty minutes with data, twenty without, forty with. */
  function gap(of: VirtualSlo): number {
    return measure(of, measure(of, EPOCH, 40, 10, 10) + 20 * MINUTE, 40, 10, 10);
  }

  test('are left out while they freeze', () => {
    const frozen = slo('freeze');
    const now = gap(frozen);
    expect(frozen.status(now)).toMatchObject({
      good: 80,
      total: 80,
      coverage: expect.closeTo(40 / 60, 9),
      frozen: { reason: 'measurements cover 67 % of the last hour of data, under 90 %' },
    });
  });

  test('count as good, or as bad', () => {
    const good = slo('good');
    expect(good.status(gap(good))).toMatchObject({ good: 100, total: 100, frozen: null });
    const bad = slo('bad');
    const now = gap(bad);
    expect(bad.status(now)).toMatchObject({ good: 80, total: 100, sli: 0.8, frozen: null });
    expect(consumed(bad, now)).toBeCloseTo(20 / (0.1 * 43_200), 12);
  });

  test('are not missing before the first measurement, nor while one is on its way', () => {
    const bad = slo('bad');
    const now = measure(bad, EPOCH, 60, 10, 10);
    expect(bad.status(now)).toMatchObject({ good: 60, total: 60 });
    expect(bad.status(now + 2 * MINUTE)).toMatchObject({ good: 60, total: 60 });
    // Stale after three cadences: all that has no data is missing by then, the slice under way among it.
    expect(bad.status(now + 3 * MINUTE)).toMatchObject({ good: 60, total: 64 });
    expect(bad.status(now + 43_200 * MINUTE)).toMatchObject({ good: 0, total: 43_200 });
    bad.measure(now, 10, 10);
    expect(bad.status(now + 2 * MINUTE)).toMatchObject({ good: 61, total: 61 });
  });

  test('that are bad page by themselves, from the first of them on', () => {
    const silent = new VirtualSlo(planOf({ missingData: 'bad', budgeting: slices() }));
    const now = measure(silent, EPOCH, 2 * 1440, 10, 10);
    for (let i = 0; i < 5; i++) silent.evaluate(now + i * MINUTE);
    const [first] = silent.transitions as [(typeof silent.transitions)[number]];
    expect(first.transition).toMatchObject({
      type: 'slo.alert.fired',
      data: { severity: 'page', tier: 'fast', startedAt: new Date(now).toISOString() },
    });
    expect((first.at - now) / MINUTE).toBe(3);
  });

  test('of an SLI that is measured every five minutes are judged by its cadence where the slice is as long', () => {
    const plan = planOf({ missingData: 'bad', budgeting: slices({ slice: '5m' }), ...quiet });
    const slow = new VirtualSlo(plan);
    for (let i = 0; i < 12; i++) slow.measure(EPOCH + i * 5 * MINUTE, 10, 10);
    expect(slow.status(EPOCH + HOUR)).toMatchObject({ good: 12, total: 12, coverage: 1 });
  });

  test('freeze for three slices at least, where the slice is longer than the cadence', () => {
    const plan = planOf({ budgeting: slices({ slice: '10m' }), ...quiet });
    const frozen = new VirtualSlo(plan);
    const end = measure(frozen, EPOCH, 120, 10, 10);
    expect(frozen.status(end + 29 * MINUTE).frozen).toBeNull();
    expect(frozen.status(end + 30 * MINUTE).frozen?.reason).toContain('3 cadences of 10m');
  });
});

test('a percent gauge is judged by its slices where it is asked for, as its ratio', () => {
  const plan = planOf({ objective: 0.5, budgeting: slices({ sliceTarget: 0.999 }), ...quiet }, 'percent');
  const slo = new VirtualSlo(plan);
  slo.measure(EPOCH, 0.999, 1);
  slo.measure(EPOCH + MINUTE, 0.9989, 1);
  expect(slo.status(EPOCH + 2 * MINUTE)).toMatchObject({ good: 1, total: 2, sli: 0.5, compliant: true });
});
