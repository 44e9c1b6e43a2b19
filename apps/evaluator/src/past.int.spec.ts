import type { PointColumns, RuleStatus, SloForecast, SloHistory, SloStatus } from '@bellwether/contracts';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

const HOUR = 60 * MINUTE;
const quiet = { alerting: { preset: 'none' }, objective: 0.9 };
const slices = { method: 'timeslices', slice: '7m', sliceTarget: 0.95 };
const DEFINED = [
  { name: 'events', window: { rolling: '28d' } },
  { name: 'month', window: { calendar: 'month', timeZone: 'Europe/Berlin' } },
  { name: 'slices', budgeting: slices, missingData: 'bad', window: { rolling: '7d' } },
  { name: 'regions', groupBy: { label: 'region', cap: 5 } },
  {
    name: 'p95',
    sli: 'latency',
    indicator: { kind: 'percentile', p: 0.95, op: 'lte', value: 500, unit: 'ms' },
    budgeting: { method: 'timeslices', slice: '2m' },
  },
  {
    name: 'journey',
    indicator: { kind: 'composite', of: [{ slo: 'slices' }, { slo: 'p95', weight: 2 }] },
    budgeting: { method: 'ratio-timeslices', slice: '10m' },
    sli: undefined,
  },
];
/** Each SLO, and one group. */
const ASKED = [...DEFINED.map(({ name }) => ({ slo: name })), { slo: 'regions', group: 'eu' }];

let stage: Rehearsal;
let seed = 7;
const random = (): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

/** Points of two regions, and of latency, at these times. */
async function measure(times: number[]): Promise<void> {
  for (let i = 0; i < times.length; i += 900) {
    const at = times.slice(i, i + 900);
    await stage.record(
      ['eu', 'us'].map((region): PointColumns => {
        const total = at.map(() => 1 + Math.floor(random() * 50));
        const good = total.map((all) => (random() < 0.05 ? 0 : all));
        return { kind: 'counts', labels: { region }, at, good, total };
      }),
    );
    const values = at.map(() => 0.8 * random() ** 4);
    await stage.record([{ kind: 'values', at, value: values }], { sli: 'latency' });
  }
}

const iso = (at: number) => new Date(at).toISOString();

/** All that is said of the SLOs at `now`, or was said then. */
async function said(now: number, asOf?: string): Promise<[SloHistory, SloHistory, SloForecast][]> {
  const then = asOf === undefined ? {} : { asOf };
  return await Promise.all(
    ASKED.map(async (of) => {
      const history = async (days: number, cut: object) =>
        (
          await stage.must<SloHistory>('slo-history', {
            ...of,
            ...then,
            from: iso(now - days * DAY),
            to: iso(now),
            ...cut,
          })
        ).data;
      const forecast = await stage.must<SloForecast>('slo-forecast', { ...of, ...then, horizon: '12d' });
      return [await history(40, { points: 50 }), await history(1, { step: '1h' }), forecast.data] as [
        SloHistory,
        SloHistory,
        SloForecast,
      ];
    }),
  );
}

beforeAll(async () => {
  stage = await Rehearsal.start();
  await stage.startService();
  await stage.must('sli-define', { service: 'checkout', name: 'availability' });
  await stage.must('sli-define', { service: 'checkout', name: 'latency', unit: 's' });
  for (const slo of DEFINED) await stage.must('slo-define', sloBody({ ...quiet, ...slo }));
  const now = stage.clock.now().getTime();
  await measure(Array.from({ length: 6_000 }, () => now - Math.floor(random() * 80 * 1440) * MINUTE));
  await measure(Array.from({ length: 1_440 }, (_, i) => now - i * MINUTE));
});
afterAll(() => stage?.stop());

test('the burn-down and the forecast as of a moment are what was answered then, whatever came since', async () => {
  stage.clock.advance(20_000);
  const then = stage.clock.now().getTime();
  await eventually(async () => {
    for (const { slo } of ASKED) {
      const status = await stage.status(slo);
      expect([status.backfill, status.grouping?.backfill ?? null]).toEqual([null, null]);
    }
  });
  await stage.settled();
  const before = await said(then);
  for (const [whole, , { remaining }] of before) {
    expect(remaining).not.toBeNull();
    expect(whole.points.filter(({ total }) => total > 0).length).toBeGreaterThan(25);
  }

  stage.clock.advance(3 * HOUR);
  const now = stage.clock.now().getTime();
  await measure(Array.from({ length: 2_000 }, () => now - Math.floor(random() * 50 * 1440) * MINUTE));
  const excluded = { from: iso(then - 12 * HOUR), to: iso(then - 6 * HOUR), reason: 'maintenance' };
  for (const slo of ['events', 'slices', 'p95']) {
    await stage.must('slo-correct', { slo, effect: 'exclude', ...excluded });
  }
  await stage.must('slo-define', sloBody({ ...quiet, ...DEFINED[1], objective: 0.8 }));
  await stage.must('slo-retire', { slo: 'regions' });
  await stage.settled();

  expect(await said(then, iso(then))).toEqual(before);
  expect(
    await stage.ask('slo-history', { slo: 'regions', from: iso(then - DAY), to: iso(then), step: '1h' }),
  ).toMatchObject({
    ok: false,
    problem: { status: 404 },
  });
  const today = await stage.must<SloHistory>('slo-history', {
    slo: 'events',
    from: iso(then - 40 * DAY),
    to: iso(then),
    points: 50,
  });
  expect(today.data).not.toEqual(before[0]?.[0]);
});

test('a moment before there was such an SLO, or group, is refused', async () => {
  const data = { slo: 'events', asOf: '2026-01-01T00:00:00Z' };
  expect(await stage.ask('slo-forecast', data)).toMatchObject({ ok: false, problem: { status: 404 } });
  const of = { slo: 'events', group: 'eu', asOf: '2026-11-22T10:00:10Z' };
  expect(await stage.ask('slo-forecast', of)).toMatchObject({
    ok: false,
    problem: { status: 422, errors: [{ path: 'group' }] },
  });
  expect(await stage.ask('slo-forecast', { ...of, slo: 'regions', group: 'mars' })).toMatchObject({
    ok: false,
    problem: { status: 404 },
  });
});

test('a status without data says which points its indicator has no reading for, and what it reads', async () => {
  await stage.must('slo-define', sloBody({ ...quiet, name: 'odd', sli: 'odd' }));
  const unread = async (asOf?: string) =>
    (await stage.must<SloStatus>('slo-status', { slo: 'odd', ...(asOf && { asOf }) })).data.unreadable;
  expect(await unread()).toBeUndefined();
  const sent = stage.clock.now().getTime();
  const at = [sent - 5_000, sent - 4_000];
  await stage.record([{ kind: 'values', at, value: [99, 98] }], { sli: 'odd' });
  const left = {
    points: 2,
    of: 2,
    newest: iso(sent - 4_000),
    reason: 'a ratio reads counts (good and total), and values of an SLI whose unit is percent or ratio',
  };
  expect(await unread()).toEqual(left);
  stage.clock.advance(MINUTE);
  await stage.measure([[sent, 9, 10]], { sli: 'odd' });
  await stage.settled();
  await eventually(async () => expect((await stage.status('odd')).state).not.toBe('no-data'));
  expect(await unread()).toBeUndefined();
  expect(await unread(iso(sent + 1_000))).toEqual(left);
});

test('a status says which values are outside of the scale that they are read in', async () => {
  await stage.must('sli-define', { service: 'checkout', name: 'share', unit: 'ratio' });
  await stage.must('slo-define', sloBody({ ...quiet, name: 'share', sli: 'share' }));
  const shown = async (asOf?: string) =>
    (await stage.must<SloStatus>('slo-status', { slo: 'share', ...(asOf && { asOf }) })).data.outOfRange;
  const sent = stage.clock.now().getTime();
  await stage.record([{ kind: 'values', at: [sent, sent], value: [0, 1] }], { sli: 'share' });
  expect(await shown()).toBeUndefined();
  const at = [sent - 2_000, sent - 1_000, sent];
  await stage.record([{ kind: 'values', at, value: [0.5, -0.1, 99] }], { sli: 'share' });
  const outside = { points: 2, of: 5, newest: iso(sent), from: 0, to: 1 };
  expect(await shown()).toEqual(outside);
  stage.clock.advance(1_000);
  expect(await shown(iso(sent))).toEqual(outside);
});

test('a rule without a value says which points its aggregate has no reading for', async () => {
  await stage.must('rule-define', {
    name: 'slow',
    service: 'checkout',
    sli: 'counted',
    aggregate: 'p95',
    window: '5m',
    op: 'gt',
    threshold: 1,
    severity: 'ticket',
    summary: 'slow',
    runbookUrl: 'https://runbooks.example.org/slow',
  });
  const shown = async (asOf?: string) =>
    (await stage.must<RuleStatus>('rule-status', { rule: 'slow', ...(asOf && { asOf }) })).data.unreadable;
  expect(await shown()).toBeUndefined();
  const sent = stage.clock.now().getTime();
  await stage.measure([[sent, 1, 2]], { sli: 'counted' });
  const left = { points: 1, of: 1, newest: iso(sent), reason: expect.stringMatching(/^a percentile reads/) };
  expect(await shown()).toEqual(left);
  stage.clock.advance(1_000);
  expect(await shown(iso(sent))).toEqual(left);
});
