import type { Gate } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const gate = (overrides: Partial<Gate> = {}): Gate => ({
  service: 'checkout',
  asOf: '2026-11-22T10:00:00.000Z',
  allow: true,
  overridden: false,
  reasons: [],
  budgets: [
    {
      slo: 'checkout-availability',
      state: 'at-risk',
      objective: 0.999,
      remaining: 0.08,
      exhaustsAt: '2026-11-22T13:00:00.000Z',
      settled: true,
      policy: 'service',
      step: { action: 'freeze', remainingBelow: 0.1 },
    },
  ],
  ...overrides,
});
const refused = gate({
  allow: false,
  reasons: [
    {
      kind: 'incident',
      effect: 'refuse',
      resource: { kind: 'incident', name: 'INC-7' },
      text: 'INC-7 (sev2, identified) is open: checkout fails',
      since: '2026-11-22T08:00:00.000Z',
      until: null,
    },
  ],
});

describe('gate', () => {
  test('exits 0 when changes are allowed, and shows the budgets', async () => {
    server.answer = () => ({ status: 200, body: gate() });
    const { code, out } = await server.run('gate', 'checkout');
    expect(code).toBe(0);
    expect(out).toMatch(/^checkout: allowed\n/);
    expect(out).toMatch(/checkout-availability +at-risk +8 % +in 3 h +freeze below 10 % +service/);
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v1/services/checkout/gate',
    ]);
  });

  test('says of a budget that has run out what "status" says', async () => {
    const budgets = gate().budgets.map((budget) => ({ ...budget, exhaustsAt: '2026-11-22T10:00:00.000Z' }));
    server.answer = () => ({ status: 200, body: gate({ budgets }) });
    expect((await server.run('gate', 'checkout')).out).toMatch(/at-risk +8 % +already +freeze/);
  });

  test('exits 1 when they are refused, and says why', async () => {
    server.answer = () => ({ status: 200, body: refused });
    const { code, out, err } = await server.run('gate', 'checkout');
    expect(code).toBe(1);
    expect(out).toContain('refused  INC-7 (sev2, identified) is open: checkout fails');
    expect(err).toBe('error: checkout may not be changed now');
  });

  test('answers a program the same in JSON', async () => {
    server.answer = () => ({ status: 200, body: refused });
    const { code, out } = await server.run('gate', 'checkout', '-o', 'json');
    expect([code, JSON.parse(out)]).toEqual([1, refused]);
  });

  test.each([401, 403, 404, 503])(
    'exits 3 when the server answers %i: that is no refusal',
    async (status) => {
      server.answer = () => ({ status, body: { title: 'No', status, detail: 'why' } });
      const { code, err } = await server.run('gate', 'checkout');
      expect(code).toBe(3);
      expect(err).toContain('the gate did not decide');
    },
  );

  test('exits 3 when nobody answers, 2 for a wrong call', async () => {
    expect((await server.run('--url', 'http://127.0.0.1:1', 'gate', 'checkout')).code).toBe(3);
    for (const call of [
      ['gate'],
      ['gate', 'checkout', '--override', 'why'],
      ['gate', 'checkout', '--for', '2h'],
      ['gate', 'checkout', '--override', 'why', '--for', 'two hours'],
      ['gate', 'checkout', '--override', '', '--for', '2h'],
      ['gate', 'checkout', '--override', 'why', '--for', '30d'],
      ['gate', 'checkout', '--change', ''],
      ['gate', 'checkout', '--as-of', '2026-11-22T10:00:00Z', '--change', 'v1'],
    ]) {
      expect((await server.run(...call)).code).toBe(2);
    }
    expect(server.requests).toEqual([]);
  });

  test.each([400, 422])('exits 2 when the server answers %i: it did answer', async (status) => {
    const detail = 'asOf must not be in the future';
    server.answer = () => ({ status, body: { title: 'Bad request', status, detail } });
    expect(await server.run('gate', 'checkout', '--as-of', '2030-01-01T00:00:00Z')).toMatchObject({
      code: 2,
      err: `error: the gate cannot be asked that: Bad request (${status}): ${detail}`,
    });
  });

  test('overrides first, then asks', async () => {
    server.answer = ({ method }) =>
      method === 'POST'
        ? { status: 201, body: { id: 'o1', until: '2026-11-22T12:00:00.000Z' } }
        : { status: 200, body: gate({ overridden: true }) };
    const { code, out, err } = await server.run('gate', 'checkout', '--override', 'the fix', '--for', '2h');
    expect([code, out.split('\n')[0]]).toEqual([0, 'checkout: allowed by an override']);
    expect(err).toContain('end it with --withdraw o1');
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/v1/services/checkout/gate/overrides',
      body: { reason: 'the fix', until: '2026-11-22T12:00:00.000Z' },
    });
  });

  test('puts the answer for a change on record', async () => {
    server.answer = () => ({ status: 201, body: refused });
    expect((await server.run('gate', 'checkout', '--change', 'v1.4.2')).code).toBe(1);
    expect(server.requests).toMatchObject([
      { method: 'POST', url: '/v1/services/checkout/gate/decisions', body: { change: 'v1.4.2' } },
    ]);
  });
});

describe('freeze', () => {
  test('lists when each holds next', async () => {
    const common = { services: '*', reason: 'why' };
    server.answer = () => ({
      status: 200,
      body: {
        items: [
          { ...common, name: 'now', from: '2026-11-22T09:00:00.000Z', to: '2026-11-22T14:00:00.000Z' },
          { ...common, name: 'over', from: '2026-11-20T09:00:00.000Z', to: '2026-11-21T14:00:00.000Z' },
          {
            ...common,
            name: 'weekends',
            recurrence: {
              rrule: 'FREQ=WEEKLY;BYDAY=FR',
              start: '2026-01-02T17:00',
              duration: '12h',
              timeZone: 'Europe/Berlin',
            },
          },
        ],
        nextCursor: null,
      },
    });
    const { out } = await server.run('freeze');
    expect(out).toMatch(/^now .* now, until 2026-11-22T14:00:00.000Z \(in 4 h\)/m);
    expect(out).toMatch(/^over .* no more/m);
    expect(out).toMatch(
      /^weekends .* in 5 d, from 2026-11-27T16:00:00.000Z +FREQ=WEEKLY;BYDAY=FR \(Europe\/Berlin\)/m,
    );
  });

  test('starts one from now on, and ends it', async () => {
    server.answer = ({ body }) => ({ status: 200, body: body ?? {} });
    await server.run('freeze', 'start', 'launch', '--service', 'checkout', '--for', '4h', '-m', 'the launch');
    await server.run('freeze', 'end', 'launch');
    expect(server.requests).toMatchObject([
      {
        method: 'PUT',
        url: '/v1/freezes/launch',
        body: {
          services: ['checkout'],
          reason: 'the launch',
          from: '2026-11-22T10:00:00.000Z',
          to: '2026-11-22T14:00:00.000Z',
        },
      },
      { method: 'DELETE', url: '/v1/freezes/launch' },
    ]);
  });
});
