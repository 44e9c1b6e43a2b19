import type { SloGroupStatus, SloStatus } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const group = (value: string, overrides: Partial<SloGroupStatus> = {}): SloGroupStatus => ({
  value,
  state: 'ok',
  frozen: null,
  sli: 1,
  good: 4000,
  total: 4000,
  compliant: true,
  budget: { total: 0.001, consumed: 0, remaining: 1, exhausted: false, exhaustsAt: null },
  burn: [{ window: '1h', rate: 0 }],
  alerts: [{ severity: 'page', tier: 'fast', state: 'ok', since: null }],
  watermark: '2026-11-22T09:59:00.000Z',
  history: 86_400,
  settled: true,
  coverage: 1,
  ...overrides,
});

const eu = group('eu', {
  state: 'breached',
  sli: 0.99,
  good: 3960,
  budget: { total: 0.001, consumed: 10, remaining: -9, exhausted: true, exhaustsAt: null },
  burn: [{ window: '1h', rate: 20.5 }],
  alerts: [{ severity: 'page', tier: 'fast', state: 'firing', since: '2026-11-22T09:30:00.000Z' }],
});

const status = (overrides: Partial<SloStatus> = {}): SloStatus => {
  const { value: _, ...whole } = group('');
  return {
    ...whole,
    slo: 'checkout-availability',
    service: 'checkout',
    asOf: '2026-11-22T10:00:00.000Z',
    objective: 0.999,
    corrections: 0,
    grouping: {
      label: 'region',
      cap: 2,
      values: 2,
      overflowing: true,
      unlabelled: { good: 9, total: 10 },
      backfill: null,
    },
    groups: [eu, group('__other__'), group('us')],
    ...overrides,
  };
};

describe('status of an SLO with groups', () => {
  test('lists them, the worst first, with what is in none', async () => {
    server.answer = () => ({ status: 200, body: status() });
    const { code, out } = await server.run('status', 'checkout-availability', '--groups');
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^REGION +STATE +SLI +TOTAL +BUDGET LEFT +BURN +FIRING +NEWEST DATA$/);
    expect(lines[1]).toMatch(/^eu +breached +99 % +4000 +-900 % +20\.50 \(1h\) +page-fast +1 min ago$/);
    expect(lines.slice(2, 4).map((line) => line.split(' ')[0])).toEqual(['__other__', 'us']);
    expect(out).toMatch(/more than 2 values of region came/);
    expect(out).toMatch(/without the label region.*9 good of 10/);
    expect(server.requests.map(({ url }) => url)).toEqual(['/v1/slos/checkout-availability/status']);
  });

  test('names in its own status those that are not well', async () => {
    server.answer = () => ({ status: 200, body: status() });
    const { out } = await server.run('status', 'checkout-availability');
    expect(out).toMatch(/Groups +by region: 3 groups, eu breached\n/);
  });

  test('says of alerts that never fire that they are off', async () => {
    server.answer = () => ({ status: 200, body: status({ alertsOff: true }) });
    expect((await server.run('status', 'checkout-availability')).out).toMatch(
      /Alerts +off: groupBy.alerts is "groups"\n/,
    );
    const ofGroup = status({ alertsOff: true, group: { label: 'region', value: 'eu' } });
    server.answer = () => ({ status: 200, body: ofGroup });
    expect((await server.run('status', 'checkout-availability', '--group', 'eu')).out).toMatch(
      /Alerts +off: groupBy.alerts is "overall"\n/,
    );
    server.answer = ({ url }) => ({
      status: 200,
      body: url.endsWith('/status')
        ? status({ alertsOff: true })
        : { items: [{ name: 'checkout-availability' }], nextCursor: null },
    });
    expect((await server.run('status')).out).toMatch(/ 0.00 \(1h\) +off +–$/);
  });

  test('shows one group, also as of a time', async () => {
    const one = status({ group: { label: 'region', value: 'eu west' } });
    delete one.groups;
    delete one.grouping;
    server.answer = () => ({ status: 200, body: one });
    const asOf = '2026-11-22T09:00:00Z';
    const { out } = await server.run(
      'status',
      'checkout-availability',
      '--group',
      'eu west',
      '--as-of',
      asOf,
    );
    expect(out).toMatch(/Group +region eu west\n/);
    const [{ url } = { url: '' }] = server.requests;
    const { searchParams } = new URL(url, server.url);
    expect([searchParams.get('group'), searchParams.get('asOf')]).toEqual(['eu west', asOf]);
  });

  test('says so while the groups are being made, and when there are none', async () => {
    const grouping = { ...status().grouping, backfill: { done: 3, of: 9 } } as SloStatus['grouping'];
    server.answer = () => ({ status: 200, body: status({ grouping, groups: [] }) });
    expect((await server.run('status', 'a', '--groups')).out).toMatch(/being made from the log: 3 of 9/);
    server.answer = () => ({ status: 200, body: status({ grouping: undefined, groups: undefined }) });
    expect((await server.run('status', 'a', '--groups')).out).toBe(
      'SLO checkout-availability is not grouped',
    );
  });

  test('is of one SLO', async () => {
    for (const options of [['--groups'], ['--group', 'eu']]) {
      expect(await server.run('status', ...options)).toMatchObject({
        code: 2,
        err: expect.stringMatching(/of one SLO/),
      });
    }
    expect(server.requests).toEqual([]);
  });

  test('prints no control characters, whatever a label has', async () => {
    server.answer = () => ({ status: 200, body: status({ groups: [group('a\u001b[2Jb\nc')] }) });
    const { out } = await server.run('status', 'a', '--groups');
    expect(out).toContain('a [2Jb c');
  });
});

test('the status of a composite says what it is made of, and what of it is not there', async () => {
  const one = status({
    components: [
      { slo: 'cart', weight: 1, known: true },
      { slo: 'pay', weight: 2.5, known: false },
    ],
  });
  server.answer = () => ({ status: 200, body: one });
  const { out } = await server.run('status', 'journey');
  expect(out).toMatch(/Made of +cart, pay × 2\.5 \(not defined\)\n/);
});

test('an incident tells the alerts of groups apart', async () => {
  const alert = {
    kind: 'slo',
    name: 'checkout-availability',
    service: 'checkout',
    severity: 'page',
    tier: 'fast',
    state: 'firing',
    firedAt: '2026-11-22T09:30:00.000Z',
    resolvedAt: null,
    eventId: 'e',
  };
  const incident = {
    id: 'INC-1',
    severity: 'sev2',
    status: 'investigating',
    title: 'burning',
    services: ['checkout'],
    responders: [],
    startedAt: '2026-11-22T09:29:00.000Z',
    detectedAt: '2026-11-22T09:30:00.000Z',
    alerts: [alert, { ...alert, group: { label: 'region', value: 'eu' }, state: 'resolved' }],
  };
  server.answer = ({ url }) => ({
    status: 200,
    body: url.includes('timeline') ? { items: [], nextCursor: null } : incident,
  });
  const { out } = await server.run('incident', 'show', 'INC-1');
  expect(out).toMatch(
    /Alerts +checkout-availability page-fast firing, checkout-availability page-fast \(region eu\) resolved\n/,
  );
});
