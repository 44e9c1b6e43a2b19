import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { MINUTE, type SloTransition } from './index.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const kinds = (transitions: SloTransition[]): string[] =>
  transitions.map(({ type, data }) =>
    'tier' in data ? `${type} ${data.severity} ${data.tier}` : `${type} ${data.direction} ${data.threshold}`,
  );

/** Measures every `step` minutes up to `until`, evaluating after each; answers the transitions. */
function measure(
  slo: VirtualSlo,
  from: number,
  until: number,
  good: number,
  total: number,
  step = 1,
): SloTransition[] {
  const transitions: SloTransition[] = [];
  for (let at = from; at < until; at += step * MINUTE) {
    slo.measure(at, good, total);
    transitions.push(...slo.evaluate(at + step * MINUTE));
  }
  return transitions;
}

function wait(slo: VirtualSlo, from: number, until: number): SloTransition[] {
  const transitions: SloTransition[] = [];
  for (let at = from; at <= until; at += MINUTE) transitions.push(...slo.evaluate(at));
  return transitions;
}

describe('status', () => {
  test('has the example of the contract: 90 bad of 100000 at 99.9 % leave a tenth of the budget', () => {
    const slo = new VirtualSlo(planOf());
    for (let d = 0; d < 30; d++) slo.measure(EPOCH + d * DAY, 3330, 3333);
    slo.measure(EPOCH + 30 * DAY, 10, 10);
    const status = slo.status(EPOCH + 30 * DAY);
    expect(status).toMatchObject({
      slo: 'checkout-availability',
      asOf: '2026-01-31T00:00:00.000Z',
      good: 99_910,
      total: 100_000,
      sli: 0.9991,
      compliant: true,
      state: 'at-risk',
      history: 2_592_000,
      budget: { total: 0.001, exhausted: false },
      watermark: '2026-01-31T00:00:00.000Z',
      corrections: 0,
    });
    expect(status.budget.consumed).toBeCloseTo(0.9, 9);
    expect(status.budget.remaining).toBeCloseTo(0.1, 9);
  });

  test('is "no data" without traffic, never met or missed', () => {
    const slo = new VirtualSlo(planOf());
    expect(slo.status(EPOCH)).toMatchObject({
      state: 'no-data',
      sli: null,
      compliant: null,
      history: 0,
      watermark: null,
    });
    slo.measure(EPOCH, 0, 0);
    expect(slo.status(EPOCH + MINUTE)).toMatchObject({
      state: 'no-data',
      sli: null,
      budget: { consumed: null },
    });
  });

  test('counts the budget signed and never clamped', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + 25 * HOUR, 95, 100);
    const { state, budget } = slo.status(EPOCH + 25 * HOUR);
    expect(state).toBe('breached');
    expect(budget.consumed).toBeCloseTo(5, 9);
    expect(budget.remaining).toBeCloseTo(-4, 9);
    expect(budget).toMatchObject({ exhausted: true, exhaustsAt: new Date(EPOCH + 25 * HOUR).toISOString() });
  });

  test('consumed and remaining are one, whatever was measured', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 43_200 }), fc.nat(100), fc.nat(100)), {
          minLength: 1,
          maxLength: 50,
        }),
        fc.double({ min: 0.5, max: 0.9999, noNaN: true }),
        (points, objective) => {
          const slo = new VirtualSlo(
            planOf({
              objective: Number(objective.toFixed(4)),
              alerting: { preset: 'none' },
              missingData: 'good',
            }),
          );
          let good = 0;
          let total = 0;
          for (const [minute, g, b] of points) {
            slo.measure(EPOCH + minute * MINUTE, g, g + b);
            good += g;
            total += g + b;
          }
          const status = slo.status(EPOCH + 43_200 * MINUTE);
          expect([status.good, status.total]).toEqual([good, total]);
          if (total === 0) return;
          expect((status.budget.consumed as number) + (status.budget.remaining as number)).toBeCloseTo(1, 9);
          const expected = (total - good) / total / (1 - slo.plan.definition.objective);
          expect(Math.abs((status.budget.consumed as number) - expected)).toBeLessThanOrEqual(
            1e-9 * (1 + expected),
          );
        },
      ),
    );
  });

  test('says when the budget is gone at the pace of the last hour', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + 29 * DAY, 6000, 6000, 60);
    measure(slo, EPOCH + 29 * DAY, EPOCH + 30 * DAY, 98, 100);
    const status = slo.status(EPOCH + 30 * DAY);
    const burn = status.burn.find(({ window }) => window === '1h')?.rate as number;
    expect(burn).toBeCloseTo(2, 9);
    const left = ((status.budget.remaining as number) * 30 * DAY) / burn;
    expect(Date.parse(status.budget.exhaustsAt as string)).toBeCloseTo(EPOCH + 30 * DAY + left, -1);
    const clean = new VirtualSlo(planOf());
    clean.measure(EPOCH, 10, 10);
    expect(clean.status(EPOCH + MINUTE).budget.exhaustsAt).toBeNull();
  });

  test.each(
    [0.9, 0.95, 0.99, 0.994, 0.997, 0.998, 0.9985, 0.999, 0.9995, 0.9999, 0.99999].flatMap((objective) =>
      ['occurrences', 'ratio-timeslices'].map((method) => [objective, method] as const),
    ),
  )(
    'what is exactly at the objective of %d is compliant and alerts nobody, with %s of fractions',
    (objective, method) => {
      const windows = [{ severity: 'page', tier: 'fast', long: '1h', short: '5m', burn: 1 }];
      const slo = new VirtualSlo(
        planOf({ objective, alerting: { windows }, budgeting: { method }, window: { rolling: '2d' } }),
      );
      // A gauge in percent: each value is value/100 good of 1.
      for (let minute = 0; minute < 1500; minute++) {
        slo.measure(EPOCH + minute * MINUTE, (objective * 100) / 100, 1);
        if (minute % 15 === 0) slo.evaluate(EPOCH + minute * MINUTE);
      }
      slo.evaluate(EPOCH + 1500 * MINUTE);
      const status = slo.status(EPOCH + 1500 * MINUTE);
      expect(slo.intervals(EPOCH)).toEqual({});
      expect(status).toMatchObject({ compliant: true, budget: { exhausted: true } });
      expect(status.state).not.toBe('breached');
      // A single failure more is above it.
      for (let minute = 1501; minute < 1561; minute++)
        slo.measure(EPOCH + minute * MINUTE, objective - 1e-6, 1);
      slo.evaluate(EPOCH + 1561 * MINUTE);
      expect(slo.intervals(EPOCH)).toHaveProperty('page fast');
    },
  );

  test('gives a tracker of averages its own numbers: a percent gauge against a target', () => {
    const plan = planOf({ objective: 0.995, alerting: { preset: 'none' }, window: { rolling: '1d' } });
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 200 }),
        (samples) => {
          const slo = new VirtualSlo(plan);
          for (const [i, value] of samples.entries()) slo.measure(EPOCH + i * MINUTE, value / 100, 1);
          const status = slo.status(EPOCH + samples.length * MINUTE);
          // The simple tracker: compliance is the mean of the samples, the budget what the target leaves of 100.
          const actual = samples.reduce((sum, value) => sum + value, 0) / samples.length;
          const budgetTarget = 100 - 99.5;
          const errors = 100 - actual;
          const remainingPercent = ((budgetTarget - errors) / budgetTarget) * 100;
          expect((status.sli as number) * 100).toBeCloseTo(actual, 6);
          expect(status.budget.total * 100).toBeCloseTo(budgetTarget, 9);
          expect((1 - (status.sli as number)) * 100).toBeCloseTo(errors, 6);
          expect((status.budget.remaining as number) * 100).toBeCloseTo(remainingPercent, 3);
          expect(status.compliant).toBe((status.sli as number) >= 0.995 - 1e-11);
        },
      ),
    );
  });
});

describe('low traffic', () => {
  const floors = { alerting: { preset: 'google-sre', minBad: 2 } };

  test('one failure of ten an hour does not page when two are asked for', () => {
    const slo = new VirtualSlo(planOf(floors));
    measure(slo, EPOCH, EPOCH + 30 * DAY, 1, 1, 6);
    const fault = EPOCH + 30 * DAY;
    slo.measure(fault, 0, 1);
    expect(slo.evaluate(fault)).toEqual([]);
    expect(slo.status(fault).budget.consumed).toBeCloseTo(1 / 7.2, 3);
    const without = new VirtualSlo(planOf());
    without.measure(fault, 0, 1);
    expect(kinds(without.evaluate(fault))).toContain('slo.alert.fired page fast');
  });

  test('a total failure still pages, once the floor is met', () => {
    const slo = new VirtualSlo(planOf(floors));
    measure(slo, EPOCH, EPOCH + 30 * DAY, 1, 1, 6);
    const fault = EPOCH + 30 * DAY;
    slo.measure(fault, 0, 1);
    expect(slo.evaluate(fault)).toEqual([]);
    slo.measure(fault + 6 * MINUTE, 0, 1);
    expect(kinds(slo.evaluate(fault + 6 * MINUTE))).toContain('slo.alert.fired page fast');
    // Between requests there is nothing in five minutes: the alert neither resolves nor fires again.
    expect(wait(slo, fault + 7 * MINUTE, fault + 11 * MINUTE)).toEqual([]);
  });

  test('minTotal asks for traffic in the long window', () => {
    const slo = new VirtualSlo(planOf({ alerting: { preset: 'google-sre', minTotal: 20 } }));
    const fired = measure(slo, EPOCH, EPOCH + 19 * MINUTE, 0, 1);
    expect(fired).toEqual([]);
    expect(kinds(measure(slo, EPOCH + 19 * MINUTE, EPOCH + 20 * MINUTE, 0, 1))).toContain(
      'slo.alert.fired page fast',
    );
  });
});

describe('absent data', () => {
  const outage = (missingData: string) => {
    const slo = new VirtualSlo(planOf({ missingData, objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + 2 * DAY, 100, 100);
    const fault = EPOCH + 2 * DAY;
    const fired = measure(slo, fault, fault + 20 * MINUTE, 0, 100);
    return { slo, end: fault + 20 * MINUTE, fired };
  };

  test('freezes: no alert resolves and no budget recovers while data is absent', () => {
    const { slo, end, fired } = outage('freeze');
    expect(kinds(fired)).toContain('slo.alert.fired page fast');
    const before = slo.status(end);
    expect(before.frozen).toBeNull();
    const meanwhile = kinds([...wait(slo, end, end + DAY), ...slo.evaluate(end + 40 * DAY)]);
    expect(meanwhile.filter((kind) => kind.includes('resolved') || kind.includes('budget'))).toEqual([]);
    const held = slo.status(end + 40 * DAY);
    expect(held.frozen).toEqual({
      since: new Date(end - MINUTE + 3 * MINUTE).toISOString(),
      reason: 'no measurement for more than 3 cadences of 1m',
    });
    expect(held.budget).toMatchObject({ consumed: before.budget.consumed, total: 0.01 });
    expect(held.alerts.find((alert) => alert.tier === 'fast' && alert.severity === 'page')?.state).toBe(
      'firing',
    );
  });

  test('thaws with late data, and resolves on what it says', () => {
    const { slo, end } = outage('freeze');
    wait(slo, end, end + 3 * HOUR);
    for (let at = end; at < end + 3 * HOUR; at += MINUTE) slo.measure(at, 100, 100);
    const now = end + 3 * HOUR;
    expect(kinds(slo.evaluate(now))).toEqual(
      expect.arrayContaining(['slo.alert.resolved page fast', 'slo.alert.resolved page slow']),
    );
    expect(slo.status(now).frozen).toBeNull();
  });

  test('a window without data holds an alert whatever the other one says', () => {
    const cadence = 30 * MINUTE;
    const slo = new VirtualSlo(planOf({ objective: 0.99 }), cadence);
    const fault = EPOCH + DAY;
    for (let at = EPOCH; at < fault; at += cadence) slo.measure(at, 100, 100);
    slo.measure(fault, 0, 100);
    expect(kinds(slo.evaluate(fault))).toContain('slo.alert.fired page fast');
    // Late: the hour is no longer above, and the last five minutes saw nothing.
    slo.measure(fault - 20 * MINUTE, 2000, 2000);
    expect(kinds(slo.evaluate(fault + 10 * MINUTE))).not.toContain('slo.alert.resolved page fast');
    const { frozen, burn } = slo.status(fault + 10 * MINUTE);
    expect([frozen, burn.find(({ window }) => window === '5m')?.rate]).toEqual([null, null]);
    slo.measure(fault + cadence, 100, 100);
    expect(kinds(slo.evaluate(fault + cadence))).toContain('slo.alert.resolved page fast');
  });

  test('never holds a firing back: evidence above a threshold always fires', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + 2 * DAY, 100, 100);
    const gap = EPOCH + 2 * DAY;
    wait(slo, gap, gap + 20 * MINUTE);
    expect(slo.status(gap + 20 * MINUTE).frozen).not.toBeNull();
    // Half of the points of the last hour came, all of them bad: coverage is low, the fault is real.
    const late: SloTransition[] = [];
    for (let at = gap + 20 * MINUTE; at < gap + 40 * MINUTE; at += 2 * MINUTE) {
      slo.measure(at, 0, 100);
      late.push(...slo.evaluate(at));
    }
    expect(slo.status(gap + 39 * MINUTE).frozen?.reason).toContain('cover');
    expect(kinds(late)).toContain('slo.alert.fired page fast');
  });

  test('holds the budget, as it stood without data, with gaps as is worse; good, total and SLI are what was measured', () => {
    const plan = planOf({ objective: 0.9, window: { rolling: '1h' }, alerting: { preset: 'none' } });
    const slo = new VirtualSlo(plan);
    measure(slo, EPOCH, EPOCH + 10 * MINUTE, 50, 100);
    const stood = EPOCH + 10 * MINUTE;
    const held = { compliant: false, budget: { consumed: expect.closeTo(5, 9) } };
    expect(slo.status(stood)).toMatchObject({ ...held, good: 500, total: 1000, sli: 0.5 });
    // The bad minutes leave the window; no others come.
    expect(slo.status(stood + 2 * HOUR)).toMatchObject({ ...held, good: 0, total: 0, sli: null, history: 0 });
    expect(slo.status(stood + 2 * HOUR).burn).toEqual([{ window: '1h', rate: null }]);
    // Clean minutes after the gap: its beginning spent more, and is what counts.
    const again = stood + 20 * MINUTE;
    measure(slo, again, again + 5 * MINUTE, 100, 100);
    const patchy = slo.status(again + 5 * MINUTE);
    expect(patchy.frozen?.reason).toContain('cover');
    expect(patchy).toMatchObject({ ...held, good: 1000, total: 1500, sli: 1000 / 1500 });
    // A fault after the gap spends more than was spent when it began.
    measure(slo, again + 5 * MINUTE, again + 6 * MINUTE, 0, 1_000_000);
    expect(slo.status(again + 6 * MINUTE)).toMatchObject({ frozen: {}, good: 1000, total: 1_001_500 });
  });

  test('names the kind, and since when: gaps from the first one on, silence from three cadences on', () => {
    const slo = new VirtualSlo(planOf());
    const at = (minute: number, seconds = 0) => EPOCH + minute * MINUTE + seconds * 1000;
    for (const minute of [7, 10, 11, 12, 13]) slo.measure(at(minute, 46), 10, 10);
    expect(slo.status(at(14)).frozen).toEqual({
      since: new Date(at(8)).toISOString(),
      reason: 'measurements cover 71 % of the last hour of data, under 90 %',
    });
    expect(slo.status(at(17)).frozen).toEqual({
      since: new Date(at(16, 46)).toISOString(),
      reason: 'no measurement for more than 3 cadences of 1m',
    });
  });

  test('is no error where the definition says so: alerts resolve as windows empty', () => {
    const { slo, end } = outage('good');
    expect(kinds(wait(slo, end, end + DAY))).toContain('slo.alert.resolved page fast');
    expect(slo.status(end + DAY).alerts.every((alert) => alert.state === 'ok')).toBe(true);
    expect(slo.status(end + DAY).frozen).toBeNull();
  });

  test('is judged by the cadence of the SLI: five minutes between points are no gap at five minutes', () => {
    const slo = new VirtualSlo(planOf());
    measure(slo, EPOCH, EPOCH + DAY, 10, 10, 5);
    const newest = EPOCH + DAY - 5 * MINUTE;
    expect(slo.status(newest + 15 * MINUTE)).toMatchObject({ frozen: null, coverage: 1 });
    expect(slo.status(newest + 15 * MINUTE + 1).frozen?.since).toBe(
      new Date(newest + 15 * MINUTE).toISOString(),
    );
  });

  test('a cadence in the definition of the SLI goes before the measured one', () => {
    const slo = new VirtualSlo(planOf(), 10 * MINUTE);
    measure(slo, EPOCH, EPOCH + HOUR, 10, 10);
    expect(slo.status(EPOCH + HOUR + 20 * MINUTE).frozen).toBeNull();
  });

  test('a single measurement has no cadence and freezes nothing', () => {
    const slo = new VirtualSlo(planOf());
    slo.measure(EPOCH, 1, 1);
    expect(slo.status(EPOCH + DAY)).toMatchObject({ frozen: null, coverage: 1 });
  });
});

describe('a young window', () => {
  test('alerts from the first minute, while breach and budget crossings wait for a day of history', () => {
    const slo = new VirtualSlo(planOf());
    const first = measure(slo, EPOCH, EPOCH + MINUTE, 0, 10);
    expect(kinds(first)).toContain('slo.alert.fired page fast');
    expect(slo.status(EPOCH + MINUTE)).toMatchObject({ state: 'at-risk', history: 60 });
    const later = measure(slo, EPOCH + MINUTE, EPOCH + DAY - 2 * MINUTE, 0, 10);
    expect(kinds(later).filter((kind) => kind.startsWith('slo.budget'))).toEqual([]);
    const settled = measure(slo, EPOCH + DAY - 2 * MINUTE, EPOCH + DAY + MINUTE, 0, 10);
    expect(kinds(settled)).toEqual([
      'slo.budget.crossed down 0.5',
      'slo.budget.crossed down 0.25',
      'slo.budget.crossed down 0.1',
      'slo.budget.crossed down 0',
    ]);
    expect(settled.map(({ data }) => data.n)).toEqual([1, 2, 3, 4]);
    expect(slo.status(EPOCH + DAY + MINUTE).state).toBe('breached');
  });

  test('waits for the window only, where it is shorter than a day', () => {
    const slo = new VirtualSlo(planOf({ window: { rolling: '2h' }, alerting: { preset: 'none' } }));
    expect(measure(slo, EPOCH, EPOCH + 119 * MINUTE, 0, 10)).toEqual([]);
    expect(measure(slo, EPOCH + 119 * MINUTE, EPOCH + 121 * MINUTE, 0, 10)).toHaveLength(4);
  });
});

describe('transitions', () => {
  test('are asked for once each way, and numbered by firing', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + 10 * DAY, 100, 100, 10);
    let at = EPOCH + 10 * DAY;
    for (let round = 0; round < 2; round++) {
      measure(slo, at, at + 20 * MINUTE, 0, 100);
      measure(slo, at + 20 * MINUTE, at + 9 * HOUR, 100, 100);
      at += 9 * HOUR;
    }
    const fast = slo.transitions
      .map(({ transition }) => transition)
      .filter(({ data }) => 'tier' in data && data.severity === 'page' && data.tier === 'fast');
    expect(fast.map(({ type, data }) => `${type} ${data.n}`)).toEqual([
      'slo.alert.fired 1',
      'slo.alert.resolved 1',
      'slo.alert.fired 2',
      'slo.alert.resolved 2',
    ]);
    expect(fast[1]?.data).toMatchObject({ reason: 'recovered', firedAt: fast[0]?.data.eventTime });
  });

  test('budget levels are crossed back up as bad minutes leave the window', () => {
    const slo = new VirtualSlo(
      planOf({ window: { rolling: '2d' }, objective: 0.9, alerting: { preset: 'none' } }),
    );
    measure(slo, EPOCH, EPOCH + 2 * DAY, 100, 100);
    expect(kinds(measure(slo, EPOCH + 2 * DAY, EPOCH + 2 * DAY + 200 * MINUTE, 0, 100))).toEqual([
      'slo.budget.crossed down 0.5',
    ]);
    expect(kinds(measure(slo, EPOCH + 2 * DAY + 200 * MINUTE, EPOCH + 4.2 * DAY, 100, 100))).toEqual([
      'slo.budget.crossed up 0.5',
    ]);
  });

  test('an alert whose tier is no longer defined resolves as redefined, frozen or not', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + DAY, 100, 100);
    measure(slo, EPOCH + DAY, EPOCH + DAY + 20 * MINUTE, 0, 100);
    const redefined = new VirtualSlo(planOf({ objective: 0.99, alerting: { preset: 'none' } }));
    redefined.ledger = slo.ledger;
    const resolved = redefined.evaluate(EPOCH + DAY + 21 * MINUTE);
    expect(new Set(resolved.map(({ data }) => ('reason' in data ? data.reason : null)))).toEqual(
      new Set(['redefined']),
    );
    expect(redefined.evaluate(EPOCH + DAY + 22 * MINUTE)).toEqual([]);
  });

  test('a late good measurement restates the numbers and pages nobody for the past', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + 5 * DAY, 100, 100);
    const now = EPOCH + 5 * DAY;
    const before = slo.status(now).total;
    // Ten minutes of total failure four days ago, reported now: it is in the budget, no window of an alert sees it.
    for (let i = 0; i < 10; i++) slo.measure(EPOCH + DAY + i * MINUTE, 0, 100);
    expect(slo.evaluate(now)).toEqual([]);
    expect(slo.status(now).total).toBe(before + 1000);
  });

  test('an exact threshold does not fire, the least above it does', () => {
    const pair = { severity: 'page', tier: 'fast', long: '1h', short: '5m', burn: 14.4 };
    const slo = new VirtualSlo(planOf({ alerting: { windows: [pair] } }));
    slo.measure(EPOCH, 9856, 10_000); // 1.44 % of 10000: burn 14.4 in floats is 14.400000000000002
    expect(slo.evaluate(EPOCH)).toEqual([]);
    slo.measure(EPOCH, 0, 1);
    expect(slo.evaluate(EPOCH)).toHaveLength(1);
  });
});
