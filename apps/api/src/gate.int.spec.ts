import { type Gate, type GateOverride, LogStreams, type SloStatus } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
let responder: string;
let viewer: string;
beforeAll(async () => {
  rig = await Rig.start();
  await rig.put('/v1/services/checkout', {});
  await rig.put('/v1/services/stock', {});
  await rig.put('/v1/slos/checkout-availability', {
    service: 'checkout',
    sli: 'availability',
    objective: 0.999,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '30d' },
  });
  responder = await rig.token('responder', 'ada');
  viewer = await rig.token('viewer', 'bob');
});
afterAll(() => rig?.stop());

const inTime = (millis: number) => new Date(rig.clock.now().getTime() + millis).toISOString();
const HOUR = 3_600_000;

async function ask(service = 'checkout', query = ''): Promise<Gate> {
  const { status, body } = await rig.get<Gate>(`/v1/services/${service}/gate${query}`);
  expect(status).toBe(200);
  return body;
}
const refusals = (gate: Gate) =>
  gate.reasons
    .filter(({ effect }) => effect === 'refuse')
    .map(({ kind, resource }) => `${kind} ${resource.name}`);

test('a service that nothing is known of has no gate', async () => {
  expect((await rig.get('/v1/services/nothing/gate')).status).toBe(404);
});

test('a pipeline needs no more than to be a viewer to ask', async () => {
  expect((await rig.get('/v1/services/checkout/gate', { token: viewer })).status).toBe(200);
});

test('what is not known is said', async () => {
  const gate = await ask();
  expect(gate).toMatchObject({
    allow: true,
    reasons: [{ kind: 'no-data', effect: 'note', resource: { kind: 'slo', name: 'checkout-availability' } }],
    budgets: [{ slo: 'checkout-availability', remaining: null, step: null }],
  });
  expect((await ask('stock')).reasons).toMatchObject([{ kind: 'no-slo', effect: 'note' }]);
});

describe('an incident', () => {
  test('of sev1 or sev2 refuses changes of the services that it affects, until it is resolved', async () => {
    const before = inTime(0);
    rig.clock.advance(1000);
    const { body } = await rig.post<{ id: string }>('/v1/incidents', {
      title: 'checkout fails',
      severity: 'sev2',
      services: ['checkout'],
    });
    expect(refusals(await ask())).toEqual([`incident ${body.id}`]);
    expect(refusals(await ask('stock'))).toEqual([]);
    expect((await ask('checkout', `?asOf=${before}`)).allow).toBe(true);
    await rig.post(`/v1/incidents/${body.id}/severity`, { severity: 'sev3', reason: 'few' });
    expect((await ask()).allow).toBe(true);
    await rig.post(`/v1/incidents/${body.id}/severity`, { severity: 'sev1', reason: 'many' });
    rig.clock.advance(1000);
    const during = inTime(0);
    rig.clock.advance(1000);
    await rig.post(`/v1/incidents/${body.id}/status`, { status: 'resolved', note: 'mended' });
    expect((await ask()).allow).toBe(true);
    const then = await ask('checkout', `?asOf=${during}`);
    expect([then.asOf, refusals(then)]).toEqual([during, [`incident ${body.id}`]]);
  });
});

describe('a change freeze', () => {
  test('refuses while it holds', async () => {
    const put = await rig.put(
      '/v1/freezes/launch',
      { services: ['checkout'], reason: 'the launch', from: inTime(HOUR), to: inTime(2 * HOUR) },
      { token: responder },
    );
    expect([put.status, put.headers.get('etag')]).toEqual([201, '"1"']);
    expect((await ask()).allow).toBe(true);
    rig.clock.advance(HOUR);
    expect(refusals(await ask())).toEqual(['change-freeze launch']);
    expect((await rig.get<{ items: unknown[] }>('/v1/freezes')).body.items).toHaveLength(1);
    expect((await rig.ask('DELETE', '/v1/freezes/launch', { token: responder })).status).toBe(200);
    expect((await ask()).allow).toBe(true);
    expect((await rig.get('/v1/freezes/launch')).status).toBe(404);
  });

  test('is not for viewers to make', async () => {
    const body = { services: '*', reason: 'why', from: inTime(0), to: inTime(HOUR) };
    expect((await rig.put('/v1/freezes/mine', body, { token: viewer })).status).toBe(403);
  });
});

describe('an override', () => {
  test('lets through for a time, names who and why, and is withdrawn', async () => {
    const freeze = { services: '*', reason: 'the fair', from: inTime(0), to: inTime(48 * HOUR) };
    await rig.put('/v1/freezes/fair', freeze);
    const path = '/v1/services/checkout/gate/overrides';
    const body = { reason: 'the fix', until: inTime(2 * HOUR) };
    expect((await rig.post(path, body, { token: viewer })).status).toBe(403);
    rig.clock.advance(1000);
    const made = await rig.post<GateOverride>(path, body, { token: responder });
    expect(made.status).toBe(201);
    const during = await ask();
    expect(during).toMatchObject({ allow: true, overridden: true });
    expect(during.reasons.map(({ kind }) => kind)).toEqual(['change-freeze', 'override', 'no-data']);
    expect(during.reasons[1]?.text).toMatch(/^user:ada lets changes through until .*: the fix$/);
    expect((await ask('stock')).allow).toBe(false);
    rig.clock.advance(1000);
    const then = inTime(0);
    rig.clock.advance(1000);
    await rig.ask('DELETE', `${path}/${made.body.id}`, { token: responder });
    expect((await ask()).allow).toBe(false);
    expect((await ask('checkout', `?asOf=${then}`)).allow).toBe(true);
    const { body: list } = await rig.get<{ items: GateOverride[] }>(path);
    expect(list.items).toMatchObject([{ id: made.body.id, withdrawnBy: 'user:ada' }]);

    await rig.post(path, { reason: 'another', until: inTime(HOUR) }, { token: responder });
    expect((await ask()).allow).toBe(true);
    rig.clock.advance(HOUR);
    expect((await ask()).allow).toBe(false);
    const { body: both } = await rig.get<{ items: GateOverride[]; nextCursor: string }>(`${path}?limit=1`);
    expect(both.items).toMatchObject([{ reason: 'another' }]);
    const { body: rest } = await rig.get<{ items: GateOverride[] }>(
      `${path}?limit=1&cursor=${both.nextCursor}`,
    );
    expect(rest.items).toMatchObject([{ reason: 'the fix' }]);
  });
});

test('a decision for a change is on record, once for a key', async () => {
  const path = '/v1/services/checkout/gate/decisions';
  const options = { token: responder, headers: { 'idempotency-key': 'run-17' } };
  const first = await rig.post<Gate>(path, { change: 'v1.4.2' }, options);
  expect([first.status, first.body.allow]).toEqual([201, false]);
  rig.clock.advance(1000);
  expect((await rig.post<Gate>(path, { change: 'v1.4.2' }, options)).body).toEqual(first.body);
  expect((await rig.post(path, { change: 'v1.4.3' }, options)).status).toBe(409);
  expect((await rig.post(path, { change: 'v1.4.2' }, { token: viewer })).status).toBe(403);
  const recorded = (await rig.log.readStream(LogStreams.gate('checkout'))).filter(
    ({ type }) => type === 'gate.decided',
  );
  expect(recorded).toHaveLength(1);
  expect(recorded[0]?.data).toMatchObject({ change: 'v1.4.2', by: 'user:ada', decision: { allow: false } });
});

test('when a budget cannot be asked about, the gate does not answer', async () => {
  await rig.services.stop();
  const { status, body } = await rig.get<SloStatus & { detail: string }>('/v1/services/checkout/gate');
  expect([status, body.detail]).toEqual([503, expect.stringContaining('does not answer')]);
});
