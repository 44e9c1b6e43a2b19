import type { SloCorrection } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const PATH = '/v1/slos/checkout-availability/corrections';
const made = (overrides: Partial<SloCorrection> = {}): SloCorrection => ({
  id: '8f14e45fceea167a',
  slo: 'checkout-availability',
  effect: 'exclude',
  reason: 'the database is moved',
  from: '2026-11-22T09:00:00.000Z',
  to: '2026-11-22T12:00:00.000Z',
  by: 'user:ada',
  at: '2026-11-22T08:00:00.000Z',
  withdrawnBy: null,
  withdrawnAt: null,
  withdrawnReason: null,
  ...overrides,
});
const weekly = {
  rrule: 'FREQ=WEEKLY;BYDAY=SA',
  start: '2026-01-03T22:00',
  duration: '4h',
  timeZone: 'Europe/Berlin',
};
const correct = (...argv: string[]) => server.run('correct', 'checkout-availability', ...argv);

describe('correct', () => {
  beforeEach(() => {
    server.answer = () => ({ status: 201, body: { ...made(), warnings: [] } });
  });

  test('excludes a span, and says how to take that back', async () => {
    const span = ['--from', '2026-11-22T09:00:00Z', '--to', '2026-11-22T12:00:00Z'];
    const { code, out } = await correct(...span, '-m', 'the database is moved');
    expect([code, out]).toEqual([
      0,
      'checkout-availability: excluded: 2026-11-22T09:00:00.000Z to 2026-11-22T12:00:00.000Z; take it back with: bellwether uncorrect checkout-availability 8f14e45fceea167a -m "<why>"',
    ]);
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        url: PATH,
        body: {
          effect: 'exclude',
          reason: 'the database is moved',
          from: '2026-11-22T09:00:00Z',
          to: '2026-11-22T12:00:00Z',
        },
      },
    ]);
    const json = await correct(...span, '-m', 'why', '-o', 'json');
    expect(JSON.parse(json.out)).toMatchObject(made());
  });

  test('begins now for so long, and counts as good when asked to', async () => {
    await correct('--for', '2h', '--effect', 'good', '-m', 'why');
    await correct('--from', '2026-11-23T10:00:00+01:00', '--for', '90m', '-m', 'why');
    expect(server.requests.map(({ body }) => body)).toMatchObject([
      { effect: 'good', from: '2026-11-22T10:00:00.000Z', to: '2026-11-22T12:00:00.000Z' },
      { effect: 'exclude', from: '2026-11-23T09:00:00.000Z', to: '2026-11-23T10:30:00.000Z' },
    ]);
  });

  test('comes again by a rule, within bounds where there are any', async () => {
    const rule = ['--rrule', weekly.rrule, '--start', weekly.start, '--duration', '4h', '-m', 'why'];
    await correct(...rule, '--zone', 'Europe/Berlin');
    await correct(...rule, '--to', '2027-01-01T00:00:00Z');
    expect(server.requests.map(({ body }) => body)).toEqual([
      { effect: 'exclude', reason: 'why', recurrence: weekly },
      {
        effect: 'exclude',
        reason: 'why',
        to: '2027-01-01T00:00:00Z',
        recurrence: { ...weekly, timeZone: 'UTC' },
      },
    ]);
  });

  test.each([
    [[]],
    [['--from', '2026-11-22T09:00:00Z']],
    [['--for', 'long']],
    [['--for', '2h', '--to', '2026-11-22T12:00:00Z']],
    [['--for', '2h', '--zone', 'UTC']],
    [['--rrule', 'FREQ=DAILY', '--duration', '1h']],
    [['--rrule', 'FREQ=DAILY', '--start', '2026-01-01T00:00', '--duration', '1h', '--for', '1h']],
    [['--for', '2h', '--effect', 'ignore']],
    [['--for', '2h', '--from', 'yesterday']],
  ])('is a wrong call: %j', async (argv) => {
    expect((await correct(...argv, '-m', 'why')).code).toBe(2);
    expect((await correct('--for', '2h')).code).toBe(2);
    expect(server.requests).toEqual([]);
  });
});

test('corrections are listed with what they do, when, by whom and since when not', async () => {
  const items = [
    made(),
    made({
      id: 'weekly',
      from: undefined,
      to: '2027-01-01T00:00:00.000Z',
      recurrence: weekly,
      effect: 'good',
    }),
    made({ id: 'past', to: '2026-11-22T10:00:00.000Z' }),
    made({
      id: 'gone',
      withdrawnBy: 'user:bob',
      withdrawnAt: '2026-11-22T09:58:00.000Z',
      withdrawnReason: 'a slip',
    }),
  ];
  server.answer = () => ({ status: 200, body: { items, nextCursor: null } });
  const { out } = await server.run('corrections', 'checkout-availability', '--as-of', '2026-11-22T10:00:00Z');
  expect(out).toMatch(
    /^8f14e45fceea167a +exclude +in effect, now, until 2026-11-22T12:00:00.000Z \(in 2 h\) /m,
  );
  expect(out).toMatch(
    /^weekly +good +in effect, next in 6 d +4h from 2026-01-03T22:00 \(Europe\/Berlin\), FREQ=WEEKLY;BYDAY=SA, until 2027-01-01T00:00:00.000Z +user:ada/m,
  );
  expect(out).toMatch(/^past +exclude +in effect, past /m);
  expect(out).toMatch(/^gone +exclude +withdrawn 2 min ago by user:bob: a slip /m);
  expect(server.requests[0]?.url).toBe(`${PATH}?asOf=2026-11-22T10%3A00%3A00Z`);
  const json = await server.run('corrections', 'checkout-availability', '-o', 'json');
  expect(JSON.parse(json.out)).toEqual(JSON.parse(JSON.stringify(items)));
  server.answer = () => ({ status: 200, body: { items: [], nextCursor: null } });
  expect((await server.run('corrections', 'checkout-availability')).out).toBe('no corrections');
});

test('a correction is withdrawn, with the reason where there is one', async () => {
  server.answer = () => ({ status: 200, body: { ...made(), warnings: [] } });
  const { code, out } = await server.run('uncorrect', 'checkout-availability', 'c1', '-m', 'a slip');
  expect([code, out]).toEqual([0, 'checkout-availability: correction c1 holds no longer']);
  await server.run('uncorrect', 'checkout-availability', 'c1');
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `DELETE ${PATH}/c1?reason=a%20slip`,
    `DELETE ${PATH}/c1`,
  ]);
});

test('the status says what corrections hold, and the history in which steps', async () => {
  const status = {
    slo: 'checkout-availability',
    service: 'checkout',
    asOf: '2026-11-22T10:00:00.000Z',
    state: 'ok',
    frozen: null,
    objective: 0.999,
    sli: 1,
    good: 10,
    total: 10,
    compliant: true,
    budget: { total: 0.001, consumed: 0, remaining: 1, exhausted: false, exhaustsAt: null },
    burn: [],
    alerts: [],
    watermark: null,
    history: 86_400,
    coverage: 1,
    corrections: 2,
    correctedMinutes: { exclude: 120, good: 30 },
  };
  server.answer = () => ({ status: 200, body: status });
  const { out } = await server.run('status', 'checkout-availability');
  expect(out).toMatch(/^Corrections +2 in the window, 2 h excluded, 30 min counted as good$/m);
  server.answer = () => ({ status: 200, body: { ...status, corrections: 0 } });
  expect((await server.run('status', 'checkout-availability')).out).not.toContain('Corrections');

  const point = { good: 1, total: 1, sli: 1, budgetRemaining: 1, burn: 0 };
  const points = [
    { ...point, at: '2026-11-21T10:00:00.000Z' },
    { ...point, at: '2026-11-22T10:00:00.000Z', corrected: true },
  ];
  server.answer = () => ({ status: 200, body: { points } });
  const lines = (await server.run('history', 'checkout-availability')).out.split('\n');
  expect(lines.map((line) => line.trimEnd().split(/ {2,}/).at(-1))).toEqual(['CORRECTED', '–', 'yes']);
});
