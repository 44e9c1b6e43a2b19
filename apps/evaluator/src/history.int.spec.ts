import {
  type SloForecast,
  type SloHistory,
  type SloMeasuredPeriods,
  sloForecast,
  sloHistory,
  sloMeasuredPeriods,
} from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DAY, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

const B = 0.01;
let stage: Rehearsal;
let now: number;
/** What was measured, in no order: `[millis, good, total]`. */
const measured: [number, number, number][] = [];

beforeAll(async () => {
  stage = await Rehearsal.start();
  now = stage.clock.now().getTime();
  let seed = 11;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let i = 0; i < 4_000; i++) {
    const at = now - Math.floor(random() * 400 * 1440) * MINUTE;
    measured.push([at, random() < 0.02 ? 0 : 10, 10]);
  }
  await stage.startService();
  const slo = { objective: 1 - B, alerting: { preset: 'none' } };
  await stage.must('slo-define', sloBody({ ...slo, name: 'month', window: { rolling: '30d' } }));
  await stage.must('slo-define', sloBody({ ...slo, name: 'year', window: { rolling: '400d' } }));
  const calendar = { calendar: 'month', timeZone: 'Europe/Berlin' };
  await stage.must('slo-define', sloBody({ ...slo, name: 'calendar', window: calendar }));
  for (let i = 0; i < measured.length; i += 500) await stage.measure(measured.slice(i, i + 500));
  await stage.settled();
});
afterAll(() => stage.stop());

/** Good and total of [from, to), from what was measured. */
function sum(from: number, to: number): { good: number; total: number } {
  let good = 0;
  let total = 0;
  for (const [at, g, t] of measured) {
    if (at < from || at >= to) continue;
    good += g;
    total += t;
  }
  return { good, total };
}

function remaining(from: number, to: number): number | null {
  const { good, total } = sum(from, to);
  return total === 0 ? null : 1 - (total - good) / total / B;
}

async function history(slo: string, days: number, points: number): Promise<SloHistory> {
  const from = new Date(now - days * DAY).toISOString();
  const to = new Date(now).toISOString();
  return (await stage.must<SloHistory>('slo-history', { slo, from, to, points })).data;
}

test('ends where it was asked to, and two spans side by side have each minute once', async () => {
  const iso = (at: number) => new Date(at).toISOString();
  const middle = now - 40 * DAY + 20_500;
  const [from, to] = [middle - 2 * DAY, middle + 2 * DAY];
  const spanned = async (low: number, high: number) =>
    (await stage.must<SloHistory>('slo-history', { slo: 'month', from: iso(low), to: iso(high), step: '7m' }))
      .data.points;
  const [before, after] = [await spanned(from, middle), await spanned(middle, to)];
  expect(Date.parse(before.at(-1)?.at as string)).toBeLessThanOrEqual(middle);
  const [first, last] = [from, to].map((at) => Math.floor(at / MINUTE) * MINUTE) as [number, number];
  const total = (points: SloHistory['points']) => points.reduce((all, point) => all + point.total, 0);
  expect(sum(first, last).total).toBeGreaterThan(0);
  expect(total(before) + total(after)).toBe(sum(first, last).total);
  // A measurement in the very minute in which they meet.
  const minute = Math.floor(middle / MINUTE) * MINUTE;
  await stage.measure([[minute, 10, 10]]);
  measured.push([minute, 10, 10]);
  await stage.settled();
  const [left, right] = [await spanned(from, middle), await spanned(middle, to)];
  expect(total(left) + total(right)).toBe(sum(first, last).total);
});

describe('the history of all that is kept, in a number of points', () => {
  test.each([
    ['month', 30, 400, 300],
    ['year', 400, 400, 300],
    ['year', 400, 3, 72],
    ['month', 30, 90, 90],
  ] as const)(
    'of %s has the sums of its steps and the budget of the %i days before each point, over %i days',
    async (slo, window, days, points) => {
      const found = await history(slo, days, points);
      expect(found.periods).toBeUndefined();
      expect(found.points).toHaveLength(points);
      let from = now - days * DAY;
      for (const point of found.points) {
        const at = Date.parse(point.at);
        expect(point).toMatchObject(sum(from, at));
        const left = remaining(at - window * DAY, at);
        if (left === null) expect(point.budgetRemaining).toBeNull();
        else expect(point.budgetRemaining).toBeCloseTo(left, 9);
        from = at;
      }
    },
  );

  test('keeps each minute of outage as an extreme of its step', async () => {
    const { points } = await history('month', 400, 40);
    let from = now - 400 * DAY;
    let outages = 0;
    for (const { at, burnMax, burnMin, budgetRemainingMin, budgetRemaining } of points) {
      const rates = measured
        .filter(([time]) => time >= from && time < Date.parse(at))
        .map(([, good]) => (10 - good) / 10 / B);
      // Two in one minute are one minute.
      if (Math.max(...rates) > 0) expect(burnMax).toBeGreaterThanOrEqual(49.999);
      else expect(burnMax).toBe(0);
      outages += rates.filter((rate) => rate > 0).length;
      expect(burnMin).toBe(0);
      expect(budgetRemainingMin).toBeLessThanOrEqual(budgetRemaining as number);
      from = Date.parse(at);
    }
    expect(outages).toBeGreaterThan(20);
  });

  test('of a calendar has a point where each month ends, and says where they begin', async () => {
    const { points, periods = [] } = await history('calendar', 400, 200);
    expect(periods).toHaveLength(14);
    for (const [i, period] of periods.entries()) {
      const last = points.find(({ at }) => at === period.to);
      if (i === periods.length - 1) continue; // it goes on
      expect(last?.budgetRemaining).toBeCloseTo(
        remaining(Date.parse(period.from), Date.parse(period.to)) as number,
        9,
      );
    }
  });

  test('of a calendar says so in steps of a given length, too', async () => {
    const [from, to] = [new Date(now - 40 * DAY).toISOString(), new Date(now).toISOString()];
    const asked = { slo: 'calendar', from, to, step: '1d' };
    const { data } = await stage.must<SloHistory>('slo-history', asked);
    const { periods = [] } = data;
    expect(periods.length).toBeGreaterThanOrEqual(2);
    expect(Date.parse(periods[0]?.from as string)).toBeLessThanOrEqual(Date.parse(from));
    expect(Date.parse(periods.at(-1)?.to as string)).toBeGreaterThanOrEqual(now);
  });

  test('is refused where it is longer, by the field', async () => {
    const data = { slo: 'month', from: '2025-01-01T00:00:00Z', to: '2026-11-22T00:00:00Z', points: 300 };
    expect(await stage.ask('slo-history', data)).toMatchObject({
      ok: false,
      problem: { status: 422, errors: [{ path: 'from' }] },
    });
  });
});

describe('a period and the one before', () => {
  const october = { from: '2026-09-30T22:00:00.000Z', to: '2026-10-31T23:00:00.000Z' };
  const september = { from: '2026-08-31T22:00:00.000Z', to: october.from };
  const timeZone = 'Europe/Berlin';
  const of = async (slo: string, period = october, before = september) =>
    (await stage.must<SloMeasuredPeriods>('slo-periods', { slo, period, before, timeZone })).data;
  const millis = ({ from, to }: { from: string; to: string }) => [Date.parse(from), Date.parse(to)] as const;

  test.each([
    ['month', 30],
    ['year', 400],
  ] as const)('are measured from what is stored, with the budget of %s', async (slo, window) => {
    const { period, before, days, since, building } = await of(slo);
    const [from, to] = millis(october);
    expect(period).toMatchObject({ ...october, ...sum(from, to) });
    expect(before).toMatchObject({ ...september, ...sum(...millis(september)) });
    expect(period.budget.atStart).toBeCloseTo(remaining(from - window * DAY, from) as number, 9);
    expect(period.budget.atEnd).toBeCloseTo(remaining(to - window * DAY, to) as number, 9);
    expect(before.budget.atEnd).toBe(period.budget.atStart);
    expect(days).toHaveLength(31);
    for (const day of days) expect(day).toMatchObject(sum(...millis(day)));
    if (slo === 'year') {
      const { good, total } = sum(from, to);
      const cost = (total - good) / sum(to - window * DAY, to).total / B;
      expect(period.budget.spent).toBeCloseTo(cost, 9);
    }
    expect([since, building]).toEqual([
      new Date(Math.min(...measured.map(([at]) => at))).toISOString(),
      false,
    ]);
  });

  test('that is not over is measured up to now, and one that has not begun is refused', async () => {
    const november = { from: october.to, to: '2026-11-30T23:00:00.000Z' };
    const { period, days } = await of('calendar', november, october);
    expect(period).toMatchObject({ to: new Date(now + MINUTE).toISOString(), budget: { atStart: 1 } });
    expect(period.budget.atEnd).toBeCloseTo(remaining(Date.parse(november.from), now + MINUTE) as number, 9);
    expect(days).toHaveLength(22);
    const december = { from: november.to, to: '2026-12-31T23:00:00.000Z' };
    const data = { slo: 'month', period: december, before: november, timeZone };
    expect(await stage.ask('slo-periods', data)).toMatchObject({
      ok: false,
      problem: { status: 422, errors: [{ path: 'period.from' }] },
    });
  });
});

describe('a forecast', () => {
  const of = async (slo: string, horizon?: string) =>
    (await stage.must<SloForecast>('slo-forecast', { slo, ...(horizon && { horizon }) })).data;

  test('starts from what is stored, and knows what will leave the window', async () => {
    const { to, remaining: left, points, pace, seasonal } = await of('month', '10d');
    expect(to).toBe(new Date(now + MINUTE + 10 * DAY).toISOString());
    expect(left).toBeCloseTo(remaining(now - 30 * DAY + MINUTE, now + MINUTE) as number, 9);
    // More was bad than may be: it is gone already, at any pace.
    expect(left).toBeLessThan(0);
    const gone = new Date(now).toISOString();
    expect([pace.exhaustsAt, seasonal.exhaustsAt.likely]).toEqual([gone, gone]);
    expect(seasonal).toMatchObject({ pattern: 'weekly', cycles: 8, reason: null });
    // If nothing bad happens any more, with as much traffic as there was.
    const kept = sum(now - 20 * DAY + MINUTE, now + MINUTE);
    const whole = sum(now - 30 * DAY + MINUTE, now + MINUTE);
    const expected = 1 - (kept.total - kept.good) / (kept.total + whole.total / 3) / B;
    expect(points.at(-1)?.best).toBeCloseTo(expected, 1);
  });

  test('of a calendar looks to the end of its month, and one of too far ahead is refused', async () => {
    expect((await of('calendar')).to).toBe('2026-11-30T23:00:00.000Z');
    expect((await of('calendar', '90d')).to).toBe('2026-11-30T23:00:00.000Z');
    expect((await of('calendar', '1d')).to).toBe(new Date(now + MINUTE + DAY).toISOString());
    expect(await stage.ask('slo-forecast', { slo: 'month', horizon: '91d' })).toMatchObject({
      ok: false,
      problem: { status: 422, errors: [{ path: 'horizon' }] },
    });
  });
});

test('what is answered is what the contract says, nothing more and nothing less', async () => {
  const [to, from] = [new Date(now).toISOString(), new Date(now - DAY).toISOString()];
  const period = { from, to };
  const before = { from: new Date(now - 2 * DAY).toISOString(), to: from };
  for (const slo of ['month', 'calendar']) {
    for (const [name, data, schema] of [
      ['slo-history', { slo, from, to, points: 10 }, sloHistory],
      ['slo-periods', { slo, period, before, timeZone: 'UTC' }, sloMeasuredPeriods],
      ['slo-forecast', { slo, horizon: '1d' }, sloForecast],
    ] as const) {
      const answer = (await stage.must(name, data)).data;
      expect(schema.parse(answer)).toEqual(answer);
    }
  }
});

test('that ends in the current minute has what there is of it, and no point after its end', async () => {
  stage.clock.advance(40_000);
  await stage.measure([[now, 10, 10]]);
  await stage.settled();
  const asked = async (end: number) =>
    (
      await stage.must<SloHistory>('slo-history', {
        slo: 'month',
        from: new Date(now - 2 * MINUTE).toISOString(),
        to: new Date(end).toISOString(),
        step: '1m',
      })
    ).data.points.at(-1);
  for (const after of [15_000, 40_000, 300_000]) {
    const at = new Date(now + Math.min(after, 40_000)).toISOString();
    expect(await asked(now + after)).toMatchObject({ at, total: sum(now, now + MINUTE).total + 10 });
  }
  expect(await asked(now)).toMatchObject({ at: new Date(now).toISOString() });
});
