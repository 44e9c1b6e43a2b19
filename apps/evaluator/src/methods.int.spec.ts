import type { PointColumns, SloHistory, SloStatus } from '@bellwether/contracts';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

const HOUR = 60 * MINUTE;
let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
  await stage.startService();
  await stage.must('sli-define', { service: 'checkout', name: 'availability' });
  await stage.must('sli-define', { service: 'checkout', name: 'latency', unit: 's' });
});
afterEach(() => stage.stop());

const timeslices = (overrides: object = {}) => ({ method: 'timeslices', sliceTarget: 0.99, ...overrides });
const percentile = { kind: 'percentile', p: 0.95, op: 'lte', value: 500, unit: 'ms' };
const quiet = { alerting: { preset: 'none' } };

/** The SLOs of this file: each method, over the two SLIs. */
const SLOS: Record<string, object> = {
  events: quiet,
  month: { window: { calendar: 'month', timeZone: 'Europe/Berlin' }, ...quiet },
  slices: { budgeting: timeslices({ slice: '5m' }), ...quiet },
  week: { budgeting: timeslices(), window: { calendar: 'week' }, missingData: 'bad', ...quiet },
  ratios: { budgeting: { method: 'ratio-timeslices', slice: '10m' }, missingData: 'good', ...quiet },
  p95: { sli: 'latency', indicator: percentile, budgeting: { method: 'timeslices', slice: '2m' } },
  p50: {
    sli: 'latency',
    indicator: { ...percentile, p: 0.5, value: 0.3, unit: 's' },
    budgeting: { method: 'timeslices' },
    window: { rolling: '7d' },
    ...quiet,
  },
  mean: {
    sli: 'latency',
    indicator: { kind: 'mean', op: 'lt', value: 0.4 },
    budgeting: { method: 'timeslices', slice: '3m' },
    ...quiet,
  },
};

async function defineAll(): Promise<void> {
  for (const [name, overrides] of Object.entries(SLOS)) {
    await stage.must('slo-define', sloBody({ name, objective: 0.9, ...overrides }));
  }
}

async function statuses(): Promise<Record<string, SloStatus>> {
  const all: Record<string, SloStatus> = {};
  for (const name of Object.keys(SLOS)) {
    all[name] = (await stage.must<SloStatus>('slo-status', { slo: name })).data;
    expect([name, all[name].backfill]).toEqual([name, null]);
  }
  return all;
}

/** Values of a minute each from `from` on, of which the `slow` last of 20 take two seconds. */
function latencies(from: number, minutes: number, slow: number): PointColumns[] {
  const columns = {
    kind: 'values' as const,
    at: [] as number[],
    value: [] as number[],
    count: [] as number[],
  };
  for (let minute = 0; minute < minutes; minute++) {
    for (const [value, count] of [
      [0.1, 20 - slow],
      [2, slow],
    ] as const) {
      if (count === 0) continue;
      columns.at.push(from + minute * MINUTE);
      columns.value.push(value);
      columns.count.push(count);
    }
  }
  return [columns];
}

/** Two days of both SLIs, with a fault of an hour a day ago. */
async function twoDays(): Promise<number> {
  const now = stage.clock.now().getTime();
  await stage.history(2 * DAY);
  await stage.measure(Array.from({ length: 60 }, (_, i) => [now - DAY + i * MINUTE, 0, 100] as const));
  await stage.record(latencies(now - 2 * DAY, 1440, 1), { sli: 'latency' });
  await stage.record(latencies(now - DAY, 60, 2), { sli: 'latency' });
  await stage.record(latencies(now - DAY + HOUR, 1380, 1), { sli: 'latency' });
  return now;
}

const EXPECTED = {
  events: { good: 288_000, total: 294_000 },
  month: { good: 288_000, total: 294_000, period: { from: '2026-10-31T23:00:00.000Z' } },
  slices: { good: 576 - 12, total: 576 },
  // Whole weeks begin on Monday, and today is Sunday.
  week: { good: 2880 - 60, total: 2880, period: { to: '2026-11-23T00:00:00.000Z' } },
  ratios: { good: 288 - 6 + 3, total: 288 },
  p95: { good: 1440 - 30, total: 1440 },
  p50: { good: 2880, total: 2880 },
  mean: { good: 960, total: 960 },
};

describe('every method', () => {
  test('counts live and from the journal alike, is as it was after a restart, and takes late measurements', async () => {
    await defineAll();
    const now = await twoDays();
    await stage.settled();
    const live = await eventually(async () => {
      const found = await statuses();
      expect(found).toMatchObject(EXPECTED);
      return found;
    });
    expect(live.slices?.budget.consumed).toBeCloseTo(12 / (0.1 * 8640), 9);
    expect(live.week?.budget.consumed).toBeCloseTo(60 / (0.1 * 10_080), 9);
    expect(live.ratios?.budget.consumed).toBeCloseTo(3 / 288 / 0.1, 9);
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);
    expect(stored).toContain('checkout/latency sketch ');
    expect(stored).toContain('checkout/latency sketch/timeslices:2m:p0.95:lte:0.5 ');

    // Restarted, from what was stored.
    await stage.stopServices();
    await stage.startService();
    expect(await statuses()).toEqual(live);

    // Late by days: the slices of the fault are judged anew, in the minutes that are no longer in memory too.
    stage.clock.advance(4 * DAY);
    const later = stage.clock.now().getTime();
    await stage.measure([[later - MINUTE, 100, 100]]);
    await stage.record(latencies(later - MINUTE, 1, 0), { sli: 'latency' });
    await stage.settled();
    await stage.measure([[now - DAY + 7 * MINUTE, 100_000, 100_000]]);
    for (let i = 0; i < 3; i++) {
      await stage.record(latencies(now - DAY + 7 * MINUTE, 1, 0), { sli: 'latency' });
    }
    await eventually(async () => {
      const found = await statuses();
      expect(found).toMatchObject({
        slices: { good: 576 - 12 + 2, total: 577 },
        p95: { good: 1440 - 30 + 2, total: 1441 },
      });
    });
    // The last of these measurements changes no verdict: the statuses may be there before it.
    await stage.settled();
    const after = await stage.buckets();
    expect(after.stored).toBe(after.recomputed);
  });

  test('defined after its data is judged from the journal, and from stored minutes where those are there', async () => {
    await twoDays();
    await stage.must('slo-define', sloBody({ name: 'first', objective: 0.9 }));
    await stage.must(
      'slo-define',
      sloBody({
        name: 'second',
        sli: 'latency',
        objective: 0.9,
        indicator: { ...percentile, value: 1000 },
        budgeting: { method: 'timeslices' },
      }),
    );
    await stage.settled();
    const rows = async () =>
      (
        await stage.log.pool.query(
          `select indicator, generation, slices_of is null as events from evaluator.series order by indicator collate "C"`,
        )
      ).rows.map(({ indicator }) => indicator);
    await eventually(async () =>
      expect(await rows()).toEqual(['ratio', 'sketch', 'sketch/timeslices:1m:p0.95:lte:1']),
    );
    await defineAll();
    await eventually(async () => expect(await statuses()).toMatchObject(EXPECTED));
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);

    // Slices that nobody asks for any more are forgotten, and made anew with all others on a rebuild.
    await stage.must('slo-retire', { slo: 'second' });
    await eventually(async () => expect(await rows()).not.toContain('sketch/timeslices:1m:p0.95:lte:1'));
    const before = await stage.buckets();
    await stage.must('buckets-rebuild', {});
    await eventually(async () =>
      expect((await stage.must<{ partitionsToRebuild: number }>('buckets-state', {})).data).toMatchObject({
        partitionsToRebuild: 0,
        building: 0,
      }),
    );
    expect((await stage.buckets()).stored).toBe(before.stored);
    expect(await statuses()).toMatchObject(EXPECTED);
  });

  test('answers its history and its past', async () => {
    await defineAll();
    const now = await twoDays();
    await stage.settled();
    await eventually(async () => expect(await statuses()).toMatchObject(EXPECTED));
    const history = async (slo: string) => {
      const from = new Date(now - DAY - HOUR).toISOString();
      const to = new Date(now - DAY + 2 * HOUR).toISOString();
      return (await stage.must<SloHistory>('slo-history', { slo, from, to, step: '1h' })).data.points;
    };
    const bad = async (slo: string) => (await history(slo)).map(({ good, total }) => total - good);
    expect(await bad('events')).toEqual([0, 6000, 0]);
    expect(await bad('slices')).toEqual([0, 12, 0]);
    expect(await bad('p95')).toEqual([0, 30, 0]);
    expect((await bad('ratios'))[1]).toBeCloseTo(3, 9);
    const points = await history('week');
    expect(points[1]?.budgetRemaining).toBeCloseTo(1 - 60 / (0.1 * 10_080), 9);
    const then = stage.clock.now();
    stage.clock.advance(MINUTE);
    for (const [name, status] of Object.entries(await statuses())) {
      const { data } = await stage.must<SloStatus>('slo-status', { slo: name, asOf: then.toISOString() });
      expect([name, data.good, data.total]).toEqual([name, status.good, status.total]);
    }
  });
});

describe('alerts on slices', () => {
  test('fire on a slow percentile with the measurement that tipped it, and resolve', async () => {
    await stage.must('slo-define', sloBody({ name: 'p95', objective: 0.99, ...SLOS.p95 }));
    const now = stage.clock.now().getTime();
    await stage.record(latencies(now - DAY, 1440, 1), { sli: 'latency' });
    await stage.settled();
    let tipped = { id: '', position: 0 };
    for (let i = 0; i < 20; i++) {
      tipped = await stage.record(latencies(stage.clock.now().getTime(), 1, 3), { sli: 'latency' });
      stage.clock.advance(MINUTE);
      await stage.settled();
      if ((await stage.alerts()).includes('fired page fast 1')) break;
    }
    const fired = await eventually(async () => {
      const found = (await stage.transitions()).find(
        ({ type, data }) => type === 'slo.alert.fired' && (data as { tier: string }).tier === 'fast',
      );
      expect(found).toBeDefined();
      return found;
    });
    expect(fired).toMatchObject({
      data: { slo: 'p95', startedAt: new Date(now).toISOString(), evidence: { total: expect.any(Number) } },
    });
    expect(tipped.position).toBeGreaterThan(0);
    stage.clock.advance(2 * MINUTE);
    await stage.record(latencies(stage.clock.now().getTime() - 2 * MINUTE, 2, 0), { sli: 'latency' });
    for (let i = 0; i < 12; i++) {
      await stage.record(latencies(stage.clock.now().getTime(), 1, 0), { sli: 'latency' });
      stage.clock.advance(MINUTE);
    }
    await eventually(async () => expect(await stage.alerts()).toContain('resolved page fast 1'));
  });

  test('of slices without data that count as bad fire as time passes', async () => {
    await stage.must(
      'slo-define',
      sloBody({ name: 'silent', objective: 0.999, budgeting: timeslices(), missingData: 'bad' }),
    );
    await stage.history(DAY);
    await stage.settled();
    stage.clock.advance(4 * MINUTE);
    await eventually(async () => expect(await stage.alerts()).toContain('fired page fast 1'));
    const [status] = [(await stage.must<SloStatus>('slo-status', { slo: 'silent' })).data];
    expect(status).toMatchObject({ good: 1440, total: 1445, frozen: null });
  });
});
