import { type Explanation, LogStreams, type SloCorrection } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
let responder: string;
let viewer: string;
beforeAll(async () => {
  rig = await Rig.start();
  for (const name of ['checkout-availability', 'other']) {
    await rig.put(`/v1/slos/${name}`, {
      service: 'checkout',
      sli: 'availability',
      objective: 0.999,
      indicator: { kind: 'ratio' },
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
    });
  }
  responder = await rig.token('responder', 'ada');
  viewer = await rig.token('viewer', 'bob');
});
afterAll(() => rig?.stop());

const PATH = '/v1/slos/checkout-availability/corrections';
const outage = {
  effect: 'exclude',
  reason: 'the data centre was moved',
  from: '2026-11-22T08:00:00.000Z',
  to: '2026-11-22T09:00:00.000Z',
};
const weekly = {
  effect: 'good',
  reason: 'the weekly maintenance',
  to: '2027-06-01T00:00:00.000Z',
  recurrence: {
    rrule: 'FREQ=WEEKLY;BYDAY=SA',
    start: '2026-01-03T22:00',
    duration: '4h',
    timeZone: 'Europe/Berlin',
  },
};
interface List {
  items: SloCorrection[];
  nextCursor: string | null;
}
const list = (query = '') => rig.get<List>(`${PATH}${query}`);

test('an SLO that nobody knows has no corrections; one that was never corrected has none yet', async () => {
  expect((await rig.get('/v1/slos/nothing/corrections')).status).toBe(404);
  expect((await rig.post('/v1/slos/nothing/corrections', outage)).status).toBe(404);
  const { status, headers, body } = await list();
  expect([status, headers.get('etag'), body]).toEqual([200, '"0"', { items: [], nextCursor: null }]);
});

describe('a correction', () => {
  test('is made, listed and withdrawn, with who, when and why, as it was known at each time', async () => {
    const options = { token: responder, headers: { 'idempotency-key': 'move-1' } };
    const made = await rig.post<SloCorrection>(PATH, outage, options);
    expect([made.status, made.headers.get('etag')]).toEqual([201, '"1"']);
    const unwithdrawn = { withdrawnBy: null, withdrawnAt: null, withdrawnReason: null };
    const first = { ...outage, id: made.body.id, slo: 'checkout-availability', by: 'user:ada' };
    expect(made.body).toMatchObject({ ...first, ...unwithdrawn, at: '2026-11-22T10:00:00.000Z' });
    rig.clock.advance(60_000);
    expect((await rig.post(PATH, outage, options)).body).toEqual(made.body);
    expect((await rig.post(PATH, weekly, options)).status).toBe(409);
    const again = await rig.post<SloCorrection>(PATH, weekly, { token: responder });
    expect([again.status, again.headers.get('etag'), again.body]).toMatchObject([201, '"2"', weekly]);

    const known = rig.clock.now().toISOString();
    rig.clock.advance(60_000);
    const gone = await rig.ask<SloCorrection>('DELETE', `${PATH}/${made.body.id}?reason=a%20slip`, {
      token: responder,
    });
    const withdrawn = {
      withdrawnBy: 'user:ada',
      withdrawnAt: '2026-11-22T10:02:00.000Z',
      withdrawnReason: 'a slip',
    };
    expect([gone.status, gone.headers.get('etag'), gone.body]).toMatchObject([200, '"3"', withdrawn]);

    const now = await list('?minVersion=3');
    expect(now.headers.get('etag')).toBe('"3"');
    expect(now.body.items).toEqual([
      expect.objectContaining({ ...weekly, ...unwithdrawn, by: 'user:ada', at: known }),
      { ...first, ...withdrawn, at: '2026-11-22T10:00:00.000Z' },
    ]);
    const then = await list(`?asOf=${known}`);
    expect(then.headers.get('etag')).toBe('"2"');
    expect(then.body.items.map(({ withdrawnAt }) => withdrawnAt)).toEqual([null, null]);
    const earlier = await list('?asOf=2026-11-22T10:00:30Z');
    expect(earlier.body.items).toMatchObject([{ ...outage, ...unwithdrawn }]);
    const { body: newest } = await list('?limit=1');
    const { body: rest } = await list(`?limit=1&cursor=${newest.nextCursor}`);
    expect([newest, rest].flatMap(({ items }) => items)).toEqual(now.body.items);
    expect((await list('?minVersion=4')).status).toBe(409);
    expect((await rig.get<List>('/v1/slos/other/corrections')).body.items).toEqual([]);
  });

  test('honours the version that its writer saw', async () => {
    const ask = (version: number) =>
      rig.post(PATH, outage, { token: responder, headers: { 'if-match': `"${version}"` } });
    expect((await ask(2)).status).toBe(412);
    expect((await ask(3)).status).toBe(201);
    expect((await rig.ask('DELETE', `${PATH}/none`, { token: responder })).status).toBe(404);
  });

  test('is for those who may act', async () => {
    expect((await rig.post(PATH, outage, { token: viewer })).status).toBe(403);
    expect((await rig.ask('DELETE', `${PATH}/x`, { token: viewer })).status).toBe(403);
    expect((await rig.get(PATH, { token: viewer })).status).toBe(200);
  });

  test.each([
    [{ ...outage, effect: 'ignore' }, 'effect'],
    [{ ...outage, reason: '' }, 'reason'],
    [{ ...outage, to: undefined }, 'to'],
    [{ ...outage, to: outage.from }, 'to'],
    [{ ...outage, until: outage.to }, 'until'],
    [{ ...weekly, recurrence: { ...weekly.recurrence, timeZone: 'Mars/Base' } }, 'recurrence.timeZone'],
  ])('is refused by field: %j', async (body, path) => {
    const answer = await rig.post<{ errors: { path: string }[] }>(PATH, body, { token: responder });
    expect([answer.status, answer.body.errors.map((fault) => fault.path)]).toEqual([400, [path]]);
  });

  test('is told of in words', async () => {
    const [added] = (await rig.get<{ items: { id: string }[] }>('/v1/events?type=slo.corrected')).body.items;
    const { body } = await rig.get<Explanation>(`/v1/explain/${added?.id}`);
    expect(body.chain).toMatchObject([
      {
        type: 'slo.corrected',
        summary: `checkout-availability: excluded by user:ada: from ${outage.from} until ${outage.to}: ${outage.reason}`,
      },
    ]);

    const resolved = await rig.append(
      LogStreams.slo('checkout-availability'),
      'slo.alert.resolved',
      {
        slo: 'checkout-availability',
        service: 'checkout',
        severity: 'page',
        tier: 'fast',
        longWindow: '1h',
        shortWindow: '5m',
        longBurn: null,
        shortBurn: null,
        threshold: 14.4,
        budgetRemaining: 1,
        eventTime: outage.to,
        n: 1,
        evidence: null,
        firedAt: outage.from,
        reason: 'recovered',
      },
      { causation: added?.id as string },
    );
    await eventually(async () => {
      const { body: story } = await rig.get<Explanation>(`/v1/explain/${resolved.id}`);
      expect(story.chain.map(({ type }) => type)).toEqual(['slo.alert.resolved', 'slo.corrected']);
    });
  });
});
