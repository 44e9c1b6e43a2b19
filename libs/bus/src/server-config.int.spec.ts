import { Streams } from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type Bus, connectBus } from './bus.js';
import { BusCredentialsRefused } from './errors.js';
import { silentLog } from './memory-store.fixture.js';
import { natsAccessConfig } from './server-config.js';
import { eventsConsumer } from './topology.js';

const password = 'with "quotes", a \\ and $dollar';
// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let nats: TestNats;
let services: Bus;
let publisher: NatsConnection;
let subscriber: NatsConnection;

const url = (user: string, secret = password) =>
  nats.url.replace('nats://', `nats://${user}:${encodeURIComponent(secret)}@`);

/** As anyone connects who knows nothing of Bellwether: default options, plain client. */
const plain = (user: string) => connect({ servers: nats.url, user, pass: password, timeout: 2_000 });

beforeAll(async () => {
  const of = (user: string) => ({ user, password });
  nats = await startNats({
    config: natsAccessConfig({
      services: of('services'),
      publisher: of('publisher'),
      subscriber: of('subscriber'),
    }),
  });
  services = await connectBus({ servers: url('services'), name: 'services', log: silentLog });
  services.declare(eventsConsumer('incident'));
  await services.reconcile();
  publisher = await plain('publisher');
  subscriber = await plain('subscriber');
});
afterAll(async () => {
  await publisher.close();
  await subscriber.close();
  await services.drain();
  await nats.stop();
});

/** Whether the server lets `connection` publish to `subject`, seen from the other side. */
async function reaches(connection: NatsConnection, subject: string): Promise<boolean> {
  let arrived = false;
  const listening = services.nc.subscribe(subject, {
    callback: () => {
      arrived = true;
    },
  });
  await services.nc.flush();
  connection.publish(subject, '{}');
  // The server handles what one connection sends in order, and permissions before delivery.
  await connection.flush();
  await services.nc.flush();
  await services.nc.flush();
  listening.unsubscribe();
  return arrived;
}

async function mayListen(connection: NatsConnection, subject: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const subscription = connection.subscribe(subject, { callback: (error) => resolve(error === null) });
    connection.flush().then(
      async () => {
        await connection.flush();
        subscription.unsubscribe();
        resolve(true);
      },
      () => resolve(false),
    );
  });
}

describe('credentials', () => {
  test('wrong ones are refused at once, without repeating them', async () => {
    const refused = connectBus({ servers: url('services', 'wrong-word'), name: 'x', log: silentLog });
    await expect(refused).rejects.toThrow(BusCredentialsRefused);
    await expect(refused).rejects.not.toThrow(/wrong-word/);
  });

  test('none at all are refused', async () => {
    await expect(connectBus({ servers: nats.url, name: 'x', log: silentLog })).rejects.toThrow(
      BusCredentialsRefused,
    );
  });
});

describe('a publisher', () => {
  test('publishes measurements with the acknowledgement of JetStream and deduplication', async () => {
    const js = jetstream(publisher);
    const first = await js.publish('sli.checkout.availability', '{}', { msgID: 'one' });
    expect(first).toMatchObject({ stream: Streams.SLI, duplicate: false });
    const again = await js.publish('sli.checkout.availability', '{}', { msgID: 'one' });
    expect(again).toMatchObject({ seq: first.seq, duplicate: true });
  });

  test('gets receipts on its own inbox', async () => {
    const got: string[] = [];
    publisher.subscribe('_INBOX.mine.1', { callback: (_, message) => void got.push(message?.string()) });
    await publisher.flush();
    await eventually(() => {
      services.receipt('_INBOX.mine.1', 'accepted');
      expect(got).toContain('accepted');
    });
  });

  test.each([
    'evt.incident.declared.INC-1',
    'cmd.incident.declare',
    'measured.00',
    'dlq.sli.a.b',
    'log.appended.control',
  ])('may not publish to %s', async (subject) => {
    expect(await reaches(publisher, subject)).toBe(false);
  });

  test.each(['evt.>', 'sli.>', 'cmd.>', 'measured.>', '_BELLWETHER.>', '>'])(
    'may not listen to %s',
    async (subject) => {
      expect(await mayListen(publisher, subject)).toBe(false);
    },
  );

  test('may not use the API of JetStream', async () => {
    const jsm = await jetstreamManager(publisher, { checkAPI: false, timeout: 500 });
    await expect(jsm.streams.info(Streams.SLI)).rejects.toThrow();
    await expect(jsm.streams.names().next()).rejects.toThrow();
  });

  test('hears nothing of what subscribers are sent, whatever inbox it listens to', async () => {
    const heard: string[] = [];
    publisher.subscribe('_INBOX.>', { callback: (_, message) => void heard.push(message?.subject) });
    await publisher.flush();
    let received = 0;
    subscriber.subscribe('_INBOX.theirs', { callback: () => void received++ });
    await subscriber.flush();
    services.nc.publish('_INBOX.theirs', 'an event');
    await eventually(() => expect(received).toBe(1));
    await publisher.flush();
    expect(heard).not.toContain('_INBOX.theirs');
  });
});

describe('a subscriber', () => {
  test('creates a durable on EVENTS, pulls, acknowledges, resumes and removes it', async () => {
    await services.js.publish('evt.incident.declared.INC-1', '{"n":1}');
    await services.js.publish('evt.page.requested.INC-1-P1', '{"n":2}');
    await services.js.publish('evt.incident.resolved.INC-1', '{"n":3}');
    const jsm = await jetstreamManager(subscriber);
    await jsm.consumers.add(Streams.EVENTS, {
      durable_name: 'pager',
      filter_subject: 'evt.incident.>',
      ack_policy: AckPolicy.Explicit,
    });
    const consumer = await jetstream(subscriber).consumers.get(Streams.EVENTS, 'pager');
    const first = await consumer.next({ expires: 2_000 });
    expect(first?.subject).toBe('evt.incident.declared.INC-1');
    expect(await first?.ackAck()).toBe(true);
    const messages = await consumer.consume({ max_messages: 10, expires: 2_000 });
    for await (const message of messages) {
      expect(message.subject).toBe('evt.incident.resolved.INC-1');
      message.ack();
      break;
    }
    await messages.close();
    expect((await consumer.info()).config.durable_name).toBe('pager');
    expect((await jsm.streams.info(Streams.EVENTS)).config.name).toBe(Streams.EVENTS);
    expect(await jsm.consumers.delete(Streams.EVENTS, 'pager')).toBe(true);
  });

  test('may use an ordered consumer', async () => {
    const consumer = await jetstream(subscriber).consumers.get(Streams.EVENTS, {
      filter_subjects: 'evt.page.>',
    });
    const message = await consumer.next({ expires: 2_000 });
    expect(message?.subject).toBe('evt.page.requested.INC-1-P1');
  });

  test.each([
    'evt.incident.declared.INC-9',
    'sli.a.b',
    'cmd.paging.token-create',
    'measured.00',
    '_INBOX.x',
    'log.appended.control',
    'receipt._INBOX.x',
  ])('may not publish to %s', async (subject) => {
    expect(await reaches(subscriber, subject)).toBe(false);
  });

  test.each(['evt.>', 'sli.>', 'cmd.>', '_BELLWETHER.>', 'receipt.>', '>'])(
    'may not listen to %s',
    async (subject) => {
      expect(await mayListen(subscriber, subject)).toBe(false);
    },
  );

  test('may not touch streams, or consumers of other streams', async () => {
    const jsm = await jetstreamManager(subscriber, { checkAPI: false, timeout: 300 });
    const attempts: Record<string, () => Promise<unknown>> = {
      'delete EVENTS': () => jsm.streams.delete(Streams.EVENTS),
      'purge EVENTS': () => jsm.streams.purge(Streams.EVENTS),
      'update EVENTS': () => jsm.streams.update(Streams.EVENTS, { max_msgs: 1 }),
      'read SLI': () => jsm.streams.getMessage(Streams.SLI, { seq: 1 }),
      'read a message of EVENTS by number': () => jsm.streams.getMessage(Streams.EVENTS, { seq: 1 }),
      'delete a message': () => jsm.streams.deleteMessage(Streams.EVENTS, 1),
      'add a stream': () => jsm.streams.add({ name: 'MINE', subjects: ['mine.>'] }),
      'look at SLI': () => jsm.streams.info(Streams.SLI),
      'a consumer on SLI': () =>
        jsm.consumers.add(Streams.SLI, { durable_name: 'spy', ack_policy: AckPolicy.Explicit }),
      'a consumer on MEASURED': () =>
        jsm.consumers.add(Streams.MEASURED, { durable_name: 'spy', ack_policy: AckPolicy.Explicit }),
      'delete a service’s consumer': () => jsm.consumers.delete(Streams.EVENTS, 'incident'),
      'change a service’s consumer': () =>
        jsm.consumers.update(Streams.EVENTS, 'incident', { max_ack_pending: 1 }),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      const outcome = await attempt().then(
        () => 'permitted',
        () => 'refused',
      );
      expect([what, outcome]).toEqual([what, 'refused']);
    }
    const info = await services.jsm.streams.info(Streams.EVENTS);
    expect([info.state.messages, info.config.max_msgs]).toEqual([3, 1_000_000]);
    expect((await services.jsm.consumers.info(Streams.EVENTS, 'incident')).config.max_ack_pending).toBe(
      2_000,
    );
  });

  test('may not take a service’s events away', async () => {
    subscriber.publish('$JS.API.CONSUMER.MSG.NEXT.EVENTS.incident', '10', { reply: '_INBOX.steal' });
    await subscriber.flush();
    const { num_waiting, delivered } = await services.jsm.consumers.info(Streams.EVENTS, 'incident');
    expect([num_waiting, delivered.consumer_seq]).toEqual([0, 0]);
  });
});

describe('a subscriber who speaks the protocol by hand', () => {
  test.each([
    ['$JS.API.CONSUMER.CREATE.EVENTS', { name: 'incident' }],
    ['$JS.API.CONSUMER.CREATE.EVENTS', { durable_name: 'incident' }],
    ['$JS.API.CONSUMER.CREATE.EVENTS.mine', { name: 'incident', durable_name: 'incident' }],
    ['$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.mine', { durable_name: 'incident' }],
  ])('may not change a service’s consumer through %s', async (subject, name) => {
    // The consumer as it is but for one setting that may be changed: nothing but the permissions speaks against it.
    const { config: own } = await services.jsm.consumers.info(Streams.EVENTS, 'incident');
    const { name: _name, durable_name: _durable, ...rest } = own;
    const body = JSON.stringify({ stream_name: 'EVENTS', config: { ...rest, ...name, max_ack_pending: 1 } });
    const answer = await subscriber.request(subject, body, { timeout: 1_000 }).then(
      (message) => message.json(),
      (refused: Error) => ({ error: { code: refused.name } }),
    );
    expect(answer).toMatchObject({ error: { code: expect.anything() } });
    const { config: kept } = await services.jsm.consumers.info(Streams.EVENTS, 'incident');
    expect(kept).toEqual(own);
  });
});

describe('services', () => {
  test('may do everything', async () => {
    for (const subject of ['cmd.x.y', 'evt.a.b', 'measured.00', 'dlq.sli.a.b', 'log.appended.control']) {
      expect(await reaches(services.nc, subject)).toBe(true);
    }
  });
});
