import { describe, expect, jest, test } from '@jest/globals';
import { type Corrections, MINUTE, regularity, type SloTransition } from '../index.js';
import { EPOCH, VirtualSlo } from '../virtual-time.fixture.js';
import { correctedPlan, corrections, recurring } from './corrections.fixture.js';

// Days of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const HOUR = 60;
const DAY = 24 * HOUR;
const quiet = { alerting: { preset: 'none' } };
const slices = (overrides: object = {}) => ({ method: 'timeslices', sliceTarget: 0.9, ...overrides });
const at = (minute: number): number => EPOCH + minute * MINUTE;

/** An SLO under corrections. */
const slo = (overrides: object, mask?: Corrections, cadence?: number): VirtualSlo =>
  new VirtualSlo(correctedPlan(overrides, mask), cadence);

/** Measures each minute of [from, to) after EPOCH. */
function measure(of: VirtualSlo, from: number, to: number, good: number, total: number): void {
  for (let minute = from; minute < to; minute++) of.measure(at(minute), good, total);
}

describe('occurrences', () => {
  const faulty = (mask?: Corrections): VirtualSlo => {
    const of = slo({ objective: 0.99, ...quiet }, mask);
    measure(of, 0, 2 * DAY, 100, 100);
    measure(of, DAY, DAY + 30, 0, 50);
    return of;
  };
  const now = at(2 * DAY);

  test('lose what is excluded from both sides of the ratio', () => {
    // 30 minutes of 100 good of 150 are gone, and nothing else.
    expect(faulty().status(now)).toMatchObject({ good: 288_000, total: 289_500, corrections: 0 });
    const status = faulty(corrections(['exclude', DAY, DAY + 30])).status(now);
    expect(status).toMatchObject({
      good: 285_000,
      total: 285_000,
      sli: 1,
      budget: { consumed: 0, remaining: 1 },
      corrections: 1,
      correctedMinutes: { exclude: 30, good: 0 },
    });
  });

  test('count what was bad as good, and go on counting it', () => {
    const status = faulty(corrections(['good', DAY, DAY + 10])).status(now);
    expect(status).toMatchObject({
      good: 288_500,
      total: 289_500,
      correctedMinutes: { exclude: 0, good: 10 },
    });
    expect(status.budget.consumed).toBeCloseTo(1000 / 289_500 / 0.01, 9);
  });

  test('are corrected exactly to the minute, where an exclusion wins over a good word', () => {
    const status = faulty(corrections(['good', DAY, DAY + 20], ['exclude', DAY + 19, DAY + 21])).status(now);
    // 19 minutes all good, 2 excluded, 9 as measured.
    expect(status).toMatchObject({ good: 288_000 - 200 + 950, total: 289_500 - 300, corrections: 2 });
  });

  test('of fractions are corrected to the last bit', () => {
    const of = slo({ ...quiet }, corrections(['good', 1, 2], ['exclude', 2, 3]));
    measure(of, 0, 3, 0.25, 0.875);
    expect(of.status(at(3))).toMatchObject({ good: 0.25 + 0.875, total: 1.75 });
  });

  test('are corrected as long as the window sees the span, at both of its ends', () => {
    const of = slo({ window: { rolling: '1h' }, ...quiet }, corrections(['exclude', 10, 30]));
    measure(of, 0, 100, 9, 10);
    const seen = (minute: number) => {
      const { total, corrections: holding, correctedMinutes } = of.status(at(minute));
      return [total, holding, correctedMinutes?.exclude];
    };
    // The last 60 complete minutes, and the current one.
    expect(seen(99)).toEqual([610, 0, 0]);
    expect(seen(90)).toEqual([610, 0, 0]);
    expect(seen(89)).toEqual([600, 1, 1]);
    expect(seen(80)).toEqual([510, 1, 10]);
    expect(seen(69)).toEqual([410, 1, 20]);
  });

  test('of a period of the calendar are corrected within it', () => {
    const month = { window: { calendar: 'month', timeZone: 'UTC' }, ...quiet };
    const of = slo(month, corrections(['exclude', 31 * DAY - 60, 31 * DAY + 60]));
    measure(of, 31 * DAY - 120, 31 * DAY + 120, 0, 1);
    expect(of.status(at(31 * DAY + 119))).toMatchObject({ total: 60, correctedMinutes: { exclude: 60 } });
  });
});

describe('slices', () => {
  test('are judged by the minutes that are not excluded; one without any is not counted at all', () => {
    const budgeting = slices({ slice: '5m' });
    const mask = corrections(['exclude', 0, 5], ['exclude', 7, 10], ['exclude', 11, 12]);
    const of = slo({ budgeting, ...quiet }, mask);
    measure(of, 0, 5, 0, 10);
    measure(of, 5, 7, 10, 10);
    measure(of, 7, 10, 0, 10);
    measure(of, 10, 11, 0, 10);
    measure(of, 11, 15, 10, 10);
    expect(of.status(at(15))).toMatchObject({ good: 1, total: 2 });
  });

  test('of counts become good with the events that are counted as good', () => {
    const budgeting = slices({ slice: '5m' });
    const of = slo({ budgeting, ...quiet }, corrections(['good', 0, 4]));
    measure(of, 0, 10, 0, 10);
    expect(of.status(at(10))).toMatchObject({ good: 0, total: 2 });
    const all = slo({ budgeting, ...quiet }, corrections(['good', 0, 5]));
    measure(all, 0, 10, 0, 10);
    expect(all.status(at(10))).toMatchObject({ good: 1, total: 2 });
  });

  test('of ratios are the ratios of what is left', () => {
    const budgeting = { method: 'ratio-timeslices', slice: '2m' };
    const of = slo({ budgeting, ...quiet }, corrections(['exclude', 0, 1], ['good', 2, 3]));
    measure(of, 0, 4, 1, 2);
    of.measure(at(1), 2, 2);
    // 3 of 4; then 2 of 2 and 1 of 2.
    expect(of.status(at(4))).toMatchObject({ good: 1.5, total: 2 });
  });

  test('of percentiles and means are good when nothing else than good minutes was measured', () => {
    const p95 = { indicator: { kind: 'percentile', p: 0.95, op: 'lte', value: 1 } };
    const mean = { indicator: { kind: 'mean', op: 'lt', value: 1 } };
    for (const indicator of [p95, mean]) {
      const budgeting = { method: 'timeslices', slice: '5m' };
      const mask = corrections(
        ['good', 0, 5],
        ['good', 5, 9],
        ['exclude', 10, 13],
        ['good', 13, 15],
        ['exclude', 17, 20],
      );
      const of = slo({ ...indicator, budgeting, ...quiet }, mask);
      measure(of, 0, 15, 7, 1); // slow
      measure(of, 15, 17, 0.1, 1);
      measure(of, 17, 20, 7, 1);
      // Good; bad for the minute that nobody spoke for; good; good for what is left.
      expect(of.status(at(20))).toMatchObject({ good: 3, total: 4 });
    }
  });

  test.each([
    // Of ten slices two have no data, six are corrected, of which two have none.
    ['freeze', { good: 2 + 2, total: 2 + 4 - 2 }],
    ['bad', { good: 2 + 3, total: 10 - 3 }],
    ['good', { good: 2 + 3 + 2, total: 10 - 3 }],
  ])(
    'without data are neither good nor bad nor missing while they are excluded: %s',
    (missingData, expected) => {
      const mask = corrections(['exclude', 2, 5], ['good', 5, 8]);
      const of = slo({ budgeting: slices(), missingData, ...quiet }, mask);
      for (const minute of [0, 3, 4, 6, 7, 9])
        of.measure(at(minute), minute === 0 || minute === 9 ? 10 : 0, 10);
      expect(of.status(at(9))).toMatchObject(expected);
    },
  );

  test('that are missing are told by every minute of them: one that nobody spoke for counts', () => {
    const mask = corrections(['exclude', 5, 9], ['good', 10, 12], ['exclude', 12, 15]);
    const of = slo({ budgeting: slices({ slice: '5m' }), missingData: 'bad', ...quiet }, mask);
    of.measure(at(0), 10, 10);
    of.measure(at(15), 10, 10);
    // Measured, missing, forgiven, measured.
    expect(of.status(at(16))).toMatchObject({ good: 3, total: 4 });
  });
});

describe('alerts', () => {
  const kinds = (transitions: SloTransition[]): string[] =>
    transitions.map(({ type, data }) => ('tier' in data ? `${type} ${data.severity} ${data.tier}` : type));

  /** Five clean days, then two hours of a complete outage, evaluated as it goes. */
  function outage(mask?: Corrections, overrides: object = {}): VirtualSlo {
    const of = slo(overrides, mask);
    measure(of, 0, 5 * DAY, 100, 100);
    for (let minute = 5 * DAY; minute < 5 * DAY + 120; minute++) {
      of.measure(at(minute), 0, 100);
      of.evaluate(at(minute));
    }
    return of;
  }

  test('do not fire for planned maintenance, and fire for what goes on after it', () => {
    expect(outage().transitions.length).toBeGreaterThan(3);
    const of = outage(corrections(['exclude', 5 * DAY, 5 * DAY + 120]));
    expect(of.transitions).toEqual([]);
    of.measure(at(5 * DAY + 120), 0, 100);
    expect(kinds(of.evaluate(at(5 * DAY + 120)))).toContain('slo.alert.fired page fast');
    const [{ transition }] = of.transitions as [(typeof of.transitions)[number]];
    expect(transition.data).toMatchObject({ startedAt: new Date(at(5 * DAY + 120)).toISOString() });
  });

  test('do not fire for maintenance that comes again, whatever the clocks did', () => {
    // 5 days after EPOCH is midnight of January 6th in UTC, 01:00 in Berlin.
    const nightly = {
      rrule: 'FREQ=DAILY',
      start: '2026-01-02T01:00',
      duration: '2h',
      timeZone: 'Europe/Berlin',
    };
    expect(outage(recurring('exclude', nightly)).transitions).toEqual([]);
    expect(outage(recurring('good', nightly)).transitions).toEqual([]);
  });

  test('resolve when what they held because of is excluded, and are not fired again for the past', () => {
    const before = outage();
    const now = at(5 * DAY + 119);
    const mask = corrections(['exclude', 5 * DAY, 5 * DAY + 200]);
    const after = outage(mask);
    after.ledger = before.ledger;
    after.transitions.length = 0;
    const resolved = kinds(after.evaluate(now));
    expect(resolved).toEqual(
      expect.arrayContaining(['slo.alert.resolved page fast', 'slo.alert.resolved page slow']),
    );
    expect(resolved.filter((kind) => kind.includes('fired'))).toEqual([]);
    expect(after.evaluate(now)).toEqual([]);
    // Withdrawn a week later: nothing of it holds any more, and the budget says what it said.
    const restored = outage();
    restored.ledger = after.ledger;
    restored.transitions.length = 0;
    measure(restored, 5 * DAY + 120, 12 * DAY, 100, 100);
    expect(kinds(restored.evaluate(at(12 * DAY))).filter((kind) => kind.includes('alert'))).toEqual([]);
  });

  test('hold for a fault from before the maintenance, until something clean is measured', () => {
    const from = 5 * DAY + 30;
    const of = outage(corrections(['exclude', from, 5 * DAY + 120]));
    const firing = () => of.ledger.alerts.get('page/slow')?.state;
    expect(of.intervals(at(0))['page fast']?.[0]).toMatchObject({
      fired: 5 * DAY * 60,
      resolved: expect.any(Number),
    });
    // An hour after its start, nothing of the fault is left in the hour of page fast.
    expect(of.intervals(at(from))['page fast']?.[0]?.resolved).toBe(60 * 60);
    expect(firing()).toBe('firing');
    for (let minute = 120; firing() === 'firing' && minute < 180; minute++) {
      of.measure(at(5 * DAY + minute), 100, 100);
      of.evaluate(at(5 * DAY + minute));
    }
    expect(firing()).toBe('ok');
  });

  test('count their traffic floors without what is excluded', () => {
    const alerting = { preset: 'google-sre', minBad: 150 };
    for (const budgeting of [{ method: 'occurrences' }, slices()]) {
      const fired = (mask?: Corrections): boolean => {
        const of = slo({ budgeting, alerting }, mask);
        measure(of, 0, 2 * DAY, 100, 100);
        measure(of, 2 * DAY - 2, 2 * DAY, 0, 100);
        return of.evaluate(at(2 * DAY - 1)).some(({ type }) => type === 'slo.alert.fired');
      };
      expect([fired(), fired(corrections(['exclude', 2 * DAY - 1, 2 * DAY]))]).toEqual([true, false]);
    }
  });
});

describe('absent data', () => {
  test('is not what is excluded: nothing freezes during the maintenance, and three cadences after it', () => {
    const mask = corrections(['exclude', 100, 220]);
    const of = slo(quiet, mask);
    const plain = slo(quiet);
    for (const each of [of, plain]) measure(each, 0, 100, 100, 100);
    expect(plain.status(at(103)).frozen).toMatchObject({ since: new Date(at(102)).toISOString() });
    expect(of.status(at(219)).frozen).toBeNull();
    // The last measurement is a minute old when the maintenance begins: two cadences are left.
    expect(of.status(at(222)).frozen).toBeNull();
    expect(of.status(at(222) + 1).frozen).toMatchObject({ since: new Date(at(222)).toISOString() });
  });

  test('is what is counted as good: there is nothing that could be', () => {
    const of = slo(quiet, corrections(['good', 100, 220]));
    measure(of, 0, 100, 100, 100);
    expect(of.status(at(110)).frozen).not.toBeNull();
  });

  test('of an hour is looked for where it is not excluded', () => {
    const mask = corrections(['exclude', 120, 150]);
    const of = slo(quiet, mask, MINUTE);
    measure(of, 0, 120, 1, 1);
    measure(of, 150, 170, 1, 1);
    expect(of.status(at(169))).toMatchObject({ coverage: 1, frozen: null });
    // Of the hour from 130 on, 20 minutes before the end of the maintenance are not asked for; 10 of 40 are missing.
    measure(of, 180, 190, 1, 1);
    expect(of.status(at(189))).toMatchObject({
      coverage: 0.75,
      frozen: { since: new Date(at(170)).toISOString() },
    });
    expect(regularity(of.buckets.events, MINUTE)).toMatchObject({ coverage: 0.5 });
  });
});
