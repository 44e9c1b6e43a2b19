import {
  LogStreams,
  MEASUREMENT_CE_TYPE,
  measurementJournal,
  type Route,
  routes,
} from '@bellwether/contracts';
import { hashToken, mintToken } from '@bellwether/service';
import { eventually } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { dataOf, IngestStage, point } from './ingest-stage.fixture.js';
import { adminToken, startIngest } from './running-ingest.fixture.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

let stage: IngestStage;
let service: string;
beforeAll(async () => {
  stage = await IngestStage.start();
}, 60_000);
afterAll(() => stage?.stop(), 60_000);
beforeEach(() => {
  service = stage.next();
});

describe('measurements over HTTP', () => {
  test('are in the log when 202 is answered', async () => {
    const { status, body } = await stage.post(`/v1/measurements/${service}/availability`, {
      points: [point(), point()],
    });
    expect({ status, body }).toEqual({ status: 202, body: { accepted: 2, duplicates: 0 } });
    const [event] = await stage.recorded();
    expect(event).toMatchObject({
      journal: measurementJournal(service, 'availability'),
      type: 'measurement.recorded',
      meta: { actor: 'key:bootstrap', source: '/bellwether/ingest' },
    });
    expect(dataOf(event)).toMatchObject({
      service,
      sli: 'availability',
      points: 2,
      columns: [{ good: [998, 998] }],
    });
  });

  test('define their SLI when it is unknown, once', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => stage.post(`/v1/measurements/${service}/latency`, { value: i })),
    );
    const definitions = await stage.log.readStream(LogStreams.sli(service, 'latency'));
    expect(definitions).toHaveLength(1);
    expect(definitions[0]).toMatchObject({
      type: 'sli.defined',
      data: { service, name: 'latency', unit: 'none' },
    });
    expect(await stage.recorded('latency')).toHaveLength(20);
  });

  test('with an Idempotency-Key are recorded once; the key with other content is 409', async () => {
    const body = point();
    const send = (content: unknown) =>
      stage.post(`/v1/measurements/${service}/availability`, content, { 'idempotency-key': `${service}-a` });
    expect((await send(body)).body).toEqual({ accepted: 1, duplicates: 0 });
    expect(await send({ points: [body] })).toMatchObject({
      status: 202,
      body: { accepted: 0, duplicates: 1 },
    });
    expect(await send({ ...body, good: 1 })).toMatchObject({
      status: 409,
      body: { type: 'urn:bellwether:problem:identity-reused', status: 409 },
    });
    expect(await stage.recorded()).toHaveLength(1);
  });

  test('that are refused define no SLI', async () => {
    const send = (sli: string, body: unknown) =>
      stage.post(`/v1/measurements/${service}/${sli}`, body, { 'idempotency-key': `${service}-refused` });
    expect((await send('availability', point())).status).toBe(202);
    expect((await send('other', { ...point(), good: 1 })).status).toBe(409);
    expect(await stage.log.streamVersion(LogStreams.sli(service, 'availability'))).toBe(1);
    expect(await stage.log.streamVersion(LogStreams.sli(service, 'other'))).toBe(0);
  });

  test('without one are new each time', async () => {
    const body = point();
    await stage.post(`/v1/measurements/${service}/availability`, body);
    await stage.post(`/v1/measurements/${service}/availability`, body);
    expect(await stage.recorded()).toHaveLength(2);
  });

  test('are taken as CloudEvents: structured, binary and batch', async () => {
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      data: point(),
    };
    const path = `/v1/measurements/${service}/availability`;
    const structured = await stage.post(path, event, {
      'content-type': 'application/cloudevents+json; charset=UTF-8',
    });
    expect(structured.body).toEqual({ accepted: 1, duplicates: 0 });
    const binary = await stage.post(path, event.data, {
      'ce-specversion': '1.0',
      'ce-type': event.type,
      'ce-source': event.source,
      'ce-id': '1',
    });
    expect(binary.body).toEqual({ accepted: 0, duplicates: 1 });
    const batch = [
      { ...event, subject: `${service}/availability` },
      { ...event, id: '2', subject: `${service}/latency`, data: { value: 3 } },
    ];
    const batched = await stage.post('/v1/measurements', batch, {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(batched).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 1 } });
    const none = await stage.post('/v1/measurements', [], {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(none).toMatchObject({ status: 202, body: { accepted: 0, duplicates: 0 } });
    expect([await stage.recorded(), await stage.recorded('latency')]).toMatchObject([
      { length: 1 },
      { length: 1 },
    ]);
  });

  test('a batch with one bad event leaves nothing behind', async () => {
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      data: point(),
    };
    const before = await stage.total();
    const { status, body } = await stage.post(
      '/v1/measurements',
      [
        { ...event, subject: `${service}/availability` },
        { ...event, id: '2', subject: `${service}/availability`, data: { good: 2, total: 1 } },
      ],
      { 'content-type': 'application/cloudevents-batch+json' },
    );
    expect({ status, path: (body.errors as { path: string }[])[0]?.path }).toEqual({
      status: 400,
      path: '1.data.good',
    });
    expect(await stage.total()).toBe(before);
  });

  test('a batch with an identity that was used for other content leaves nothing behind either', async () => {
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      subject: `${service}/availability`,
      data: point(),
    };
    const send = (events: unknown[]) =>
      stage.post('/v1/measurements', events, { 'content-type': 'application/cloudevents-batch+json' });
    await send([event]);
    const before = await stage.total();
    const fresh = { ...event, id: '2', subject: `${service}/latency`, data: { value: 1 } };
    const { status, body } = await send([fresh, { ...event, data: { ...event.data, good: 1 } }]);
    expect({ status, errors: body.errors }).toMatchObject({ status: 409, errors: [{ path: '1.id' }] });
    expect(await stage.total()).toBe(before);
    // Nor is one of them taken when two of the batch have one identity and say different things.
    const twice = await send([fresh, { ...fresh, data: { value: 2 } }]);
    expect({ status: twice.status, errors: twice.body.errors }).toMatchObject({
      status: 409,
      errors: [{ path: '1.id' }],
    });
    expect(await stage.total()).toBe(before);
    expect((await send([fresh, event])).body).toEqual({ accepted: 1, duplicates: 1 });
  });

  test('batches that race over one identity are recorded whole or not at all', async () => {
    const event = { specversion: '1.0', type: MEASUREMENT_CE_TYPE, source: `/${service}`, data: point() };
    const of = (id: string, sli: string, good: number) => ({
      ...event,
      id,
      subject: `${service}/${sli}`,
      data: { ...event.data, good },
    });
    const send = (events: unknown[]) =>
      stage.post('/v1/measurements', events, { 'content-type': 'application/cloudevents-batch+json' });
    for (let round = 0; round < 20; round += 1) {
      // Each in a journal of its own, so that no append waits for another.
      const [one, other, common] = [`one-${round}`, `other-${round}`, `common-${round}`];
      const racing = [
        send([of(one, one, 1), of(common, common, 1)]),
        send([of(other, other, 1), of(common, common, 2)]),
        stage.post(`/v1/measurements/${service}/${common}`, of(common, common, 3), {
          'content-type': 'application/cloudevents+json',
        }),
      ];
      const statuses = (await Promise.all(racing)).map(({ status }) => status);
      expect([...statuses].sort()).toEqual([202, 409, 409]);
      const recorded = async (sli: string) => (await stage.recorded(sli)).length;
      expect([await recorded(one), await recorded(other), await recorded(common)]).toEqual([
        statuses[0] === 202 ? 1 : 0,
        statuses[1] === 202 ? 1 : 0,
        1,
      ]);
    }
  });

  test('batches that race over one identity in two processes are recorded whole or not at all', async () => {
    const second = await startIngest(stage);
    const type = 'application/cloudevents-batch+json';
    const of = (id: string, sli: string, good: number) => ({
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id,
      subject: `${service}/${sli}`,
      data: { ...point(), good },
    });
    const send = async (url: string, events: unknown[]) => {
      const head = { 'content-type': type, authorization: `Bearer ${adminToken}` };
      const body = JSON.stringify(events);
      return (await fetch(`${url}/v1/measurements`, { method: 'POST', headers: head, body })).status;
    };
    try {
      for (let round = 0; round < 30; round += 1) {
        const [one, other, common] = [`one-${round}`, `other-${round}`, `common-${round}`];
        const statuses = await Promise.all([
          send(stage.ingest.url, [of(one, one, 1), of(common, common, 1)]),
          send(second.url, [of(other, other, 1), of(common, common, 2)]),
        ]);
        expect([...statuses].sort()).toEqual([202, 409]);
        const recorded = async (sli: string) => (await stage.recorded(sli)).length;
        const defined = async (sli: string) => await stage.log.streamVersion(LogStreams.sli(service, sli));
        const taken = statuses.map((status) => (status === 202 ? 1 : 0));
        expect([await recorded(one), await recorded(other), await recorded(common)]).toEqual([...taken, 1]);
        expect([await defined(one), await defined(other), await defined(common)]).toEqual([...taken, 1]);
      }
    } finally {
      await second.stop();
    }
  });

  test('carry the story of the request', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await stage.post(`/v1/measurements/${service}/availability`, point(), {
      'x-correlation-id': 'deploy-7',
      traceparent,
    });
    expect((await stage.recorded())[0]?.meta).toMatchObject({ correlationId: 'deploy-7', traceparent });
  });
});

describe('refused requests', () => {
  test.each<[string, string | Uint8Array, number]>([
    ['not JSON', '{"good":', 400],
    ['empty', '', 400],
    ['not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400],
    ['a far future', '{"value":1,"at":"2999-01-01T00:00:00Z"}', 422],
    ['a negative count', '{"good":-1,"total":1}', 400],
    ['1e308', '{"good":1e308,"total":1e308}', 400],
    ['a prototype key', '{"value":1,"__proto__":{"x":1}}', 400],
    ['half a mebibyte deep', '['.repeat(524_288), 400],
    ['above 1 MiB', ' '.repeat(1_048_577), 413],
    ['10 MiB', 'x'.repeat(10 * 1_048_576), 413],
  ])('a body that is %s', async (_, body, status) => {
    const before = await stage.total();
    const answer = await stage.post(`/v1/measurements/${service}/availability`, body);
    expect(answer).toMatchObject({ status, body: { status } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await stage.total()).toBe(before);
  });

  test.each([
    '/v1/measurements/Shop/availability',
    '/v1/measurements/shop/a.b',
    '/v1/measurements/shop/*',
    '/v1/measurements/shop/%3E',
    "/v1/measurements/shop/x'%3B%20drop%20table%20log.events%3B--",
    '/v1/measurements/shop/a%0D%0Ax%3A%20y',
    '/v1/measurements/shop/..%2F..%2Fetc',
    '/v1/measurements/shop/%00',
    `/v1/measurements/shop/${'a'.repeat(64)}`,
  ])('the path %s', async (path) => {
    expect(await stage.post(path, point())).toMatchObject({
      status: 400,
      body: { status: 400, errors: [{ path: expect.any(String) }] },
    });
  });

  test.each([
    ['text/plain', {}],
    ['application/x-www-form-urlencoded', {}],
    ['application/json; charset=utf-16', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('the media type %s %p', async (type, more) => {
    const answer = await stage.post(`/v1/measurements/${service}/availability`, point(), {
      'content-type': type,
      ...more,
    });
    expect(answer).toMatchObject({ status: 415, body: { status: 415 } });
  });

  test('the wrong method, an unknown path and no token', async () => {
    expect(
      (
        await fetch(`${stage.ingest.url}/v1/measurements/a/b`, {
          headers: { authorization: `Bearer ${adminToken}` },
        })
      ).status,
    ).toBe(405);
    expect((await stage.post('/v1/nothing', {})).status).toBe(404);
    const without = await fetch(`${stage.ingest.url}/v1/measurements/a/b`, { method: 'POST', body: '{}' });
    expect(without.status).toBe(401);
  });
});

describe('tokens', () => {
  const append = (type: 'token.created' | 'token.revoked', id: string, data: object) =>
    stage.log.append({
      journal: 'control',
      stream: LogStreams.token(id),
      expectedVersion: 'any',
      events: [
        {
          type,
          data: { id, ...data },
          meta: { correlationId: 'c', causationId: null, actor: 'user:ada', source: '/bellwether/paging' },
          occurredAt: new Date(),
        },
      ],
    });

  test('are known to an instance that starts later, and those that were revoked are not', async () => {
    const token = (id: string) => ({ name: id, role: 'publisher', hash: hashToken(id), expiresAt: null });
    const [kept, revoked] = [`${service}-kept`, `${service}-revoked`];
    await append('token.created', kept, token(kept));
    await append('token.created', revoked, token(revoked));
    await append('token.revoked', revoked, {});
    const later = await startIngest(stage);
    const send = (bearer: string) =>
      fetch(`${later.url}/v1/measurements/${service}/availability`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
        body: JSON.stringify(point()),
      });
    expect((await send(kept)).status).toBe(202);
    expect((await send(revoked)).status).toBe(401);
    await append('token.revoked', kept, {});
    await eventually(async () => expect((await send(kept)).status).toBe(401));
    await later.stop();
  });

  test('that are being read are asked to come again, and the bootstrap token is let through', async () => {
    const id = `${service}-early`;
    const { token, hash } = mintToken();
    await append('token.created', id, { name: id, role: 'publisher', hash, expiresAt: null });
    // Whoever holds the table keeps an instance that starts from reading it.
    const holder = await stage.log.pool.connect();
    const { rows } = await holder.query<{ schema: string }>(
      `select schemaname as schema from pg_tables where tablename = 'valid_tokens'`,
    );
    await holder.query(`begin; lock table ${rows[0]?.schema}.valid_tokens in access exclusive mode`);
    const starting = await startIngest(stage, {}, 'listening');
    const send = (head: Record<string, string>) =>
      fetch(`${starting.url}/v1/measurements/${service}/availability`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...head },
        body: JSON.stringify(point()),
      });
    try {
      const early = await send({ authorization: `Bearer ${token}` });
      expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
      expect((await send({ authorization: `Bearer ${adminToken}` })).status).toBe(202);
      expect((await send({})).status).toBe(401);
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    await eventually(async () => expect((await send({ authorization: `Bearer ${token}` })).status).toBe(202));
    for (const nobodys of ['nobodys', mintToken().token])
      expect((await send({ authorization: `Bearer ${nobodys}` })).status).toBe(401);
    await starting.stop();
  });

  test('publish from when they are in the log, though nobody told this instance; viewers do not', async () => {
    for (const [role, status] of [
      ['publisher', 202],
      ['viewer', 403],
    ] as const) {
      const { token, hash } = mintToken();
      await append('token.created', `${service}-${role}`, { name: role, role, hash, expiresAt: null });
      const path = `/v1/measurements/${service}/availability`;
      expect((await stage.post(path, point(), { authorization: `Bearer ${token}` })).status).toBe(status);
    }
    expect((await stage.recorded())[0]?.meta.actor).toBe(`key:${service}-publisher`);
  });
});

test('every route of the contract is served, and takes a publisher alone', async () => {
  const ours = Object.values<Route>(routes).filter(({ app }) => app === 'ingest');
  expect(ours.length).toBeGreaterThan(0);
  for (const { method, path } of ours) {
    const url = stage.ingest.url + path.replace(/[{].*?[}]/g, 'name');
    const ask = (head: Record<string, string>) => fetch(url, { method, headers: head, body: '{' });
    const wrong = await ask({
      'content-type': 'application/json',
      authorization: `Bearer ${adminToken}`,
    });
    expect([path, wrong.status]).toEqual([path, 400]);
    expect([path, (await ask({ 'content-type': 'application/json' })).status]).toEqual([path, 401]);
  }
});
