import { describe, expect, jest, test } from '@jest/globals';
import { burnDown, Cells, hourOf, MINUTE, minuteOf, Series, Tally } from './index.js';
import { planOf, VirtualSlo } from './virtual-time.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(text);
const quiet = { alerting: { preset: 'none' } };
const month = (timeZone = 'Europe/Berlin') => ({ window: { calendar: 'month', timeZone } });

function measure(slo: VirtualSlo, from: number, to: number, good: number, total: number, step = HOUR): void {
  for (let time = from; time < to; time += step) slo.measure(time, good, total);
}

describe('an SLO over a month of the calendar', () => {
  test('counts from the first of the month in its zone, and its budget starts whole', () => {
    const slo = new VirtualSlo(planOf({ ...month(), ...quiet, objective: 0.9 }));
    measure(slo, at('2026-10-01T00:00:00Z'), at('2026-10-31T23:00:00Z'), 0, 10);
    const end = slo.status(at('2026-10-31T22:59:59Z'));
    expect(end).toMatchObject({
      state: 'breached',
      period: { from: '2026-09-30T22:00:00.000Z', to: '2026-10-31T23:00:00.000Z' },
    });
    // Midnight in Berlin; nothing was measured in the new month yet.
    const start = slo.status(at('2026-10-31T23:00:00Z'));
    expect(start).toMatchObject({ state: 'no-data', total: 0, history: 0, budget: { remaining: null } });
    slo.measure(at('2026-10-31T23:00:30Z'), 10, 10);
    slo.measure(at('2026-10-31T22:30:00Z'), 0, 1000); // late, of the former month
    expect(slo.status(at('2026-10-31T23:01:00Z'))).toMatchObject({
      state: 'ok',
      good: 10,
      total: 10,
      budget: { consumed: 0, remaining: 1 },
      burn: [{ window: 'month', rate: 0 }],
    });
  });

  test('waits for a day of each month with breach and budget crossings, both ways', () => {
    const slo = new VirtualSlo(planOf({ ...month('UTC'), ...quiet, objective: 0.9 }));
    const crossed = (from: string, to: string): string[] => {
      const before = slo.transitions.length;
      for (let time = at(from); time < at(to); time += HOUR) {
        slo.measure(time, time < at('2026-11-01T00:00:00Z') ? 0 : 10, 10);
        slo.evaluate(time);
      }
      return slo.transitions
        .slice(before)
        .map(({ at: time, transition }) =>
          transition.type === 'slo.budget.crossed'
            ? `${transition.data.direction} ${transition.data.threshold} ${new Date(time).toISOString()}`
            : transition.type,
        );
    };
    expect(crossed('2026-10-20T00:00:00Z', '2026-11-01T00:00:00Z')).toEqual(
      [0.5, 0.25, 0.1, 0].map((level) => `down ${level} 2026-10-21T00:00:00.000Z`),
    );
    expect(crossed('2026-11-01T00:00:00Z', '2026-11-03T00:00:00Z')).toEqual(
      [0, 0.1, 0.25, 0.5].map((level) => `up ${level} 2026-11-02T00:00:00.000Z`),
    );
  });

  test('is not exhausted after its end: the next budget is whole', () => {
    const slo = new VirtualSlo(planOf({ ...month('UTC'), objective: 0.9, ...quiet }));
    measure(slo, at('2026-11-01T00:00:00Z'), at('2026-11-11T00:00:00Z'), 95, 100);
    // Half of the budget, at half of the pace: not before December.
    expect(slo.status(at('2026-11-11T00:00:00Z')).budget).toMatchObject({
      remaining: expect.closeTo(0.5, 9),
      exhaustsAt: null,
    });
    measure(slo, at('2026-11-11T00:00:00Z'), at('2026-11-12T00:00:00Z'), 0, 30);
    const { remaining, exhaustsAt } = slo.status(at('2026-11-12T00:00:00Z')).budget;
    const burn = 1 - (remaining as number);
    expect(at(exhaustsAt as string)).toBeCloseTo(
      at('2026-11-12T00:00:00Z') + ((remaining as number) * 30 * DAY) / burn,
      -1,
    );
  });

  test('whose data went absent holds the budget of its period, and not into the next', () => {
    const slo = new VirtualSlo(planOf({ ...month('UTC'), objective: 0.9, ...quiet }));
    measure(slo, at('2026-11-20T00:00:00Z'), at('2026-11-28T00:00:00Z'), 8, 10);
    const before = slo.status(at('2026-11-28T00:00:00Z'));
    const held = slo.status(at('2026-11-30T23:59:00Z'));
    expect(held.frozen).not.toBeNull();
    expect(held.budget.consumed).toBe(before.budget.consumed);
    expect(slo.status(at('2026-12-01T00:00:00Z'))).toMatchObject({
      state: 'no-data',
      budget: { consumed: null },
    });
  });

  test('has as many slices as its month: of those bad ones are a share', () => {
    const budgeting = { method: 'timeslices', sliceTarget: 0.9, slice: '1h' };
    for (const [day, hours] of [
      ['2026-10-02T00:00:00Z', 31 * 24 + 1], // clocks go back
      ['2026-03-02T00:00:00Z', 31 * 24 - 1],
      ['2026-02-02T00:00:00Z', 28 * 24],
    ] as const) {
      const slo = new VirtualSlo(planOf({ ...month(), budgeting, objective: 0.9, ...quiet }));
      measure(slo, at(day), at(day) + 3 * HOUR, 0, 10);
      expect(slo.status(at(day) + 3 * HOUR).budget.consumed).toBeCloseTo(3 / (0.1 * hours), 12);
    }
  });

  test('looks back over its start with its alerts, which are about the pace', () => {
    const slo = new VirtualSlo(planOf({ ...month('UTC'), objective: 0.99 }));
    measure(slo, at('2026-11-29T00:00:00Z'), at('2026-11-30T23:30:00Z'), 100, 100, MINUTE);
    for (let time = at('2026-11-30T23:30:00Z'); time < at('2026-12-01T00:05:00Z'); time += MINUTE) {
      slo.measure(time, 0, 100);
      slo.evaluate(time + MINUTE);
    }
    const firing = slo
      .status(at('2026-12-01T00:05:00Z'))
      .alerts.filter(({ state }) => state === 'firing')
      .map(({ severity, tier }) => `${severity} ${tier}`);
    expect(firing).toEqual(['page fast', 'page slow', 'ticket slow']);
    expect(slo.status(at('2026-12-01T00:05:00Z'))).toMatchObject({ good: 0, total: 500 });
  });
});

describe('the running sum of a calendar window', () => {
  test('equals the sum of its minutes at every step, through ends of periods and clock changes', () => {
    const plans = [
      planOf({ ...month('America/New_York'), ...quiet }),
      planOf({ window: { calendar: 'week', timeZone: 'Asia/Kathmandu' }, ...quiet }),
      planOf({ window: { calendar: 'quarter', timeZone: 'Australia/Lord_Howe' }, ...quiet }),
    ];
    const series = new Series({ windows: plans.map(({ window }) => window) });
    let seed = 5;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (
      let now = at('2026-01-15T00:00:00Z');
      now < at('2026-12-15T00:00:00Z');
      now += (1 + random(300)) * MINUTE
    ) {
      series.observe(now - random(100) * HOUR, random(10), 10);
      series.advance(now);
      for (const { window } of plans) {
        const end = minuteOf(now);
        expect(series.window(window.key)).toEqual(series.sum(window.low(end), end));
      }
    }
  });
});

test('the burn-down of a calendar window starts whole at each period', () => {
  const plan = planOf({ window: { calendar: 'week', timeZone: 'UTC' }, objective: 0.9, ...quiet });
  const monday = at('2026-11-23T00:00:00Z');
  const pages = new Map<number, Cells>();
  for (const [time, good] of [
    [monday - 2 * DAY, 0],
    [monday - DAY, 100],
    [monday + DAY, 95],
  ] as const) {
    const cells = new Cells(60);
    cells.add(0, Tally.of(good, 100));
    pages.set(hourOf(minuteOf(time)), cells);
  }
  const { points } = burnDown(plan, pages, { from: monday - 2 * DAY, to: monday + 2 * DAY, step: DAY });
  expect(points.map(({ budgetRemaining }) => budgetRemaining)).toEqual([
    expect.closeTo(-9, 9),
    expect.closeTo(-4, 9), // the end of the week, not the beginning of the next
    null,
    expect.closeTo(0.5, 9),
  ]);
});
