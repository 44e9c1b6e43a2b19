import type { Report, ReportSummary } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const counts = {
  slos: { total: 2, met: 1, missed: 1, noData: 0, unknown: 0 },
  alerts: { page: 1, ticket: 0 },
  incidents: { declared: 1, resolved: 1, meanTimeToResolveMinutes: 42.25 },
};
const summary: ReportSummary = { ...counts, mostSpent: { slo: 'checkout', spent: 1.5 }, before: counts };
const measured = {
  from: '2026-11-16T00:00:00.000Z',
  to: '2026-11-23T00:00:00.000Z',
  good: 998,
  total: 1000,
  sli: 0.998,
  met: false,
  coverage: 1,
  budget: { atStart: 0.9, atEnd: -0.5, lowest: -0.5, spent: 1.5 },
};
const day = {
  date: '2026-11-17',
  from: '2026-11-17T00:00:00.000Z',
  to: '2026-11-18T00:00:00.000Z',
  good: 0,
  total: 2,
  sli: 0,
  burn: 1000,
  spent: 1.5,
};
const report: Report = {
  period: 'week',
  at: '2026-W47',
  from: measured.from,
  to: measured.to,
  timeZone: 'UTC',
  complete: false,
  asOf: '2026-11-22T10:00:00.000Z',
  before: { at: '2026-W46', from: '2026-11-09T00:00:00.000Z', to: measured.from },
  groupBy: 'team',
  summary,
  groups: [
    {
      name: 'pay',
      summary,
      slos: [
        {
          slo: 'checkout',
          service: 'checkout',
          team: 'pay',
          objective: 0.999,
          window: '30d',
          verdict: 'missed',
          measured,
          worstDay: day,
          days: [day],
          alerts: [],
          alertCounts: { page: 1, ticket: 0 },
          incidents: ['INC-1'],
          before: { ...measured, sli: 1, verdict: 'met', alertCounts: { page: 0, ticket: 0 } },
          note: 'measured since 2026-11-17T00:00:00.000Z',
        },
      ],
      incidents: [
        {
          id: 'INC-1',
          title: 'checkout fails',
          severity: 'sev2',
          status: 'resolved',
          services: ['checkout'],
          slos: ['checkout'],
          declaredAt: '2026-11-17T00:00:00.000Z',
          resolvedAt: '2026-11-17T00:42:15.000Z',
          timeToResolveMinutes: 42.25,
        },
      ],
    },
    { name: null, summary, slos: [], incidents: [] },
  ],
};

describe('report', () => {
  beforeEach(() => {
    server.answer = ({ headers }) =>
      headers.accept === 'text/csv'
        ? { status: 200, type: 'text/csv; charset=utf-8', body: 'period,slo\r\n2026-W47,checkout\r\n' }
        : headers.accept === 'text/markdown'
          ? { status: 200, type: 'text/markdown; charset=utf-8', body: '# SLO report\n' }
          : { status: 200, body: report };
  });

  test('asks for the period, and shows each team with its SLOs and incidents', async () => {
    const { code, out } = await server.run('report', 'week');
    expect([code, server.requests[0]?.url]).toEqual([0, '/v1/reports?period=week&groupBy=team']);
    expect(out).toContain('week 2026-W47, 2026-11-16T00:00:00.000Z to 2026-11-23T00:00:00.000Z (UTC)');
    expect(out).toContain('not over yet');
    expect(out).toContain('resolved in 42.3 min on average');
    expect(out).toMatch(
      /checkout +99\.9 % \/ 30d +99\.8 % +100 % +missed +150 % +-50 % +2026-11-17 \(150 %\) +1 +0/,
    );
    expect(out).toContain('note checkout: measured since 2026-11-17');
    expect(out).toMatch(/INC-1 +sev2 +resolved +2026-11-17T00:00:00.000Z +42\.3 min +checkout fails/);
    expect(out).toContain('\nno team\n');
  });

  test('passes on what it is asked to narrow down to', async () => {
    await server.run(
      ...['report', 'month', '--at', '2026-10', '--team', 'pay', '--service', 'checkout'],
      ...['--group-by', 'service', '--time-zone', 'Europe/Berlin'],
    );
    const url = new URL(server.requests[0]?.url ?? '', 'http://x');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      period: 'month',
      groupBy: 'service',
      at: '2026-10',
      team: 'pay',
      service: 'checkout',
      timeZone: 'Europe/Berlin',
    });
  });

  test('prints JSON, CSV and Markdown as the server has them', async () => {
    const as = async (format: string) => (await server.run('report', 'week', '-o', format)).out;
    expect(JSON.parse(await as('json'))).toEqual(report);
    expect(await as('csv')).toBe('period,slo\r\n2026-W47,checkout');
    expect(await as('md')).toBe('# SLO report');
  });

  test('is the only one to print CSV and Markdown', async () => {
    const { code, err } = await server.run('status', '-o', 'csv');
    expect([code, err]).toEqual([2, 'error: status does not print csv; take table, json or yaml']);
    expect(server.requests).toEqual([]);
    expect((await server.run('report', 'year')).code).toBe(2);
  });
});
