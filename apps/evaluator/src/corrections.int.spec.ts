import type { PointColumns, SloCorrection, SloHistory, SloStatus } from '@bellwether/contracts';
import { CONTROL_JOURNAL, LogStreams } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Registry as MetricsRegistry } from 'prom-client';
import { Evaluator } from './evaluator.js';
import { StatusReader } from './status/status-reader.js';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

const HOUR = 60 * MINUTE;
let stage: Rehearsal;
beforeAll(async () => {
  stage = await Rehearsal.start();
  await stage.startService();
  await stage.must('sli-define', { service: 'checkout', name: 'availability' });
  await stage.must('sli-define', { service: 'checkout', name: 'latency', unit: 's' });
});
afterAll(() => stage?.stop());

const quiet = { alerting: { preset: 'none' } };
const SLOS: Record<string, object> = {
  events: quiet,
  slices: {
    budgeting: { method: 'timeslices', slice: '7m', sliceTarget: 0.99 },
    missingData: 'bad',
    window: { rolling: '7d' },
    ...quiet,
  },
  p95: {
    sli: 'latency',
    indicator: { kind: 'percentile', p: 0.95, op: 'lte', value: 500, unit: 'ms' },
    budgeting: { method: 'timeslices', slice: '2m' },
    ...quiet,
  },
};
const iso = (at: number): string => new Date(at).toISOString();
const correct = (slo: string, body: object, options: object = {}) =>
  stage.must<SloCorrection>('slo-correct', { slo, reason: 'maintenance', ...body }, options);
const withdraw = (slo: string, id: string) =>
  stage.must<SloCorrection>('slo-correction-withdraw', { slo, id });

async function statuses(asOf?: string): Promise<Record<string, SloStatus>> {
  const all: Record<string, SloStatus> = {};
  for (const slo of Object.keys(SLOS)) {
    all[slo] = (await stage.must<SloStatus>('slo-status', { slo, ...(asOf ? { asOf } : {}) })).data;
    expect([slo, all[slo].backfill]).toEqual([slo, null]);
  }
  return all;
}

/** A value a minute. */
function latencies(from: number, minutes: number, value: number): PointColumns[] {
  const at = Array.from({ length: minutes }, (_, i) => from + i * MINUTE);
  return [{ kind: 'values', at, value: at.map(() => value), count: at.map(() => 1) }];
}

describe('corrections', () => {
  let now: number;
  let made: Record<string, string>;
  const fault = () => ({ from: iso(now - DAY), to: iso(now - DAY + HOUR) });
  const correctAll = async () => {
    made = {};
    for (const slo of Object.keys(SLOS))
      made[slo] = (await correct(slo, { effect: 'exclude', ...fault() })).data.id;
  };
  let before: Record<string, SloStatus>;
  let after: Record<string, SloStatus>;
  /** Counts without the hour of the fault: 2 days of 100 a minute, and of slices of 2 minutes. */
  const CORRECTED = {
    events: { good: 282_000, total: 282_000, corrections: 1, correctedMinutes: { exclude: 60, good: 0 } },
    slices: { good: expect.any(Number), corrections: 1 },
    p95: { good: 1410, total: 1410 },
  };

  test('of what was measured hold at once, and leave nothing when they are withdrawn', async () => {
    for (const [name, overrides] of Object.entries(SLOS))
      await stage.must('slo-define', sloBody({ name, objective: 0.9, ...overrides }));
    now = stage.clock.now().getTime();
    await stage.history(2 * DAY);
    await stage.measure(Array.from({ length: 60 }, (_, i) => [now - DAY + i * MINUTE, 0, 100] as const));
    await stage.record(latencies(now - 2 * DAY, 2 * 1440, 0.1), { sli: 'latency' });
    await stage.record(latencies(now - DAY, 60, 2), { sli: 'latency' });
    await stage.settled();
    before = await eventually(async () => {
      const found = await statuses();
      expect(found).toMatchObject({
        events: { good: 288_000, total: 294_000, corrections: 0 },
        p95: { good: 1410, total: 1440 },
      });
      return found;
    });
    const buckets = await stage.buckets();

    await correctAll();
    after = await statuses();
    expect(after).toMatchObject(CORRECTED);
    // Slices that reach out of the hour are judged by what is left of them: they are all good.
    expect(after.slices?.good).toBe(after.slices?.total);
    const [from, to] = [now - DAY, now - DAY + HOUR].map((at) => at / (7 * MINUTE)) as [number, number];
    const excluded = Math.floor(to) - Math.ceil(from);
    expect((before.slices?.total as number) - (after.slices?.total as number)).toBe(excluded);
    const corrected = await stage.buckets();
    expect(corrected.stored).toBe(corrected.recomputed);
    for (const line of buckets.stored.split('\n')) expect(corrected.stored).toContain(line);

    for (const [slo, id] of Object.entries(made)) await withdraw(slo, id);
    expect(await statuses()).toEqual(before);
    expect((await stage.buckets()).stored).toBe(buckets.stored);
  });

  test('are the same after a restart, and when all buckets are made anew', async () => {
    await correctAll();
    expect(await statuses()).toEqual(after);
    await stage.stopServices();
    await stage.startService();
    expect(await statuses()).toEqual(after);
    const { stored } = await stage.buckets();
    await stage.must('buckets-rebuild', {});
    await eventually(async () =>
      expect((await stage.must<{ partitionsToRebuild: number }>('buckets-state', {})).data).toMatchObject({
        partitionsToRebuild: 0,
        building: 0,
      }),
    );
    expect((await stage.buckets()).stored).toBe(stored);
    expect(await statuses()).toEqual(after);
  });

  test('show in the history, and only from when they were known in the past', async () => {
    const points = async (slo: string) => {
      const span = { from: iso(now - DAY - HOUR), to: iso(now - DAY + 2 * HOUR), step: '1h' };
      return (await stage.must<SloHistory>('slo-history', { slo, ...span })).data.points;
    };
    expect(await points('events')).toMatchObject([
      { total: 6000, sli: 1 },
      { total: 0, sli: null, corrected: true },
      { total: 6000, sli: 1, budgetRemaining: 1 },
    ]);
    expect((await points('events'))[0]).not.toHaveProperty('corrected');
    expect((await points('p95')).map(({ good, total }) => [good, total])).toEqual([
      [30, 30],
      [0, 0],
      [30, 30],
    ]);
    const corrected = stage.clock.now().toISOString();
    stage.clock.advance(MINUTE);
    await withdraw('events', made.events as string);
    const restored = stage.clock.now().toISOString();
    stage.clock.advance(MINUTE);
    made.events = (await correct('events', { effect: 'good', ...fault() })).data.id;
    stage.clock.advance(MINUTE);
    const of = async (asOf?: string) => {
      const { good, total, corrections } = (await statuses(asOf)).events as SloStatus;
      return [good, total, corrections];
    };
    expect(await of(corrected)).toEqual([282_000, 282_000, 1]);
    expect(await of(restored)).toEqual([288_000, 294_000, 0]);
    expect(await of()).toEqual([294_000, 294_000, 1]);
  });

  test('correct what comes late, in minutes that are no longer in memory, too', async () => {
    stage.clock.advance(5 * DAY);
    await stage.measure([
      [now - DAY + 5 * MINUTE, 0, 1000],
      [now - DAY + HOUR, 0, 50],
    ]);
    await stage.record(latencies(now - DAY + 10 * MINUTE, 5, 9), { sli: 'latency' });
    await stage.settled();
    await eventually(async () => {
      const found = await statuses();
      expect(found).toMatchObject({
        events: { good: 295_000, total: 295_050 },
        p95: { good: 1410, total: 1410 },
      });
      const { stored, recomputed } = await stage.buckets();
      expect(stored).toBe(recomputed);
    });
    stage.clock.advance(1);
    const then = new Date(stage.clock.now().getTime() - 1);
    const live = await statuses();
    for (const [slo, status] of Object.entries(await statuses(then.toISOString())))
      expect([slo, status.good, status.total]).toEqual([slo, live[slo]?.good, live[slo]?.total]);
  });

  test('of components are in what a composite counts, and one of its own holds for it alone', async () => {
    const journey = {
      name: 'journey',
      sli: undefined,
      objective: 0.9,
      indicator: { kind: 'composite', of: [{ slo: 'events' }, { slo: 'p95' }] },
      budgeting: { method: 'timeslices' },
      ...quiet,
    };
    await stage.must('slo-define', sloBody(journey));
    const counted = async (expected: object) =>
      await eventually(async () => {
        const status = await stage.status('journey');
        expect(status).toMatchObject({ ...expected, backfill: null });
        return status;
      });
    // The hour of the fault is good of one, and not there of the other; after it one minute was late and bad.
    await counted({ good: 2879, total: 2880, corrections: 0 });
    await withdraw('p95', made.p95 as string);
    await counted({ good: 2819, total: 2880 });
    const { data } = await correct('journey', { effect: 'exclude', ...fault() });
    const status = await counted({ good: 2819, total: 2820, corrections: 1 });
    const then = stage.clock.now().toISOString();
    stage.clock.advance(MINUTE);
    await withdraw('journey', data.id);
    await counted({ good: 2819, total: 2880, corrections: 0 });
    const past = (await stage.must<SloStatus>('slo-status', { slo: 'journey', asOf: then })).data;
    expect([past.good, past.total]).toEqual([status.good, status.total]);
  });

  test('are worked out by whoever asks, before they are stored', async () => {
    await stage.stopServices();
    await stage.log.append({
      journal: CONTROL_JOURNAL,
      stream: LogStreams.slo('p95'),
      expectedVersion: 'any',
      events: [
        {
          type: 'slo.corrected',
          data: {
            slo: 'p95',
            service: 'checkout',
            id: 'c-1',
            change: 'added',
            effect: 'good',
            reason: 'why',
            ...fault(),
            by: 'user:ada',
          },
          occurredAt: stage.clock.now(),
          meta: { correlationId: 'test', causationId: null, actor: 'user:ada', source: '/test' },
        },
      ],
    });
    const evaluator = new Evaluator({
      log: stage.log,
      connectionString: stage.database.url,
      instance: 'reader',
      clock: stage.clock,
      logger: stage.logger,
      metrics: new MetricsRegistry(),
    });
    await evaluator.registry.start();
    const reader = new StatusReader(evaluator, stage.log);
    const read = await reader.now('p95');
    expect(read).toMatchObject({ good: 1440, total: 1440, correctedMinutes: { exclude: 0, good: 60 } });
    const span = { from: new Date(now - DAY), to: new Date(now - DAY + HOUR), cut: { step: '1h' } };
    expect((await reader.history('p95', span)).points).toMatchObject([
      { good: 30, total: 30, corrected: true },
    ]);
    await stage.startService();
    await stage.settled();
    expect((await statuses()).p95).toEqual({ ...read, backfill: null });
  });
});

describe('a correction', () => {
  const name = 'guarded';
  const latest = async (type: string) =>
    (await stage.log.readJournal(CONTROL_JOURNAL, { after: 0, limit: 10_000 })).findLast(
      (event) => event.type === type,
    );
  const faulty = async (minutes: number) => {
    for (let i = 0; i < minutes; i++) {
      await stage.measure([[stage.clock.now().getTime(), 0, 100]], { sli: 'errors' });
      stage.clock.advance(MINUTE);
    }
    await stage.settled();
  };

  test('resolves an alert that held because of what it excludes; withdrawn, what holds now fires', async () => {
    await stage.must('slo-define', sloBody({ name, sli: 'errors' }));
    const start = stage.clock.now().getTime();
    const clean: [number, number, number][] = [];
    for (let at = start - DAY; at < start; at += MINUTE) clean.push([at, 100, 100]);
    await stage.measure(clean, { sli: 'errors' });
    await faulty(8);
    await eventually(async () => expect(await stage.alerts()).toContain('fired page fast 1'));
    const { data } = await correct(name, { effect: 'exclude', from: iso(start), to: iso(start + HOUR) });
    await eventually(async () => expect(await stage.alerts()).toContain('resolved page fast 1'));
    const [added, resolved] = [await latest('slo.corrected'), await latest('slo.alert.resolved')];
    expect(resolved?.meta.causationId).toBe(added?.id);
    expect(await stage.status(name)).toMatchObject({ good: 144_000, total: 144_000, corrections: 1 });
    const fired = (await stage.alerts()).filter((alert) => alert.startsWith('fired')).length;

    // Planned ahead: the hour is not over, and goes on being excluded; silence in it is none.
    await faulty(2);
    stage.clock.advance(20 * MINUTE);
    await stage.settled();
    expect((await stage.status(name)).frozen).toBeNull();
    expect((await stage.alerts()).filter((alert) => alert.startsWith('fired'))).toHaveLength(fired);
    expect(
      (await stage.transitions()).map(({ data: alert }) => (alert as { rule?: string }).rule),
    ).not.toContain('absent/checkout/errors');

    await faulty(2);
    await withdraw(name, data.id);
    await eventually(async () => expect(await stage.alerts()).toContain('fired page fast 2'));
    const [withdrawn, again] = [await latest('slo.corrected'), await latest('slo.alert.fired')];
    expect(again?.meta).toMatchObject({
      causationId: withdrawn?.id,
      correlationId: withdrawn?.meta.correlationId,
    });
  });

  test('is made and withdrawn once, however often it is asked for', async () => {
    const weekly = {
      effect: 'exclude' as const,
      recurrence: {
        rrule: 'FREQ=WEEKLY',
        start: '2026-11-30T02:00',
        duration: '2h',
        timeZone: 'Europe/Berlin',
      },
    };
    const version = (await correct(name, weekly, { id: 'weekly-1' })).version;
    const again = await correct(name, weekly, { id: 'weekly-1' });
    expect(again).toMatchObject({ status: 201, version, data: { by: 'user:ada', withdrawnAt: null } });
    const ask = { slo: name, id: again.data.id, reason: 'not weekly' };
    const gone = await stage.must<SloCorrection>('slo-correction-withdraw', ask, { id: 'w-1' });
    expect(gone).toMatchObject({ version: version + 1, data: { withdrawnReason: 'not weekly' } });
    expect(await stage.must('slo-correction-withdraw', ask, { id: 'w-1' })).toEqual(gone);
    const other = { ...ask, reason: 'whatever' };
    expect((await stage.must('slo-correction-withdraw', other)).data).toEqual(gone.data);
    expect((await correct(name, weekly, { id: 'weekly-1' })).data).toEqual(again.data);
    expect(
      await stage.ask('slo-correct', { slo: name, reason: 'r', ...weekly }, { expect: 1 }),
    ).toMatchObject({
      problem: { status: 412 },
    });
  });

  test.each([
    [{ slo: 'nothing' }, 404],
    [{ from: '2026-01-01T00:00:00Z', to: '2028-01-01T00:00:00Z' }, 422],
    [{ recurrence: { rrule: 'FREQ=X', start: '2026-01-01T00:00', duration: '1h', timeZone: 'UTC' } }, 422],
    [{ effect: 'bad' }, 400],
  ])('is refused: %j', async (overrides, status) => {
    const body = { slo: name, effect: 'good', reason: 'why', from: iso(0), to: iso(MINUTE), ...overrides };
    expect(await stage.ask('slo-correct', body)).toMatchObject({ ok: false, problem: { status } });
    expect(await stage.ask('slo-correction-withdraw', { slo: name, id: 'none' })).toMatchObject({
      problem: { status: 404 },
    });
  });
});
