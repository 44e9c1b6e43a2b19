import { Headers, Streams } from '@bellwether/contracts';
import { eventually, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { type Bus, connectBus } from './bus.js';
import { BusCredentialsRefused } from './errors.js';
import { silentLog } from './memory-store.fixture.js';
import { natsAccessConfig } from './server-config.js';
import { SubscriberApi } from './subscriber-api.js';
import { eventsConsumer } from './topology.js';

const password = 'with "quotes", a \\ and $dollar';
// Servers are killed and started here, on machines that do other things too.
jest.setTimeout(60_000);

let nats: TestNats;
let services: Bus;
let subscriberApi: SubscriberApi;
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
  subscriberApi = new SubscriberApi({ bus: services, service: 'relay' });
  publisher = await plain('publisher');
  subscriber = await plain('subscriber');
});
afterAll(async () => {
  await publisher.close();
  await subscriber.close();
  await subscriberApi.stop();
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

  test('hears which measurements were refused, and why', async () => {
    const heard: unknown[] = [];
    publisher.subscribe('dlq.sli.checkout.>', {
      callback: (_, message) => void heard.push([message?.subject, message?.headers?.get(Headers.error)]),
    });
    await publisher.flush();
    const why = headers();
    why.set(Headers.error, 'not JSON');
    await services.js.publish('dlq.sli.checkout.availability', '{', { headers: why });
    await eventually(() => expect(heard).toEqual([['dlq.sli.checkout.availability', 'not JSON']]));
  });

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
    services.nc.publish('_INBOX.theirs', 'an answer within');
    services.nc.publish('deliver._INBOX.theirs', 'an event');
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

  test('may be pushed to, on an inbox and for as long as it listens', async () => {
    const inbox = '_INBOX.pushed.1';
    const got: string[] = [];
    const listening = subscriber.subscribe(inbox, {
      callback: (_, message) => {
        // As clients do: a request of flow control is answered, or the server sends no more.
        if (message.headers?.code === 100) return void message.respond();
        got.push(message.subject);
      },
    });
    const jsm = await jetstreamManager(subscriber, { checkAPI: false });
    const made = await jsm.consumers.add(Streams.EVENTS, {
      deliver_subject: inbox,
      filter_subject: 'evt.incident.>',
      ack_policy: AckPolicy.None,
      idle_heartbeat: 1_000_000_000,
      flow_control: true,
    });
    expect(made.config.deliver_subject).toBe(inbox);
    await eventually(() =>
      expect(got).toEqual(['evt.incident.declared.INC-1', 'evt.incident.resolved.INC-1']),
    );
    expect(await jsm.consumers.delete(Streams.EVENTS, made.name)).toBe(true);
    listening.unsubscribe();
  });

  test.each([
    'evt.incident.declared.INC-9',
    'sli.a.b',
    'cmd.paging.token-create',
    'measured.00',
    '_INBOX.x',
    'log.appended.control',
    'receipt._INBOX.x',
    'deliver._INBOX.x',
    'subscriber.CONSUMER.DELETE.EVENTS.incident',
  ])('may not publish to %s', async (subject) => {
    expect(await reaches(subscriber, subject)).toBe(false);
  });

  test.each([
    'measured.>',
    'dlq.>',
    'sli.>',
    'cmd.>',
    '_BELLWETHER.>',
    'receipt.>',
    'deliver.>',
    'subscriber.>',
    '>',
  ])('may not listen to %s', async (subject) => {
    expect(await mayListen(subscriber, subject)).toBe(false);
  });

  test('hears events and refused measurements as they are published, and says nothing there', async () => {
    const heard: (string | undefined)[] = [];
    for (const subject of ['evt.rule.>', 'dlq.sli.search.>']) {
      subscriber.subscribe(subject, {
        callback: (_, message) => {
          heard.push(message?.subject);
          // What it answers goes nowhere: the subject that the relay waits on is in another account.
          message?.respond('an answer');
        },
      });
    }
    await subscriber.flush();
    const { seq } = await services.js.publish('evt.rule.defined.latency', '{}');
    await services.js.publish('dlq.sli.search.latency', '{}');
    await eventually(() => expect(heard).toEqual(['evt.rule.defined.latency', 'dlq.sli.search.latency']));
    expect(await reaches(subscriber, 'evt.rule.defined.latency')).toBe(false);
    expect(await reaches(subscriber, 'dlq.sli.search.latency')).toBe(false);
    await services.jsm.streams.deleteMessage(Streams.EVENTS, seq);
  });

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

describe('what a subscriber has sent to a subject of its choice', () => {
  const subjects = [
    ...['cmd.paging.token-create', 'sli.a.b', 'evt.incident.declared.INC-9', 'measured.00', 'dlq.sli.a.b'],
    ...['log.appended.control', 'receipt._INBOX.x', 'subscriber.CONSUMER.DELETE.EVENTS.incident'],
    ...[
      '$JS.API.STREAM.DELETE.SLI',
      '$JS.API.STREAM.PURGE.EVENTS',
      '$JS.API.CONSUMER.DELETE.EVENTS.incident',
    ],
    ...['$JS.API.CONSUMER.MSG.NEXT.EVENTS.incident', '$JS.API.CONSUMER.CREATE.EVENTS.evil'],
    ...['$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.evil', '$JS.FC.EVENTS.incident.x', '$JS.EVENT.ADVISORY.x'],
    ...['$JS.API.CONSUMER.INFO.EVENTS.incident', '$JS.ACK.EVENTS.incident.1.1.1.1.0'],
  ];
  const one = JSON.stringify({ batch: 1, no_wait: true });
  /** Everything that the server answers by: an event, an empty message without one, and JSON. */
  const questions: [what: string, subject: string, body: string][] = [
    ['an event', '$JS.API.CONSUMER.MSG.NEXT.EVENTS.full', one],
    ['an empty message', '$JS.API.CONSUMER.MSG.NEXT.EVENTS.empty', one],
    ['a description', '$JS.API.CONSUMER.INFO.EVENTS.full', ''],
    ['a refusal', '$JS.API.CONSUMER.CREATE.EVENTS.full', '{}'],
  ];

  beforeAll(async () => {
    const jsm = await jetstreamManager(subscriber, { checkAPI: false });
    for (let n = 0; n < 40; n += 1) await services.js.publish(`evt.page.requested.INC-2-P${n}`, '{}');
    const config = { ack_policy: AckPolicy.Explicit, max_ack_pending: -1 };
    await jsm.consumers.add(Streams.EVENTS, { ...config, durable_name: 'full' });
    await jsm.consumers.add(Streams.EVENTS, {
      ...config,
      durable_name: 'empty',
      deliver_policy: DeliverPolicy.New,
    });
  });

  const heldBy = async () => {
    const streams = [];
    for await (const { config, state } of services.jsm.streams.list()) {
      streams.push([config.name, state.messages, state.last_seq]);
    }
    const { config, delivered } = await services.jsm.consumers.info(Streams.EVENTS, 'incident');
    return { streams, incident: { config, sequence: delivered.consumer_seq } };
  };

  /** Asks, and waits until an inbox of its own has the answer. */
  let asked = 0;
  const answered = async (question: string, body: string) => {
    const reply = `_INBOX.asked.${++asked}`;
    await new Promise((resolve) => {
      subscriber.subscribe(reply, { max: 1, callback: (_, message) => resolve(message) });
      subscriber.publish(question, body, { reply });
    });
  };

  test.each(questions)('gets to its own inbox: %s', async (_, question, body) => {
    await answered(question, body);
  });

  test.each(subjects)('does not get to %s', async (subject) => {
    const before = await heldBy();
    const arrived: string[] = [];
    const listening = services.nc.subscribe(subject, {
      callback: (_, message) => void arrived.push(message.string()),
    });
    await services.nc.flush();
    for (const [, question, body] of questions) subscriber.publish(question, body, { reply: subject });
    // Those of before have been answered when this one is: the same connection, stream and consumer.
    for (const [, question, body] of questions) await answered(question, body);
    await services.nc.flush();
    listening.unsubscribe();
    expect(arrived).toEqual([]);
    expect(await heldBy()).toEqual(before);
  });

  test.each([...subjects, 'deliver._INBOX.x', '_INBOX.>', '_INBOX.*', '_INBOX.a b', 7])(
    'is not pushed to %s',
    async (subject) => {
      const before = await heldBy();
      const jsm = await jetstreamManager(subscriber, { checkAPI: false });
      const pushed = jsm.consumers.add(Streams.EVENTS, {
        deliver_subject: subject as string,
        ack_policy: AckPolicy.None,
        idle_heartbeat: 100_000_000,
      });
      await expect(pushed).rejects.toThrow(/deliver_subject must be an inbox/);
      expect(await heldBy()).toEqual(before);
    },
  );

  test.each([
    ['deliver_Subject', { deliver_Subject: 'cmd.x.y' }, /must not have "deliver_Subject"/],
    ['a setting of the future', { sink: 'cmd.x.y' }, /must not have "sink"/],
    ['a durable', { deliver_subject: '_INBOX.x', durable_name: 'pushed' }, /is pulled from/],
  ])('nor by %s', async (_, config, message) => {
    const body = { stream_name: Streams.EVENTS, config: { ack_policy: AckPolicy.None, ...config } };
    const answer = await subscriber.request('$JS.API.CONSUMER.CREATE.EVENTS', JSON.stringify(body));
    expect(answer.json()).toMatchObject({
      error: { code: 400, description: expect.stringMatching(message) },
    });
  });

  test('what is no request is refused in JetStream’s own words', async () => {
    for (const body of ['', '[]', '{', '{"config":[]}', '{"stream_name":"SLI","config":{}}']) {
      const answer = await subscriber.request('$JS.API.CONSUMER.CREATE.EVENTS', body);
      expect(answer.json()).toMatchObject({ error: { code: 400 } });
    }
  });
});

describe('services', () => {
  test('may do everything', async () => {
    for (const subject of ['cmd.x.y', 'evt.a.b', 'measured.00', 'dlq.sli.a.b', 'log.appended.control']) {
      expect(await reaches(services.nc, subject)).toBe(true);
    }
  });
});
