import type { Bus } from '@bellwether/bus';
import {
  Headers,
  JOURNALS,
  LogStreams,
  MEASUREMENT_CE_TYPE,
  type MeasurementRecorded,
  measurementJournal,
  publishReceipt,
  type Route,
  routes,
  Streams,
} from '@bellwether/contracts';
import { EventLog, type RecordedEvent } from '@bellwether/event-log';
import { hashToken } from '@bellwether/service';
import { createDatabase, eventually, startNats, type TestDatabase, type TestNats } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createInbox, headers } from '@nats-io/transport-node';
import { adminToken, openBus, type RunningIngest, startIngest } from './running-ingest.fixture.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

let database: TestDatabase;
let nats: TestNats;
let bus: Bus;
let log: EventLog;
let ingest: RunningIngest;
let names = 0;
/** A service of each test's own. */
let service: string;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase({ migrate: true }), startNats()]);
  bus = await openBus(nats);
  log = EventLog.open({ connectionString: database.url, poolSize: 2 });
  ingest = await startIngest({ database, nats });
}, 60_000);

afterAll(async () => {
  await ingest?.stop();
  await log?.close();
  await bus?.drain();
  await nats?.stop();
  await database?.drop();
}, 60_000);

beforeEach(() => {
  names += 1;
  service = `shop-${names}`;
});

const now = () => new Date().toISOString();
const point = () => ({ at: now(), good: 998, total: 1000 });

async function post(
  path: string,
  body: unknown,
  head: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: globalThis.Headers }> {
  const response = await fetch(ingest.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminToken}`, ...head },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

const publish = (
  body: unknown,
  head: Record<string, string> = {},
  subject = `sli.${service}.availability`,
) => {
  const given = headers();
  for (const [name, value] of Object.entries(head)) given.set(name, value);
  return bus.js.publish(subject, typeof body === 'string' ? body : JSON.stringify(body), { headers: given });
};

/** What the log has of an SLI. */
const recorded = (sli = 'availability'): Promise<RecordedEvent[]> =>
  log.readStream(LogStreams.measurement(service, sli), {});

const dataOf = (event: RecordedEvent | undefined) => event?.data as MeasurementRecorded;

async function total(): Promise<number> {
  const heads = await Promise.all(JOURNALS.map((journal) => log.head(journal)));
  return heads.reduce((sum, { position }) => sum + position, 0);
}

async function deadLetter(subject = `dlq.sli.${service}.availability`) {
  return await eventually(async () => {
    const message = await bus.jsm.streams.getMessage(Streams.DLQ, { last_by_subj: subject });
    if (message === null) throw new Error(`nothing on ${subject} yet`);
    return message;
  });
}

describe('measurements over HTTP', () => {
  test('are in the log when 202 is answered', async () => {
    const { status, body } = await post(`/v1/measurements/${service}/availability`, {
      points: [point(), point()],
    });
    expect({ status, body }).toEqual({ status: 202, body: { accepted: 2, duplicates: 0 } });
    const [event] = await recorded();
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
      Array.from({ length: 20 }, (_, i) => post(`/v1/measurements/${service}/latency`, { value: i })),
    );
    const definitions = await log.readStream(LogStreams.sli(service, 'latency'));
    expect(definitions).toHaveLength(1);
    expect(definitions[0]).toMatchObject({
      type: 'sli.defined',
      data: { service, name: 'latency', unit: 'none' },
    });
    expect(await recorded('latency')).toHaveLength(20);
  });

  test('with an Idempotency-Key are recorded once; the key with other content is 409', async () => {
    const body = point();
    const send = (content: unknown) =>
      post(`/v1/measurements/${service}/availability`, content, { 'idempotency-key': `${service}-a` });
    expect((await send(body)).body).toEqual({ accepted: 1, duplicates: 0 });
    expect(await send({ points: [body] })).toMatchObject({
      status: 202,
      body: { accepted: 0, duplicates: 1 },
    });
    expect(await send({ ...body, good: 1 })).toMatchObject({
      status: 409,
      body: { type: 'urn:bellwether:problem:identity-reused', status: 409 },
    });
    expect(await recorded()).toHaveLength(1);
  });

  test('without one are new each time', async () => {
    const body = point();
    await post(`/v1/measurements/${service}/availability`, body);
    await post(`/v1/measurements/${service}/availability`, body);
    expect(await recorded()).toHaveLength(2);
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
    const structured = await post(path, event, {
      'content-type': 'application/cloudevents+json; charset=UTF-8',
    });
    expect(structured.body).toEqual({ accepted: 1, duplicates: 0 });
    const binary = await post(path, event.data, {
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
    const batched = await post('/v1/measurements', batch, {
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(batched).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 1 } });
    expect([await recorded(), await recorded('latency')]).toMatchObject([{ length: 1 }, { length: 1 }]);
  });

  test('a batch with one bad event leaves nothing behind', async () => {
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      data: point(),
    };
    const before = await total();
    const { status, body } = await post(
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
    expect(await total()).toBe(before);
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
      post('/v1/measurements', events, { 'content-type': 'application/cloudevents-batch+json' });
    await send([event]);
    const before = await total();
    const fresh = { ...event, id: '2', subject: `${service}/latency`, data: { value: 1 } };
    const { status, body } = await send([fresh, { ...event, data: { ...event.data, good: 1 } }]);
    expect({ status, errors: body.errors }).toMatchObject({ status: 409, errors: [{ path: '1.id' }] });
    expect(await total()).toBe(before);
    expect((await send([fresh, event])).body).toEqual({ accepted: 1, duplicates: 1 });
  });

  test('carry the story of the request', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await post(`/v1/measurements/${service}/availability`, point(), {
      'x-correlation-id': 'deploy-7',
      traceparent,
    });
    expect((await recorded())[0]?.meta).toMatchObject({ correlationId: 'deploy-7', traceparent });
  });
});

describe('measurements over NATS', () => {
  test('are recorded, bare or as CloudEvents, once for each identity', async () => {
    const body = point();
    await publish(body, { [Headers.messageId]: `${service}-1` });
    await eventually(async () => expect(await recorded()).toHaveLength(1));
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      data: { value: 1 },
    };
    await publish(event);
    await publish(event);
    await eventually(async () => expect(await recorded()).toHaveLength(2));
    await publish({ value: 2 });
    const events = await eventually(async () => {
      const found = await recorded();
      expect(found).toHaveLength(3);
      return found;
    });
    expect(events.map((found) => dataOf(found).identity)).toEqual([
      `key:${service}-1`,
      `event:/${service} 1`,
      expect.stringMatching(/^stream:20.*\/\d+$/),
    ]);
  });

  test('the same identity over NATS and then HTTP is recorded once', async () => {
    const body = point();
    await publish(body, { [Headers.messageId]: `${service}-x` });
    await eventually(async () => expect(await recorded()).toHaveLength(1));
    const path = `/v1/measurements/${service}/availability`;
    expect((await post(path, body, { 'idempotency-key': `${service}-x` })).body).toEqual({
      accepted: 0,
      duplicates: 1,
    });
    const other = await post(path, { ...body, good: 7 }, { 'idempotency-key': `${service}-x` });
    expect(other.status).toBe(409);
    expect(await recorded()).toHaveLength(1);
  });

  test('over HTTP and then NATS too; other content is a dead letter', async () => {
    const body = { value: 4 };
    await post(`/v1/measurements/${service}/availability`, body, { 'idempotency-key': `${service}-y` });
    await publish(body, { [Headers.messageId]: `${service}-y` });
    await publish({ value: 5 }, { [Headers.messageId]: `${service}-z` });
    await eventually(async () => expect(await recorded()).toHaveLength(2));
    // The broker forgets ids after two minutes; a CloudEvent's identity is not one of its own.
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '9',
      data: { value: 1 },
    };
    await publish(event);
    await publish({ ...event, data: { value: 2 } });
    expect((await deadLetter()).header.get(Headers.error)).toMatch(/other content/);
    expect(await recorded()).toHaveLength(3);
  });

  test('a message without a time has the time the broker received it', async () => {
    const before = Date.now();
    await publish({ value: 1 });
    const [event] = await eventually(async () => {
      const found = await recorded();
      expect(found).toHaveLength(1);
      return found;
    });
    const at = dataOf(event).columns[0]?.at[0] as number;
    expect(at).toBeGreaterThanOrEqual(before - 1000);
    expect(at).toBeLessThanOrEqual(Date.now() + 1000);
  });

  test('receipts say what became of a message after the commit', async () => {
    const inbox = createInbox();
    const receipts: unknown[] = [];
    const subscription = bus.nc.subscribe(`${inbox}.*`, {
      callback: (_, message) =>
        void receipts.push({
          of: message.subject.slice(inbox.length + 1),
          ...publishReceipt.parse(message.json()),
        }),
    });
    const event = {
      specversion: '1.0',
      type: MEASUREMENT_CE_TYPE,
      source: `/${service}`,
      id: '1',
      data: point(),
    };
    await publish(event, { [Headers.receipt]: `${inbox}.1` });
    await eventually(() => expect(receipts).toHaveLength(1));
    await publish(event, { [Headers.receipt]: `${inbox}.2` });
    await publish({ value: 'x' }, { [Headers.receipt]: `${inbox}.3` });
    await eventually(() => expect(receipts).toHaveLength(3));
    expect(receipts.sort((a, b) => ((a as { of: string }).of < (b as { of: string }).of ? -1 : 1))).toEqual([
      {
        of: '1',
        identity: `event:/${service} 1`,
        status: 'accepted',
        points: 1,
        position: expect.any(Number),
      },
      {
        of: '2',
        identity: `event:/${service} 1`,
        status: 'duplicate',
        points: 1,
        position: expect.any(Number),
      },
      { of: '3', identity: '', status: 'refused', points: 0, error: 'value must be a number', path: 'value' },
    ]);
    subscription.unsubscribe();
  });

  test('a receipt goes to inboxes only', async () => {
    const asked: string[] = [];
    const subscription = bus.nc.subscribe('cmd.>', {
      callback: (_, message) => void asked.push(message.subject),
    });
    await publish(point(), { [Headers.receipt]: 'cmd.paging.token-create' });
    await eventually(async () => expect(await recorded()).toHaveLength(1));
    await bus.nc.flush();
    expect(asked).toEqual([]);
    subscription.unsubscribe();
  });
});

describe('refused messages over NATS', () => {
  test.each<[string, string, string, RegExp]>([
    ['not JSON', '{"good":', '', /not JSON/],
    [
      'a schema violation',
      '{"points":[{"good":1,"total":2},{"good":3,"total":2}]}',
      'points.1.good',
      /above total/,
    ],
    ['NaN', '{"value":NaN}', '', /not JSON/],
    ['infinity', '{"value":1e999}', 'value', /above 1e12/],
    ['no points', '{"points":[]}', 'points', /not be empty/],
    ['a number above 1e12', '{"good":1,"total":1e13}', 'total', /above 1e12/],
    ['text with NUL', '{"value":1,"labels":{"a":"\\u0000"}}', 'labels.a', /NUL/],
    ['a lone surrogate', '{"value":1,"labels":{"a":"\\ud800"}}', 'labels.a', /surrogate/],
    ['a far future', '{"value":1,"at":"2999-01-01T00:00:00Z"}', 'at', /ahead/],
    ['an ancient time', '{"value":1,"at":"1999-01-01T00:00:00Z"}', 'at', /400 days/],
    ['10,001 points', JSON.stringify({ points: new Array(10_001).fill({ value: 1 }) }), 'points', /10000/],
    ['header injection in a key', '{"value":1,"a\\r\\nNats-Rollup: all":1}', '', /must not have/],
  ])('%s goes to the dead letters with error and path', async (_, body, path, message) => {
    const before = await total();
    await publish(body);
    const letter = await deadLetter();
    expect(letter.header.get(Headers.error)).toMatch(message);
    expect(letter.header.get(Headers.path)).toBe(path);
    expect(letter.string()).toBe(body);
    expect(await total()).toBe(before);
    expect(await log.streamVersion(LogStreams.sli(service, 'availability'))).toBe(0);
  });

  test.each(['sli.Shop.availability', 'sli.shop', 'sli.shop.a.b', 'sli.sh_op.availability'])(
    'the subject %s is refused',
    async (subject) => {
      await publish(point(), {}, subject);
      expect((await deadLetter(`dlq.${subject}`)).header.get(Headers.path)).toBe('subject');
    },
  );

  test('are counted', async () => {
    const text = await (await fetch(`${ingest.url}/metrics`)).text();
    expect(text).toMatch(/measurements_refused_total\{way="nats",reason="schema",service="ingest"\} [1-9]/);
    expect(text).toMatch(/dead_letters_total\{consumer="ingest",service="ingest"\} [1-9]/);
    expect(text).toMatch(/measurement_points_total\{way="nats",outcome="accepted",service="ingest"\} [1-9]/);
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
    const before = await total();
    const answer = await post(`/v1/measurements/${service}/availability`, body);
    expect(answer).toMatchObject({ status, body: { status } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await total()).toBe(before);
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
    expect(await post(path, point())).toMatchObject({
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
    const answer = await post(`/v1/measurements/${service}/availability`, point(), {
      'content-type': type,
      ...more,
    });
    expect(answer).toMatchObject({ status: 415, body: { status: 415 } });
  });

  test('the wrong method, an unknown path and no token', async () => {
    expect(
      (
        await fetch(`${ingest.url}/v1/measurements/a/b`, {
          headers: { authorization: `Bearer ${adminToken}` },
        })
      ).status,
    ).toBe(405);
    expect((await post('/v1/nothing', {})).status).toBe(404);
    const without = await fetch(`${ingest.url}/v1/measurements/a/b`, { method: 'POST', body: '{}' });
    expect(without.status).toBe(401);
  });
});

describe('tokens', () => {
  const append = (type: 'token.created' | 'token.revoked', id: string, data: object) =>
    log.append({
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
    const later = await startIngest({ database, nats });
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

  test('created in the log publish, once their event is read; viewers do not', async () => {
    for (const role of ['publisher', 'viewer'] as const) {
      const id = `${service}-${role}`;
      await append('token.created', id, { name: role, role, hash: hashToken(id), expiresAt: null });
    }
    const send = (token: string) =>
      post(`/v1/measurements/${service}/availability`, point(), { authorization: `Bearer ${token}` });
    await eventually(async () => expect((await send(`${service}-publisher`)).status).toBe(202));
    await eventually(async () => expect((await send(`${service}-viewer`)).status).toBe(403));
    expect((await recorded())[0]?.meta.actor).toBe(`key:${service}-publisher`);
  });
});

test('every route of the contract is served, and takes a publisher alone', async () => {
  const ours = Object.values<Route>(routes).filter(({ app }) => app === 'ingest');
  expect(ours.length).toBeGreaterThan(0);
  for (const { method, path } of ours) {
    const url = ingest.url + path.replace(/[{].*?[}]/g, 'name');
    const ask = (head: Record<string, string>) => fetch(url, { method, headers: head, body: '{' });
    const wrong = await ask({
      'content-type': 'application/json',
      authorization: `Bearer ${adminToken}`,
    });
    expect([path, wrong.status]).toEqual([path, 400]);
    expect([path, (await ask({ 'content-type': 'application/json' })).status]).toEqual([path, 401]);
  }
});

describe('changes', () => {
  const change = () => ({ service, kind: 'deploy', version: 'v1.2.3', url: 'https://ci.example/1' });

  test('are recorded in the control log', async () => {
    const { status, body } = await post('/v1/changes', change());
    expect(status).toBe(202);
    const [event] = await log.readStream(LogStreams.change(service));
    expect(event).toMatchObject({
      id: body.eventId,
      position: body.position,
      type: 'change.recorded',
      data: { ...change(), actor: 'key:bootstrap', at: expect.any(String) },
    });
  });

  test('are idempotent by key', async () => {
    const send = (content: unknown) => post('/v1/changes', content, { 'idempotency-key': `${service}-c` });
    const first = await send(change());
    expect((await send(change())).body).toEqual(first.body);
    expect((await send({ ...change(), version: 'v2' })).status).toBe(409);
    expect(await log.readStream(LogStreams.change(service))).toHaveLength(1);
  });

  test('that are wrong name every fault', async () => {
    const { status, body } = await post('/v1/changes', { service: 'No', kind: 'party', version: '', x: 1 });
    expect(status).toBe(400);
    expect((body.errors as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      '',
      'kind',
      'service',
      'version',
    ]);
  });
});
