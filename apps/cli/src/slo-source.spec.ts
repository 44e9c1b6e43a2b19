import type { SloStatus } from '@bellwether/contracts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());

const status = (source?: SloStatus['source']): SloStatus => ({
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
  burn: [{ window: '1h', rate: 0 }],
  alerts: [],
  watermark: '2026-11-22T09:59:00.000Z',
  history: 86_400,
  coverage: 1,
  corrections: 0,
  ...(source && { source }),
});

async function shown(source?: SloStatus['source']): Promise<string | undefined> {
  server.answer = () => ({ status: 200, body: status(source) });
  const { out } = await server.run('status', 'checkout-availability');
  return out.split('\n').find((line) => line.startsWith('Source'));
}

const source = {
  kind: 'prometheus',
  since: '2026-11-22T09:56:00.000Z',
  lastError: 'it does not answer',
} as const;

test('the status of an SLO tells how the source of its SLI answers', async () => {
  expect(await shown()).toBeUndefined();
  expect(
    await shown({ ...source, state: 'ok', lastError: null, lastSuccessAt: '2026-11-22T09:59:00.000Z' }),
  ).toMatch(/^Source +prometheus ok$/);
  expect(await shown({ ...source, state: 'failing', lastSuccessAt: '2026-11-22T09:55:00.000Z' })).toMatch(
    /^Source +prometheus failing since 4 min ago: it does not answer \(last answered 5 min ago\)$/,
  );
  expect(await shown({ ...source, state: 'failing', lastSuccessAt: null })).toMatch(/\(it never answered\)$/);
  expect(await shown({ ...source, state: 'empty', lastSuccessAt: '2026-11-22T09:30:00.000Z' })).toMatch(
    /empty since 4 min ago: .* \(last answered with data 30 min ago\)$/,
  );
  expect(await shown({ ...source, state: 'empty', lastSuccessAt: null })).toMatch(
    /\(it never answered with data\)$/,
  );
});

test('the list of SLOs tells which have a source that fails', async () => {
  server.answer = ({ url }) => ({
    status: 200,
    body: url.endsWith('/status')
      ? status({ ...source, state: 'failing', lastSuccessAt: null })
      : { items: [{ name: 'checkout-availability' }], nextCursor: null },
  });
  expect((await server.run('status')).out).toMatch(/checkout-availability +ok \(source failing\) +99.9 %/);
});

test('the status of an SLO tells of points that its indicator has no reading for', async () => {
  const unreadable = { points: 2, of: 3, newest: '2026-11-22T09:59:55.000Z', reason: 'a mean reads values' };
  server.answer = ({ url }) => ({
    status: 200,
    body: url.endsWith('/status')
      ? { ...status(), state: 'no-data', unreadable }
      : { items: [{ name: 'checkout-availability' }], nextCursor: null },
  });
  expect((await server.run('status', 'checkout-availability')).out).toMatch(
    /^Not read +2 of the latest 3 points, the newest 5 s ago: a mean reads values$/m,
  );
  expect((await server.run('status')).out).toMatch(/checkout-availability +no-data \(points not read\)/);
});

test('the status of an SLO tells of values outside of the scale of its SLI', async () => {
  const outOfRange = { points: 2, of: 5, newest: '2026-11-22T09:59:55.000Z', from: 0, to: 1 };
  server.answer = ({ url }) => ({
    status: 200,
    body: url.endsWith('/status')
      ? { ...status(), outOfRange }
      : { items: [{ name: 'checkout-availability' }], nextCursor: null },
  });
  expect((await server.run('status', 'checkout-availability')).out).toMatch(
    /^Out of range +2 of the latest 5 points, the newest 5 s ago: below 0 or above 1, and read as that[.]/m,
  );
  expect((await server.run('status')).out).toMatch(/checkout-availability +ok \(out of range\)/);
});

test('the status of an SLO, and the list, tell that its SLI is absent', async () => {
  const absent = { sli: 'checkout/availability', since: '2026-11-22T09:56:00.000Z', cadence: '1m' };
  const firing = { severity: 'page', tier: 'fast', state: 'firing', since: null } as const;
  const answer = (body: Partial<SloStatus>) => {
    server.answer = ({ url }) => ({
      status: 200,
      body: url.endsWith('/status')
        ? { ...status(), ...body }
        : { items: [{ name: 'checkout-availability' }], nextCursor: null },
    });
  };
  const lines = async (...args: string[]) => (await server.run('status', ...args)).out.split('\n');
  answer({ absent, alerts: [firing] });
  expect(await lines('checkout-availability')).toContain(
    'Absent       since 2026-11-22T09:56:00.000Z (4 min ago): checkout/availability is not measured, expected every 1m',
  );
  expect((await lines()).at(-1)).toMatch(/ page-fast, absent +– *$/);
  answer({ absent: { ...absent, cadence: null }, alertsOff: true });
  expect((await lines('checkout-availability')).find((line) => line.startsWith('Absent'))).toMatch(
    /is not measured$/,
  );
  expect((await lines()).at(-1)).toMatch(/ off, absent +– *$/);
  answer({ absent: null });
  expect((await lines('checkout-availability')).join('\n')).not.toMatch(/Absent/);
  expect((await lines()).at(-1)).toMatch(/ – +– *$/);
});
