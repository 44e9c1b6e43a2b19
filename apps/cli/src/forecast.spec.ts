import type { SloForecast } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const point = (at: string, likely: number) => ({
  at,
  best: 1,
  pace: 0.5,
  likely,
  low: likely - 0.5,
  high: 1,
});
const forecast: SloForecast = {
  slo: 'checkout',
  service: 'checkout',
  asOf: '2026-11-22T10:00:00.000Z',
  to: '2026-12-22T10:00:00.000Z',
  remaining: 0.5,
  best: { recoversAt: null },
  pace: { window: '1h', burn: 0.25, exhaustsAt: null, recoversAt: null, reason: 'it lasts beyond the end' },
  seasonal: {
    pattern: 'weekly',
    cycles: 8,
    trend: { bad: 'rising', traffic: null },
    exhaustsAt: { early: '2026-11-25T10:00:00.000Z', likely: '2026-11-29T10:00:00.000Z', late: null },
    recoversAt: null,
    reason: null,
  },
  points: [point('2026-11-22T10:00:00.000Z', 0.5), point('2026-11-29T10:00:00.000Z', 0)],
};
const young: SloForecast = {
  ...forecast,
  seasonal: {
    ...forecast.seasonal,
    pattern: null,
    cycles: 0,
    exhaustsAt: { early: null, likely: null, late: null },
    reason: 'a pattern needs 3 days of history, there are 1.5',
  },
};
const gone = forecast.asOf;
const spent: SloForecast = {
  ...forecast,
  remaining: -7.29,
  best: { recoversAt: '2026-11-23T10:00:00.000Z' },
  pace: { window: '5m', burn: 0, exhaustsAt: gone, recoversAt: '2026-11-23T10:00:00.000Z', reason: null },
  seasonal: { ...forecast.seasonal, exhaustsAt: { early: gone, likely: gone, late: gone } },
};

describe('forecast', () => {
  test('says when the budget is gone, both ways, with what lies between', async () => {
    server.answer = () => ({ status: 200, body: forecast });
    const { code, out } = await server.run('forecast', 'checkout', '--horizon', '30d');
    expect([code, server.requests[0]?.url]).toEqual([0, '/v1/slos/checkout/forecast?horizon=30d']);
    expect(out).toMatch(/Left now +50 %/);
    expect(out).toMatch(/At this pace +it lasts beyond the end; burn 0.25 over 1h/);
    expect(out).toMatch(/As usual +gone 2026-11-29T10:00:00.000Z \(in 7 d\)/);
    expect(out).toContain(
      'in eight of ten courses between 2026-11-25T10:00:00.000Z (in 3 d) and the end of the forecast or later',
    );
    expect(out).toContain('from 8 weeks, errors rising');
    expect(out).not.toContain('Back');
    expect(out).not.toContain('█');
  });

  test('says honestly what cannot be said', async () => {
    server.answer = () => ({ status: 200, body: young });
    const { out } = await server.run('forecast', 'checkout');
    expect(server.requests[0]?.url).toBe('/v1/slos/checkout/forecast');
    expect(out).toMatch(/As usual +a pattern needs 3 days of history, there are 1.5/);
    expect(out).not.toContain('courses');
  });

  test('of a budget that is spent says that it is gone already, and when it comes back', async () => {
    server.answer = () => ({ status: 200, body: spent });
    const { out } = await server.run('forecast', 'checkout');
    expect(out).toMatch(/Left now +-729 %/);
    expect(out).toMatch(/At this pace +gone already; burn 0.00 over 5m\n/);
    expect(out).toMatch(/As usual +gone already\n/);
    expect(out).toMatch(/Back +2026-11-23T10:00:00.000Z \(in 1 d\) at the earliest/);
    expect(out).not.toContain('courses');
    expect(out).not.toContain('2026-11-22T10:00:00.000Z (');
    const seasonal = { ...spent.seasonal, pattern: null, reason: young.seasonal.reason };
    server.answer = () => ({ status: 200, body: { ...spent, seasonal } });
    expect((await server.run('forecast', 'checkout')).out).toMatch(
      /As usual +gone already; a pattern needs 3 days of history, there are 1.5\n/,
    );
  });

  test('of a moment counts from that moment', async () => {
    server.answer = () => ({ status: 200, body: { ...forecast, asOf: '2026-11-15T10:00:00.000Z' } });
    const { out } = await server.run('forecast', 'checkout', '--as-of', '2026-11-15T10:00:00Z');
    expect(server.requests[0]?.url).toBe('/v1/slos/checkout/forecast?asOf=2026-11-15T10%3A00%3A00Z');
    expect(out).toMatch(/Left then +50 %/);
    expect(out).toMatch(/As usual +gone 2026-11-29T10:00:00.000Z \(in 14 d\)/);
  });

  test('draws the courses for people, and answers programs what the server said', async () => {
    server.answer = () => ({ status: 200, body: forecast });
    server.interactive = true;
    expect((await server.run('forecast', 'checkout')).out).toMatch(/Pace +▅▅\nUsual +▅▁\nOne in ten +▃▁/);
    expect(JSON.parse((await server.run('forecast', 'checkout', '-o', 'json')).out)).toEqual(forecast);
  });
});
