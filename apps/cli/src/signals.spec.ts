import type { GoldenSignal, GoldenSignals } from '@bellwether/contracts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());

const signal = (overrides: Partial<GoldenSignal>): GoldenSignal => ({
  status: 'ok',
  value: 0.25,
  unit: 's',
  threshold: 1,
  op: 'gt',
  level: 'critical',
  sli: 'latency',
  aggregate: 'p95',
  window: '5m',
  watermark: '2026-11-22T09:59:30.000Z',
  detail: null,
  ...overrides,
});
const signals: GoldenSignals = {
  service: 'checkout',
  asOf: '2026-11-22T10:00:00.000Z',
  status: 'warning',
  latency: signal({}),
  traffic: signal({ value: 20.5, unit: '1/s', threshold: null, sli: 'availability', aggregate: 'rate' }),
  errors: signal({
    status: 'unknown',
    value: null,
    unit: 'ratio',
    sli: null,
    detail: 'the service has no SLI',
  }),
  saturation: signal({ status: 'warning', value: 0.85, unit: 'ratio', threshold: 0.8, level: 'warning' }),
};

test('signals of a service: value, threshold and what is measured, and why something is unknown', async () => {
  server.answer = () => ({ status: 200, body: signals });
  const { out } = await server.run('signals', 'checkout', '--as-of', '2026-11-22T10:00:00Z');
  const rows = out.split('\n');
  expect(rows[0]).toBe('checkout: warning');
  expect(rows[2]).toMatch(/^latency +ok +0.25 s +critical > 1 s +p95 of latency over 5m +–$/);
  expect(rows[3]).toMatch(/^traffic +ok +20.5\/s +– +rate of availability over 5m +–$/);
  expect(rows[4]).toMatch(/^errors +unknown +– +critical > 1 +– +the service has no SLI$/);
  expect(rows[5]).toMatch(/^saturation +warning +0.85 +warning > 0.8 /);
  expect(server.requests.at(-1)?.url).toBe(
    '/v1/services/checkout/golden-signals?asOf=2026-11-22T10%3A00%3A00Z',
  );
  expect(JSON.parse((await server.run('signals', 'checkout', '-o', 'json')).out)).toEqual(signals);
});

test('signals of all services are a row each', async () => {
  server.answer = ({ url }) =>
    url === '/v1/services'
      ? { status: 200, body: { items: [{ name: 'checkout' }], nextCursor: null } }
      : { status: 200, body: signals };
  const { out } = await server.run('signals');
  expect(out.split('\n')[1]).toMatch(/^checkout +warning +0.25 s ok +20.5\/s ok +unknown +0.85 warning$/);
});
