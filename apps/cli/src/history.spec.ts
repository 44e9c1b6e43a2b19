import type { SloHistory } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const history: SloHistory = {
  points: [
    {
      at: '2026-11-22T08:00:00.000Z',
      good: 990,
      total: 1000,
      sli: 0.99,
      budgetRemaining: 0.5,
      burn: 10,
      budgetRemainingMin: 0.5,
      budgetRemainingMax: 1,
      burnMin: 0,
      burnMax: 600,
    },
    {
      at: '2026-11-22T09:00:00.000Z',
      good: 0,
      total: 0,
      sli: null,
      budgetRemaining: null,
      burn: null,
      budgetRemainingMin: null,
      budgetRemainingMax: null,
      burnMin: null,
      burnMax: null,
    },
    {
      at: '2026-11-22T10:00:00.000Z',
      good: 1000,
      total: 1000,
      sli: 1,
      budgetRemaining: 0.6,
      burn: 0,
      budgetRemainingMin: -0.2,
      budgetRemainingMax: 0.6,
      burnMin: 0,
      burnMax: 0,
    },
  ],
};

describe('history', () => {
  beforeEach(() => {
    server.answer = () => ({ status: 200, body: history });
  });

  const asked = () => new URL(server.requests[0]?.url ?? '', 'http://x');

  test('is the last 30 days in 30 points, as a table', async () => {
    const { code, out } = await server.run('history', 'checkout-availability');
    expect(code).toBe(0);
    expect(asked().pathname).toBe('/v1/slos/checkout-availability/history');
    expect(Object.fromEntries(asked().searchParams)).toEqual({
      from: '2026-10-23T10:00:00.000Z',
      to: '2026-11-22T10:00:00.000Z',
      points: '30',
    });
    expect(out).toMatch(/08:00:00.000Z +990 +1000 +99 % +50 % +50 % +10.00 +600.00/);
    expect(out).toMatch(/09:00:00.000Z +0 +0 +– +– +– +– +–/);
    expect(out).toMatch(/10:00:00.000Z +1000 +1000 +100 % +60 % +-20 % +0.00 +0.00/);
    expect(out).not.toContain('█');
  });

  test('draws a chart for people, of the lowest budget and the highest burn of each step', async () => {
    server.interactive = true;
    const { out } = await server.run('history', 'checkout-availability', '--last', '3h', '--points', '3');
    expect(Object.fromEntries(asked().searchParams)).toMatchObject({
      from: '2026-11-22T07:00:00.000Z',
      points: '3',
    });
    expect(out).toMatch(/^Budget {2}▅ ▁ {2}lowest -20 %\nBurn {4}█ ▁ {2}peak 600.00\n\nAT/);
  });

  test('is of a group, and of what was known at a moment, up to which it goes', async () => {
    const options = ['--group', 'eu', '--as-of', '2026-11-20T10:00:00Z', '--last', '1d'];
    await server.run('history', 'checkout-availability', ...options);
    expect(Object.fromEntries(asked().searchParams)).toEqual({
      from: '2026-11-19T10:00:00.000Z',
      to: '2026-11-20T10:00:00Z',
      points: '30',
      group: 'eu',
      asOf: '2026-11-20T10:00:00Z',
    });
  });

  test('has the minute that it ends in as one of its days: 30 days are steps of a day, not of a day and a minute', async () => {
    await server.run('history', 'checkout-availability', '--to', '2026-11-22T10:00:30Z');
    expect(asked().searchParams.get('from')).toBe('2026-10-23T10:01:00.000Z');
  });

  test('answers programs what the server said', async () => {
    server.interactive = true;
    const { out } = await server.run('history', 'checkout-availability', '-o', 'json');
    expect(JSON.parse(out)).toEqual(history);
  });

  test.each([
    [['--points', '0'], 'whole number'],
    [['--points', '1.5'], 'whole number'],
    [['--last', 'week'], 'not a duration'],
    [['--last', '1d', '--from', '2026-11-01T00:00:00Z'], 'exclude each other'],
    [['--to', 'yesterday'], 'must be an RFC 3339 time'],
  ])('refuses %j', async (options, message) => {
    const { code, err } = await server.run('history', 'x', ...options);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(server.requests).toEqual([]);
  });
});
