import {
  type Incident,
  LogStreams,
  type Report,
  type SloForecast,
  type SloGroup,
  type SloHistory,
} from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

const HOUR = 3_600_000;
/** A Monday: the week before is 2026-W46, and the one before that 2026-W45. */
const MONDAY = '2026-11-16T00:00:00.000Z';
let rig: Rig;
let viewer: string;

const slo = (service: string) => ({
  service,
  sli: 'availability',
  objective: 0.999,
  indicator: { kind: 'ratio' },
  budgeting: { method: 'occurrences' },
  window: { rolling: '30d' },
});

/** An alert that fired, and ended where `resolved` is given. */
async function alert(n: number, firedAt: string, resolvedAt?: string, group?: SloGroup): Promise<void> {
  const common = {
    slo: 'checkout-availability',
    service: 'checkout',
    severity: 'page' as const,
    tier: 'fast',
    longWindow: '1h',
    shortWindow: '5m',
    longBurn: 20,
    shortBurn: 20,
    threshold: 14.4,
    budgetRemaining: 0.5,
    n,
    ...(group && { group }),
    evidence: null,
  };
  await rig.append(LogStreams.slo(common.slo), 'slo.alert.fired', {
    ...common,
    eventTime: firedAt,
    startedAt: firedAt,
    declare: null,
    title: 'checkout burns',
  });
  if (resolvedAt === undefined) return;
  await rig.append(LogStreams.slo(common.slo), 'slo.alert.resolved', {
    ...common,
    eventTime: resolvedAt,
    firedAt,
    reason: 'recovered',
  });
}

beforeAll(async () => {
  rig = await Rig.start();
  await rig.put('/v1/services/checkout', { team: 'pay' });
  await rig.put('/v1/services/search', { team: 'find' });
  await rig.put('/v1/services/stock', { team: 'pay' });
  await rig.put('/v1/slos/checkout-availability', slo('checkout'));
  await rig.put('/v1/slos/search-availability', slo('search'));
  await rig.put('/v1/slos/unmeasurable', slo('mail'));
  rig.services.counted.set('checkout-availability 2026-11-09T00:00:00.000Z', { good: 9980, total: 10_000 });
  rig.services.counted.set('checkout-availability 2026-11-02T00:00:00.000Z', { good: 9995, total: 10_000 });
  await alert(1, '2026-11-08T23:59:00.000Z', '2026-11-09T01:00:00.000Z');
  await alert(2, '2026-11-09T00:00:00.000Z', '2026-11-09T02:00:00.000Z');
  await alert(3, '2026-11-15T23:59:59.000Z');
  await alert(4, MONDAY);
  // Groups are numbered apart from the whole.
  await alert(2, '2026-11-10T00:00:00.000Z', '2026-11-10T01:00:00.000Z', { label: 'region', value: 'eu' });

  rig.clock.advance(Date.parse('2026-11-23T08:00:00Z') - rig.clock.now().getTime());
  const { body } = await rig.post<Incident>('/v1/incidents', {
    title: 'stock is slow',
    severity: 'sev3',
    services: ['stock'],
  });
  rig.clock.advance(HOUR / 2);
  await rig.post(`/v1/incidents/${body.id}/status`, { status: 'resolved', note: 'mended' });
  viewer = await rig.token('viewer', 'bob');
});
afterAll(() => rig?.stop());

const report = async (query: string) => {
  const { status, body } = await rig.get<Report>(`/v1/reports?${query}`, { token: viewer });
  expect([query, status]).toEqual([query, 200]);
  return body;
};

describe('a report', () => {
  test('is of the last period that is over, in the zone that is asked for', async () => {
    expect(await report('period=week')).toMatchObject({ at: '2026-W47', complete: true, timeZone: 'UTC' });
    expect(await report('period=month&timeZone=Europe/Berlin')).toMatchObject({
      at: '2026-10',
      from: '2026-09-30T22:00:00.000Z',
      to: '2026-10-31T23:00:00.000Z',
    });
    expect(await report('period=week&at=2026-W48')).toMatchObject({ complete: false });
  });

  test('has each SLO under its team, measured over the period and the one before', async () => {
    const { groups, summary } = await report('period=week&at=2026-W46');
    expect(groups.map(({ name, slos }) => [name, slos.map(({ slo: of }) => of)])).toEqual([
      ['find', ['search-availability']],
      ['pay', ['checkout-availability']],
      [null, ['unmeasurable']],
    ]);
    expect(groups[1]?.slos[0]).toMatchObject({
      verdict: 'missed',
      measured: { good: 9980, total: 10_000, budget: { spent: expect.closeTo(2, 6) } },
      before: { verdict: 'met', sli: 0.9995 },
    });
    expect(groups[2]?.slos[0]).toMatchObject({ verdict: 'unknown', note: 'it cannot be evaluated' });
    expect(summary.slos).toEqual({ total: 3, met: 0, missed: 1, noData: 1, unknown: 1 });
  });

  test('has the alerts that fired from its first instant on, to its last', async () => {
    const { groups } = await report('period=week&at=2026-W46&team=pay');
    expect(groups[0]?.slos[0]).toMatchObject({
      alertCounts: { page: 3, ticket: 0 },
      alerts: [
        { firedAt: '2026-11-09T00:00:00.000Z', resolvedAt: '2026-11-09T02:00:00.000Z', group: null },
        {
          firedAt: '2026-11-10T00:00:00.000Z',
          resolvedAt: '2026-11-10T01:00:00.000Z',
          group: { value: 'eu' },
        },
        { firedAt: '2026-11-15T23:59:59.000Z', resolvedAt: null },
      ],
      before: { alertCounts: { page: 1 } },
    });
  });

  test('has the incidents of its services, with the time that they took', async () => {
    const { groups, summary } = await report('period=week&at=2026-W48&groupBy=service');
    const stock = groups.find(({ name }) => name === 'stock');
    expect(stock).toMatchObject({
      slos: [],
      incidents: [{ title: 'stock is slow', status: 'resolved', timeToResolveMinutes: 30 }],
    });
    expect(summary.incidents).toEqual({ declared: 1, resolved: 1, meanTimeToResolveMinutes: 30 });
    const elsewhere = await report('period=week&at=2026-W48&service=search');
    expect(elsewhere.summary.incidents.declared).toBe(0);
    expect(elsewhere.groups.map(({ name }) => name)).toEqual(['find']);
  });

  test('comes as Markdown and as CSV', async () => {
    const as = (accept: string) =>
      rig.get<string>('/v1/reports?period=week&at=2026-W46', { headers: { accept } });
    const markdown = await as('text/markdown');
    expect(markdown.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    expect(markdown.body).toContain('# SLO report: week 2026-W46');
    const csv = await as('text/csv');
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect(csv.headers.get('content-disposition')).toBe('attachment; filename="slo-report-2026-W46.csv"');
    expect(csv.body.split('\r\n')[0]).toMatch(/^period,from,to,time_zone,/);
    expect(csv.body.split('\r\n')).toHaveLength(5);
  });

  test.each([
    ['period=week&at=2026-10', 400, 'query.at'],
    ['period=week&at=2025-W53', 400, 'query.at'],
    ['period=month&at=2027-01', 400, 'query.at'],
    ['period=year', 400, 'query.period'],
    ['', 400, 'query.period'],
    ['period=week&timeZone=Europe/Atlantis', 400, 'query.timeZone'],
    ['period=week&teams=pay', 400, 'query.teams'],
  ])('%s is refused by its field', async (query, status, path) => {
    expect(await rig.get(`/v1/reports?${query}`)).toMatchObject({ status, body: { errors: [{ path }] } });
  });

  test('of a team or service that nothing is known of is not found', async () => {
    expect((await rig.get('/v1/reports?period=week&team=none')).status).toBe(404);
    expect((await rig.get('/v1/reports?period=week&service=none')).status).toBe(404);
  });
});

describe('an SLO over time', () => {
  const of = '/v1/slos/checkout-availability';

  test('has a history in as many points as are asked for', async () => {
    const to = '2026-11-22T00:00:00.000Z';
    rig.services.remaining.set(`checkout-availability ${to}`, 0.25);
    const { status, body } = await rig.get<SloHistory>(`${of}/history?to=${to}&points=300`);
    expect([status, body.points[0]?.budgetRemaining]).toEqual([200, 0.25]);
    expect(rig.services.seen.at(-1)).toMatchObject({
      name: 'evaluator.slo-history',
      request: { data: { from: '2026-11-21T00:00:00.000Z', to, points: 300 } },
    });
    expect(rig.services.seen.at(-1)?.request.data).not.toHaveProperty('step');
  });

  test('has a forecast, as far ahead as is asked for, of a group where one is named', async () => {
    const now = rig.clock.now().getTime();
    const { status, body } = await rig.get<SloForecast>(`${of}/forecast?horizon=14d&group=eu`);
    expect([status, Date.parse(body.to) - now]).toEqual([200, 14 * 24 * HOUR]);
    expect(rig.services.seen.at(-1)?.request.data).toEqual({
      slo: 'checkout-availability',
      horizon: '14d',
      group: 'eu',
    });
  });

  test('has both as of a moment, up to which the history goes', async () => {
    const asOf = '2026-11-22T00:00:00.000Z';
    rig.services.remaining.set(`checkout-availability ${asOf}`, 0.75);
    const asked = { slo: 'checkout-availability', asOf };
    expect((await rig.get(`${of}/history?asOf=${asOf}&step=1h&group=eu`)).status).toBe(200);
    expect(rig.services.seen.at(-1)?.request.data).toEqual({
      ...asked,
      from: '2026-11-21T00:00:00.000Z',
      to: asOf,
      step: '1h',
      group: 'eu',
    });
    expect((await rig.get(`${of}/forecast?asOf=${asOf}`)).status).toBe(200);
    expect(rig.services.seen.at(-1)?.request.data).toEqual(asked);
  });

  test.each([
    [`${of}/history?asOf=2030-01-01T00:00:00Z`, 'query.asOf'],
    [`${of}/forecast?asOf=then`, 'query.asOf'],
    [`${of}/history?points=0`, 'query.points'],
    [`${of}/history?points=5001`, 'query.points'],
    [`${of}/history?points=10&step=1h`, 'query.points'],
    [`${of}/history?points=10&from=2020-01-01T00:00:00Z`, 'query.from'],
    [`${of}/forecast?horizon=soon`, 'query.horizon'],
    [`${of}/forecast?days=14`, 'query.days'],
  ])('%s is refused by its field', async (path, field) => {
    expect(await rig.get(path)).toMatchObject({ status: 400, body: { errors: [{ path: field }] } });
  });
});
