import type { Rule, RuleStatus } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const rule: Rule = {
  name: 'checkout-slow',
  service: 'checkout',
  sli: 'latency',
  aggregate: 'p95',
  window: '5m',
  op: 'gt',
  threshold: 1,
  unit: 's',
  for: '2m',
  clear: { margin: 0.2 },
  severity: 'page',
  summary: 'checkout answers slowly',
  runbookUrl: 'https://runbooks.example.org/checkout-slow',
  labels: {},
};
const status = (overrides: Partial<RuleStatus> = {}): RuleStatus => ({
  rule: 'checkout-slow',
  service: 'checkout',
  sli: 'latency',
  asOf: '2026-11-22T10:00:00.000Z',
  state: 'pending',
  since: '2026-11-22T09:59:00.000Z',
  severity: 'page',
  aggregate: 'p95',
  window: '5m',
  op: 'gt',
  value: 1.413712,
  threshold: 1,
  clear: 0.8,
  unit: 's',
  for: '2m',
  pendingSince: '2026-11-22T09:59:00.000Z',
  firesAt: '2026-11-22T10:01:00.000Z',
  frozen: null,
  watermark: '2026-11-22T09:59:30.000Z',
  runbookUrl: rule.runbookUrl,
  backfill: null,
  ...overrides,
});

test('get rules lists what they fire on, and get rule gives what apply takes', async () => {
  server.answer = ({ url }) =>
    url.startsWith('/v1/rules/')
      ? { status: 200, body: rule }
      : { status: 200, body: { items: [rule], nextCursor: null } };
  const list = await server.run('get', 'rules');
  expect(list.out).toMatch(
    /checkout-slow +checkout +page +> 1 s for 2m +p95 of latency over 5m +checkout answers slowly/,
  );
  const one = await server.run('get', 'rule', 'checkout-slow');
  expect(one.out).toMatch(/^kind: rule\nname: checkout-slow\n/);
  expect(server.requests.map(({ url }) => url)).toEqual(['/v1/rules', '/v1/rules/checkout-slow']);
});

test('rule status says of all rules how they stand, and of one all there is', async () => {
  server.answer = ({ url }) => {
    if (url === '/v1/rules') return { status: 200, body: { items: [rule], nextCursor: null } };
    return { status: 200, body: status({ frozen: { since: '2026-11-22T09:58:00.000Z', reason: 'a gap' } }) };
  };
  const all = await server.run('rule');
  expect(all.out).toMatch(
    /checkout-slow +pending \(held\) +1 min ago +page +1.4137 s +> 1 s for 2m +p95 of checkout\/latency over 5m/,
  );
  const { out } = await server.run('rule', 'status', 'checkout-slow', '--as-of', '2026-11-22T10:00:00Z');
  expect(out.split('\n')).toEqual([
    'Rule         checkout-slow (service checkout, page)',
    'State        pending since 2026-11-22T09:59:00.000Z (1 min ago)',
    'Fires        2026-11-22T10:01:00.000Z (in 1 min)',
    'Value        1.4137 s: p95 of latency over 5m',
    'Threshold    > 1 s for 2m',
    'Resolves     at 0.8 s',
    'Held         since 2026-11-22T09:58:00.000Z: a gap',
    'Newest data  2026-11-22T09:59:30.000Z (30 s ago)',
    'Runbook      https://runbooks.example.org/checkout-slow',
  ]);
  expect(server.requests.at(-1)?.url).toBe('/v1/rules/checkout-slow/status?asOf=2026-11-22T10%3A00%3A00Z');
});

test('nothing that was measured is no number, and units are written as people do', async () => {
  const values: [Partial<RuleStatus>, RegExp][] = [
    [{ value: null, watermark: null, since: null, state: 'inactive', firesAt: null }, /^Value +–: /m],
    [{ value: 0.99123456, unit: 'ratio', for: '0s' }, /^Value +0.99123: .*\n.*Threshold +> 1$/m],
    [{ value: 12.5, unit: '1/s' }, /^Value +12.5\/s: /m],
    [{ value: 80, unit: 'percent' }, /^Value +80 %: /m],
  ];
  for (const [overrides, text] of values) {
    server.answer = () => ({ status: 200, body: status(overrides) });
    expect((await server.run('rule', 'status', 'checkout-slow')).out).toMatch(text);
  }
});

test('rule status is JSON for programs', async () => {
  server.answer = () => ({ status: 200, body: status() });
  const { out } = await server.run('rule', 'status', 'checkout-slow', '-o', 'json');
  expect(JSON.parse(out)).toEqual(status());
});

test('rule retire ends one', async () => {
  server.answer = () => ({ status: 200, body: { ...rule, warnings: [] } });
  expect(await server.run('rule', 'retire', 'checkout-slow')).toMatchObject({
    code: 0,
    out: 'checkout-slow is retired',
  });
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'DELETE /v1/rules/checkout-slow',
  ]);
});

test('rule status tells that the SLI is absent', async () => {
  const absent = { sli: 'checkout/latency', since: '2026-11-22T09:56:00.000Z', cadence: '1m' };
  server.answer = ({ url }) =>
    url === '/v1/rules'
      ? { status: 200, body: { items: [rule], nextCursor: null } }
      : { status: 200, body: status({ state: 'inactive', absent }) };
  expect((await server.run('rule')).out).toMatch(/checkout-slow +inactive \(absent\) /);
  expect((await server.run('rule', 'status', 'checkout-slow')).out).toMatch(
    /^Absent +since 2026-11-22T09:56:00.000Z \(4 min ago\): checkout\/latency is not measured, expected every 1m$/m,
  );
});
