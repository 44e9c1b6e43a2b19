import { type Bus, connectBus, natsAccessConfig, SubscriberApi } from '@bellwether/bus';
import { Streams } from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { publishOverHttp, publishOverNats } from './connect.js';
import { MeasurementRefused } from './errors.js';
import { answerReceipts, FakeHttp, FakeLog } from './fake-bellwether.fixture.js';
import { positionInMemory } from './position-store.js';
import { type SubscribeOptions, subscribe } from './subscribe.js';
import type { EventSubscription } from './subscription.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

const password = 'word';
let nats: TestNats;
let bus: Bus;
let subscriberApi: SubscriberApi;
const endings: (() => unknown)[] = [];

const address = (user: string) => nats.url.replace('nats://', `nats://${user}:${password}@`);
const silent = { info() {}, warn() {}, error() {} };
const point = { good: 1, total: 2 };

beforeAll(async () => {
  const of = (user: string) => ({ user, password });
  nats = await startNats({
    config: natsAccessConfig({
      services: of('services'),
      publisher: of('publisher'),
      subscriber: of('subscriber'),
    }),
  });
  bus = await connectBus({ servers: address('services'), name: 'test', log: silent });
  await bus.reconcile();
  subscriberApi = new SubscriberApi({ bus, service: 'relay' });
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});
afterAll(async () => {
  await subscriberApi?.stop();
  await bus?.drain();
  await nats?.stop();
});

async function stored(subject: string): Promise<{ id: string; data: { points: unknown[] } }[]> {
  const info = await bus.jsm.streams.info(Streams.SLI, { subjects_filter: subject });
  const bodies = [];
  for (let seq = info.state.first_seq; seq <= info.state.last_seq && info.state.messages > 0; seq += 1) {
    const message = await bus.jsm.streams.getMessage(Streams.SLI, { seq });
    if (message?.subject === subject)
      bodies.push(message.json<{ id: string; data: { points: unknown[] } }>());
  }
  return bodies;
}

describe('publishing over NATS, as a publisher', () => {
  test('is acknowledged when the broker has it', async () => {
    const to = await publishOverNats({ servers: address('publisher'), lingerMs: 1 });
    endings.push(() => to.close());
    await to.publish('checkout', 'broker', [point, point]);
    expect((await stored('sli.checkout.broker')).map(({ data }) => data.points.length)).toEqual([2]);
  });

  test('is acknowledged when a receipt says that the log has it; without one it is sent again', async () => {
    const receipts: string[] = [];
    endings.push(
      answerReceipts(bus, ({ id }) => {
        receipts.push(id);
        if (receipts.length === 1) return null;
        return {
          identity: id,
          status: receipts.length === 2 ? 'accepted' : 'duplicate',
          points: 1,
          position: 1,
        };
      }),
    );
    const to = await publishOverNats({
      servers: address('publisher'),
      acknowledge: 'log',
      lingerMs: 1,
      receiptTimeoutMs: 200,
      retryMs: [1, 2],
    });
    endings.push(() => to.close());
    await to.publish('checkout', 'log', point);
    expect(receipts).toHaveLength(2);
    expect(new Set(receipts).size).toBe(1);
    expect(to.counts).toMatchObject({ acknowledged: 1, retries: 1, held: 0 });
  });

  test('hears of a refusal', async () => {
    endings.push(
      answerReceipts(bus, ({ id }) => ({
        identity: id,
        status: 'refused',
        points: 0,
        error: 'is too old',
        path: 'data.at',
      })),
    );
    const to = await publishOverNats({ servers: address('publisher'), acknowledge: 'log', lingerMs: 1 });
    endings.push(() => to.close());
    const refused = to.publish('checkout', 'refused', point);
    await expect(refused).rejects.toThrow(MeasurementRefused);
    await expect(refused).rejects.toMatchObject({
      message: 'data.at is too old',
      faults: [{ path: 'data.at', message: 'is too old' }],
    });
  });

  test('outlasts a killed server, and nothing that was acknowledged is lost', async () => {
    const to = await publishOverNats({
      servers: address('publisher'),
      lingerMs: 0,
      batchPoints: 1,
      brokerTimeoutMs: 500,
      retryMs: [10, 50],
    });
    endings.push(() => to.close());
    const acknowledged: number[] = [];
    const all: Promise<void>[] = [];
    for (let i = 0; i < 30; i += 1) {
      all.push(to.publish('checkout', 'killed', { value: i }).then(() => void acknowledged.push(i)));
      if (i === 10) await nats.kill();
      if (i === 20) await nats.start();
    }
    await Promise.all(all);
    expect(acknowledged).toHaveLength(30);
    const bodies = await eventually(() => stored('sli.checkout.killed'));
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(30);
    expect(to.counts.held).toBe(0);
  }, 30_000);

  test('waits for a server that is not up yet', async () => {
    await nats.kill();
    const connecting = publishOverNats({ servers: address('publisher'), lingerMs: 1 });
    await nats.start();
    const to = await connecting;
    endings.push(() => to.close());
    await to.publish('checkout', 'late', point);
  }, 30_000);

  test('says at once that its credentials are refused', async () => {
    const servers = nats.url.replace('nats://', 'nats://publisher:wrong@');
    await expect(publishOverNats({ servers })).rejects.toThrow(/authorization/i);
  }, 30_000);

  test('does not repeat an address that is none', async () => {
    await expect(publishOverNats({ servers: 'http://u:secret@host' })).rejects.toThrow(/form nats:\/\//);
    await expect(publishOverNats({ servers: 'http://u:secret@host' })).rejects.not.toThrow(/secret/);
  });
});

describe('publishing over HTTP', () => {
  test('sends CloudEvents with the token, and repeats them while it is told to come again', async () => {
    const answers = [
      { status: 503, headers: { 'retry-after': '0' } },
      { status: 500 },
      { status: 202, body: { accepted: 1, duplicates: 0 } },
    ];
    const http = await FakeHttp.listen(() => answers.shift() ?? { status: 500 });
    const to = publishOverHttp({ url: `${http.url}/`, token: 'tok', lingerMs: 1, retryMs: [1, 2] });
    endings.push(
      () => http.close(),
      () => to.close(),
    );
    await to.publish('checkout', 'availability', point);
    expect(http.seen).toHaveLength(3);
    expect(http.seen[0]).toMatchObject({
      method: 'POST',
      url: '/v1/measurements/checkout/availability',
      headers: { authorization: 'Bearer tok', 'content-type': 'application/cloudevents+json' },
    });
    expect(new Set(http.seen.map(({ body }) => body)).size).toBe(1);
  });

  test('keeps what is answered 401 or 403, until its token is known and may publish', async () => {
    const detail = 'the token is not known, or was revoked';
    const answers = [
      { status: 401, body: { type: 'urn:x', title: 'x', status: 401, detail } },
      { status: 403 },
      { status: 202, body: { accepted: 1, duplicates: 0 } },
    ];
    const http = await FakeHttp.listen(() => answers.shift() ?? { status: 500 });
    const tokens = ['old', 'old', 'new'];
    const heard: Error[] = [];
    const to = publishOverHttp({
      url: http.url,
      token: () => tokens.shift() ?? '',
      lingerMs: 1,
      retryMs: [1, 2],
      onRetry: ({ error }) => heard.push(error),
    });
    endings.push(
      () => http.close(),
      () => to.close(),
    );
    await to.publish('checkout', 'availability', point);
    expect(http.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer old',
      'Bearer old',
      'Bearer new',
    ]);
    expect(new Set(http.seen.map(({ body }) => body)).size).toBe(1);
    expect(heard).toMatchObject([
      { name: 'TokenRefused', message: detail },
      { name: 'TokenRefused', message: 'answered 403' },
    ]);
    expect(to.counts).toMatchObject({ acknowledged: 1, refused: 0, held: 0 });
  });

  test('hears of a refusal with its faults', async () => {
    const errors = [{ path: 'data.points.0.at', message: 'must not be older than 400 days' }];
    const body = { type: 'urn:x', title: 'x', status: 422, detail: 'too old', errors };
    const http = await FakeHttp.listen(() => ({ status: 422, body }));
    const to = publishOverHttp({ url: http.url, token: 'tok', lingerMs: 1 });
    endings.push(
      () => http.close(),
      () => to.close(),
    );
    await expect(to.publish('checkout', 'availability', point)).rejects.toMatchObject({
      message: 'too old',
      faults: errors,
    });
    expect(http.seen).toHaveLength(1);
  });

  test('keeps what cannot be sent while nobody listens', async () => {
    const http = await FakeHttp.listen(() => ({ status: 202, body: { accepted: 1, duplicates: 0 } }));
    const { url } = http;
    await http.close();
    const to = publishOverHttp({ url, token: 'tok', lingerMs: 0, retryMs: [1, 2] });
    to.record('checkout', 'availability', point);
    await eventually(() => expect(to.counts.retries).toBeGreaterThan(2));
    expect(await to.close(10)).toBe(1);
  });
});

describe('subscribing, as a subscriber', () => {
  let durables = 0;

  async function subscriber(log: FakeLog, options: Partial<SubscribeOptions> = {}) {
    const http = await FakeHttp.listen((request) => log.page(request));
    const handled: number[] = [];
    durables += 1;
    const all: SubscribeOptions = {
      servers: address('subscriber'),
      durable: `test-${durables}`,
      api: { url: http.url, token: 'tok' },
      onEvent: (event) => void handled.push(event.position),
      retryMs: [5, 50],
      ...options,
    };
    const subscription = await subscribe(all);
    endings.push(
      () => http.close(),
      () => subscription.stop(),
    );
    return { http, handled, subscription, all };
  }

  async function freshLog(): Promise<FakeLog> {
    // The tests before this one killed the server: the connection may still be on its way back.
    await eventually(async () => {
      await bus.reconcile();
      await bus.jsm.streams.purge(Streams.EVENTS);
    });
    return new FakeLog(bus);
  }

  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

  test('handles each event in order, from the beginning when asked', async () => {
    const log = await freshLog();
    for (let i = 0; i < 3; i += 1) await log.append('incident.declared', `INC-${i}`);
    const { handled } = await subscriber(log, { from: 'beginning' });
    await log.append('incident.resolved', 'INC-1');
    await eventually(() => expect(handled).toEqual(upTo(4)));
  });

  test('from now on begins behind what was before', async () => {
    const log = await freshLog();
    await log.append('incident.declared', 'INC-1');
    const { handled, subscription } = await subscriber(log);
    await eventually(() => expect(subscription.position).toBe(1));
    await log.append('incident.declared', 'INC-2');
    await eventually(() => expect(handled).toEqual([2]));
  });

  test('of some types gets those', async () => {
    const log = await freshLog();
    const { handled } = await subscriber(log, { from: 'beginning', types: ['incident.*'] });
    for (const type of ['incident.declared', 'page.requested', 'slo.defined', 'incident.resolved'])
      await log.append(type, 'INC-1');
    await eventually(() => expect(handled).toEqual([1, 4]));
  });

  test('reads from the log what the stream lost', async () => {
    const log = await freshLog();
    const { handled } = await subscriber(log, { from: 'beginning' });
    await log.append('incident.declared', 'INC-1');
    await log.append('incident.declared', 'INC-2', { lost: true });
    await log.append('incident.declared', 'INC-3');
    await eventually(() => expect(handled).toEqual(upTo(3)));
  });

  test('goes on where it stopped, in a new process too', async () => {
    const log = await freshLog();
    const first = await subscriber(log, { from: 'beginning' });
    await log.append('incident.declared', 'INC-1');
    await eventually(() => expect(first.handled).toEqual([1]));
    await first.subscription.stop();
    await log.append('incident.declared', 'INC-2');
    const second = await subscriber(log, { durable: first.all.durable });
    // The server may still be taking note of the last acknowledgement: then that event comes again, before the next.
    await eventually(() => expect(second.handled.at(-1)).toBe(2));
    expect([[2], [1, 2]]).toContainEqual(second.handled);
  });

  test('whose handler hung at the end of an earlier run gets that event first, and in order', async () => {
    const log = await freshLog();
    for (let i = 0; i < 3; i += 1) await log.append('incident.declared', `INC-${i}`);
    let failures = 0;
    const first = await subscriber(log, {
      position: positionInMemory(0),
      onEvent: ({ position }) => {
        if (position < 2) return;
        failures += 1;
        throw new Error('the pager is away');
      },
    });
    await eventually(() => expect(failures).toBeGreaterThan(1));
    await first.subscription.stop();
    const second = await subscriber(log, { durable: first.all.durable });
    await eventually(() => expect(second.handled.slice(-2)).toEqual([2, 3]));
  });

  test('resumes by itself when the stream and its durable are gone, without a gap', async () => {
    const log = await freshLog();
    const { handled } = await subscriber(log, { from: 'beginning' });
    for (let i = 0; i < 3; i += 1) await log.append('incident.declared', `INC-${i}`);
    await eventually(() => expect(handled).toEqual(upTo(3)));
    await bus.jsm.streams.delete(Streams.EVENTS);
    await log.append('incident.declared', 'INC-4', { lost: true });
    await log.append('incident.declared', 'INC-5', { lost: true });
    await bus.reconcile();
    for (const event of log.events) await log.copy(event);
    await log.append('incident.declared', 'INC-6');
    await eventually(() => expect(handled).toEqual(upTo(6)), { timeoutMs: 20_000 });
  }, 30_000);

  test('outlasts a wiped server', async () => {
    const log = await freshLog();
    const { handled } = await subscriber(log, { from: 'beginning', types: ['incident.*'] });
    await log.append('incident.declared', 'INC-1');
    await eventually(() => expect(handled).toEqual([1]));
    await nats.wipe();
    await log.append('incident.declared', 'INC-2', { lost: true });
    await eventually(async () => {
      await bus.reconcile();
      await log.copy(log.events[0] as (typeof log.events)[0]);
    });
    await eventually(() => log.append('incident.declared', 'INC-3'));
    await eventually(() => expect(handled).toEqual(upTo(log.events.length)), { timeoutMs: 20_000 });
  }, 40_000);

  test('refuses a durable that is no name', async () => {
    const wrong = {
      servers: address('subscriber'),
      durable: 'a.b',
      api: { url: 'http://x', token: '' },
      onEvent() {},
    };
    await expect(subscribe(wrong) as Promise<EventSubscription>).rejects.toThrow(TypeError);
  });
});
